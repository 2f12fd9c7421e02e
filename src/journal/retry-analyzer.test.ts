import { describe, expect, it } from 'vitest'
import { isNewRequest } from './retry-findings.ts'
import { MAX_CLIENTS, MAX_PENDING, RetryAnalyzer } from './retry-analyzer.ts'
import { MAX_PENDING_AGE_MS } from './pending-failures.ts'
import { addToTotals, emptyTotals, reportClient } from './retry-report.ts'

interface Sent {
  readonly request?: string
  readonly client?: string
  readonly resource?: string
  readonly deployment?: string
  readonly attempt?: number
  /** Status of the answer. Absent for success. */
  readonly status?: number | 'cut'
  readonly toldMs?: number
  /** Duration of the answer. */
  readonly takesMs?: number
}

/** Defaults for a call. */
const nothing = { resource: 'default', deployment: '', startedMs: 0, attempt: undefined } as const

const setUp = () => {
  const analyzer = new RetryAnalyzer()
  let id = 0
  /** Sends a request at `startedMs`. Returns the retry, or undefined for a new request. */
  const send = (startedMs: number, sent: Sent = {}) => {
    const { request = 'a', client = 'c', resource = 'default', deployment = 'chat' } = sent
    const { attempt, status, toldMs, takesMs = 0 } = sent
    const analysis = analyzer.analyze({
      id: ++id,
      client,
      resource,
      deployment,
      startedMs,
      attempt,
      fingerprint: () => request,
    })
    if (status !== undefined) {
      analysis.fail({ status: String(status), endedMs: startedMs + takesMs, toldMs })
    }
    const { retry } = analysis
    return retry && !isNewRequest(retry) ? retry : undefined
  }
  const report = (client = 'c', resource = 'default') =>
    reportClient([...analyzer.clients].find((stats) => stats.name === client && stats.resource === resource)!)
  return { analyzer, send, report }
}

describe('a retry', () => {
  it('repeats the same request of the same client after a failed answer', () => {
    const { send, report } = setUp()
    expect(send(0, { status: 429, toldMs: 1_000, takesMs: 5 })).toBeUndefined()
    expect(send(10, { request: 'b' })).toBeUndefined()
    expect(send(10, { client: 'd' })).toBeUndefined()
    expect(send(1_005)).toMatchObject({ id: 4, of: 1, index: 1, waitedMs: 1_000, early: false })
    expect(send(1_006)).toBeUndefined()
    expect(report()).toMatchObject({
      requests: 4,
      failures: 1,
      failuresByStatus: { 429: 1 },
      retries: 1,
      retriesByStatus: { 429: 1 },
      early: { count: 0, worstShortfallMs: 0 },
      waited: { minMs: 1_000, medianMs: 1_000, maxMs: 1_000 },
    })
  })

  it('counts up while its answers fail', () => {
    const { send, report } = setUp()
    for (let time = 0; time < 4; time++) send(time * 100, { status: 503 })
    expect(send(400)).toMatchObject({ of: 4, index: 4 })
    expect(report()).toMatchObject({ failures: 4, retries: 4, maxRetryIndex: 4 })
  })

  it('is matched with the oldest of several failures, each once', () => {
    const { send } = setUp()
    send(0, { status: 429, takesMs: 10 })
    send(1, { status: 429, takesMs: 30 })
    expect(send(20)).toMatchObject({ of: 1 })
    expect(send(25)).toBeUndefined()
    expect(send(40)).toMatchObject({ of: 2 })
    expect(send(60)).toBeUndefined()
  })

  it('starts after the end of the failed answer and within ten minutes', () => {
    const { send } = setUp()
    send(0, { status: 500, takesMs: 50 })
    expect(send(49)).toBeUndefined()
    expect(send(50 + MAX_PENDING_AGE_MS + 1)).toBeUndefined()
  })

  it('may repeat a request with a cut connection', () => {
    const { send, report } = setUp()
    send(0, { status: 'cut' })
    expect(send(1)).toMatchObject({ status: 'cut', early: false, forbidden: false })
    expect(report().failuresByStatus).toEqual({ cut: 1 })
  })
})

