import { describe, expect, it } from 'vitest'
import { axisTimes, figuresOf, nearestTo, rangeOf, timedChunks } from './chunk-times.ts'

const chunk = (planned: number | null, actual: number, bytes = 10) => ({
  planned_ms: planned,
  actual_ms: actual,
  bytes,
  text: null,
})

describe('the times of parts', () => {
  it('have a delay and a gap', () => {
    const timed = timedChunks([chunk(100, 101), chunk(120, 119.9), chunk(null, 200)])
    expect(timed.map(({ late_ms }) => late_ms)).toEqual([1, 0, null])
    expect(timed.map(({ gap_ms }) => Math.round(gap_ms * 10) / 10)).toEqual([101, 18.9, 80.1])
    const figures = figuresOf(timed)
    expect(figures).toMatchObject({ bytes: 30, firstMs: 101, lastMs: 200, medianLateMs: 0.5 })
    expect([figures.longestGap?.index, figures.latest?.index]).toEqual([2, 0])
  })

  it('have no figures without parts', () => {
    expect(figuresOf([])).toMatchObject({ bytes: 0, medianGapMs: undefined, latest: undefined })
    expect(rangeOf([])).toEqual({ fromMs: 0, toMs: 1 })
    expect(nearestTo([], 5)).toBeLessThanOrEqual(0)
  })

  it('have a range with a width, also for one part', () => {
    const { fromMs, toMs } = rangeOf(timedChunks([chunk(null, 50)]))
    expect(fromMs).toBeLessThan(50)
    expect(toMs).toBeGreaterThan(50)
  })

  it('find the nearest part', () => {
    const timed = timedChunks([chunk(0, 10), chunk(0, 20), chunk(0, 40)])
    expect([0, 14, 16, 29, 31, 99].map((ms) => nearestTo(timed, ms))).toEqual([0, 0, 1, 1, 2, 2])
  })

  it('have round values on the axis, with the decimals of their distance', () => {
    const labels = (fromMs: number, toMs: number) => axisTimes({ fromMs, toMs }).map(({ label }) => label)
    expect(labels(98, 212)).toEqual(['100', '120', '140', '160', '180', '200'].map((ms) => `${ms}\u202fms`))
    expect(labels(177.5, 178.5).slice(0, 2)).toEqual(['177.6\u202fms', '177.8\u202fms'])
    expect(labels(0, 9_000)).toEqual(['0', '2', '4', '6', '8'].map((seconds) => `${seconds}\u202fs`))
    expect(labels(2_000, 3_000)[1]).toBe('2.2\u202fs')
    expect(labels(0, 90_000).length).toBeLessThanOrEqual(7)
  })
})
