import { describe, expect, it } from 'vitest'
import { MemoryBudget } from './memory-budget.ts'

describe('MemoryBudget', () => {
  it('reserves memory up to its limit, and nothing if it refuses', () => {
    const budget = new MemoryBudget(() => 100)
    expect([budget.tryReserve(60), budget.tryReserve(60), budget.reservedBytes]).toEqual([true, false, 60])
    budget.release(60)
    expect(budget.tryReserve(100)).toBe(true)
  })

  it('exceeds its limit for a request that holds all reserved memory, and for no other', () => {
    const budget = new MemoryBudget(() => 100)
    budget.tryReserve(80)
    expect(budget.tryReserve(200, 80)).toBe(true)
    expect(budget.tryReserve(1)).toBe(false)
    expect(budget.tryReserve(1, 80)).toBe(false)
  })

  it('reserves at most 256 MB for a single request', () => {
    const budget = new MemoryBudget(() => 100)
    expect(budget.tryReserve(257 * 1024 * 1024)).toBe(false)
    expect(budget.tryReserve(256 * 1024 * 1024)).toBe(true)
  })

  it('applies a changed limit', () => {
    let limit = 100
    const budget = new MemoryBudget(() => limit)
    limit = 200
    expect(budget.tryReserve(150)).toBe(true)
  })
})
