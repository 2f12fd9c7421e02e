import { type Retry, type DeploymentAddress, deploymentKey, RetryFindings } from './retry-findings.ts'
import { PendingFailures } from './pending-failures.ts'

/** A planned answer, as the judge hears of it. */
export interface JudgedCall {
  /** The entry's. */
  readonly id: number
  readonly client: string
  readonly resource: string
  /** Empty where the request names none. */
  readonly deployment: string
  /** On the clock's monotonic scale. */
  readonly startedMs: number
  /** Which attempt it is by its own account: 0 for the first one; undefined where it says nothing. */
  readonly attempt: number | undefined
  /** Asked for only where the client has failed before, or fails now: most requests cost no hash. */
  readonly fingerprint: () => string
}

/** How a failed answer ended. */
export interface FailedAnswer {
  /** Its status, or `cut`. */
  readonly status: string
  readonly endedMs: number
  /** What it told to wait; undefined where it told nothing. */
  readonly toldMs: number | undefined
}

/** What the judge says of a call. */
export interface Judgement {
  /** The retry that it is; undefined for a new request. */
  readonly retry: Retry | undefined
  /** To be called when its answer has failed and has been sent. */
  readonly fail: (answer: FailedAnswer) => void
}

/** Clients that are told apart; beyond that the one that was quiet the longest is forgotten. */
export const MAX_CLIENTS = 10_000
/** Failures of all clients that wait for a retry: about 30 MB. */
export const MAX_PENDING = 100_000

/**
 * Statuses of answers that stay the same however often the unchanged request is repeated: the request itself, its key or its
 * path has to change. The official clients repeat 408, 409, 429 and everything from 500 on, and none of these.
 */
export const forbiddenStatuses: ReadonlySet<string> = new Set(
  [400, 401, 403, 404, 405, 413, 415, 422].map(String),
)

/** `retry-after: 86400` refuses a request that is above the whole limit; it says nothing about other requests. */
const NEVER_FITS_MS = 86_400_000

/** Matches retries with the failures that they follow, and counts by client what is wrong with them. */
export class RetryAnalyzer {
  /** In the order of their last request. */
  readonly #clients = new Map<string, ClientStats>()
  readonly #onForgotten: (ledger: ClientStats) => void
  #pending = 0

  /** @param onForgotten hears of clients for which there is no more room */
  constructor(onForgotten: (ledger: ClientStats) => void = () => {}) {
    this.#onForgotten = onForgotten
  }

  /** What is known of the clients; the one whose request came last is the last one. */
  get clients(): Iterable<ClientStats> {
    return this.#clients.values()
  }

  /** Hears of a request whose answer is planned. */
  judge(call: JudgedCall): Judgement {
    const ledger = this.#ledgerOf(call.client)
    ledger.requests++
    if ((call.attempt ?? 0) > 0) ledger.countsItsRetries = true
    const retry = this.#match(ledger, call)
    if (!retry && ledger.isLimited(call, call.startedMs)) ledger.callsWhileLimited++
    return {
      retry,
      fail: (answer) => this.#fail(ledger, call, call.attempt || (retry?.index ?? 0), answer),
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#clients.clear()
    this.#pending = 0
  }

  #match(ledger: ClientStats, call: JudgedCall): Retry | undefined {
    const { pending } = ledger
    if (pending.size === 0) return undefined
    const { startedMs, attempt, resource, deployment } = call
    const before = pending.size
    const failure = pending.take(call.fingerprint(), startedMs, attempt)
    this.#pending += pending.size - before
    if (!failure) return undefined
    const { id, status, toldMs, endedMs } = failure
    const waitedMs = startedMs - endedMs
    const retry: Retry = {
      id: call.id,
      of: id,
      // A new request may have failed in between, which is part of no chain; the client knows better.
      index: attempt || failure.index + 1,
      resource,
      deployment,
      status,
      startedMs,
      waitedMs,
      toldMs,
      // Waits are told in whole milliseconds, and clients wait in them: a begun one counts.
      early: toldMs !== undefined && Math.ceil(waitedMs) < toldMs,
      forbidden: forbiddenStatuses.has(status),
      saysFirst: attempt === 0,
      sender: ledger,
    }
    ledger.countRetry(retry, endedMs)
    return retry
  }

