import { randomBytes } from 'node:crypto'
import { defer } from '../../lib/real-timers.ts'
import { addEventsScript, clearJournalScript } from './journal-scripts.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { RedisTime } from './redis-script.ts'
import { MAX_ITEMS_PER_CALL } from './tick-batcher.ts'
import { redactedBody, redactedHead, type JournalEntry } from '../../journal/journal-entry.ts'
import type { CallEnded, CallStarted } from '../../journal/journal-sink.ts'
import { MAX_BODY_BYTES } from '../../journal/journal.ts'
import { requestFingerprint } from '../../journal/request-fingerprint.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { RecentMap } from '../../lib/caches.ts'

/** The journal expires this long after the last request. */
const RETENTION_MS = 86_400_000

/** Limits of the journal in Redis, in bytes: for events, for heads of requests, and for bodies. */
export interface JournalBounds {
  readonly events: number
  readonly heads: number
  readonly bodies: number
}

const BYTES_PER_MEGABYTE = 1024 * 1024

export const defaultBounds: JournalBounds = {
  events: 32 * BYTES_PER_MEGABYTE,
  heads: 64 * BYTES_PER_MEGABYTE,
  bodies: 64 * BYTES_PER_MEGABYTE,
}

/** Events kept in addition to those of the kept requests. A simulator that starts analyzes earlier retries with them. */
const EXTRA_EVENTS = 20_000

/** Larger calls would delay the decisions that are queued behind them on the connection. */
export const MAX_BYTES_PER_CALL = 256 * 1024

/** Limit for events that wait to be sent. Their number is limited as in Redis. The oldest are dropped first. */
const MAX_QUEUED_BYTES = 16 * BYTES_PER_MEGABYTE

/** The Redis keys of the journal. */
export type JournalKeys = readonly [
  numbers: string,
  notices: string,
  requests: string,
  senders: string,
  followed: string,
]

export interface JournalOutboxOptions {
  readonly connection: RedisConnection
  readonly keys: JournalKeys
  readonly channel: string
  /** Number of requests to keep. */
  readonly size: number
  readonly bounds: JournalBounds
  /** Updated with each batch. */
  readonly time: RedisTime
}

/**
 * Sends journal events to Redis, in order and exactly once. Events of one event-loop iteration are sent in one call after it. Without
 * Redis they are queued, with limits.
 */
export class JournalOutbox {
  readonly replicaId = randomBytes(9).toString('hex')
  /** The id of the next request of all simulators, as far as known here. */
  nextId = 1
  readonly #options: JournalOutboxOptions
  /** Events of this event-loop iteration, not yet encoded. */
  #unencoded: (() => QueuedEvent)[] = []
  #queue: QueuedEvent[] = []
  #queuedBytes = 0
  /** The batch that may have reached Redis. It is sent again until Redis confirms it. */
  #inFlight: readonly QueuedEvent[] = []
  #batch = 0
  /** Number of events that were queued, and of those that Redis has or that were dropped. */
  #queuedCount = 0
  #completedCount = 0
  #sending: Promise<void> | undefined
  #isFlushDue = false
  #isClearDue = false

