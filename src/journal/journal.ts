import type { Stage } from '../pipeline/stage.ts'
import type { Clock } from '../lib/clock.ts'
import { type JournalEntry, journalEntry } from './journal-entry.ts'
import { type JournalFilter, matcher } from './journal-filter.ts'
import { JournalRing } from './journal-ring.ts'
import type { JournalPage, JournalReader, JournalSink } from './journal-sink.ts'
import { observeCalls } from './observe-calls.ts'
import type { JournalCall } from './journal-call.ts'
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
