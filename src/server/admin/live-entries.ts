import type { LogRing } from '../../journal/log-ring.ts'
import { logEntryJson } from '../../journal/log-ring.ts'
import type { TraceRing } from '../../journal/trace-ring.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { JsonText, type ServerSentEvent } from '../event-stream.ts'
import type { LiveDropped } from './live-stats.ts'

/** Time after a new entry before it is sent, so that entries that arrive together are sent together. */
const COLLECT_MS = 100

/** Maximum number of entries of a kind in a second for each reader. */
const MAX_ENTRIES = 20

/** Number of entries that are kept for slow readers. */
const KEPT_ENTRIES = 200

interface LiveEntry {
  /** Undefined: of the simulator itself. */
  readonly resource: string | undefined
  /** Whether another entry for the same request follows. */
  readonly isOpen: boolean
  readonly data: object
  /** `data` as JSON, written for the first reader. */
  json?: JsonText
}

/** The latest entries of a kind, for all readers. */
class EntryBuffer {
  /** By number modulo size. */
  readonly #entries: (LiveEntry & { readonly number: number })[] = []
  /** Number of entries so far, also of those that were not added. */
  count = 0

  add(entry: LiveEntry): void {
    const number = this.count++
    this.#entries[number % KEPT_ENTRIES] = Object.assign(entry, { number })
  }

  /** The entries after the first `from`, oldest first. Older ones than the kept ones are missing. */
  after(from: number): LiveEntry[] {
    const found: LiveEntry[] = []
    for (let number = Math.max(from, this.count - KEPT_ENTRIES); number < this.count; number++) {
      const entry = this.#entries[number % KEPT_ENTRIES]
      if (entry?.number === number) found.push(entry)
    }
    return found
  }
}

/** Reads the entries of one kind for one reader: at most 20 a second. Counts the others. */
class EntryReader {
  readonly #event: LiveDropped['event']
  readonly #buffer: EntryBuffer
  readonly #resource: string | undefined
  readonly #clock: Clock
  #read: number
  #budget = MAX_ENTRIES
  #budgetAtMs: number
  #dropped = 0

  constructor(
    event: LiveDropped['event'],
    buffer: EntryBuffer,
    { resource, clock }: { readonly resource: string | undefined; readonly clock: Clock },
  ) {
    this.#event = event
    this.#buffer = buffer
    this.#resource = resource
    this.#clock = clock
    this.#read = buffer.count
    this.#budgetAtMs = clock.nowMs()
  }

  /** @param reportsDropped whether to report the number of entries that were not sent */
  next(reportsDropped: boolean): ServerSentEvent[] {
    const entries = this.#take()
    const events: ServerSentEvent[] = []
    if (reportsDropped && this.#dropped > 0) {
      const data: LiveDropped = { event: this.#event, count: this.#dropped }
      events.push({ event: 'dropped', data })
      this.#dropped = 0
    }
    for (const entry of entries) {
      entry.json ??= new JsonText(JSON.stringify(entry.data))
      events.push({ event: this.#event, data: entry.json })
    }
    return events
  }

  #take(): LiveEntry[] {
    const nowMs = this.#clock.nowMs()
    const earned = ((nowMs - this.#budgetAtMs) / 1_000) * MAX_ENTRIES
    this.#budget = Math.min(MAX_ENTRIES, this.#budget + earned)
    this.#budgetAtMs = nowMs
    const limit = Math.floor(this.#budget)
    const { count } = this.#buffer
    if (limit < 1 || count === this.#read) return []
    const found = this.#buffer.after(this.#read)
    const missing = count - this.#read - found.length
    this.#read = count
    const shown = found.filter(
      ({ resource }) => this.#resource === undefined || (resource ?? this.#resource) === this.#resource,
    )
    // Of a request, the last entry counts.
    const ended = shown.filter(({ isOpen }) => !isOpen)
    const last = new Set(ended.slice(-limit))
    const open = shown.filter(({ isOpen }) => isOpen)
    for (const entry of open.slice(Math.max(0, open.length + last.size - limit))) last.add(entry)
    this.#budget -= last.size
    this.#dropped += Math.max(0, ended.length - limit) + missing
    return shown.filter((entry) => last.has(entry))
  }
}

/** The kinds of entries of a simulator. Undefined: they are off. */
export interface EntrySources {
  readonly logs: LogRing | undefined
  readonly traces: TraceRing | undefined
}

/** Collects new log entries and requests while there are readers. */
export class LiveEntries {
  readonly #sources: EntrySources
  readonly #clock: Clock
  readonly #onMore: () => void
  readonly #logs = new EntryBuffer()
  readonly #requests = new EntryBuffer()
  #lastLogId = 0
  #traceVersion = 0
  #stopTimer: StopTimer | undefined
  #unsubscribe: readonly (() => void)[] = []

  /** @param onMore called when readers can read more */
  constructor(sources: EntrySources, clock: Clock, onMore: () => void) {
    this.#sources = sources
    this.#clock = clock
    this.#onMore = onMore
  }

  start(): void {
    const { logs, traces } = this.#sources
    this.#lastLogId = logs?.lastId ?? 0
    this.#traceVersion = traces?.version ?? 0
    this.#unsubscribe = [logs, traces].flatMap((ring) => ring?.onAdded(() => this.#collectSoon()) ?? [])
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  /** Opens a reader of new entries. The result returns the next events. */
  open(resource: string | undefined): (reportsDropped: boolean) => ServerSentEvent[] {
    const options = { resource, clock: this.#clock }
    const readers = [
      new EntryReader('request', this.#requests, options),
      new EntryReader('log', this.#logs, options),
    ]
    return (reportsDropped) => readers.flatMap((reader) => reader.next(reportsDropped))
  }

  #collectSoon(): void {
    this.#stopTimer ??= this.#clock.at(this.#clock.nowMs() + COLLECT_MS, () => {
      this.#stopTimer = undefined
      this.#collect()
      this.#onMore()
    })
  }

  #collect(): void {
    const { logs, traces } = this.#sources
    if (logs && logs.lastId > this.#lastLogId) {
      const { entries, total } = logs.read({ sinceId: this.#lastLogId }, KEPT_ENTRIES)
      // Entries that are not stored for readers count as dropped.
      this.#logs.count += Math.max(total, logs.lastId - this.#lastLogId) - entries.length
      this.#lastLogId = logs.lastId
      for (const entry of entries.toReversed())
        this.#logs.add({ resource: entry.resource, isOpen: false, data: logEntryJson(entry) })
    }
    if (traces && traces.version > this.#traceVersion) {
      const changed = traces.changedSince(this.#traceVersion, KEPT_ENTRIES)
      this.#traceVersion = traces.version
      for (const data of changed) this.#requests.add({ resource: data.resource, isOpen: data.open, data })
    }
  }
}
