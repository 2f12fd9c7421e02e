import { type Retry, type DeploymentAddress, deploymentKey, RetryFindings } from './retry-findings.ts'
import { PendingFailures } from './pending-failures.ts'

/** A request with a planned answer. */
export interface AnalyzedCall {
  /** The id of the journal entry. */
  readonly id: number
  readonly client: string
  readonly resource: string
  /** Identity of the resource, if it differs from its name. */
  readonly resourceId?: string | undefined
  /** Empty if the request names none. */
  readonly deployment: string
  /** On the monotonic clock. */
  readonly startedMs: number
  /** The attempt that the client states: 0 for the first one. Undefined if it states none. */
  readonly attempt: number | undefined
  /** Called only if a request of the client failed, so that most requests need no hash. */
  readonly fingerprint: () => string
}

/** The end of a failed answer. */
export interface FailedAnswer {
  /** The status, or `cut`. */
  readonly status: string
  readonly endedMs: number
  /** The wait in the `retry-after` headers. Undefined without one. */
  readonly toldMs: number | undefined
}

export interface CallAnalysis {
  /** Undefined for a new request. */
  readonly retry: Retry | undefined
  /** Call this when a failed answer has been sent. */
  readonly fail: (answer: FailedAnswer) => void
}

/** Limit for the number of clients. Beyond it, the client with the oldest last request is dropped. */
export const MAX_CLIENTS = 10_000
/** Limit for the failures of all clients that wait for a retry. They take about 30 MB. */
export const MAX_PENDING = 100_000

/**
 * Statuses that a retry of the unchanged request cannot avoid: the request, its key or its path has to change. The official
 * clients retry 408, 409, 429 and all statuses from 500 on, and none of these.
 */
export const forbiddenStatuses: ReadonlySet<string> = new Set(
  [400, 401, 403, 404, 405, 413, 415, 422].map(String),
)

/** `retry-after: 86400` rejects a request larger than the limit. It does not ask the client to pause other requests. */
const NEVER_FITS_MS = 86_400_000

/** Matches retries with the failures that they follow, and counts incorrect retries by client and resource. */
export class RetryAnalyzer {
  /** By resource and name, ordered by last request, oldest first. */
  readonly #clients = new Map<string, ClientStats>()
  readonly #onDropped: (stats: ClientStats) => void
  #pending = 0

  /** @param onDropped is called for each client that is dropped because of the limit */
  constructor(onDropped: (stats: ClientStats) => void = () => {}) {
    this.#onDropped = onDropped
  }

  /** Ordered by last request, oldest first. */
  get clients(): Iterable<ClientStats> {
    return this.#clients.values()
  }

  /** Call this when the answer to a request is planned. */
  analyze(call: AnalyzedCall): CallAnalysis {
    const stats = this.#statsOf(call)
    stats.requests++
    if ((call.attempt ?? 0) > 0) stats.countsItsRetries = true
    const retry = this.#match(stats, call)
    if (!retry && stats.isLimited(call, call.startedMs)) stats.callsWhileLimited++
    return {
      retry,
      fail: (answer) => this.#fail(stats, call, call.attempt || (retry?.index ?? 0), answer),
    }
  }

  clear(): void {
    this.#clients.clear()
    this.#pending = 0
  }

