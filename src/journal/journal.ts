import type { Stage } from '../pipeline/stage.ts'
import type { Clock } from '../lib/clock.ts'
import {
  type JournalEntry,
  journalEntry,
  type JournalFilter,
  matcher,
  type JournalCall,
} from './journal-entry.ts'
import type { JournalPage, JournalReader, JournalSink } from './journal-sink.ts'
import { observeCalls } from './observe-calls.ts'
import { RecentMap } from '../lib/caches.ts'
import { createKeyRedactor } from '../lib/credential-texts.ts'
import { requestFingerprint } from './request-fingerprint.ts'
import { type CallAnalysis, RetryAnalyzer } from './retry-analyzer.ts'
import {
  addToTotals,
  byFindings,
  type ClientReport,
  emptyTotals,
  reportClient,
  type ReportTotals,
  type RetryReport,
  type RetryReportFilter,
  withoutKeysIn,
} from './retry-report.ts'

/** A recorded request that has not ended. */
export interface OpenCall {
  readonly call: JournalCall
  readonly analysis: CallAnalysis
}

/** The requests of one simulator and the analysis of their retries. Reads are synchronous. */
export interface Journal extends JournalSink<OpenCall>, JournalReader {
  /** The outermost stage: records each request when its answer is planned, and its end when the answer has been sent. */
  readonly observe: Stage
  entries(filter?: JournalFilter): JournalEntry[]
  readonly lastId: number
  follow(sinceId: number, filter: JournalFilter): JournalPage
  clear(): void
  retryReport(filter?: RetryReportFilter): RetryReport
}

/** Maximum number of entries on a page. Each may have a body of 64 KB. */
const PAGE_SIZE = 16

export interface JournalOptions {
  /** Number of requests to keep, >= 0. Older ones are removed. */
  readonly size: number
  /** The clock of the exchanges. */
  readonly clock: Clock
  /** Name, in lower case, of the header in which requests name their test. */
  readonly testHeader: string
  /** Returns the current keys, which entries must not contain. Returns the same array until the keys change. */
  readonly secrets: () => readonly string[]
  /** Start of the report, on the clock. Default: now. */
  readonly sinceMs?: number
}

