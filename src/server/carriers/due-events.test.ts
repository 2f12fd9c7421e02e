import { describe, expect, it } from 'vitest'
import { DueEvents } from './parts.ts'
import { testExchange } from '../../../tests/support/test-exchange.ts'

/** Events 0 and 1 belong to the first token, 2 and 3 to the next two, and 4 follows the last token. */
const steps = [0, 0, 1, 2, 3]
const body = {
  kind: 'events',
  count: steps.length,
  stepOf: (index: number) => steps[index] ?? 3,
  render: (index: number) => String(index),
} as const
const schedule = { stepsMs: new Float64Array([100, 120, 140]), endMs: 140 }

const setUp = () => {
  const exchange = testExchange({}, { startedMs: 1_000 })
  const reported: string[] = []
  const times: string[] = []
  exchange.pacingWatch = {
    sent: (part, lateMs, nowMs) => reported.push(`${part} ${lateMs} at ${nowMs}`),
    streamTimes: () => ({
      firstToken: (planned, achieved) => times.push(`first ${planned} ${achieved}`),
      gaps: (planned, achieved, count) => times.push(`${count} x ${planned} ${achieved}`),
    }),
  }
  return { events: new DueEvents(exchange, body, schedule), reported, times, exchange }
}

describe('DueEvents', () => {
  it('renders each event once, when it is due', () => {
    const { events } = setUp()
    expect([events.take(99), events.nextDueMs]).toEqual(['', 100])
    expect([events.take(100), events.nextDueMs]).toEqual(['01', 120])
    expect([events.take(130), events.nextDueMs]).toEqual(['2', 140])
    expect([events.take(150), events.done]).toEqual(['34', true])
  })

  it('renders all events immediately without a schedule, and reports no lateness', () => {
    const { exchange, reported } = setUp()
    const events = new DueEvents(exchange, body, undefined)
    expect([events.nextDueMs, events.take(0), events.done]).toEqual([0, '01234', true])
    expect(reported).toEqual([])
  })

  it('reports the lateness of each token once', () => {
    const { events, reported } = setUp()
    events.take(101)
    events.take(145)
    expect(reported).toEqual([
      'first-token 1 at 1101',
      'token 25 at 1145',
      'token 5 at 1145',
      'token 5 at 1145',
    ])
  })

  it('does not report events as late that a stalled reader delayed', () => {
    const { events, reported } = setUp()
    events.take(100)
    events.excuseUntil(130)
    events.take(141)
    expect(reported).toEqual(['first-token 0 at 1100', 'token 1 at 1141', 'token 1 at 1141'])
  })

  it('limits the text that it renders at a time', () => {
    const { exchange } = setUp()
    let rendered = 0
    const render = (): string => {
      rendered++
      return 'x'.repeat(100_000)
    }
    const events = new DueEvents(exchange, { ...body, count: 1_000, render }, schedule)
    expect(events.take(200)).toHaveLength(300_000)
    expect([rendered, events.done, events.nextDueMs]).toEqual([3, false, 140])
  })

  it('treats an event that is early by a rounding error as due', () => {
    const { events } = setUp()
    expect(events.take(100 - 1e-9)).toBe('01')
  })

  it('reports planned and achieved times between tokens, but not before the end of the answer', () => {
    const { events, times } = setUp()
    events.take(103)
    events.take(121)
    events.take(150)
    expect(times).toEqual(['first 100 103', '1 x 20 18', '1 x 20 29'])
  })

  it('divides the time of an event with several tokens', () => {
    const { exchange, times } = setUp()
    const events = new DueEvents(exchange, { ...body, stepOf: (index) => (index < 2 ? 0 : 2) }, schedule)
    events.take(100)
    events.take(160)
    expect(times).toEqual(['first 100 100', '2 x 20 30'])
  })

  it('does not report the time between tokens that a stalled reader delayed', () => {
    const { events, times } = setUp()
    events.take(100)
    events.excuseUntil(130)
    events.take(141)
    expect(times).toEqual(['first 100 100', '1 x 20 0'])
  })

  it('reports a plan of 0 for a stream that is due immediately', () => {
    const { exchange, times } = setUp()
    new DueEvents(exchange, body, undefined).take(2)
    expect(times).toEqual(['first 0 2', '3 x 0 0'])
  })
})
