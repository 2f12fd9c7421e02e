import { PendingFailures } from './pending-failures.ts'
import { type DeploymentAddress, deploymentKey, type Retry, RetryFindings } from './retry-findings.ts'

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
