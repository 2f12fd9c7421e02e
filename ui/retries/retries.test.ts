import { describe, expect, it } from 'vitest'
import {
  clientKey,
  type ClientReport,
  countsText,
  type JournalEntry,
  type RetryReport,
  verdictOf,
  verdictOfAll,
} from './retry-verdict.ts'
import { addPoints, pointOf, waitAxis } from './wait-plot.ts'

const client: ClientReport = {
  client: 'a',
  requests: 10,
  failures: 0,
  failures_by_status: {},
  retries: 0,
  retries_by_status: {},
  early: { count: 0, worst_shortfall_ms: 0, examples: [] },
  forbidden: { count: 0, examples: [] },
  herds: { count: 0, largest: null },
  waited: null,
  max_retry_index: 0,
  calls_while_limited: 0,
  new_requests_like_failed: 0,
}
const early = { count: 2, worst_shortfall_ms: 4_000, examples: [] }
const forbidden = { count: 1, examples: [] }
const herds = {
  count: 1,
  largest: { deployment: 'chat', size: 12, at: '2026-01-01T00:00:00.000Z', failures_within_ms: 3 },
}

describe('the verdict on a client', () => {
  it.each([
    [{}, 'neutral', 'no failures'],
    [{ failures: 2 }, 'neutral', 'no retries'],
    [{ failures: 2, retries: 2 }, 'ok', 'waits as asked'],
    [{ failures: 2, retries: 2, herds }, 'warn', 'herds'],
    [{ failures: 2, retries: 2, herds, early }, 'error', 'too early'],
    [{ failures: 2, retries: 2, herds, early, forbidden }, 'error', 'forbidden retries'],
  ])('with %j is %s: %s', (part, tone, word) => {
    expect(verdictOf({ ...client, ...part })).toMatchObject({ tone, word })
  })

  it('names the shortfall, the herd and what to do', () => {
    expect(verdictOf({ ...client, early }).reason).toMatch(/^2 retries came before .* 4.s\.$/)
    expect(verdictOf({ ...client, herds }).reason).toBe(
      '12 retries reached the deployment “chat” within 100 ms.',
    )
    expect(verdictOf({ ...client, forbidden }).advice).toContain('429')
  })

  it('is apart for the same name in two resources', () => {
    expect(clientKey({ client: 'a' })).not.toBe(clientKey({ client: 'a', resource: 'acme' }))
  })
})

describe('the verdict on all clients', () => {
  const totals: RetryReport['totals'] = {
    clients: 2,
    forgotten_clients: 0,
    requests: 10,
    failures: 0,
    retries: 0,
    early: 0,
    worst_shortfall_ms: 0,
    forbidden: 0,
    herds: 0,
    calls_while_limited: 0,
  }
  it.each([
    [{}, 'neutral', 'No request has failed.'],
    [{ failures: 1 }, 'neutral', '1 request failed, and no client has retried.'],
    [{ retries: 3 }, 'ok', 'No problems in 3 retries of 2 clients.'],
    [{ retries: 3, herds: 1 }, 'warn', 'Found in 3 retries of 2 clients: 1 herd.'],
    [
      { retries: 3, early: 1, forbidden: 2 },
      'error',
      'Found in 3 retries of 2 clients: 1 too early, 2 forbidden.',
    ],
  ])('with %j is %s: %s', (part, tone, reason) => {
    const report = { since: '', clients: [], totals: { ...totals, ...part } }
    expect(verdictOfAll(report)).toMatchObject({ tone, reason })
  })
})

describe('counts by status', () => {
  it('are listed with the most frequent first', () => {
    expect([countsText({ 400: 1, 429: 20 }), countsText({})]).toEqual(['429 × 20, 400 × 1', ''])
  })
})

const entry = (id: number, retry: JournalEntry['retry']): JournalEntry =>
  ({
    id,
    request_id: `r${id}`,
    at: '2026-01-01T00:00:00.000Z',
    client: 'a',
    deployment: 'chat',
    status: 200,
    retry,
  }) as unknown as JournalEntry

const waited = (waited_ms: number, told_ms: number | null, more = {}) => ({
  of: 1,
  index: 1,
  waited_ms,
  told_ms,
  early: false,
  forbidden: false,
  ...more,
})

describe('the points of the picture', () => {
  it('are the retries of the journal, with their kind', () => {
    expect(pointOf(entry(1, null))).toBeUndefined()
    expect(pointOf(entry(2, waited(5, 10, { early: true })))).toMatchObject({ kind: 'early', toldMs: 10 })
    expect(pointOf(entry(2, waited(5, null, { early: true, forbidden: true })))).toMatchObject({
      kind: 'forbidden',
      toldMs: undefined,
      resource: 'default',
    })
  })

  it('are added once, and only the latest are kept', () => {
    const first = addPoints([], [entry(1, waited(1, 1)), entry(2, null)])
    expect(addPoints(first, [entry(1, waited(1, 1))])).toBe(first)
    expect(addPoints(first, [entry(1, waited(1, 1)), entry(3, waited(1, 1))]).map(({ id }) => id)).toEqual([
      1, 3,
    ])
    const many = Array.from({ length: 700 }, (_, index) => entry(index + 1, waited(1, 1)))
    expect(addPoints([], many)).toHaveLength(500)
  })

  it('have an axis from the decade of the shortest wait to that of the longest one', () => {
    const axis = waitAxis([{ waitedMs: 0, toldMs: 20_000 }])
    expect(axis.ticksMs).toEqual([1, 10, 100, 1_000, 10_000, 100_000])
    expect([axis.at(0), axis.at(100_000), axis.at(1e9)]).toEqual([0, 1, 1])
    const zoomed = waitAxis([
      { waitedMs: 40, toldMs: 1_000 },
      { waitedMs: 1_000, toldMs: undefined },
    ])
    expect([zoomed.ticksMs, zoomed.at(1), zoomed.at(100)]).toEqual([[10, 100, 1_000], 0, 0.5])
  })

  it.each([[[]], [[{ waitedMs: 0, toldMs: 0 }]], [[{ waitedMs: 5_000, toldMs: 5_000 }]]])(
    'have an axis of at least two decades for %j',
    (points) => {
      expect(waitAxis(points).ticksMs.length).toBeGreaterThan(2)
    },
  )
})
