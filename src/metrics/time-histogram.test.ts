import { describe, expect, it } from 'vitest'
import { AnswerTimes, summarize, TimeHistogram } from './time-histogram.ts'

const of = (...values: number[]): TimeHistogram => {
  const histogram = new TimeHistogram()
  for (const value of values) histogram.add(value, 1)
  return histogram
}

describe('TimeHistogram', () => {
  it('has quantiles within 1.6 % of the exact ones, from microseconds to minutes', () => {
    for (let ms = 0.01; ms < 1_000_000; ms *= 1.37) {
      const { p50 = 0, mean = 0 } = summarize(of(ms)) ?? {}
      expect(Math.abs(p50 / ms - 1)).toBeLessThan(ms < 0.1 ? 0.11 : 0.0161)
      expect(mean).toBeCloseTo(ms, 9)
    }
  })

  it('finds quantiles of many durations', () => {
    const { count, p50, p95, p99 } = summarize(of(...Array.from({ length: 1_000 }, (_, i) => i + 1))) ?? {
      p50: 0,
      p95: 0,
      p99: 0,
    }
    expect(count).toBe(1_000)
    for (const [found, exact] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
    ] as const) {
      expect(Math.abs(found / exact - 1)).toBeLessThan(0.02)
    }
  })

  it('counts 0 as 0, and durations above half an hour as half an hour', () => {
    expect(summarize(of(0, 0))).toEqual({ count: 2, mean: 0, p50: 0, p95: 0, p99: 0 })
    expect(summarize(of(1e9))?.p50).toBeGreaterThan(2_000_000)
    expect(summarize(of())).toBeUndefined()
  })

  it('counts a duration several times, and merges and subtracts histograms', () => {
    const all = of(1, 2)
    all.add(20, 98)
    expect(summarize(all)?.p50).toBeCloseTo(20, 0)
    const before = all.snapshot()
    all.add(300, 3)
    const since = new TimeHistogram()
    since.merge(all)
    since.merge(before, -1)
    expect([since.count, Math.round((summarize(since)?.p50 ?? 0) / 10)]).toEqual([3, 30])
    expect([before.count, all.count]).toEqual([100, 103])
  })
})

describe('AnswerTimes', () => {
  it('counts planned and achieved times separately', () => {
    const times = new AnswerTimes()
    times.firstToken(300, 305)
    times.gaps(20, 22, 4)
    const copy = structuredClone(times.snapshot())
    expect([copy.firstPlanned.sumMs, copy.firstAchieved.sumMs]).toEqual([300, 305])
    expect([copy.gapPlanned.count, copy.gapAchieved.sumMs, copy.latency.count]).toEqual([4, 88, 0])
  })
})
