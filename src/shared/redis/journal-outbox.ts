import { randomBytes } from 'node:crypto'
import { defer } from '../../lib/real-timers.ts'
import { addNotesScript, clearNotesScript } from './journal-scripts.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { RedisTime } from './redis-script.ts'
import { redactedBody, redactedHead, type JournalEntry } from '../../journal/journal-entry.ts'
import type { CallEnded, CallStarted } from '../../journal/journal-sink.ts'
import { MAX_BODY_BYTES } from '../../journal/journal.ts'
import { requestFingerprint } from '../../journal/request-fingerprint.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { RecentMap } from '../../lib/caches.ts'

/** How long the journal is kept after the last request. */
const RETENTION_MS = 86_400_000

/** What Redis keeps at most, in bytes: of notices, of the heads of requests, and of their bodies. */
export interface JournalBounds {
  readonly notices: number
  readonly heads: number
  readonly bodies: number
}

const BYTES_PER_MEGABYTE = 1024 * 1024

/** What it keeps where nobody says otherwise. */
export const usualBounds: JournalBounds = {
  notices: 32 * BYTES_PER_MEGABYTE,
  heads: 64 * BYTES_PER_MEGABYTE,
  bodies: 64 * BYTES_PER_MEGABYTE,
}

/** Beyond those of the requests that are kept: a simulator that starts judges by them what came before. */
const MORE_NOTICES = 20_000

/** More in one call would hold up decisions that wait behind it on the connection. */
const MAX_ITEMS_PER_CALL = 500
const MAX_BYTES_PER_CALL = 256 * 1024

/** What waits to be sent, at most, and as many notices as Redis keeps; the oldest goes first. */
const MAX_WAITING_BYTES = 16 * BYTES_PER_MEGABYTE

/** Where the journal lies in Redis. */
export type JournalKeys = readonly [
  numbers: string,
  notices: string,
  requests: string,
  senders: string,
  followed: string,
]

/** What notices are sent with. */
export interface JournalOutboxOptions {
  readonly connection: RedisConnection
  readonly keys: JournalKeys
  readonly channel: string
  /** Requests that are kept. */
  readonly size: number
  readonly bounds: JournalBounds
  /** Is measured with each batch. */
  readonly time: RedisTime
}

/**
 * Sends notices to Redis, in their order and each once: those of one turn of the event loop in one call, after the turn. While Redis
 * is away they wait, in bounded room.
 */
export class JournalOutbox {
  readonly replica = randomBytes(9).toString('hex')
  /** The number of the next request of all, as far as is known here. */
  next = 1
  readonly #parts: JournalOutboxOptions
  /** As they were noted, until the end of the turn. */
  #fresh: (() => WaitingNotice)[] = []
  #waiting: WaitingNotice[] = []
  #waitingBytes = 0
  /** What may have reached Redis: it is sent again until that is known. */
  #sent: readonly WaitingNotice[] = []
  #batch = 0
  /** Of all notices: how many were made here, and how many of them Redis has, or had to make room. */
  #madeCount = 0
  #doneCount = 0
  #sending: Promise<void> | undefined
  #isFlushDue = false
  #isClearDue = false

