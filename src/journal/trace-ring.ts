import type { Usage } from '../answer/completion.ts'
import type { Port, Codec } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { headerIn, type Reply } from '../pipeline/reply.ts'
import type { TraceStep } from '../pipeline/trace.ts'
import { TraceReader, type TraceFilter } from './read-trace.ts'
import type { TracedBody } from './traced-body.ts'

/** The parts of an answer: item `index` of each list belongs to part `index`. Times are milliseconds from the start of the request. */
export interface TracedChunks {
  /** Due times; NaN for a part that is not scheduled. */
  readonly plannedMs: readonly number[]
  /** When the parts were written to the socket, or passed to the caller in the same process. */
  readonly actualMs: readonly number[]
  readonly bytes: readonly number[]
  /** Number of bytes that the stored body has of each part. */
  readonly keptBytes: readonly number[]
}

/** A sampled request as it is stored: with credentials, which are removed when it is read. Unknown properties are undefined. */
export interface TraceRecord {
  readonly epochMs: number
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Exchange['headers']
  readonly body: TracedBody
  readonly operation: string | undefined
  readonly resource: string
  readonly deployment: string | undefined
  readonly spilledOverFrom: string | undefined
  readonly upstream: string | undefined
  readonly client: string
  readonly caller: string | undefined
  /** Why the key or token was refused. */
  readonly refusal: string | undefined
  /** Undefined until the answer is planned. */
  readonly status: number | undefined
  readonly streamErrorStatus: number | undefined
  readonly limitedBy: Reply['limitedBy']
  readonly retryAfterMs: number | undefined
  readonly fault: string | undefined
  /** Failure of the call to the upstream. */
  readonly upstreamFailure: string | undefined
  readonly answeredBy: string | undefined
  readonly usage: Usage | undefined
  readonly streamed: boolean
  readonly queuedMs: number
  readonly firstByteMs: number | undefined
  readonly firstTokenMs: number | undefined
  readonly durationMs: number | undefined
  readonly aborted: boolean | undefined
  /** How a fault cut the connection. */
  readonly cut: 'reset' | 'close' | undefined
  readonly isOpen: boolean
  /** Headers of the answer; names and values alternate. Empty until they are sent. */
  readonly answerHeaders: readonly string[]
  readonly answerBody: TracedBody
  readonly steps: readonly TraceStep[]
  readonly chunks: TracedChunks
  /** Number of parts; larger than the number of `chunks` if only the first ones are stored. */
  readonly chunksTotal: number
}

/** Stores sampled requests, in this process or in the primary. */
export interface TraceSink<Lease = unknown> {
  /** @param read returns the present state; used in the same process only */
  opened(record: TraceRecord, read?: () => TraceRecord): Lease
  updated(lease: Lease, record: TraceRecord): void
  ended(lease: Lease, record: TraceRecord): void
  /** @param count number of data-plane requests of the process since its last report */
  seen(count: number): void
}

/** A worker may lose traces that stay open longest. */
const MAX_LEASES = 10_000

const openedCodec: Codec<[record: TraceRecord, read?: (() => TraceRecord) | undefined]> = {
  encode: ([record]) => [sentRecord(record)],
  decode: ([record]: readonly [SentRecord]) => [receivedRecord(record)],
}

const changedCodec: Codec<[unknown, TraceRecord]> = {
  encode: ([lease, record]) => [lease, sentRecord(record)],
  decode: ([lease, record]: readonly [unknown, SentRecord]) => [lease, receivedRecord(record)],
}

export const tracePort: Port<TraceSink> = {
  name: 'traces',
  methods: {
    opened: { kind: 'notification', lease: 'opens', args: openedCodec },
    updated: { kind: 'notification', lease: 'uses', args: changedCodec },
    ended: { kind: 'notification', lease: 'ends', args: changedCodec },
    seen: { kind: 'notification' },
  },
  // The worker has exited, so the connections of its clients broke.
  releaseLease: (sink, lease) => {
    const { entry } = lease as TraceLease
    sink.ended(lease, { ...entry.record, isOpen: false, aborted: true })
  },
  maxLeases: MAX_LEASES,
}