  constructor(options: JournalOutboxOptions) {
    this.#options = options
    options.connection.onUp(() => void this.#onUp())
  }

  /** Events that Redis has not confirmed, oldest first. */
  get unsent(): readonly QueuedEvent[] {
    return [...this.#inFlight, ...this.#queue]
  }

  /** Adds an event. `make` encodes it after this event-loop iteration. */
  add(make: () => QueuedEvent): void {
    this.#unencoded.push(make)
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    defer(() => {
      this.#isFlushDue = false
      void this.flush()
    })
  }

  /** Resolves when all events were sent, or Redis is not available. */
  async flush(): Promise<void> {
    for (const make of this.#unencoded.splice(0)) {
      const event = make()
      this.#queue.push(event)
      this.#queuedBytes += event.bytes
      this.#queuedCount++
    }
    this.#dropExcess()
    const queued = this.#queuedCount
    const { connection } = this.#options
    while (connection.state.up && this.#completedCount < queued) {
      await (this.#sending ??= this.#sendSome().finally(() => (this.#sending = undefined)))
    }
  }

  /** Clears the shared journal and the queue. Without Redis, the shared journal is cleared when Redis is back. */
  async clear(): Promise<void> {
    this.#isClearDue = true
    this.#completedCount += this.#queue.splice(0).length
    this.#queuedBytes = 0
    await this.#clearShared()
  }

  async #sendSome(): Promise<void> {
    if (this.#inFlight.length === 0) {
      this.#batch++
      this.#inFlight = this.#nextBatch()
    }
    const sent = this.#inFlight
    const { connection, keys, channel, size, bounds, time } = this.#options
    const args = [
      this.replicaId,
      String(this.#batch),
      String(this.nextId),
      String(size),
      String(2 * size + EXTRA_EVENTS),
      String(bounds.events),
      String(bounds.heads),
      String(bounds.bodies),
      String(RETENTION_MS),
      channel,
      String(sent.length),
      `[${sent.map(({ json }) => json).join()}]`,
    ]
    for (const { texts } of sent) if (texts) args.push(texts.head, texts.body)
    const sentMs = connection.clock.nowMs()
    try {
      const reply = await addEventsScript.run(connection, keys, args)
      const [redisMs = 0, next = 0] = (reply as string[]).map(Number)
      time.measured(sentMs, redisMs)
      this.nextId = Math.max(this.nextId, next)
      this.#completedCount += sent.length
      this.#inFlight = []
    } catch {
      // Sent again when Redis is back.
    }
  }

  #nextBatch(): QueuedEvent[] {
    let count = 0
    let bytes = 0
    while (count < Math.min(MAX_ITEMS_PER_CALL, this.#queue.length) && bytes < MAX_BYTES_PER_CALL) {
      bytes += this.#queue[count++]?.bytes ?? 0
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count)
  }

  #dropExcess(): void {
    let count = 0
    while (
      this.#queuedBytes > MAX_QUEUED_BYTES ||
      this.#queue.length - count > 2 * this.#options.size + EXTRA_EVENTS
    ) {
      this.#queuedBytes -= this.#queue[count++]?.bytes ?? 0
    }
    this.#queue.splice(0, count)
    this.#completedCount += count
  }

  async #onUp(): Promise<void> {
    if (this.#isClearDue) await this.#clearShared()
    await this.flush()
  }

  async #clearShared(): Promise<void> {
    const { connection, keys } = this.#options
    const args = [String(this.nextId), String(RETENTION_MS)]
    try {
      await clearJournalScript.run(connection, keys.slice(0, 3), args)
      this.#isClearDue = false
    } catch {
      // Repeated when Redis is back.
    }
  }
}

/**
 * Start or end of a request, with the number of the request at its simulator. Times are milliseconds since 1970 on the clock of
 * Redis.
 */
export type JournalEvent =
  | readonly [kind: 'started', number: number, call: Omit<CallStarted, 'headers' | 'query' | 'body'>]
  | readonly [kind: 'ended', number: number, end: CallEnded]

/** Head and body of a request as Redis stores them, without credentials. They are loaded only when entries are read. */
export interface RequestTexts {
  readonly head: string
  /** Empty if the body is not kept. */
  readonly body: string
}

/** An encoded event in the queue. */
export interface QueuedEvent {
  readonly event: JournalEvent
  readonly json: string
  /** Only for the start of a request. */
  readonly texts: RequestTexts | undefined
  /** Approximate size of all texts. */
  readonly bytes: number
}

/** Size of the cache of redacted heads and bodies, in characters for each of two generations. */
const MAX_CACHED_CHARACTERS = 1024 * 1024
/** Longer bodies are not cached. Caching pays because most clients repeat headers, and many load generators repeat bodies. */
const MAX_CACHED_LENGTH = 16 * 1024

function createTextCache(): RecentMap<string, readonly string[]> {
  return new RecentMap(
    MAX_CACHED_CHARACTERS,
    (texts) => 2 * texts.reduce((sum, { length }) => sum + length, 0),
  )
}

/** Encodes journal events. Most of the cost is the search for credentials, so redacted texts are cached. */
export class EventEncoder {
  readonly #secrets: () => readonly string[]
  /** The secrets that cached texts were redacted with. */
  #cachedFor: readonly string[] = []
  #cache = createTextCache()

