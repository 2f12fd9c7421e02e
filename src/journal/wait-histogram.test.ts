import { describe, expect, it } from 'vitest'
import { WaitHistogram } from './retry-findings.ts'

const summaryOf = (...waits: readonly number[]) => {
  const histogram = new WaitHistogram()
  for (const waitMs of waits) histogram.add(waitMs)
  return histogram.summary
}

describe('WaitHistogram', () => {
  it('has no summary without waits', () => {
    expect(summaryOf()).toBeUndefined()
  })

  it('gives the ends exactly, and the median to within 1 %', () => {
    const waits = Array.from({ length: 1_001 }, (_, index) => 50 + index * 59)
    const { minMs, medianMs, maxMs } = summaryOf(...waits)!
    expect([minMs, maxMs]).toEqual([50, 59_050])
    expect(Math.abs(medianMs / 29_550 - 1)).toBeLessThan(0.01)
  })

  it('gives one wait as it is', () => {
    expect(summaryOf(12_345.6)).toEqual({ minMs: 12_345.6, medianMs: 12_345.6, maxMs: 12_345.6 })
  })

  it('takes in what another one has counted', () => {
    const all = new WaitHistogram()
    const other = new WaitHistogram()
    for (const waitMs of [1, 2, 90]) other.add(waitMs)
    all.add(5)
    all.absorb(other)
    all.absorb(new WaitHistogram())
    expect(all.summary).toEqual({ minMs: 1, medianMs: 2, maxMs: 90 })
  })
})
