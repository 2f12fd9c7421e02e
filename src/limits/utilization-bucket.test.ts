import { describe, expect, it } from 'vitest'
import { UtilizationBucket } from './provisioned-limiter.ts'

/** 100 units of gpt-4o: 250,000 weighted tokens per minute. 100 % is the work of a minute. */
const open = (): UtilizationBucket => new UtilizationBucket(250_000, 60_000)

describe('UtilizationBucket', () => {
  it('has a utilization of pending work divided by the throughput in the window', () => {
    const bucket = open()
    bucket.add(0, 25_000)
    expect(bucket.utilization(0)).toBeCloseTo(0.1)
  })

  it('drains steadily at the rate of the units, down to 0', () => {
    const bucket = open()
    bucket.add(0, 125_000)
    expect(bucket.utilization(15_000)).toBeCloseTo(0.25)
    expect(bucket.utilization(120_000)).toBe(0)
  })

  it('exceeds 100 % in a burst, and returns the exact wait', () => {
    const bucket = open()
    bucket.add(0, 300_000)
    expect(bucket.utilization(0)).toBeCloseTo(1.2)
    const waitMs = bucket.waitMs(0)
    expect(waitMs).toBeCloseTo(12_000, -2)
    expect(bucket.waitMs(waitMs - 2)).toBeGreaterThan(0)
    expect(bucket.waitMs(waitMs)).toBe(0)
  })

  it('corrects an estimate, down to 0 at most', () => {
    const bucket = open()
    bucket.add(0, 100_000)
    bucket.add(0, -40_000)
    expect(bucket.utilization(0)).toBeCloseTo(0.24)
    bucket.add(0, -1_000_000)
    expect(bucket.utilization(0)).toBe(0)
  })

  it('keeps the pending work when the units change', () => {
    const bucket = open()
    bucket.add(0, 125_000)
    bucket.resize(500_000, 60_000, 0)
    expect(bucket.utilization(0)).toBeCloseTo(0.25)
  })

  it('admits nothing without units', () => {
    expect(new UtilizationBucket(0, 60_000).waitMs(0)).toBe(Infinity)
  })
})
