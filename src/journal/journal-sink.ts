import { isUtf8 } from 'node:buffer'
import type { Usage } from '../answer/completion.ts'
import { machineOffsetMs } from '../lib/machine-time.ts'
import type { MaybePromise, Codec, Port } from '../lib/port.ts'
import { MAX_BODY_BYTES } from './journal.ts'
import type { JournalEntry, JournalFilter, JournalCall } from './journal-entry.ts'
import { requestFingerprint } from './request-fingerprint.ts'
import type { RetryReport, RetryReportFilter } from './retry-report.ts'

/** Reported to the journal when the answer to a request is planned. */
export interface CallStarted extends Omit<
  JournalCall,
  'id' | 'atEpochMs' | 'secrets' | 'retry' | 'firstByteMs' | 'durationMs' | 'aborted'
> {
  /** The id of the request if several machines share the numbering. Default: the next id. */
  readonly id?: number
  /** The attempt that the client states: 0 for the first one. Undefined if it states none. */
  readonly attempt: number | undefined
  /** See `requestFingerprint`. Absent if it can be computed from the body. */
  readonly fingerprint?: string | undefined
}

/** Reported to the journal when the answer has been sent. */
export interface CallEnded {
  /** For answers of a real service, this is known only now. */
  readonly usage: Usage | undefined
  /** The status of an error in a stream. For streams of a real service, this is known only now. */
  readonly streamErrorStatus?: number | undefined
  /** Milliseconds from the start of the request. */
  readonly firstByteMs: number | undefined
  /** Milliseconds from the start of the request. Default: the time until `answeredAtMs`. */
  readonly durationMs: number | undefined
  /**
   * Earliest time at which the client may have received the full answer, on the clock of the exchanges. The process may be blocked
   * between this time and the end that it measures.
   */
  readonly answeredAtMs: number
  readonly aborted: boolean
  /** The status of a failed answer, or `cut`. Undefined for success. */
  readonly failure: string | undefined
}

/** Records requests, in this process or in a journal that several processes share. */
export interface JournalSink<Lease = unknown> {
  /** Records a request. `plannedMs` is when its answer was planned, on the clock of the exchanges. Requests are ordered by it. */
  started(call: CallStarted, plannedMs: number): Lease
  /** Records the end of a request. */
  ended(lease: Lease, end: CallEnded): void
}

/** A page of journal entries. */
export interface JournalPage {
  /** The first entries that match the filter, oldest first. */
  readonly entries: readonly JournalEntry[]
  /** Id of the last request that was examined, whether it matches or not. Pass it as `sinceId` to get the next page. */
  readonly lastId: number
  /** Number of requests after `sinceId` that the journal does not keep any more. */
  readonly forgotten: number
}

/** Reads recorded requests, from this process or from a journal that several processes share. */
export interface JournalReader {
  /** Entries that match the filter, oldest first. Without a filter, all entries. Each call returns a snapshot. */
  entries(filter?: JournalFilter): MaybePromise<readonly JournalEntry[]>
  /** The id of the last request, or 0 before the first one. */
  readonly lastId: MaybePromise<number>
  /** Returns the page after an id. A reader that follows the journal needs to remember only the last id. */
  follow(sinceId: number, filter: JournalFilter): MaybePromise<JournalPage>
  /** Calls the listener after requests were recorded. Returns the function that removes it. */
  onAdded(listener: () => void): () => void
  /** Removes all requests and starts a new report. Ids continue. */
  clear(): MaybePromise<void>
  /** Retry report since the start or the last `clear`. Includes requests that are not kept any more. */
  retryReport(filter?: RetryReportFilter): MaybePromise<RetryReport>
  /** Sets a function that the journal awaits before each read. It collects the calls that the workers have not sent yet. */
  setFlush?(flush: () => Promise<void>): void
}

export const journalPort: Port<JournalSink> = {
  name: 'journal',
  methods: {
    // A client may read an answer of one process and send its retry to another before the end of the first is reported here.
    started: {
      kind: 'notification',
      lease: 'opens',
      args: startedCodec(),
      happenedAtMs: (_, plannedMs) => plannedMs,
    },
    ended: {
      kind: 'notification',
      lease: 'ends',
      args: endedCodec(),
      happenedAtMs: (_, { answeredAtMs }) => answeredAtMs,
    },
  },
  // The worker has exited, so the connections of its clients broke.
  releaseLease: (sink, lease, nowMs) =>
    sink.ended(lease, {
      usage: undefined,
      firstByteMs: undefined,
      durationMs: undefined,
      answeredAtMs: nowMs,
      aborted: true,
      failure: undefined,
    }),
}

/** Bodies are sent as text or base64, and left out if too large for the journal. Times are sent on the clock of the machine. */
function startedCodec(): Codec<[CallStarted, number]> {
  interface Sent extends Omit<CallStarted, 'body'> {
    readonly text?: string
    readonly base64?: string
  }
  const sentBody = ({ body, ...call }: CallStarted): Partial<Sent> => {
    if (!body) return {}
    if (body.length > MAX_BODY_BYTES) return { fingerprint: requestFingerprint({ ...call, body }) }
    return isUtf8(body) ? { text: body.toString() } : { base64: body.toString('base64') }
  }
  return {
    encode([call, plannedMs]) {
      const offsetMs = machineOffsetMs()
      const { startedMs } = call
      const sent = { ...call, body: undefined, startedMs: startedMs + offsetMs, ...sentBody(call) }
      return [sent, plannedMs + offsetMs]
    },
    decode([{ text, base64, startedMs, ...same }, plannedMs]: readonly [Sent, number]) {
      const offsetMs = machineOffsetMs()
      const bytes = base64 === undefined ? undefined : Buffer.from(base64, 'base64')
      const body = text === undefined ? bytes : Buffer.from(text)
      return [{ ...same, startedMs: startedMs - offsetMs, body }, plannedMs - offsetMs]
    },
  }
}

function endedCodec(): Codec<[unknown, CallEnded]> {
  const shifted = (end: CallEnded, ms: number): CallEnded => ({ ...end, answeredAtMs: end.answeredAtMs + ms })
  return {
    encode: ([lease, end]) => [lease, shifted(end, machineOffsetMs())],
    decode: ([lease, end]: [unknown, CallEnded]) => [lease, shifted(end, -machineOffsetMs())],
  }
}