  constructor(parts: JournalOutboxOptions) {
    this.#parts = parts
    parts.connection.onUp(() => void this.#goUp())
  }

  /** What has not reached Redis, as far as is known, oldest first. */
  get unsent(): readonly WaitingNotice[] {
    return [...this.#sent, ...this.#waiting]
  }

  /** Takes a notice, which is made after this turn of the loop. */
  add(make: () => WaitingNotice): void {
    this.#fresh.push(make)
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    defer(() => {
      this.#isFlushDue = false
      void this.flush()
    })
  }

  /** Ends when all that is noted has been sent, or Redis is away. */
  async flush(): Promise<void> {
    for (const make of this.#fresh.splice(0)) {
      const notice = make()
      this.#waiting.push(notice)
      this.#waitingBytes += notice.bytes
      this.#madeCount++
    }
    this.#makeRoom()
    const made = this.#madeCount
    const { connection } = this.#parts
    while (connection.state.up && this.#doneCount < made) {
      await (this.#sending ??= this.#sendSome().finally(() => (this.#sending = undefined)))
    }
  }

  /** Begins the journal of all anew, without what waits here; when Redis is back, where it is away. */
  async clear(): Promise<void> {
    this.#isClearDue = true
    this.#doneCount += this.#waiting.splice(0).length
    this.#waitingBytes = 0
    await this.#clearShared()
  }

  async #sendSome(): Promise<void> {
    if (this.#sent.length === 0) {
      this.#batch++
      this.#sent = this.#nextBatch()
    }
    const sent = this.#sent
    const { connection, keys, channel, size, bounds, time } = this.#parts
    const args = [
      this.replica,
      String(this.#batch),
      String(this.next),
      String(size),
      String(2 * size + MORE_NOTICES),
      String(bounds.notices),
      String(bounds.heads),
      String(bounds.bodies),
      String(RETENTION_MS),
      channel,
      String(sent.length),
      `[${sent.map(({ json }) => json).join()}]`,
    ]
    for (const { parts } of sent) if (parts) args.push(parts.head, parts.body)
    const sentMs = connection.clock.nowMs()
    try {
      const reply = await addNotesScript.run(connection, keys, args)
      const [toldMs = 0, next = 0] = (reply as string[]).map(Number)
      time.measured(sentMs, toldMs)
      this.next = Math.max(this.next, next)
      this.#doneCount += sent.length
      this.#sent = []
    } catch {
      // It is sent again when Redis is back.
    }
  }

  #nextBatch(): WaitingNotice[] {
    let count = 0
    let bytes = 0
    while (count < Math.min(MAX_ITEMS_PER_CALL, this.#waiting.length) && bytes < MAX_BYTES_PER_CALL) {
      bytes += this.#waiting[count++]?.bytes ?? 0
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  #makeRoom(): void {
    let count = 0
    while (
      this.#waitingBytes > MAX_WAITING_BYTES ||
      this.#waiting.length - count > 2 * this.#parts.size + MORE_NOTICES
    ) {
      this.#waitingBytes -= this.#waiting[count++]?.bytes ?? 0
    }
    this.#waiting.splice(0, count)
    this.#doneCount += count
  }

  async #goUp(): Promise<void> {
    if (this.#isClearDue) await this.#clearShared()
    await this.flush()
  }

  async #clearShared(): Promise<void> {
    const { connection, keys } = this.#parts
    const args = [String(this.next), String(RETENTION_MS)]
    try {
      await clearNotesScript.run(connection, keys.slice(0, 3), args)
      this.#isClearDue = false
    } catch {
      // Done when Redis is back.
    }
  }
}

/**
 * A notice: the number of the request among those of its simulator, and what is told of its begin or of its end. Times are
 * milliseconds since 1970 by the clock of Redis.
 */
export type Notice =
  | readonly [kind: 'started', number: number, call: Omit<CallStarted, 'headers' | 'query' | 'body'>]
  | readonly [kind: 'ended', number: number, end: CallEnded]

/** What is read of a request only when somebody asks for it, as texts for Redis. No credential is in them. */
export interface NotePayload {
  readonly head: string
  /** Empty where the body is not kept. */
  readonly body: string
}

/** A notice as it waits to be sent. */
export interface WaitingNotice {
  readonly notice: Notice
  readonly json: string
  /** For the begin of a request. */
  readonly parts: NotePayload | undefined
  /** Of all texts, about. */
  readonly bytes: number
}

/** What was made of heads and bodies without credentials is remembered, in each of two generations up to so many characters. */
const MAX_CACHED_CHARACTERS = 1024 * 1024
/** Most clients send the same headers again and again, and many load generators the same body. */
const MAX_CACHED_LENGTH = 16 * 1024

function rememberedTexts(): RecentMap<string, readonly string[]> {
  return new RecentMap(
    MAX_CACHED_CHARACTERS,
    (texts) => 2 * texts.reduce((sum, { length }) => sum + length, 0),
  )
}

/** Makes notices of requests. To look for credentials takes the most of it, so what comes again is looked through once. */
export class NoticeWriter {
  readonly #secrets: () => readonly string[]
  /** Those that what is remembered is without. */
  #known: readonly string[] = []
  #clean = rememberedTexts()

  /** @param secrets gives the keys of the moment, the same list as long as they are the same */
  constructor(secrets: () => readonly string[]) {
    this.#secrets = secrets
  }

  started(number: number, call: CallStarted): WaitingNotice {
    const { headers, query, body, ...same } = call
    const secrets = this.#currentSecrets()
    const isKept = body !== undefined && body.length <= MAX_BODY_BYTES
    const [path = '', head = '', deployment] = this.#remember(
      JSON.stringify([call.path, call.deployment, query, headers]),
      () => {
        const { path, query, headers, deployment } = redactedHead({ ...call, secrets })
        return [path, JSON.stringify([query, headers]), ...(deployment === undefined ? [] : [deployment])]
      },
    )
    const fingerprint = call.fingerprint ?? requestFingerprint(call)
    const notice: Notice = ['started', number, { ...same, path, deployment, fingerprint }]
    return waiting(notice, { head, body: isKept ? this.#bodyOf(call, body, secrets) : '' })
  }

  ended(number: number, end: CallEnded): WaitingNotice {
    return waiting(['ended', number, end], undefined)
  }

  #currentSecrets(): readonly string[] {
    const secrets = this.#secrets()
    if (secrets === this.#known) return secrets
    this.#known = secrets
    this.#clean = rememberedTexts()
    return secrets
  }

  #bodyOf(call: CallStarted, body: Buffer, secrets: readonly string[]): string {
    const make = (): string => bodyText(redactedBody({ ...call, secrets }))
    if (body.length > MAX_CACHED_LENGTH) return make()
    const key = `${JSON.stringify([call.headers['content-type']])}${body.toString('latin1')}`
    return this.#remember(key, () => [make()])[0] ?? ''
  }

  #remember(key: string, make: () => readonly string[]): readonly string[] {
    const known = this.#clean.get(key)
    if (known) return known
    const made = make()
    this.#clean.set(key, made)
    return made
  }
}

/** The entry with its head and body, as they came from Redis or are about to go there. */
export function withParts(entry: JournalEntry, parts: NotePayload): JournalEntry {
  const [query, headers] = JSON.parse(parts.head) as [string, Record<string, string>]
  const body = bodyOf(parts.body)
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

function waiting(notice: Notice, parts: NotePayload | undefined): WaitingNotice {
  const json = JSON.stringify(notice)
  const bytes = json.length + (parts ? parts.head.length + parts.body.length : 0)
  return { notice, json, parts, bytes }
}

function bodyText(body: string | Uint8Array | undefined): string {
  if (body === undefined) return ''
  return typeof body === 'string' ? `t${body}` : `b${Buffer.from(body).toString('base64')}`
}

function bodyOf(text: string): string | Uint8Array | undefined {
  if (text === '') return undefined
  return text.startsWith('t') ? text.slice(1) : Buffer.from(text.slice(1), 'base64')
}
