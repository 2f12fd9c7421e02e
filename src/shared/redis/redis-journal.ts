import { SerialQueue } from '../../lib/queues.ts'
import { createJournal, type Journal, type OpenCall } from '../../journal/journal.ts'
import type { JournalEntry, JournalFilter } from '../../journal/journal-entry.ts'
import type {
  CallEnded,
  CallStarted,
  JournalPage,
  JournalReader,
  JournalSink,
} from '../../journal/journal-sink.ts'
import type { RetryReport, RetryReportFilter } from '../../journal/retry-report.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'
import {
  type RequestTexts,
  type JournalEvent,
  EventEncoder,
  withTexts,
  MAX_BYTES_PER_CALL,
  type JournalBounds,
  type JournalKeys,
  JournalOutbox,
  defaultBounds,
} from './journal-outbox.ts'
import { readEventsScript } from './journal-scripts.ts'
import { parseListMessage, type RedisConnection } from './redis-connection.ts'
import { RedisTime } from './redis-script.ts'

const MAX_ITEMS_PER_READ = 100

/**
 * Newer events are held back before they are applied, since earlier events of other simulators may still arrive. A simulator with
 * workers sends them up to half a second late.
 */
const REORDER_DELAY_MS = 1_000

/** How often the key that requests publication is renewed while the journal is followed. The key expires after three times as long. */
const FOLLOW_RENEWAL_MS = 10_000

/** How long to wait for other simulators to flush. */
const FLUSH_TIMEOUT_MS = 2_000

/** Limit for requests without an end, of all simulators. */
const MAX_OPEN_CALLS = 100_000

/** Placeholders for the parts of a request that stay in Redis. */
const notLoaded = { headers: {}, query: '', body: undefined }

/** A request that was recorded here, with its start on the clock of Redis. */
export interface SharedCall {
  readonly number: number
  readonly startedMs: number
}

/** An event that was read and not yet applied. */
interface PendingEvent {
  /** When Redis received it, and when it happened. Events are applied in the order of `atMs`. */
  readonly arrivedMs: number
  readonly atMs: number
  readonly apply: () => void
}

export interface RedisJournalOptions {
  readonly connection: RedisConnection
  /** Prefix of keys and channels. */
  readonly prefix: string
  /** Number of requests to keep, > 0. */
  readonly size: number
  /** Returns the current keys, which Redis must not contain. Returns the same array until the keys change. */
  readonly secrets: () => readonly string[]
  /** Default: 32, 64 and 64 MB. */
  readonly bounds?: JournalBounds
}

/**
 * The journal that all simulators with the same Redis and prefix share. Events of one event-loop iteration are sent in one call
 * after it. Each simulator reads all events, after every thousand and before each query, and applies them in the order of their
 * times. Heads and bodies stay in Redis until entries are read. All times are on the clock of Redis.
 *
 * A query first makes all simulators send their events, so it includes every request that a client has seen answered.
 */
export class RedisJournal implements JournalSink<SharedCall>, JournalReader {
  readonly #connection: RedisConnection
  readonly #size: number
  readonly #keys: JournalKeys
  readonly #channel: string
  readonly #outbox: JournalOutbox
  readonly #encoder: EventEncoder
  readonly #time: RedisTime
  /** The time of Redis. */
  readonly #clock: Clock
  /** The requests read so far, without heads and bodies. */
  #journal: Journal
  #flushWorkers: (() => Promise<void>) | undefined
  #lastNumber = 0
  #createdAt = ''
  #position = '0-0'
  readonly #reads = new SerialQueue()
  #pending: PendingEvent[] = []
  readonly #open = new Map<string, OpenCall>()
  // Followers.
  readonly #followers = new Set<() => void>()
  #stopRenewal: StopTimer | undefined
  #stopRead: StopTimer | undefined
  // Flushes of other simulators that a query waits for.
  #lastToken = 0
  readonly #flushReplies = new Map<string, () => void>()

