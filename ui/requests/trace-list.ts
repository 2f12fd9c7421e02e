import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import type { Tone } from '../components/badge.tsx'
import { formatDuration } from '../lib/format.ts'

/** What the list shows, as the address has it. Empty fields show all. */
export interface TraceFilter {
  readonly resource: string
  readonly deployment: string
  /** `429` or `4xx`. */
  readonly status: string
  readonly client: string
  readonly text: string
}

const names = ['resource', 'deployment', 'status', 'client', 'text'] as const

const validStatus = /^[1-5](?:\d\d|xx)$/

/** Reads the filter of an address. */
export function filterOf(query: URLSearchParams): TraceFilter {
  const [resource = '', deployment = '', status = '', client = '', text = ''] = names.map(
    (name) => query.get(name) ?? '',
  )
  // The simulator refuses other values.
  return { resource, deployment, status: validStatus.test(status) ? status : '', client, text }
}

export function hasFilter(filter: TraceFilter): boolean {
  return names.some((name) => filter[name] !== '')
}

/** The answer of `GET /++/traces`. */
export interface TracePage {
  readonly traces: readonly TraceSummary[]
  readonly total: number
  readonly last_id: number
  readonly seen: number
}

/** Rows of the list. As many as the simulator keeps by default. */
export const MAX_ROWS = 200

/** The requests that match a filter, newest first. */
export interface TraceList {
  readonly traces: readonly TraceSummary[]
  readonly lastId: number
  readonly seen: number
}

export const noTraces: TraceList = { traces: [], lastId: 0, seen: 0 }

/**
 * Adds a page to the list. Requests that are in the list already are replaced, and those after `since` that the page lacks are gone, or
 * do not match any more.
 *
 * @param since the id after which the page was read
 */
export function addPage(list: TraceList, page: TracePage, since: number): TraceList {
  // After a restart, ids start again.
  const isRestarted = page.last_id < list.lastId
  const kept = isRestarted ? [] : list.traces.filter(({ id }) => id <= since)
  return {
    traces: [...page.traces, ...kept].slice(0, MAX_ROWS),
    lastId: page.last_id,
    seen: page.seen,
  }
}

/** How far back open requests are read again. */
const MAX_REREAD = 100

/** The id after which the next page is read, so that open requests in the list are read again. */
export function nextSince({ traces, lastId }: TraceList): number {
  const open = traces.findLast((trace) => trace.open && trace.id > lastId - MAX_REREAD)
  return open ? open.id - 1 : lastId
}

/** How a request ended, in a few words. */
export interface Outcome {
  readonly tone: Tone
  /** A status, or a word such as `open`. */
  readonly label: string
  /** Why it is not a plain success; undefined if it is. */
  readonly why: string | undefined
}

const limitWords: Readonly<Record<string, string>> = {
  tokens: 'token limit',
  requests: 'request limit',
  capacity: 'queue full',
}

/** Returns how a request ended, with the reason of a refusal and the wait that a 429 asks for. */
export function outcomeOf(trace: TraceSummary): Outcome {
  const { status, stream_error_status: streamError, open, aborted, cut } = trace
  const reason = [
    trace.limited_by && (limitWords[trace.limited_by] ?? trace.limited_by),
    trace.retry_after_ms !== null && `wait ${formatDuration(trace.retry_after_ms)}`,
    trace.refusal?.replaceAll('-', ' '),
    trace.fault && `fault ${trace.fault}`,
    streamError !== null && 'error in the stream',
    cut === 'reset' && 'connection reset',
    cut === 'close' && 'connection closed early',
    aborted && !cut && 'client disconnected',
  ].filter(Boolean)
  const why = reason.length > 0 ? reason.join(', ') : undefined
  const code = streamError ?? status
  if (code === null) return { tone: 'accent', label: open ? 'waiting' : 'none', why }
  if (open) return { tone: 'accent', label: `${code} open`, why }
  const isBroken = aborted === true || cut !== null
  const tone = code >= 500 ? 'error' : code >= 400 || isBroken ? 'warn' : 'ok'
  return { tone, label: String(code), why }
}
