import { describe, expect, it } from 'vitest'
import { budgetMegabytes } from './memory-budget.ts'

const GB = 1024 * 1024 * 1024

describe('budgetMegabytes', () => {
  it.each([
    ['a container of 1 GB', 1, 1, 0.5, 256],
    ['a container of 1 GB with four processes', 4, 1, 0.5, 64],
    ['a large machine', 1, 64, 4, 1_024],
    ['a small heap', 1, 64, 0.5, 256],
    ['a tiny heap', 1, 0.002, 0.001, 1],
  ])('of %s is a quarter of its memory, at most half of its heap', (_, processes, total, heap, expected) => {
    expect(budgetMegabytes(processes, { totalBytes: total * GB, heapBytes: heap * GB })).toBe(expected)
  })

  it('defaults to the limits of this process', () => {
    const megabytes = budgetMegabytes('auto')
    expect(megabytes).toBeGreaterThanOrEqual(1)
    expect(megabytes).toBeLessThanOrEqual(1_024)
  })
})
