import { isUtf8 } from 'node:buffer'
import type { Usage } from '../answer/completion.ts'
import { machineOffsetMs } from '../lib/machine-time.ts'
import type { MaybePromise, Codec, Port } from '../lib/port.ts'
import { MAX_BODY_BYTES } from './journal.ts'
import type { JournalEntry, JournalFilter, JournalCall } from './journal-entry.ts'
import { requestFingerprint } from './request-fingerprint.ts'
import type { RetryReport } from './retry-report.ts'

/** What the journal is told of a request when its answer is planned. */
export interface CallStarted extends Omit<
  JournalCall,
  'id' | 'atEpochMs' | 'secrets' | 'retry' | 'firstByteMs' | 'durationMs' | 'aborted'
> {
  /** Its number, where several machines number their requests together; absent: the next one. */
  readonly id?: number
  /** Which attempt it is by its own account: 0 for the first one; undefined where it says nothing. */
  readonly attempt: number | undefined
  /** What it has in common with requests that repeat it; absent where the body is there to find it out. */
  readonly fingerprint?: string | undefined
}

/** What the journal is told when the answer has been sent. */
export interface CallEnded {
  /** Known by now, for answers of a real service. */
  readonly usage: Usage | undefined
  /** Milliseconds from the start of the request. */
  readonly firstByteMs: number | undefined
  /** Milliseconds from the start of the request. Undefined: until `answeredAtMs`. */
  readonly durationMs: number | undefined
  /**
   * From when on the client may have had all of it, by the clock of the exchanges: a process may be held up between that and the
   * end that it notes.
   */
  readonly answeredAtMs: number
  readonly aborted: boolean
  /** The status of an answer that failed, or `cut`; undefined for one that did not. */
  readonly failure: string | undefined
}

/** Where requests are noted: in this process, or at a place where those of many processes come together. */
export interface JournalSink<Lease = unknown> {
  /** Notes a request whose answer was planned at `plannedMs`, by the clock of the exchanges: requests come in that order. */
  started(call: CallStarted, plannedMs: number): Lease
  /** Notes its end. */
  ended(lease: Lease, end: CallEnded): void
}

/** What follows a place in the journal. */
export interface JournalPage {
  /** The first ones that fit the filter, oldest first. */
  readonly entries: readonly JournalEntry[]
  /** The place behind all that was looked at, whether it fits or not. */
  readonly lastId: number
  /** How many requests after the place are not kept any more. */
  readonly forgotten: number
}

/** What has been noted, here or at a place where the notes of many processes come together. */
export interface JournalReader {
  /** What fits the filter, oldest first; all without one. Each call tells how things stand then. */
  entries(filter?: JournalFilter): MaybePromise<readonly JournalEntry[]>
  /** The number of the last request; 0 before the first one. */
  readonly lastId: MaybePromise<number>
  /** Looks from a number on, so that whoever follows the journal needs to keep nothing but his place in it. */
  follow(sinceId: number, filter: JournalFilter): MaybePromise<JournalPage>
  /** Calls back after requests have been noted. Gives what ends that. */
  onNoted(listener: () => void): () => void
  /** Forgets all requests, and begins a new report. Numbers go on. */
  clear(): MaybePromise<void>
  /** What the judge has found since the start or the last `clear`, whether the requests are still kept or not. */
  retryReport(): MaybePromise<RetryReport>
  /** Names what has to end before all is noted that has happened in this simulator: its workers may be behind. */
  settleBy?(settle: () => Promise<void>): void
}

export const journalPort: Port<JournalSink> = {
  name: 'journal',
  methods: {
    // A client may have read the answer of one process, and sent its retry to another, before the end is told here.
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
  // The connections of its clients broke.
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

/** Bodies travel as texts where they are, and not at all where the journal would not keep them; times as those of the machine. */
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