/** Creates an empty journal. */
export function createJournal({
  size,
  clock,
  testHeader,
  secrets,
  sinceMs = clock.nowMs(),
}: JournalOptions): Journal {
  const ring = new JournalRing(size)
  const listeners = new Set<() => void>()
  const forgotten = new ForgottenClients()
  const analyzer = new RetryAnalyzer((stats) => forgotten.add(reportClient(stats)))
  const epochOf = (ms: number): number => clock.epochMs() - clock.nowMs() + ms
  const isoTime = (ms: number): string => new Date(epochOf(ms)).toISOString()
  let since = isoTime(sinceMs)

  const started: Journal['started'] = ({
    attempt,
    fingerprint: knownFingerprint,
    id: fixedId,
    ...request
  }) => {
    const id = ring.takeId(fixedId)
    const { startedMs, client } = request
    let fingerprint = knownFingerprint
    const analysis = analyzer.analyze({
      id,
      client,
      resource: request.resource,
      resourceId: request.resourceId,
      deployment: request.deployment ?? '',
      startedMs,
      attempt,
      fingerprint: () => (fingerprint ??= requestFingerprint(request)),
    })
    const call: JournalCall = {
      ...request,
      id,
      atEpochMs: epochOf(startedMs),
      secrets: secrets(),
      retry: analysis.retry,
      firstByteMs: undefined,
      durationMs: undefined,
      aborted: undefined,
    }
    ring.add(call)
    for (const listener of listeners) listener()
    return { call, analysis }
  }

  const ended: Journal['ended'] = ({ call, analysis }, end) => {
    const { usage, firstByteMs, durationMs, answeredAtMs, aborted, failure } = end
    call.usage = usage
    if (end.streamErrorStatus !== undefined) call.streamErrorStatus = end.streamErrorStatus
    call.firstByteMs = firstByteMs
    call.durationMs = durationMs ?? answeredAtMs - call.startedMs
    call.aborted = aborted
    // A client that disconnected has not read the error.
    if (failure !== undefined && !aborted) {
      analysis.fail({ status: failure, endedMs: answeredAtMs, toldMs: call.retryAfterMs })
    }
  }

  return {
    started,
    ended,
    observe: observeCalls({ started, ended }, testHeader),
    entries(filter = {}) {
      const { sinceId = 0, limit = Infinity } = filter
      const matches = matcher(filter)
      const found: JournalEntry[] = []
      for (const call of ring.newestFirst()) {
        if (call.id <= sinceId || found.length >= limit) break
        if (matches(call)) found.push(journalEntry(call))
      }
      return found.toReversed()
    },
    get lastId() {
      return ring.lastId
    },
    follow(sinceId, filter) {
      const matches = matcher(filter)
      const entries: JournalEntry[] = []
      let lastId = sinceId
      let forgotten = 0
      for (const call of ring.after(sinceId)) {
        // Ids that are missing were evicted or cleared.
        forgotten += call.id - lastId - 1
        lastId = call.id
        if (matches(call)) entries.push(journalEntry(call))
        if (entries.length === PAGE_SIZE) return { entries, lastId, forgotten }
      }
      return {
        entries,
        lastId: Math.max(sinceId, ring.lastId),
        forgotten: forgotten + Math.max(0, ring.lastId - lastId),
      }
    },
    onAdded(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    clear() {
      ring.clear()
      analyzer.clear()
      forgotten.clear()
      since = isoTime(clock.nowMs())
    },
    retryReport({ resource } = {}) {
      const clients = Array.from(analyzer.clients)
        .filter((stats) => resource === undefined || stats.resource === resource)
        .map(reportClient)
      const dropped = forgotten.of(resource)
      const totals = clients.reduce(addToTotals, { ...dropped, forgottenClients: dropped.clients })
      const withoutKeys = createKeyRedactor(secrets)
      const shown = clients.sort(byFindings).map((client) => withoutKeysIn(client, withoutKeys))
      return { since, clients: shown, totals, isoTime }
    },
  }
}

/** Number of resources with separate sums of dropped clients. The oldest are dropped. */
const MAX_FORGOTTEN_RESOURCES = 1_000

/** Sums of the clients that were dropped. */
class ForgottenClients {
  #all = emptyTotals
  readonly #byResource = new RecentMap<string, ReportTotals>(MAX_FORGOTTEN_RESOURCES)

  add(client: ClientReport): void {
    this.#all = addToTotals(this.#all, client)
    this.#byResource.set(client.resource, addToTotals(this.of(client.resource), client))
  }

  /** @param resource undefined for all */
  of(resource: string | undefined): ReportTotals {
    return resource === undefined ? this.#all : (this.#byResource.get(resource) ?? emptyTotals)
  }

  clear(): void {
    this.#all = emptyTotals
    this.#byResource.clear()
  }
}

/** Only the length of larger bodies is kept, for example of images and audio files. */
export const MAX_BODY_BYTES = 64 * 1024
/** Limit for the sum of all bodies. The oldest ones are evicted first. */
const MAX_BODIES_BYTES = 64 * 1024 * 1024

/** Ring buffer of the last requests, by id, and of as many of their bodies as fit. */
class JournalRing {
  readonly #size: number
  readonly #calls: JournalCall[] = []
  /** Ids of the oldest request that is kept, and of the oldest one with a body that may be kept. */
  #firstId = 1
  #firstBodyId = 1
  #nextId = 1
  #usedBytes = 0

  /** @param size number of requests to keep, >= 0 */
  constructor(size: number) {
    this.#size = size
  }

  /** Reserves an id, by default one more than the highest so far, and returns it. */
  takeId(id = this.#nextId): number {
    this.#nextId = Math.max(this.#nextId, id + 1)
    return id
  }

  /** Adds a request and evicts the oldest one. A request that arrives late, with an id below the oldest one, is not kept. */
  add(call: JournalCall): void {
    if (this.#size === 0 || call.id < this.#firstId) return
    const slot = call.id % this.#size
    const oldest = this.#calls[slot]
    if (oldest) this.#dropBody(oldest)
    this.#calls[slot] = call
    this.#firstId = Math.max(this.#firstId, call.id - this.#size + 1)
    this.#firstBodyId = Math.max(this.#firstBodyId, this.#firstId)
    if (call.bodyBytes > MAX_BODY_BYTES) call.body = undefined
    this.#usedBytes += call.body?.length ?? 0
    while (this.#usedBytes > MAX_BODIES_BYTES) {
      const next = this.#calls[this.#firstBodyId++ % this.#size]
      if (next) this.#dropBody(next)
    }
  }

  get lastId(): number {
    return this.#nextId - 1
  }

  /** Requests with a larger id, oldest first. */
  *after(id: number): Generator<JournalCall> {
    for (let next = Math.max(id + 1, this.#firstId); next < this.#nextId; next++) {
      const call = this.#calls[next % this.#size]
      if (call?.id === next) yield call
    }
  }

  *newestFirst(): Generator<JournalCall> {
    for (let id = this.#nextId - 1; id >= this.#firstId; id--) {
      const call = this.#calls[id % this.#size]
      if (call?.id === id) yield call
    }
  }

  /** Removes all requests. Ids continue. */
  clear(): void {
    this.#calls.length = 0
    this.#usedBytes = 0
    this.#firstId = this.#nextId
    this.#firstBodyId = this.#nextId
  }

  #dropBody(call: JournalCall): void {
    this.#usedBytes -= call.body?.length ?? 0
    call.body = undefined
  }
}
