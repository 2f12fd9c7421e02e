import { describe, expect, it } from 'vitest'
import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { addPage, filterOf, nextSince, noTraces, outcomeOf } from './trace-list.ts'

const trace = (id: number, more: Partial<TraceSummary> = {}): TraceSummary => ({
  id,
  at: '2026-01-01T00:00:00.000Z',
  request_id: `r-${id}`,
  method: 'POST',
  path: '/',
  query: '',
  operation: null,
  resource: 'default',
  deployment: null,
  spilled_over_from: null,
  upstream: null,
  client: 'anonymous',
  refusal: null,
  status: 200,
  stream_error_status: null,
  limited_by: null,
  retry_after_ms: null,
  fault: null,
  answered_by: null,
  usage: null,
  streamed: false,
  queued_ms: 0,
  first_byte_ms: null,
  first_token_ms: null,
  duration_ms: 1,
  aborted: false,
  cut: null,
  open: false,
  ...more,
})
const page = (traces: TraceSummary[], lastId: number) => ({ traces, total: 0, last_id: lastId, seen: lastId })
const idsOf = ({ traces }: { readonly traces: readonly TraceSummary[] }) => traces.map(({ id }) => id)

describe('the list of requests', () => {
  it('adds new requests on top and replaces open ones', () => {
    const first = addPage(noTraces, page([trace(3), trace(2, { open: true }), trace(1)], 3), 0)
    expect(nextSince(first)).toBe(1)
    const next = addPage(first, page([trace(4), trace(3), trace(2)], 4), 1)
    expect(idsOf(next)).toEqual([4, 3, 2, 1])
    expect(nextSince(next)).toBe(4)
    expect(next.traces.some(({ open }) => open)).toBe(false)
  })

  it('starts again after a restart of the simulator', () => {
    const before = addPage(noTraces, page([trace(50)], 50), 0)
    expect(idsOf(addPage(before, page([trace(1)], 1), 50))).toEqual([1])
  })

  it('has at most 200 requests', () => {
    const many = Array.from({ length: 150 }, (_, index) => trace(150 - index))
    const more = Array.from({ length: 150 }, (_, index) => trace(300 - index))
    const list = addPage(addPage(noTraces, page(many, 150), 0), page(more, 300), 150)
    expect([list.traces.length, list.traces[0]?.id, list.traces.at(-1)?.id]).toEqual([200, 300, 101])
  })

  it('ignores an invalid status in the address', () => {
    expect(filterOf(new URLSearchParams('status=4xx&text=a')).status).toBe('4xx')
    expect(filterOf(new URLSearchParams('status=all')).status).toBe('')
  })
})

describe('the outcome of a request', () => {
  it.each<[Partial<TraceSummary>, string, string, string | undefined]>([
    [{}, 'ok', '200', undefined],
    [{ status: null, open: true }, 'accent', 'waiting', undefined],
    [{ open: true }, 'accent', '200 open', undefined],
    [
      { status: 429, limited_by: 'tokens', retry_after_ms: 12_000 },
      'warn',
      '429',
      'token limit, wait 12\u202fs',
    ],
    [{ status: 401, refusal: 'unknown-key' }, 'warn', '401', 'unknown key'],
    [{ status: 500, fault: 'serverError' }, 'error', '500', 'fault serverError'],
    [{ stream_error_status: 503 }, 'error', '503', 'error in the stream'],
    [{ cut: 'reset', fault: 'cut' }, 'warn', '200', 'fault cut, connection reset'],
    [{ aborted: true }, 'warn', '200', 'client disconnected'],
    [{ status: null, aborted: true }, 'accent', 'none', 'client disconnected'],
  ])('of %j is %s, %s', (more, tone, label, why) => {
    expect(outcomeOf(trace(1, more))).toEqual({ tone, label, why })
  })
})
