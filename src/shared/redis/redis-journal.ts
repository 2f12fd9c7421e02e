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
import type { RetryReport } from '../../journal/retry-report.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'
import {
  type NotePayload,
  type Notice,
  NoticeWriter,
  withParts,
  type JournalBounds,
  type JournalKeys,
  JournalOutbox,
  usualBounds,
} from './journal-outbox.ts'
import { readNotesScript } from './journal-scripts.ts'
import { partsOfMessage, type RedisConnection } from './redis-connection.ts'
import { RedisTime } from './redis-script.ts'

/** More in one call would hold up decisions that wait behind it on the connection. */
const MAX_BYTES_PER_CALL = 256 * 1024
const MAX_ITEMS_PER_READ = 100

/**
 * Notices that are younger wait for others before they are judged: those of another simulator may be on their way. The simulator
 * of a pool of workers has them half a second late.
 */
const HELD_MS = 1_000

/** How often it is said that somebody follows the journal; that holds three times as long. */
const REPORT_INTERVAL_MS = 10_000

/** A simulator that is busy for longer is not waited for. */
const PATIENCE_MS = 2_000

/** Requests without an end that are remembered of all simulators. */
const MAX_OPEN = 100_000

/** What a request has in Redis only. */
const unread = { headers: {}, query: '', body: undefined }

/** A request that has been noted here, by the time of Redis. */
export interface SharedCall {
  readonly number: number
  readonly startedMs: number
}

/** A notice that has been read, and not been judged. */
interface HeldNotice {
  /** When Redis got it, and when what it tells happened: it is judged in the order of the latter. */
  readonly arrivedMs: number
  readonly atMs: number
  readonly run: () => void
}

/** What a journal in Redis is made from. */
export interface RedisJournalOptions {
  readonly connection: RedisConnection
  /** What keys and channels begin with. */
  readonly prefix: string
  /** Requests that are kept, > 0. */
  readonly size: number
  /** Gives the keys of the moment, which no note may have; the same list as long as they are the same. */
  readonly secrets: () => readonly string[]
  /** In the place of 32, 64 and 64 MB. */
  readonly bounds?: JournalBounds
}

/**
 * The journal that all simulators with the same Redis and prefix have together. What is noted in one turn of the event loop goes out
 * in one call, after the turn. Each simulator reads all notices, a thousand at a time and when it is asked, and judges them in
 * the order of their times; heads and bodies stay in Redis until somebody asks for them. Times are those of Redis.
 *
 * Whoever asks lets all simulators send what they have noted first. So what a client has read is there.
 */
export class RedisJournal implements JournalSink<SharedCall>, JournalReader {
  readonly #connection: RedisConnection
  readonly #size: number
  readonly #keys: JournalKeys
  readonly #channel: string
  readonly #outbox: JournalOutbox
  readonly #writer: NoticeWriter
  readonly #time: RedisTime
  /** The time of Redis. */
  readonly #clock: Clock
  /** Of what has been read, without heads and bodies. */
  #known: Journal
  #settle: (() => Promise<void>) | undefined
  #lastNumber = 0
  // What has been read.
  #born = ''
  #position = '0-0'
  readonly #reads = new SerialQueue()
  #held: HeldNotice[] = []
  readonly #open = new Map<string, OpenCall>()
  // Who follows.
  readonly #followers = new Set<() => void>()
  #stopTelling: StopTimer | undefined
  #stopReading: StopTimer | undefined
  // Who is waited for.
  #lastToken = 0
  readonly #answers = new Map<string, () => void>()