  constructor({ connection, prefix, size, secrets, bounds = defaultBounds }: RedisJournalOptions) {
    const { clock } = connection
    this.#connection = connection
    this.#size = size
    this.#encoder = new EventEncoder(secrets)
    this.#keys = [
      `${prefix}{journal}:numbers`,
      `${prefix}{journal}:notices`,
      `${prefix}{journal}:requests`,
      `${prefix}{journal}:senders`,
      `${prefix}{journal}:followed`,
    ]
    this.#channel = `${prefix}journal`
    this.#time = new RedisTime(clock)
    const nowMs = (): number => this.#time.at(clock.nowMs())
    this.#clock = { nowMs, epochMs: nowMs, at: (dueMs, task) => clock.at(dueMs, task) }
    this.#journal = this.#journalSince(nowMs())
    const outbox = { connection, keys: this.#keys, channel: this.#channel, size, bounds, time: this.#time }
    this.#outbox = new JournalOutbox(outbox)
    void connection.onMessage(this.#channel, (message) => void this.#onMessage(message))
    void connection.onMessage(`${this.#channel}:${this.#outbox.replicaId}`, (token) =>
      this.#flushReplies.get(token)?.(),
    )
  }

  started(call: CallStarted, _plannedMs: number): SharedCall {
    const number = ++this.#lastNumber
    const startedMs = this.#time.at(call.startedMs)
    this.#outbox.add(() => this.#encoder.started(number, { ...call, startedMs }))
    return { number, startedMs }
  }

  ended({ number, startedMs }: SharedCall, end: CallEnded): void {
    // Subtract the error of the clock, so that the end is before the retry, which may be sent to another simulator.
    const answeredAtMs = Math.max(startedMs, this.#time.at(end.answeredAtMs) - this.#time.errorMs)
    this.#outbox.add(() => this.#encoder.ended(number, { ...end, answeredAtMs }))
  }

  /** Matching entries, oldest first. Without Redis, only requests recorded here since then have a head and a body. */
  async entries(filter: JournalFilter = {}): Promise<JournalEntry[]> {
    await this.#catchUp()
    return this.#connection.state.up
      ? this.#readTexts(this.#journal.entries(filter)).catch(() => this.#localEntries(filter))
      : this.#localEntries(filter)
  }

  /** The report since the journal was created or cleared. Without Redis, it ends when Redis became unavailable. */
  async retryReport(filter?: RetryReportFilter): Promise<RetryReport> {
    await this.#catchUp()
    return this.#journal.retryReport(filter)
  }

  /** Clears the shared journal. Without Redis, clears this simulator now and the shared journal when Redis is back. */
  async clear(): Promise<void> {
    await this.#catchUp()
    this.#reset(this.#clock.nowMs())
    await this.#outbox.clear()
  }

  /** The last id of all simulators, after they have sent their events. */
  get lastId(): Promise<number> {
    return this.#catchUp().then(() => Math.max(this.#journal.lastId, this.#outbox.nextId - 1))
  }

  async follow(sinceId: number, filter: JournalFilter): Promise<JournalPage> {
    const page = this.#journal.follow(sinceId, filter)
    const entries = await this.#readTexts(page.entries).catch(() => page.entries)
    return { ...page, entries }
  }

  /** Calls the listener one or two seconds after requests were recorded, since earlier requests may still arrive until then. */
  onAdded(listener: () => void): () => void {
    this.#followers.add(listener)
    if (!this.#stopRenewal) this.#renewFollowing()
    return () => void this.#followers.delete(listener)
  }

  /** Removes all listeners and stops the timers. */
  close(): void {
    this.#followers.clear()
    this.#stopRenewal?.()
    this.#stopRead?.()
  }

  setFlush(flush: () => Promise<void>): void {
    this.#flushWorkers = flush
  }

  // Reading from Redis.

  async #catchUp(): Promise<void> {
    if (!this.#connection.state.up) return this.#outbox.flush()
    await this.#flushAll().catch(() => {})
    await this.#read(Infinity)
  }

  /** Resolves when all simulators that received the request have sent their events, or after the timeout. */
  async #flushAll(): Promise<void> {
    await this.#flushOwn()
    const token = String(++this.#lastToken)
    let replies = 0
    let expected = Infinity
    await new Promise<void>((resolve, reject) => {
      const { clock } = this.#connection
      const end = (): void => {
        stop()
        this.#flushReplies.delete(token)
        resolve()
      }
      // After a blocked event loop, timers fire before pending replies are read.
      const stop = clock.at(clock.nowMs() + FLUSH_TIMEOUT_MS, () => defer(end))
      this.#flushReplies.set(token, () => {
        if (++replies >= expected) end()
      })
      const message = JSON.stringify(['flush', this.#outbox.replicaId, token])
      this.#connection.send(['PUBLISH', this.#channel, message]).then(
        (receivers) => {
          // This simulator receives the message as well.
          expected = Number(receivers) - 1
          if (replies >= expected) end()
        },
        (error: unknown) => {
          end()
          reject(error)
        },
      )
    })
  }

  async #flushOwn(): Promise<void> {
    await this.#flushWorkers?.()
    await this.#outbox.flush()
  }

  async #onMessage(message: string): Promise<void> {
    const [kind, from = '', token = ''] = parseListMessage(message).map(String)
    if (kind === 'wake') await this.#read(this.#clock.nowMs() - REORDER_DELAY_MS)
    if (kind === 'noted') this.#scheduleRead()
    if (kind !== 'flush' || from === this.#outbox.replicaId) return
    await this.#flushOwn()
    await this.#connection.send(['PUBLISH', `${this.#channel}:${from}`, token]).catch(() => {})
  }

  /** Makes Redis publish each batch of events while there are followers. */
  #renewFollowing(): void {
    const { clock } = this.#connection
    this.#stopRenewal = undefined
    if (this.#followers.size === 0) return
    const command = ['SET', this.#keys[4], '1', 'PX', String(3 * FOLLOW_RENEWAL_MS)]
    this.#connection.send(command).then(
      () => this.#scheduleRead(),
      () => {},
    )
    this.#stopRenewal = clock.at(clock.nowMs() + FOLLOW_RENEWAL_MS, () => this.#renewFollowing())
  }

  #scheduleRead(): void {
    const { clock } = this.#connection
    if (this.#stopRead || this.#followers.size === 0) return
    const read = async (): Promise<void> => {
      await this.#read(this.#clock.nowMs() - REORDER_DELAY_MS)
      this.#stopRead = undefined
      if (this.#pending.length > 0) this.#scheduleRead()
    }
    this.#stopRead = clock.at(clock.nowMs() + REORDER_DELAY_MS, () => void read())
  }

  /** Reads all new events, and applies those that Redis had received by `untilMs`. */
  #read(untilMs: number): Promise<void> {
    const read = this.#reads.run(async () => {
      while (await this.#readSome());
      const due = this.#pending.filter(({ arrivedMs }) => arrivedMs <= untilMs)
      this.#pending = this.#pending.filter(({ arrivedMs }) => arrivedMs > untilMs)
      due.sort((a, b) => a.atMs - b.atMs)
      for (const { apply } of due) apply()
      if (due.length > 0) for (const follower of this.#followers) follower()
    })
    return read.catch(() => {})
  }

  /** Reads a page of events. Returns whether there may be more. */
  async #readSome(): Promise<boolean> {
    const [counters, stream] = this.#keys
    const args = [this.#position, String(MAX_ITEMS_PER_READ), String(MAX_BYTES_PER_CALL)]
    const reply = await readEventsScript.run(this.#connection, [counters, stream], args)
    const [createdAt, next, batches] = reply as [string, string, [id: string, fields: string[]][]]
    if (createdAt !== this.#createdAt) {
      // The journal was cleared, or Redis lost its data.
      this.#createdAt = createdAt
      this.#position = '0-0'
      this.#reset(createdAt === '' ? this.#clock.nowMs() : Number(createdAt))
      return true
    }
    this.#outbox.nextId = Math.max(this.#outbox.nextId, Number(next))
    for (const [id, fields] of batches) {
      this.#position = id
      const [, sender = '', , first = '', , , , json = '[]'] = fields
      let number = Number(first)
      for (const event of JSON.parse(json) as JournalEvent[]) {
        const arrivedMs = Number(id.slice(0, id.indexOf('-')))
        const opened = event[0] === 'started' ? number++ : 0
        this.#pending.push({ arrivedMs, ...this.#pendingEvent(sender, event, opened) })
      }
    }
    return batches.length > 0
  }

  #pendingEvent(sender: string, event: JournalEvent, id: number): Omit<PendingEvent, 'arrivedMs'> {
    const [kind, number, data] = event
    const key = `${sender} ${number}`
    if (kind === 'started') {
      const apply = (): void => {
        this.#open.set(key, this.#journal.started({ ...data, ...notLoaded, id }, data.startedMs))
        if (this.#open.size > MAX_OPEN_CALLS) this.#open.delete(this.#open.keys().next().value ?? '')
      }
      return { atMs: data.startedMs, apply }
    }
    const apply = (): void => {
      const call = this.#open.get(key)
      if (call) this.#journal.ended(call, data)
      this.#open.delete(key)
    }
    return { atMs: data.answeredAtMs, apply }
  }

  #reset(sinceMs: number): void {
    this.#journal = this.#journalSince(sinceMs)
    this.#pending = []
    this.#open.clear()
  }

  async #readTexts(entries: readonly JournalEntry[]): Promise<JournalEntry[]> {
    const found: JournalEntry[] = []
    let page: JournalEntry[] = []
    let bytes = 0
    const readPage = async (): Promise<void> => {
      const fields = page.flatMap(({ id }) => [`h${id}`, `b${id}`])
      const texts = (await this.#connection.send(['HMGET', this.#keys[2], ...fields])) as (string | null)[]
      for (const [index, entry] of page.entries()) {
        const head = texts[2 * index]
        // Evicted entries have no head.
        if (head) found.push(withTexts(entry, { head, body: texts[2 * index + 1] ?? '' }))
      }
      page = []
      bytes = 0
    }
    for (const entry of entries) {
      page.push(entry)
      bytes += Math.min(entry.bodyBytes, 64 * 1024) + 2_000
      if (bytes > MAX_BYTES_PER_CALL || page.length === MAX_ITEMS_PER_READ) await readPage()
    }
    if (page.length > 0) await readPage()
    return found
  }

  /** Entries without Redis: those read before, and those recorded here since then, which will get other ids. */
  #localEntries(filter: JournalFilter): JournalEntry[] {
    const here = this.#journalSince(0)
    const texts = new Map<number, RequestTexts>()
    const open = new Map<number, OpenCall>()
    let id = this.#outbox.nextId
    for (const { event, texts: own } of this.#outbox.unsent) {
      const [kind, number, data] = event
      if (kind === 'started') {
        open.set(number, here.started({ ...data, ...notLoaded, id }, data.startedMs))
        if (own) texts.set(id++, own)
      } else {
        const call = open.get(number)
        if (call) here.ended(call, data)
      }
    }
    const recorded = here.entries(filter).map((entry) => {
      const own = texts.get(entry.id)
      return own ? withTexts(entry, own) : entry
    })
    const all = [...this.#journal.entries(filter), ...recorded]
    return filter.limit === undefined ? all : all.slice(-filter.limit)
  }

  #journalSince(sinceMs: number): Journal {
    // Texts in Redis are already redacted.
    const secrets = (): readonly string[] => []
    return createJournal({ size: this.#size, clock: this.#clock, testHeader: '', secrets, sinceMs })
  }
}