  #match(stats: ClientStats, call: AnalyzedCall): Retry | undefined {
    const { pending } = stats
    if (pending.size === 0) return undefined
    const { startedMs, attempt, resource, resourceId, deployment } = call
    const before = pending.size
    const failure = pending.take(call.fingerprint(), startedMs, attempt)
    this.#pending += pending.size - before
    if (!failure) return undefined
    const { id, status, toldMs, endedMs } = failure
    const waitedMs = startedMs - endedMs
    const retry: Retry = {
      id: call.id,
      of: id,
      // Prefer the client's count: a new request that failed in between is not part of the chain.
      index: attempt || failure.index + 1,
      resource,
      resourceId,
      deployment,
      status,
      startedMs,
      waitedMs,
      toldMs,
      // Waits are whole milliseconds, for clients as well, so a started millisecond counts.
      early: toldMs !== undefined && Math.ceil(waitedMs) < toldMs,
      forbidden: forbiddenStatuses.has(status),
      saysFirst: attempt === 0,
      sender: stats,
    }
    stats.countRetry(retry, endedMs)
    return retry
  }

  #fail(stats: ClientStats, call: AnalyzedCall, index: number, answer: FailedAnswer): void {
    const { status, endedMs, toldMs } = answer
    stats.countFailure(status)
    if (toldMs !== undefined && toldMs < NEVER_FITS_MS) stats.limit(call, endedMs + toldMs)
    // The client was dropped in the meantime.
    if (this.#clients.get(keyOf(stats)) !== stats) return
    const { pending } = stats
    const before = pending.size
    pending.add(call.fingerprint(), { id: call.id, index, attempt: call.attempt, ...answer })
    this.#pending += pending.size - before
    if (this.#pending > MAX_PENDING) this.#evict()
  }

  #statsOf({ client: name, resource }: AnalyzedCall): ClientStats {
    const key = keyOf({ name, resource })
    const known = this.#clients.get(key)
    const stats = known ?? new ClientStats(name, resource)
    if (known) this.#clients.delete(key)
    this.#clients.set(key, stats)
    if (this.#clients.size > MAX_CLIENTS) this.#dropOldest()
    return stats
  }

  #dropOldest(): void {
    const [oldest] = this.#clients.values()
    if (!oldest) return
    this.#clients.delete(keyOf(oldest))
    this.#pending -= oldest.pending.size
    oldest.pending.clear()
    this.#onDropped(oldest)
  }

  /** Drops failures of the clients with the oldest last request, 10 % more than needed so that this rarely runs. */
  #evict(): void {
    for (const { pending } of this.#clients.values()) {
      if (this.#pending <= MAX_PENDING * 0.9) return
      this.#pending -= pending.size
      pending.clear()
    }
  }
}

/** A unique key for maps. Names of resources have no slash. */
function keyOf({ resource, name }: Pick<ClientStats, 'resource' | 'name'>): string {
  return `${resource}/${name}`
}

/** Limit for the deployments of one client that are remembered as limited. */
const MAX_LIMITED_DEPLOYMENTS = 100

/** Statistics of one client of one resource. A request to another resource is never a retry, because its path differs. */
export class ClientStats {
  readonly name: string
  readonly resource: string
  requests = 0
  readonly failuresByStatus = new Map<string, number>()
  /** Requests that started during the wait that the same deployment had asked for. Early retries are not included. */
  callsWhileLimited = 0
  /** The client has sent an attempt count above 0. A request that states attempt 0 is then not a retry. */
  countsItsRetries = false
  readonly pending = new PendingFailures()
  readonly #retries = new RetryFindings()
  /** Of requests that repeat a failed one but state attempt 0. */
  readonly #firstAttempts = new RetryFindings()
  readonly #limitedUntilMs = new Map<string, number>()

  constructor(name: string, resource: string) {
    this.name = name
    this.resource = resource
  }

  countFailure(status: string): void {
    this.failuresByStatus.set(status, (this.failuresByStatus.get(status) ?? 0) + 1)
  }

  countRetry(retry: Retry, failedMs: number): void {
    const findings = retry.saysFirst ? this.#firstAttempts : this.#retries
    findings.add(retry, failedMs)
  }

  /** Records that a deployment asked the client to wait. */
  limit(address: DeploymentAddress, untilMs: number): void {
    const key = deploymentKey(address)
    const before = this.#limitedUntilMs.get(key) ?? 0
    // Delete first, so that the map is ordered by time.
    this.#limitedUntilMs.delete(key)
    this.#limitedUntilMs.set(key, Math.max(before, untilMs))
    if (this.#limitedUntilMs.size <= MAX_LIMITED_DEPLOYMENTS) return
    const [oldest = ''] = this.#limitedUntilMs.keys()
    this.#limitedUntilMs.delete(oldest)
  }

  isLimited(address: DeploymentAddress, nowMs: number): boolean {
    return this.#limitedUntilMs.size > 0 && nowMs < (this.#limitedUntilMs.get(deploymentKey(address)) ?? 0)
  }

  /** Findings about its retries. Repeats that state attempt 0 are included unless the client counts its attempts. */
  findings(): RetryFindings {
    const all = new RetryFindings()
    all.merge(this.#retries)
    if (!this.countsItsRetries) all.merge(this.#firstAttempts)
    return all
  }

  /** Repeats of failed requests that state attempt 0, from a client that counts attempts; and those that came during a wait. */
  get newRequests(): { readonly repeats: number; readonly whileLimited: number } {
    if (!this.countsItsRetries) return { repeats: 0, whileLimited: 0 }
    return { repeats: this.#firstAttempts.retries, whileLimited: this.#firstAttempts.early }
  }
}
