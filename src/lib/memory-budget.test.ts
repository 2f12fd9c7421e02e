import { describe, expect, it } from 'vitest'
import { MemoryBudget } from './memory-budget.ts'

describe('MemoryBudget', () => {
  it('gives memory up to its limit, and takes nothing where it refuses', () => {
    const budget = new MemoryBudget(() => 100)
    expect([budget.take(60), budget.take(60), budget.takenBytes]).toEqual([true, false, 60])
    budget.give(60)
    expect(budget.take(100)).toBe(true)
  })

  it('gives more than its limit to a request that holds all that is taken, and to no other', () => {
    const budget = new MemoryBudget(() => 100)
    budget.take(80)
    expect(budget.take(200, 80)).toBe(true)
    expect(budget.take(1)).toBe(false)
    expect(budget.take(1, 80)).toBe(false)
  })

  it('gives 256 MB to a request that is alone, and no more', () => {
    const budget = new MemoryBudget(() => 100)
    expect(budget.take(257 * 1024 * 1024)).toBe(false)
    expect(budget.take(256 * 1024 * 1024)).toBe(true)
  })

  it('follows a limit that changes', () => {
    let limit = 100
    const budget = new MemoryBudget(() => limit)
    limit = 200
    expect(budget.take(150)).toBe(true)
  })
})