  /** @param secrets returns the current keys; the same array until they change */
  constructor(secrets: () => readonly string[]) {
    this.#secrets = secrets
  }

  started(number: number, call: CallStarted): QueuedEvent {
    const { headers, query, body, ...same } = call
    const secrets = this.#currentSecrets()
    const isKept = body !== undefined && body.length <= MAX_BODY_BYTES
    const [path = '', client = '', head = '', deployment] = this.#cached(
      JSON.stringify([call.path, call.client, call.deployment, query, headers]),
      () => {
        const { path, query, headers, deployment, client } = redactedHead({ ...call, secrets })
        const texts = [path, client, JSON.stringify([query, headers])]
        return deployment === undefined ? texts : [...texts, deployment]
      },
    )
    const fingerprint = call.fingerprint ?? requestFingerprint(call)
    const event: JournalEvent = ['started', number, { ...same, path, client, deployment, fingerprint }]
    return queuedEvent(event, { head, body: isKept ? this.#bodyOf(call, body, secrets) : '' })
  }

  ended(number: number, end: CallEnded): QueuedEvent {
    return queuedEvent(['ended', number, end], undefined)
  }

  #currentSecrets(): readonly string[] {
    const secrets = this.#secrets()
    if (secrets === this.#cachedFor) return secrets
    this.#cachedFor = secrets
    this.#cache = createTextCache()
    return secrets
  }

  #bodyOf(call: CallStarted, body: Buffer, secrets: readonly string[]): string {
    const make = (): string => encodeBody(redactedBody({ ...call, secrets }))
    if (body.length > MAX_CACHED_LENGTH) return make()
    const key = `${JSON.stringify([call.headers['content-type']])}${body.toString('latin1')}`
    return this.#cached(key, () => [make()])[0] ?? ''
  }

  #cached(key: string, make: () => readonly string[]): readonly string[] {
    const known = this.#cache.get(key)
    if (known) return known
    const made = make()
    this.#cache.set(key, made)
    return made
  }
}

/** Adds head and body to an entry. */
export function withTexts(entry: JournalEntry, texts: RequestTexts): JournalEntry {
  const [query, headers] = JSON.parse(texts.head) as [string, Record<string, string>]
  const body = decodeBody(texts.body)
  let json: { readonly value: unknown } | undefined
  return {
    ...entry,
    query,
    headers,
    bodyKept: body !== undefined,
    body,
    get json() {
      return (json ??= { value: body === undefined ? undefined : parseJson(Buffer.from(body)) }).value
    },
  }
}

function queuedEvent(event: JournalEvent, texts: RequestTexts | undefined): QueuedEvent {
  const json = JSON.stringify(event)
  const bytes = json.length + (texts ? texts.head.length + texts.body.length : 0)
  return { event, json, texts, bytes }
}

function encodeBody(body: string | Uint8Array | undefined): string {
  if (body === undefined) return ''
  return typeof body === 'string' ? `t${body}` : `b${Buffer.from(body).toString('base64')}`
}

function decodeBody(text: string): string | Uint8Array | undefined {
  if (text === '') return undefined
  return text.startsWith('t') ? text.slice(1) : Buffer.from(text.slice(1), 'base64')
}
