import { describe, expect, it } from 'vitest'
import { type Retry, RetryFindings } from './retry-findings.ts'

const findingsOf = (...waits: readonly number[]): RetryFindings => {
  const findings = new RetryFindings()
  for (const [index, waitedMs] of waits.entries()) {
    const retry = {
      resource: 'default',
      deployment: 'gpt-4o',
      status: '429',
      index,
      waitedMs,
      startedMs: index,
    }
    findings.add(retry as unknown as Retry, 0)
  }
  return findings
}

describe('waits in retry findings', () => {
  it('are undefined without retries', () => {
    expect(findingsOf().waited).toBeUndefined()
  })

  it('have an exact minimum and maximum, and a median within 1 %', () => {
    const waits = Array.from({ length: 1_001 }, (_, index) => 50 + index * 59)
    const { minMs, medianMs, maxMs } = findingsOf(...waits).waited!
    expect([minMs, maxMs]).toEqual([50, 59_050])
    expect(Math.abs(medianMs / 29_550 - 1)).toBeLessThan(0.01)
  })

  it('have an exact median if there is one wait', () => {
    for (const waitMs of [0, 0.4, 12.3, 12_345.6]) {
      expect(findingsOf(waitMs).waited).toEqual({ minMs: waitMs, medianMs: waitMs, maxMs: waitMs })
    }
  })

  it('have a median of whole milliseconds below 100 ms', () => {
    for (let waitMs = 1; waitMs < 100; waitMs++) {
      expect(findingsOf(0, waitMs, 200).waited?.medianMs).toBe(waitMs)
    }
  })

  it('include the waits of other findings after a merge', () => {
    const all = findingsOf(5)
    all.merge(findingsOf(1, 2, 90))
    all.merge(findingsOf())
    expect(all.waited).toEqual({ minMs: 1, medianMs: 2, maxMs: 90 })
  })
})