/** A record as it is sent: bodies as base64. JSON has neither `undefined` nor NaN. */
interface SentRecord extends Omit<TraceRecord, 'body' | 'answerBody'> {
  readonly body: SentBody
  readonly answerBody: SentBody
}

type SentBody = Omit<TracedBody, 'bytes'> & { readonly base64: string }

function sentRecord(record: TraceRecord): SentRecord {
  return { ...record, body: sentBody(record.body), answerBody: sentBody(record.answerBody) }
}

function sentBody({ bytes, ...same }: TracedBody): SentBody {
  return { ...same, base64: bytes.toString('base64') }
}

function receivedRecord(sent: SentRecord): TraceRecord {
  const { chunks } = sent
  return {
    ...sent,
    body: receivedBody(sent.body),
    answerBody: receivedBody(sent.answerBody),
    chunks: { ...chunks, plannedMs: chunks.plannedMs.map((dueMs: number | null) => dueMs ?? NaN) },
  }
}

function receivedBody({ base64, ...same }: SentBody): TracedBody {
  return { ...same, bytes: Buffer.from(base64, 'base64') }
}

/** A stored request. */
export interface StoredTrace {
  /** Counts up from 1. Never reused. */
  readonly id: number
  record: TraceRecord
  /** Increases with each change of any trace. */
  version: number
}

/** A request as it was sent. */
export interface RawRequest extends Pick<
  TraceRecord,
  'method' | 'path' | 'query' | 'headers' | 'resource' | 'requestId'
> {
  /** Undefined if it is not kept completely. */
  readonly body: Buffer | undefined
  readonly bodyBytes: number
}

interface Entry extends StoredTrace {
  /** Returns the present state of an open request of this process. */
  read: (() => TraceRecord) | undefined
  /** Keys at the time of the last change. The present ones are removed as well. */
  secrets: readonly string[]
  sizeBytes: number
}

interface TraceLease {
  readonly entry: Entry
}

/** Limit for all stored requests. The oldest ones are dropped. */
const MAX_RING_BYTES = 32 * 1024 * 1024

/** Called when a trace was added or has changed. */
export type OnTraceChange = (id: number) => void

/** The last sampled requests of all processes. */
export class TraceRing implements TraceSink<TraceLease> {
  readonly #size: number
  readonly #secrets: () => readonly string[]
  readonly #listeners = new Set<OnTraceChange>()
  /** By id, in ascending order. */
  readonly #entries = new Map<number, Entry>()
  readonly #reader = new TraceReader()
  #lastId = 0
  #version = 0
  #usedBytes = 0
  #seen = 0

  /**
   * @param size number of requests to keep, >= 1
   * @param secrets returns the current keys, which no answer must contain
   */
  constructor(size: number, secrets: () => readonly string[]) {
    this.#size = size
    this.#secrets = secrets
  }

  /** Id of the last request that was added; 0 before the first one. */
  get lastId(): number {
    return this.#lastId
  }

  /** Number of data-plane requests since the start, whether sampled or not. */
  get seenRequests(): number {
    return this.#seen
  }

  /** Increases with each change. */
  get version(): number {
    return this.#version
  }

  seen(count: number): void {
    this.#seen += count
  }

  opened(record: TraceRecord, read?: () => TraceRecord): TraceLease {
    const id = ++this.#lastId
    const entry: Entry = {
      id,
      record,
      read,
      version: ++this.#version,
      secrets: this.#secrets(),
      sizeBytes: 0,
    }
    this.#entries.set(id, entry)
    this.#resize(entry)
    this.#notify(id)
    return { entry }
  }

