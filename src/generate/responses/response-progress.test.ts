import { describe, expect, it } from 'vitest'
import { ResponseProgress } from './stream-response.ts'

const schedule = { stepsMs: new Float64Array([400, 1_000]), endMs: 1_000 }

describe('response progress', () => {
  it('of a background response goes from queued to in progress to ended by its schedule', () => {
    const progress = new ResponseProgress(true, 5_000)
    progress.plan(schedule)
    const stages = [5_000, 5_099, 5_100, 5_999, 6_000, 9_000].map((nowMs) => progress.stageAt(nowMs))
    expect(stages).toEqual(['queued', 'queued', 'in_progress', 'in_progress', 'ended', 'ended'])
    expect(progress.endMs).toBe(6_000)
  })

  it('of a background response ends immediately without a schedule', () => {
    expect(new ResponseProgress(true, 5_000).stageAt(5_000)).toBe('ended')
  })

  it('stays cancelled, and does not change if a response has ended', () => {
    const early = new ResponseProgress(true, 0)
    early.plan(schedule)
    early.cancel(500)
    expect([500, 2_000].map((nowMs) => early.stageAt(nowMs))).toEqual(['cancelled', 'cancelled'])
    const late = new ResponseProgress(true, 0)
    late.plan(schedule)
    late.cancel(1_000)
    expect(late.stageAt(1_000)).toBe('ended')
  })

  it('of a foreground response ends when the answer has been sent', () => {
    const progress = new ResponseProgress(false, 0)
    expect(progress.stageAt(10_000)).toBe('in_progress')
    progress.finish(10_000)
    expect(progress.stageAt(10_000)).toBe('ended')
    expect(progress.endMs).toBe(10_000)
  })
})