  #fail(ledger: ClientStats, call: JudgedCall, index: number, answer: FailedAnswer): void {
    const { status, endedMs, toldMs } = answer
    ledger.countFailure(status)
    if (toldMs !== undefined && toldMs < NEVER_FITS_MS) ledger.limit(call, endedMs + toldMs)
    // One that has been forgotten meanwhile would keep what nobody asks for.
    if (this.#clients.get(ledger.name) !== ledger) return
    const { pending } = ledger
    const before = pending.size
    pending.add(call.fingerprint(), { id: call.id, index, attempt: call.attempt, ...answer })
    this.#pending += pending.size - before
    if (this.#pending > MAX_PENDING) this.#makeRoom()
  }

  #ledgerOf(client: string): ClientStats {
    const known = this.#clients.get(client)
    const ledger = known ?? new ClientStats(client)
    if (known) this.#clients.delete(client)
    this.#clients.set(client, ledger)
    if (this.#clients.size > MAX_CLIENTS) this.#forgetOldest()
    return ledger
  }

  #forgetOldest(): void {
    const [oldest] = this.#clients.values()
    if (!oldest) return
    this.#clients.delete(oldest.name)
    this.#pending -= oldest.pending.size
    oldest.pending.clear()
    this.#onForgotten(oldest)
  }

  /** Drops the pending failures of those who were quiet the longest, a tenth more than needed so that it is rarely done. */
  #makeRoom(): void {
    for (const { pending } of this.#clients.values()) {
      if (this.#pending <= MAX_PENDING * 0.9) return
      this.#pending -= pending.size
      pending.clear()
    }
  }
}

/** How many deployments of one client are remembered as limited at a time. */
const MAX_LABELLED_DEPLOYMENTS = 100

/** What the judge knows of one client. */
export class ClientStats {
  readonly name: string
  requests = 0
  readonly failuresByStatus = new Map<string, number>()
  /** Requests begun while an answer of the same deployment had told the client to wait, early retries aside. */
  callsWhileLimited = 0
  /** It has counted an attempt beyond the first: its retries name themselves, so what calls itself a first attempt is none. */
  countsItsRetries = false
  readonly pending = new PendingFailures()
  readonly #retries = new RetryFindings()
  /** Of requests that repeat a failed one but call themselves a first attempt. */
  readonly #firstAttempts = new RetryFindings()
  readonly #limitedUntilMs = new Map<string, number>()

  constructor(name: string) {
    this.name = name
  }

  countFailure(status: string): void {
    this.failuresByStatus.set(status, (this.failuresByStatus.get(status) ?? 0) + 1)
  }

  countRetry(retry: Retry, failedMs: number): void {
    const findings = retry.saysFirst ? this.#firstAttempts : this.#retries
    findings.add(retry, failedMs)
  }

  /** Notes that the client was told to leave a deployment alone for a while. */
  limit(place: DeploymentAddress, untilMs: number): void {
    const key = deploymentKey(place)
    const before = this.#limitedUntilMs.get(key) ?? 0
    // Set anew, so that what was limited lately stands last.
    this.#limitedUntilMs.delete(key)
    this.#limitedUntilMs.set(key, Math.max(before, untilMs))
    if (this.#limitedUntilMs.size <= MAX_LABELLED_DEPLOYMENTS) return
    const [oldest = ''] = this.#limitedUntilMs.keys()
    this.#limitedUntilMs.delete(oldest)
  }

  isLimited(place: DeploymentAddress, nowMs: number): boolean {
    return this.#limitedUntilMs.size > 0 && nowMs < (this.#limitedUntilMs.get(deploymentKey(place)) ?? 0)
  }

  /** What is found out about its retries, those that call themselves first attempts included where it counts none. */
  findings(): RetryFindings {
    const all = new RetryFindings()
    all.absorb(this.#retries)
    if (!this.countsItsRetries) all.absorb(this.#firstAttempts)
    return all
  }

  /** Repeats of failed requests that are new requests by their own account, and those of them that came during a wait. */
  get newRequests(): { readonly repeats: number; readonly whileLimited: number } {
    if (!this.countsItsRetries) return { repeats: 0, whileLimited: 0 }
    return { repeats: this.#firstAttempts.retries, whileLimited: this.#firstAttempts.early }
  }
}
