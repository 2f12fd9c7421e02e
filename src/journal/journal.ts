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
import { requestFingerprint } from './request-fingerprint.ts'
import { type Judgement, RetryAnalyzer } from './retry-analyzer.ts'
import { addToTotals, byFindings, emptyTotals, reportClient, type RetryReport } from './retry-report.ts'

/** A request that has been noted, and whose end has not. */
export interface OpenCall {
  readonly call: JournalCall
  readonly judgement: Judgement
}

/** The requests of one simulator, and what is to be said of their retries. */
export interface Journal extends JournalSink<OpenCall>, JournalReader {
  /** Stands outermost: notes every request when its answer is planned, and again when it has been sent. */
  readonly observe: Stage
  /** What fits the filter, oldest first; all without one. Each call tells how things stand then. */
  entries(filter?: JournalFilter): JournalEntry[]
  /** The number of the last request; 0 before the first one. */
  readonly lastId: number
  /** Looks from a number on, so that whoever follows the journal needs to keep nothing but his place in it. */
  follow(sinceId: number, filter: JournalFilter): JournalPage
  /** Calls back after each request that is noted. Gives what ends that. */
  onNoted(listener: () => void): () => void
  /** Forgets all requests, and begins a new report. Numbers go on. */
  clear(): void
  /** What the judge has found since the start or the last `clear`, whether the requests are still kept or not. */
  retryReport(): RetryReport
}

/** How many entries a page of the journal has at most: their bodies may have 64 KB each. */
const PAGE_SIZE = 16

/** What a journal is made from. */
export interface JournalOptions {
  /** Requests that are kept, >= 0; older ones are forgotten. */
  readonly size: number
  /** The clock that the exchanges' times are from. */
  readonly clock: Clock
  /** The header, in lower case, by which requests name the test that they belong to. */
  readonly testHeader: string
  /** Gives the keys of the moment, which are kept out of what is told; the same list as long as they are the same. */
  readonly secrets: () => readonly string[]
  /** When it was begun, by the clock; default: now. */
  readonly sinceMs?: number
}

/** Makes a journal without entries. Without requests it costs nothing; a simulator that keeps none leaves it out. */
export function createJournal({
  size,
  clock,
  testHeader,
  secrets,
  sinceMs = clock.nowMs(),
}: JournalOptions): Journal {
  const ring = new JournalRing(size)
  const listeners = new Set<() => void>()
  let forgotten = emptyTotals
  const judge = new RetryAnalyzer((ledger) => {
    forgotten = addToTotals(forgotten, reportClient(ledger))
  })
  const epochOf = (ms: number): number => clock.epochMs() - clock.nowMs() + ms
  const isoTime = (ms: number): string => new Date(epochOf(ms)).toISOString()
  let since = isoTime(sinceMs)

  const started: Journal['started'] = ({ attempt, fingerprint: known, id: given, ...note }) => {
    const id = ring.takeId(given)
    const { startedMs, client } = note
    let fingerprint = known
    const judgement = judge.judge({
      id,
      client,
      resource: note.resource,
      deployment: note.deployment ?? '',
      startedMs,
      attempt,
      fingerprint: () => (fingerprint ??= requestFingerprint(note)),
    })
    const call: JournalCall = {
      ...note,
      id,
      atEpochMs: epochOf(startedMs),
      secrets: secrets(),
      retry: judgement.retry,
      firstByteMs: undefined,
      durationMs: undefined,
      aborted: undefined,
    }
    ring.add(call)
    for (const listener of listeners) listener()
    return { call, judgement }
  }

  const ended: Journal['ended'] = ({ call, judgement }, end) => {
    const { usage, firstByteMs, durationMs, answeredAtMs, aborted, failure } = end
    call.usage = usage
    call.firstByteMs = firstByteMs
    call.durationMs = durationMs ?? answeredAtMs - call.startedMs
    call.aborted = aborted
    // A client that has left has not read what went wrong.
    if (failure !== undefined && !aborted) {
      judgement.fail({ status: failure, endedMs: answeredAtMs, toldMs: call.retryAfterMs })
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
        // Numbers that are missing at the beginning, or that a clearing has taken.
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
    onNoted(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    clear() {
      ring.clear()
      judge.clear()
      forgotten = emptyTotals
      since = isoTime(clock.nowMs())
    },
    retryReport() {
      const clients = Array.from(judge.clients, reportClient)
      const totals = clients.reduce(addToTotals, { ...forgotten, forgottenClients: forgotten.clients })
      return { since, clients: clients.sort(byFindings), totals, isoTime }
    },
  }
}

/** Of a longer body only the length is kept: a picture or an audio file says little in a journal. */
export const MAX_BODY_BYTES = 64 * 1024
/** What all bodies together may take; the oldest ones go first. */
const BODIES_BYTES = 64 * 1024 * 1024

/** The last so many requests, by number, with as many of their bodies as there is room for. */
class JournalRing {
  readonly #size: number
  readonly #calls: JournalCall[] = []
  /** The oldest one that is kept, and the oldest one whose body may be. */
  #firstId = 1
  #firstBodyId = 1
  #nextId = 1
  #usedBytes = 0

  /** @param size requests that are kept, >= 0 */
  constructor(size: number) {
    this.#size = size
  }

  /** The number of the next request: `given`, or one more than the highest so far. */
  takeId(given = this.#nextId): number {
    this.#nextId = Math.max(this.#nextId, given + 1)
    return given
  }

  /** Keeps a request in the place of the oldest one. One that comes after so many later ones is not kept. */
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
    while (this.#usedBytes > BODIES_BYTES) {
      const next = this.#calls[this.#firstBodyId++ % this.#size]
      if (next) this.#dropBody(next)
    }
  }

  /** The number of the last request; 0 before the first one. */
  get lastId(): number {
    return this.#nextId - 1
  }

  /** Those after a number that are kept, from the oldest to the youngest. */
  *after(id: number): Generator<JournalCall> {
    for (let next = Math.max(id + 1, this.#firstId); next < this.#nextId; next++) {
      const call = this.#calls[next % this.#size]
      if (call?.id === next) yield call
    }
  }

  /** From the youngest to the oldest. */
  *newestFirst(): Generator<JournalCall> {
    for (let id = this.#nextId - 1; id >= this.#firstId; id--) {
      const call = this.#calls[id % this.#size]
      if (call?.id === id) yield call
    }
  }

  /** Forgets all; numbers go on. */
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