describe('an early retry', () => {
  it('starts before the wait in the failed answer is over', () => {
    const { send, report } = setUp()
    send(0, { status: 429, toldMs: 1_000 })
    expect(send(400, { status: 429, toldMs: 600 })).toMatchObject({ early: true })
    expect(send(999, { status: 429, toldMs: 10 })).toMatchObject({ early: true })
    expect(send(1_009)).toMatchObject({ early: false })
    expect(report()).toMatchObject({
      retries: 3,
      early: { count: 2, worstShortfallMs: 600 },
      waited: { minMs: 10, maxMs: 599 },
    })
    expect(report().early.examples.map(({ id, of }) => [id, of])).toEqual([
      [2, 1],
      [3, 2],
    ])
  })

  it.each([
    [999.2, false],
    [999, true],
    [0, true],
  ])('is decided in whole milliseconds, and a started millisecond counts: %d of 1000', (waitedMs, early) => {
    const { send } = setUp()
    send(0, { status: 429, toldMs: 1_000 })
    expect(send(waitedMs)).toMatchObject({ early })
  })

  it('requires a wait in the failed answer', () => {
    const { send } = setUp()
    send(0, { status: 503 })
    expect(send(0)).toMatchObject({ early: false, waitedMs: 0 })
  })

  it('is listed if it is among the last five', () => {
    const { send, report } = setUp()
    for (let time = 0; time < 20; time++) send(time, { status: 429, toldMs: 60_000 })
    expect(report().early.count).toBe(19)
    expect(report().early.examples.map(({ id }) => id)).toEqual([16, 17, 18, 19, 20])
  })
})

describe('a call while limited', () => {
  it('is a new request to a deployment during a wait that it asked for', () => {
    const { send, report } = setUp()
    send(0, { status: 429, toldMs: 1_000 })
    send(10, { request: 'b' })
    send(10, { request: 'b', deployment: 'other' })
    send(10, { request: 'b', resource: 'acme' })
    send(10, { request: 'b', client: 'd' })
    send(1_000, { request: 'b' })
    expect(report()).toMatchObject({ callsWhileLimited: 1, retries: 0, early: { count: 0 } })
    expect(report('c', 'acme')).toMatchObject({ resource: 'acme', requests: 1, callsWhileLimited: 0 })
  })

  it('is not counted after a rejection with retry-after 86400', () => {
    const { send, report } = setUp()
    send(0, { status: 429, toldMs: 86_400_000 })
    send(10, { request: 'b' })
    expect(report().callsWhileLimited).toBe(0)
  })
})

describe('a forbidden retry', () => {
  it.each([400, 401, 403, 404, 405, 413, 415, 422])('repeats a %d', (status) => {
    const { send, report } = setUp()
    send(0, { status })
    expect(send(10_000)).toMatchObject({ forbidden: true })
    expect(report().forbidden).toMatchObject({
      count: 1,
      examples: [{ id: 2, of: 1, status: String(status) }],
    })
  })

  it.each([408, 409, 429, 500, 502, 503, 504])('is not a repeated %d', (status) => {
    const { send } = setUp()
    send(0, { status })
    expect(send(10_000)).toMatchObject({ forbidden: false })
  })
})

