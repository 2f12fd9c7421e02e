import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { LoadConnection } from './connection-pool.ts'
import { LoadSession } from './load-session.ts'
import { LoadStatistics } from './load-statistics.ts'

const json = { 'content-type': 'application/json' }
const limited = { 'retry-after': '2', 'retry-after-ms': '1500' }

function createSession(options: { isOpenLoop?: boolean; honoursRetryAfter?: boolean } = {}) {
  const clock = { ms: 0 }
  const timers: { action: () => void; atMs: number }[] = []
  const statistics = new LoadStatistics()
  const session = new LoadSession({
    now: () => clock.ms,
    later: (action, delayMs) => timers.push({ action, atMs: clock.ms + delayMs }),
    makeBody: () => '{}',
    isStream: false,
    honoursRetryAfter: options.honoursRetryAfter ?? false,
    isOpenLoop: options.isOpenLoop ?? false,
    statistics,
  })
  const sentAt: number[] = []
  const connection: LoadConnection = { send: () => sentAt.push(clock.ms) }
  const answer = (status = 200, headers: IncomingHttpHeaders = json): void => {
    session.onHead(connection, status, headers)
    session.onEnd(connection)
    session.onReady(connection)
  }
  const pass = (toMs: number): void => {
    clock.ms = toMs
    for (const timer of timers.splice(0)) {
      if (timer.atMs <= toMs) timer.action()
      else timers.push(timer)
    }
  }
  return { session, statistics, connection, sentAt, answer, pass }
}

describe('a closed loop', () => {
  it('sends the next request after the answer, and none before the start', () => {
    const { session, connection, sentAt, answer, pass } = createSession()
    session.onReady(connection)
    expect(sentAt).toEqual([])
    session.start(0)
    pass(40)
    answer()
    expect(sentAt).toEqual([0, 40])
  })

  it('pauses a connection after a 429 for its retry-after-ms, or else its retry-after', () => {
    const { session, statistics, connection, sentAt, answer, pass } = createSession({
      honoursRetryAfter: true,
    })
    session.start(0)
    session.onReady(connection)
    answer(429, limited)
    pass(1_400)
    expect(sentAt).toEqual([0])
    pass(1_500)
    expect(sentAt).toEqual([0, 1_500])
    expect(statistics.measures()).toMatchObject({
      requests: { limited: 1, failed: 0 },
      retryAfterMs: { leastMs: 1_500, mostMs: 1_500 },
    })
  })

  it('sends nothing over a connection that closed during its pause until it reconnects', () => {
    const { session, connection, sentAt, answer, pass } = createSession({ honoursRetryAfter: true })
    session.start(0)
    session.onReady(connection)
    answer(429, limited)
    session.onClosed(connection)
    pass(1_500)
    expect(sentAt).toEqual([0])
    session.onReady(connection)
    expect(sentAt).toEqual([0, 1_500])
  })
})

describe('an open loop', () => {
  it('includes the time that a request waited for a connection', () => {
    const { session, statistics, connection, answer, pass } = createSession({ isOpenLoop: true })
    session.start(0)
    session.onReady(connection)
    session.arrive(0)
    session.arrive(10)
    pass(100)
    answer()
    pass(200)
    answer()
    const { requests, wholeMs } = statistics.measures()
    expect(requests).toMatchObject({ sent: 2, ok: 2, lateStarts: 1 })
    expect(wholeMs?.max).toBeCloseTo(190, 0)
  })

  it('counts requests that were due but never sent', () => {
    const { session, connection } = createSession({ isOpenLoop: true })
    session.start(15)
    session.onReady(connection)
    for (const dueMs of [0, 10, 20, 30]) session.arrive(dueMs)
    session.stopSending()
    // The first one is pending, and the second one was due in the warm-up.
    expect(session.neverSent).toBe(2)
  })
})

describe('a load session', () => {
  it('does not count the warm-up', () => {
    const { session, statistics, connection, answer, pass } = createSession()
    session.start(100)
    session.onReady(connection)
    pass(100)
    answer()
    pass(150)
    answer()
    expect(statistics.measures().requests).toMatchObject({ sent: 2, ok: 1, unfinished: 1 })
  })

  it('groups failures by status, and counts lost connections separately', () => {
    const { session, statistics, connection, answer } = createSession()
    session.start(0)
    session.onReady(connection)
    answer(500)
    answer(401)
    session.onClosed(connection)
    session.onBroken(connection, 'read ECONNRESET')
    session.stopSending()
    const { requests, failures } = statistics.measures()
    expect(requests).toMatchObject({ ok: 0, limited: 0, failed: 3 })
    expect(failures).toEqual([
      { reason: '500', count: 1, example: '' },
      { reason: '401', count: 1, example: '' },
      { reason: 'lost connection', count: 1, example: 'read ECONNRESET' },
    ])
  })

  it('reports a target as unreachable after five seconds without a connection', () => {
    const { session, connection, pass } = createSession()
    session.onUnreachable('connect ECONNREFUSED')
    pass(4_999)
    session.onUnreachable('connect ECONNREFUSED')
    expect(session.unreachable).toBeUndefined()
    session.onReady(connection)
    pass(20_000)
    expect(session.unreachable).toBeUndefined()
    session.onUnreachable('connect ECONNREFUSED')
    pass(25_000)
    expect(session.unreachable).toBe('connect ECONNREFUSED')
  })

  it('reports a target as unreachable after fifty failed attempts to connect', () => {
    const { session } = createSession()
    for (let refusal = 1; refusal < 50; refusal++) session.onUnreachable('connect ECONNREFUSED')
    expect(session.unreachable).toBeUndefined()
    session.onUnreachable('connect ECONNREFUSED')
    expect(session.unreachable).toBe('connect ECONNREFUSED')
  })
})