  updated({ entry }: TraceLease, record: TraceRecord): void {
    entry.record = record
    entry.version = ++this.#version
    entry.secrets = this.#secrets()
    // It refers to the request with its complete body.
    if (!record.isOpen) entry.read = undefined
    if (this.#entries.get(entry.id) !== entry) return
    this.#resize(entry)
    this.#notify(entry.id)
  }

  ended(lease: TraceLease, record: TraceRecord): void {
    this.updated(lease, record)
  }

  /** Removes all requests. Ids continue. */
  clear(): void {
    this.#entries.clear()
    this.#usedBytes = 0
    this.#version++
  }

  /** Calls the listener when a request was added or has changed. Returns the function that removes it. */
  onAdded(listener: OnTraceChange): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns the latest requests that match, newest first, and the number of all that match. */
  since(id: number, filter: TraceFilter, limit: number) {
    const matches = this.#reader.matcher(filter)
    const traces: ReturnType<TraceReader['summary']>[] = []
    let total = 0
    for (const entry of [...this.#entries.values()].toReversed()) {
      if (entry.id <= id) break
      const current = this.#current(entry)
      if (!matches(current)) continue
      total++
      if (traces.length < limit) traces.push(this.#reader.summary(current))
    }
    return { traces, total }
  }

  /**
   * Returns the latest state of the requests that have changed, oldest change first.
   *
   * @param version value of `version` at the last call
   */
  changedSince(version: number, limit: number) {
    return [...this.#entries.values()]
      .filter((entry) => entry.version > version)
      .sort((one, other) => one.version - other.version)
      .slice(-limit)
      .map((entry) => this.#reader.summary(this.#current(entry)))
  }

  /** Returns a request. @param id its number, or the id in the answer (`apim-request-id`), case-insensitive */
  find(id: string) {
    const entry = this.#entryOf(id)
    return entry && this.#reader.detail(this.#current(entry))
  }

  /**
   * Returns a request as it was sent, with credentials; undefined if it is not kept. Only for sending it again.
   *
   * @param id as in `find`
   */
  rawRequest(id: string): RawRequest | undefined {
    const entry = this.#entryOf(id)
    if (!entry) return undefined
    const { method, path, query, headers, body, resource, requestId } = entry.record
    const isComplete = !body.isTruncated && body.mediaCount === 0
    const bodyBytes = body.totalBytes
    return {
      method,
      path,
      query,
      headers,
      resource,
      requestId,
      body: isComplete ? body.bytes : undefined,
      bodyBytes,
    }
  }

  #entryOf(id: string): Entry | undefined {
    return /^\d{1,15}$/.test(id) ? this.#entries.get(Number(id)) : this.#byRequestId(id.toLowerCase())
  }

  #byRequestId(id: string): Entry | undefined {
    let found: Entry | undefined
    for (const entry of this.#entries.values()) {
      const { requestId, answerHeaders } = this.#current(entry).record
      // A forwarded answer has the id of the upstream.
      const ofAnswer = headerIn(answerHeaders, 'apim-request-id')
      if (requestId.toLowerCase() === id || ofAnswer?.toLowerCase() === id) found = entry
    }
    return found
  }

  #current(entry: Entry): StoredTrace & { readonly secrets: readonly (readonly string[])[] } {
    const { id, version, read, secrets } = entry
    const record = read ? read() : entry.record
    const current = this.#secrets()
    return { id, version, record, secrets: current === secrets ? [current] : [secrets, current] }
  }

  #resize(entry: Entry): void {
    this.#usedBytes -= entry.sizeBytes
    entry.sizeBytes = sizeOf(entry.record)
    this.#usedBytes += entry.sizeBytes
    for (const [id, oldest] of this.#entries) {
      if (this.#entries.size <= this.#size && this.#usedBytes <= MAX_RING_BYTES) break
      this.#entries.delete(id)
      this.#usedBytes -= oldest.sizeBytes
    }
  }

  #notify(id: number): void {
    for (const listener of this.#listeners) listener(id)
  }
}

const BYTES_PER_CHUNK = 4 * 8
const BYTES_PER_STEP = 100
const FIXED_BYTES = 2_048

/** Approximate memory of a record. */
function sizeOf({
  body,
  answerBody,
  chunks,
  steps,
  path,
  query,
  headers,
  answerHeaders,
}: TraceRecord): number {
  let texts = path.length + query.length
  for (const value of Object.values(headers)) texts += String(value).length
  for (const value of answerHeaders) texts += value.length
  return (
    FIXED_BYTES +
    body.bytes.length +
    answerBody.bytes.length +
    2 * texts +
    chunks.bytes.length * BYTES_PER_CHUNK +
    steps.length * BYTES_PER_STEP
  )
}