  constructor({ connection, prefix, size, secrets, bounds = usualBounds }: RedisJournalOptions) {
    const { clock } = connection
    this.#connection = connection
    this.#size = size
    this.#writer = new NoticeWriter(secrets)
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
    this.#known = this.#journalSince(nowMs())
    const parts = { connection, keys: this.#keys, channel: this.#channel, size, bounds, time: this.#time }
    this.#outbox = new JournalOutbox(parts)
    void connection.onMessage(this.#channel, (message) => void this.#hear(message))
    void connection.onMessage(`${this.#channel}:${this.#outbox.replica}`, (token) =>
      this.#answers.get(token)?.(),
    )
  }

  started(call: CallStarted, _plannedMs: number): SharedCall {
    const number = ++this.#lastNumber
    const startedMs = this.#time.at(call.startedMs)
    this.#outbox.add(() => this.#writer.started(number, { ...call, startedMs }))
    return { number, startedMs }
  }

  ended({ number, startedMs }: SharedCall, end: CallEnded): void {
    // In doubt it was before a request that came to another simulator.
    const answeredAtMs = Math.max(startedMs, this.#time.at(end.answeredAtMs) - this.#time.errorMs)
    this.#outbox.add(() => this.#writer.ended(number, { ...end, answeredAtMs }))
  }

  /** What fits the filter, oldest first. While Redis is away only those that were noted here since then have a head and a body. */
  async entries(filter: JournalFilter = {}): Promise<JournalEntry[]> {
    await this.#catchUp()
    return this.#connection.state.up
      ? this.#readParts(this.#known.entries(filter)).catch(() => this.#knownHere(filter))
      : this.#knownHere(filter)
  }

  /** What has been found since the journal was begun; while Redis is away, until then. */
  async retryReport(): Promise<RetryReport> {
    await this.#catchUp()
    return this.#known.retryReport()
  }

  /** Begins the journal of all simulators anew. While Redis is away that of this one, and that of all when it is back. */
  async clear(): Promise<void> {
    await this.#catchUp()
    this.#beginAnew(this.#clock.nowMs())
    await this.#outbox.clear()
  }

  /** Of all simulators, as soon as they have sent what they have noted. */
  get lastId(): Promise<number> {
    return this.#catchUp().then(() => Math.max(this.#known.lastId, this.#outbox.next - 1))
  }

  async follow(sinceId: number, filter: JournalFilter): Promise<JournalPage> {
    const page = this.#known.follow(sinceId, filter)
    const entries = await this.#readParts(page.entries).catch(() => page.entries)
    return { ...page, entries }
  }

  /** Calls back a second after requests have been noted, or two: until then others may be told that began before. */
  onAdded(listener: () => void): () => void {
    this.#followers.add(listener)
    if (!this.#stopTelling) this.#letTell()
    return () => void this.#followers.delete(listener)
  }

  /** Tells nobody any more. */
  close(): void {
    this.#followers.clear()
    this.#stopTelling?.()
    this.#stopReading?.()
  }

  setFlush(settle: () => Promise<void>): void {
    this.#settle = settle
  }

  // What all have noted comes from Redis.

  async #catchUp(): Promise<void> {
    if (!this.#connection.state.up) return this.#outbox.flush()
    await this.#letAllFlush().catch(() => {})
    await this.#read(Infinity)
  }

  /** Ends when all simulators that hear of it have sent what they had to note. */
  async #letAllFlush(): Promise<void> {
    await this.#settled()
    const token = String(++this.#lastToken)
    let answers = 0
    let expected = Infinity
    await new Promise<void>((resolve, reject) => {
      const { clock } = this.#connection
      const end = (): void => {
        stop()
        this.#answers.delete(token)
        resolve()
      }
      // A loop that was held up finds its timers due before it has read the answers that are there.
      const stop = clock.at(clock.nowMs() + PATIENCE_MS, () => defer(end))
      this.#answers.set(token, () => {
        if (++answers >= expected) end()
      })
      const message = JSON.stringify(['flush', this.#outbox.replica, token])
      this.#connection.send(['PUBLISH', this.#channel, message]).then(
        (heard) => {
          // This one hears it, too.
          expected = Number(heard) - 1
          if (answers >= expected) end()
        },
        (error: unknown) => {
          end()
          reject(error)
        },
      )
    })
  }

  async #settled(): Promise<void> {
    await this.#settle?.()
    await this.#outbox.flush()
  }

  async #hear(message: string): Promise<void> {
    const [kind, from = '', token = ''] = partsOfMessage(message).map(String)
    if (kind === 'wake') await this.#read(this.#clock.nowMs() - HELD_MS)
    if (kind === 'noted') this.#readSoon()
    if (kind !== 'flush' || from === this.#outbox.replica) return
    await this.#settled()
    await this.#connection.send(['PUBLISH', `${this.#channel}:${from}`, token]).catch(() => {})
  }

  /** While somebody follows the journal, each batch of notices is told. */
  #letTell(): void {
    const { clock } = this.#connection
    this.#stopTelling = undefined
    if (this.#followers.size === 0) return
    const command = ['SET', this.#keys[4], '1', 'PX', String(3 * REPORT_INTERVAL_MS)]
    this.#connection.send(command).then(
      () => this.#readSoon(),
      () => {},
    )
    this.#stopTelling = clock.at(clock.nowMs() + REPORT_INTERVAL_MS, () => this.#letTell())
  }

  #readSoon(): void {
    const { clock } = this.#connection
    if (this.#stopReading || this.#followers.size === 0) return
    const read = async (): Promise<void> => {
      await this.#read(this.#clock.nowMs() - HELD_MS)
      this.#stopReading = undefined
      if (this.#held.length > 0) this.#readSoon()
    }
    this.#stopReading = clock.at(clock.nowMs() + HELD_MS, () => void read())
  }

  /** Reads all that is there, and judges what Redis had at `untilMs`. */
  #read(untilMs: number): Promise<void> {
    const read = this.#reads.run(async () => {
      while (await this.#readSome());
      const due = this.#held.filter(({ arrivedMs }) => arrivedMs <= untilMs)
      this.#held = this.#held.filter(({ arrivedMs }) => arrivedMs > untilMs)
      due.sort((a, b) => a.atMs - b.atMs)
      for (const { run } of due) run()
      if (due.length > 0) for (const follower of this.#followers) follower()
    })
    return read.catch(() => {})
  }

  /** Whether there is more to read. */
  async #readSome(): Promise<boolean> {
    const [meta, notes] = this.#keys
    const args = [this.#position, String(MAX_ITEMS_PER_READ), String(MAX_BYTES_PER_CALL)]
    const reply = await readNotesScript.run(this.#connection, [meta, notes], args)
    const [born, next, batches] = reply as [string, string, [id: string, fields: string[]][]]
    if (born !== this.#born) {
      // Begun anew, here or elsewhere, or Redis has lost it.
      this.#born = born
      this.#position = '0-0'
      this.#beginAnew(born === '' ? this.#clock.nowMs() : Number(born))
      return true
    }
    this.#outbox.next = Math.max(this.#outbox.next, Number(next))
    for (const [id, fields] of batches) {
      this.#position = id
      const [, sender = '', , first = '', , , , json = '[]'] = fields
      let number = Number(first)
      for (const notice of JSON.parse(json) as Notice[]) {
        const arrivedMs = Number(id.slice(0, id.indexOf('-')))
        const opened = notice[0] === 'started' ? number++ : 0
        this.#held.push({ arrivedMs, ...this.#heldOf(sender, notice, opened) })
      }
    }
    return batches.length > 0
  }

  #heldOf(sender: string, notice: Notice, id: number): Omit<HeldNotice, 'arrivedMs'> {
    const [kind, number, told] = notice
    const key = `${sender} ${number}`
    if (kind === 'started') {
      const run = (): void => {
        this.#open.set(key, this.#known.started({ ...told, ...unread, id }, told.startedMs))
        if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? '')
      }
      return { atMs: told.startedMs, run }
    }
    const run = (): void => {
      const call = this.#open.get(key)
      if (call) this.#known.ended(call, told)
      this.#open.delete(key)
    }
    return { atMs: told.answeredAtMs, run }
  }

  #beginAnew(sinceMs: number): void {
    this.#known = this.#journalSince(sinceMs)
    this.#held = []
    this.#open.clear()
  }