describe('a client that counts its attempts', () => {
  const limited = { status: 429, toldMs: 1_000 } as const

  it('is not charged with retries for new requests that are equal to a failed one', () => {
    const { send, report } = setUp()
    send(0, { ...limited, attempt: 0 })
    for (let time = 1; time < 30; time++) send(time * 30, { attempt: 0 })
    expect(send(1_000, { attempt: 1 })).toMatchObject({ of: 1, index: 1, early: false })
    expect(report()).toMatchObject({
      retries: 1,
      early: { count: 0 },
      herds: { count: 0 },
      newRequestsLikeFailed: 1,
      callsWhileLimited: 29,
    })
  })

  it('gets its retries matched by attempt', () => {
    const { send } = setUp()
    send(0, { ...limited, attempt: 0 })
    send(1, { ...limited, attempt: 0 })
    expect(send(1_000, { ...limited, attempt: 1 })).toMatchObject({ of: 1 })
    expect(send(2_000, { attempt: 2 })).toMatchObject({ of: 3, index: 2 })
    expect(send(2_001, { attempt: 1 })).toMatchObject({ of: 2 })
    expect(send(2_002, { attempt: 1 })).toBeUndefined()
  })

  it('is judged by its repeats if all of them state attempt 0', () => {
    const { send, report } = setUp()
    send(0, { ...limited, attempt: 0 })
    expect(send(5, { attempt: 0 })).toMatchObject({ of: 1, early: true })
    expect(report()).toMatchObject({ retries: 1, early: { count: 1 }, newRequestsLikeFailed: 0 })
  })
})

describe('RetryAnalyzer', () => {
  it('drops the client with the oldest last request, and reports it', () => {
    const dropped: string[] = []
    const analyzer = new RetryAnalyzer(({ name }) => dropped.push(name))
    const call = (client: string) => analyzer.analyze({ ...nothing, id: 1, client, fingerprint: () => 'a' })
    for (let client = 0; client < MAX_CLIENTS; client++) call(String(client))
    call('0')
    call('one more')
    expect(dropped).toEqual(['1'])
    expect([...analyzer.clients]).toHaveLength(MAX_CLIENTS)
  })

  it('keeps a bounded number of failures, the newest ones', () => {
    const { send, analyzer } = setUp()
    const perClient = 500
    const clients = MAX_PENDING / perClient + 20
    for (let client = 0; client < clients; client++) {
      for (let request = 0; request < perClient; request++) {
        send(1, { client: `c${client}`, request: `r${request}`, status: 500 })
      }
    }
    const pending = [...analyzer.clients].reduce((sum, { pending: { size } }) => sum + size, 0)
    expect(pending).toBeLessThanOrEqual(MAX_PENDING)
    expect(pending).toBeGreaterThan(MAX_PENDING * 0.8)
    expect(send(2, { client: 'c0', request: 'r1' })).toBeUndefined()
    expect(send(2, { client: `c${clients - 1}`, request: 'r1' })).toBeDefined()
  })

  it('keeps a thousand failures of one client', () => {
    const { send, analyzer } = setUp()
    for (let request = 0; request < 1_500; request++) send(request, { request: `r${request}`, status: 500 })
    expect([...analyzer.clients][0]?.pending.size).toBe(1_000)
    expect(send(2_000, { request: 'r499' })).toBeUndefined()
    expect(send(2_000, { request: 'r500' })).toBeDefined()
  })

  it('drops failures that were not retried for ten minutes', () => {
    const { send, analyzer } = setUp()
    for (let request = 0; request < 10; request++) send(0, { request: `r${request}`, status: 500 })
    send(MAX_PENDING_AGE_MS + 1, { request: 'late', status: 500 })
    expect([...analyzer.clients][0]?.pending.size).toBe(1)
  })

  it('computes no fingerprint while nothing fails', () => {
    const analyzer = new RetryAnalyzer()
    const fingerprint = () => {
      throw new Error('computed')
    }
    expect(analyzer.analyze({ ...nothing, id: 1, client: 'c', fingerprint }).retry).toBeUndefined()
  })

  it('adds up the totals of clients', () => {
    const { send, report } = setUp()
    send(0, { status: 429, toldMs: 100 })
    send(10)
    send(0, { client: 'd', status: 400 })
    send(10, { client: 'd' })
    const totals = [report(), report('d')].reduce(addToTotals, emptyTotals)
    expect(totals).toMatchObject({
      clients: 2,
      requests: 4,
      failures: 2,
      retries: 2,
      early: 1,
      worstShortfallMs: 90,
      forbidden: 1,
    })
  })
})
