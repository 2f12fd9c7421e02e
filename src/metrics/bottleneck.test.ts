import { describe, expect, it } from 'vitest'
import type { LoopLagReading } from '../lib/loop-lag.ts'
import {
  type Bottleneck,
  BottleneckWatch,
  describeBottleneck,
  ALERT_DURATION_MS,
  WINDOW_MS,
} from './bottleneck.ts'

const setUp = () => {
  const found: Bottleneck[] = []
  const lag: LoopLagReading = { medianMs: 1, p99Ms: 2, maxMs: 3 }
  const loop = { lag }
  const watch = new BottleneckWatch({
    loopLag: { take: () => loop.lag },
    onBottleneck: (bottleneck) => found.push(bottleneck),
  })
  watch.advance(0)
  const send = (count: number, lateMs: number, nowMs: number): void => {
    for (let i = 0; i < count; i++) watch.sent(lateMs, nowMs)
  }
  return { watch, found, loop, send }
}

describe('BottleneckWatch', () => {
  it('is not slow while at most 1 % of the parts are more than 25 ms late', () => {
    const { watch, found, send } = setUp()
    send(990, 25, 10)
    send(10, 400, 10)
    expect(watch.isSlow(WINDOW_MS)).toBe(false)
    expect(found).toEqual([])
  })

  it('reports more late parts at the end of the window', () => {
    const { watch, found, send } = setUp()
    send(988, 3, 10)
    send(12, 40, 10)
    expect(watch.isSlow(WINDOW_MS - 1)).toBe(false)
    expect(watch.isSlow(WINDOW_MS)).toBe(true)
    expect(found).toMatchObject([{ windowMs: WINDOW_MS, parts: 1_000, lateParts: 12, worstMs: 40 }])
  })

  it('ignores a window with few parts', () => {
    const { watch, send } = setUp()
    send(10, 400, 10)
    expect(watch.isSlow(WINDOW_MS)).toBe(false)
  })

  it('reports event-loop lag, also without paced parts', () => {
    const { watch, found, loop } = setUp()
    loop.lag = { medianMs: 20, p99Ms: 51, maxMs: 80 }
    watch.advance(WINDOW_MS)
    expect(watch.isSlow(WINDOW_MS)).toBe(true)
    expect(watch.loopLag).toBe(loop.lag)
    expect(found).toHaveLength(1)
  })

  it('ignores event-loop lag before the first request', () => {
    const lags = [90, 3]
    const found: Bottleneck[] = []
    const watch = new BottleneckWatch({
      loopLag: { take: () => ({ medianMs: 1, p99Ms: lags.shift() ?? 0, maxMs: 100 }) },
      onBottleneck: (bottleneck) => found.push(bottleneck),
    })
    watch.advance(60_000)
    expect(watch.isSlow(60_000 + WINDOW_MS)).toBe(false)
    expect(watch.loopLag.p99Ms).toBe(3)
    expect(found).toEqual([])
  })

  it('evaluates each window separately, and is no longer slow after a minute', () => {
    const { watch, send } = setUp()
    send(100, 100, 10)
    send(100, 0, WINDOW_MS)
    expect(watch.isSlow(WINDOW_MS)).toBe(true)
    expect(watch.isSlow(WINDOW_MS + ALERT_DURATION_MS)).toBe(true)
    expect(watch.isSlow(WINDOW_MS + ALERT_DURATION_MS + 1)).toBe(false)
  })

  it('reports a bottleneck at most once per minute', () => {
    const { found, send } = setUp()
    for (let nowMs = 0; nowMs < 3 * ALERT_DURATION_MS; nowMs += 100) send(10, 100, nowMs)
    expect(found).toHaveLength(3)
  })
})

describe('describeBottleneck', () => {
  it('has the cause, the figures and the fix', () => {
    const loopLag = { medianMs: 12, p99Ms: 61.4, maxMs: 90 }
    const text = describeBottleneck({
      windowMs: 5_003,
      parts: 2_000,
      lateParts: 123,
      worstMs: 131.7,
      loopLag,
    })
    expect(text).toBe(
      'The simulator was the bottleneck: in the last 5 s, 123 of 2000 tokens and answers (6.2 %) were sent more than 25 ms late (at most 132 ms), and event-loop lag was 61 ms (p99). Times measured in this period do not describe the simulated service. Add workers, give each process its own core, or reduce the load.',
    )
    const idle = describeBottleneck({ windowMs: 5_000, parts: 0, lateParts: 0, worstMs: 0, loopLag })
    expect(idle).toContain(': in the last 5 s, event-loop lag was 61 ms (p99). Times')
  })
})