  async #readParts(entries: readonly JournalEntry[]): Promise<JournalEntry[]> {
    const found: JournalEntry[] = []
    let page: JournalEntry[] = []
    let bytes = 0
    const readPage = async (): Promise<void> => {
      const fields = page.flatMap(({ id }) => [`h${id}`, `b${id}`])
      const texts = (await this.#connection.send(['HMGET', this.#keys[2], ...fields])) as (string | null)[]
      for (const [index, entry] of page.entries()) {
        const head = texts[2 * index]
        // What had to make room is gone.
        if (head) found.push(withParts(entry, { head, body: texts[2 * index + 1] ?? '' }))
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

  /** Without Redis: what was known when it went, and what was noted here since then, which will get other numbers. */
  #knownHere(filter: JournalFilter): JournalEntry[] {
    const here = this.#journalSince(0)
    const parts = new Map<number, NotePayload>()
    const open = new Map<number, OpenCall>()
    let id = this.#outbox.next
    for (const { notice, parts: own } of this.#outbox.unsent) {
      const [kind, number, told] = notice
      if (kind === 'started') {
        open.set(number, here.started({ ...told, ...unread, id }, told.startedMs))
        if (own) parts.set(id++, own)
      } else {
        const call = open.get(number)
        if (call) here.ended(call, told)
      }
    }
    const noted = here.entries(filter).map((entry) => {
      const own = parts.get(entry.id)
      return own ? withParts(entry, own) : entry
    })
    const all = [...this.#known.entries(filter), ...noted]
    return filter.limit === undefined ? all : all.slice(-filter.limit)
  }

  #journalSince(sinceMs: number): Journal {
    // What is read here was written without keys.
    const secrets = (): readonly string[] => []
    return createJournal({ size: this.#size, clock: this.#clock, testHeader: '', secrets, sinceMs })
  }
}
