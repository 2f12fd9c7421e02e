import { Histogram } from '../lib/histogram.ts'

export interface DeploymentAddress {
  readonly resource: string
  /** Identity of the resource, if it differs from its name. */
  readonly resourceId?: string | undefined
  /** Empty if the request names none. */
  readonly deployment: string
}

/** A unique key for maps. Identities of resources have no slash. */
export function deploymentKey({ resource, resourceId = resource, deployment }: DeploymentAddress): string {
  return `${resourceId}/${deployment}`
}

/** A request that repeats a failed one. */
export interface Retry extends DeploymentAddress {
  /** Ids of its journal entry (`id`) and of the failed request (`of`). */
  readonly id: number
  readonly of: number
  /** 1 for the first retry. */
  readonly index: number
  /** The status of the failed answer, or `cut`. */
  readonly status: string
  readonly startedMs: number
  /** From the end of the failed answer to the start of this request. */
  readonly waitedMs: number
  /** The wait in the headers of the failed answer. Undefined without one. */
  readonly toldMs: number | undefined
  /** Whether the request came before that wait was over. */
  readonly early: boolean
  /** Whether the repeated request cannot succeed unchanged. */
  readonly forbidden: boolean
  /** Whether the client states that this is a first attempt. */
  readonly saysFirst: boolean
  /** Statistics of the client. */
  readonly sender: { readonly countsItsRetries: boolean }
}

/** Whether an apparent retry is a new request: its client counts attempts and states that this is the first one. */
export function isNewRequest({ saysFirst, sender }: Retry): boolean {
  return saysFirst && sender.countsItsRetries
}

/** Number of latest examples to keep, of early and of forbidden retries each. */
const MAX_EXAMPLES = 5
/** Limit for the deployments of one client that are watched for herds. */
const MAX_WATCHED_DEPLOYMENTS = 100

/** Findings about the retries of one client, in bounded memory. */
export class RetryFindings {
  retries = 0
  readonly retriesByStatus = new Map<string, number>()
  early = 0
  /** The largest time by which a retry came too early. */
  worstShortfallMs = 0
  earlyExamples: Retry[] = []
  forbidden = 0
  forbiddenExamples: Retry[] = []
  readonly #waits = new Histogram({ precision: 0.01, lowest: 0.1 })
  maxIndex = 0
  readonly #watches = new Map<string, HerdWatch>()
  #herds = 0
  #largestHerd: Herd | undefined

  add(retry: Retry, failedMs: number): void {
    const { status, early, forbidden, waitedMs, toldMs = 0, index, startedMs } = retry
    this.retries++
    this.retriesByStatus.set(status, (this.retriesByStatus.get(status) ?? 0) + 1)
    this.#waits.record(waitedMs)
    this.maxIndex = Math.max(this.maxIndex, index)
    if (early) {
      this.early++
      this.worstShortfallMs = Math.max(this.worstShortfallMs, toldMs - waitedMs)
      this.earlyExamples = [...this.earlyExamples, retry].slice(-MAX_EXAMPLES)
    }
    if (forbidden) {
      this.forbidden++
      this.forbiddenExamples = [...this.forbiddenExamples, retry].slice(-MAX_EXAMPLES)
    }
    this.#addHerd(this.#watchOf(retry).add(startedMs, failedMs))
  }

  /** Adds other findings. Herds that have not ended count with their present size. */
  merge(other: RetryFindings): void {
    this.retries += other.retries
    for (const [status, count] of other.retriesByStatus) {
      this.retriesByStatus.set(status, (this.retriesByStatus.get(status) ?? 0) + count)
    }
    this.early += other.early
    this.worstShortfallMs = Math.max(this.worstShortfallMs, other.worstShortfallMs)
    this.earlyExamples = lastOf(this.earlyExamples, other.earlyExamples)
    this.forbidden += other.forbidden
    this.forbiddenExamples = lastOf(this.forbiddenExamples, other.forbiddenExamples)
    this.#waits.merge(other.#waits)
    this.maxIndex = Math.max(this.maxIndex, other.maxIndex)
    const { count, largest } = other.herds
    this.#herds += count
    this.#updateLargestHerd(largest)
  }

  /** Minimum and maximum are exact, the median is accurate to 1 %. Undefined without retries. */
  get waited(): { readonly minMs: number; readonly medianMs: number; readonly maxMs: number } | undefined {
    const { count, min: minMs, max: maxMs } = this.#waits
    if (count === 0) return undefined
    const medianMs = this.#waits.quantile(0.5)
    // Show short waits in whole milliseconds.
    return { minMs, medianMs: medianMs < 100 ? clamp(Math.round(medianMs), minMs, maxMs) : medianMs, maxMs }
  }

  /** All herds, including those that have not ended. */
  get herds(): { readonly count: number; readonly largest: Herd | undefined } {
    const current = [...this.#watches.values()]
      .map((watch) => watch.current)
      .filter((herd) => herd !== undefined)
    const largest = [this.#largestHerd, ...current].reduce(
      (max, herd) => (herd && herd.size > (max?.size ?? 0) ? herd : max),
      undefined,
    )
    return { count: this.#herds + current.length, largest }
  }

  #watchOf(address: DeploymentAddress): HerdWatch {
    const { resource, deployment } = address
    const key = deploymentKey(address)
    const known = this.#watches.get(key)
    if (known) return known
    if (this.#watches.size >= MAX_WATCHED_DEPLOYMENTS) {
      const [oldest] = this.#watches
      this.#addHerd(oldest?.[1].close())
      this.#watches.delete(oldest?.[0] ?? '')
    }
    const watch = new HerdWatch(resource, deployment)
    this.#watches.set(key, watch)
    return watch
  }

  #addHerd(herd: Herd | undefined): void {
    if (!herd) return
    this.#herds++
    this.#updateLargestHerd(herd)
  }

  #updateLargestHerd(herd: Herd | undefined): void {
    if (herd && herd.size > (this.#largestHerd?.size ?? 0)) this.#largestHerd = herd
  }
}

function lastOf(some: readonly Retry[], others: readonly Retry[]): Retry[] {
  return [...some, ...others].sort((a, b) => a.id - b.id).slice(-MAX_EXAMPLES)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

/** Retries to one deployment that arrived together. */
export interface Herd {
  readonly resource: string
  readonly deployment: string
  /** Maximum number of retries within 100 ms. */
  readonly size: number
  /** Time of that maximum on the monotonic clock. */
  readonly atMs: number
  /** Time between the first and the last end of the failed answers. */
  readonly failuresWithinMs: number
}

/** Minimum number of retries in a herd. Fewer may coincide at random and are harmless. */
const HERD_SIZE = 10
/** Window in which the retries of a herd arrive, counted in steps of a tenth. */
const HERD_MS = 100
const STEPS = 10
const STEP_MS = HERD_MS / STEPS

/**
 * Detects herds among the retries of one client to one deployment. Retries with gaps of at most `HERD_MS` are a wave. A wave is
 * a herd if at least `HERD_SIZE` of its retries, and at least half of them, arrived within `HERD_MS`. So neither a steady
 * stream of retries nor a burst that is spread by jitter is a herd.
 */
export class HerdWatch {
  readonly #resource: string
  readonly #deployment: string
  readonly #counts = new Int32Array(STEPS)
  #inWindow = 0
  #lastStep = -1
  #lastMs = -Infinity
  #retries = 0
  #peak = 0
  #peakMs = 0
  #firstFailureMs = Infinity
  #lastFailureMs = -Infinity

  constructor(resource: string, deployment: string) {
    this.#resource = resource
    this.#deployment = deployment
  }

  /**
   * Counts a retry. Returns the herd that ended before it, if any.
   *
   * @param startedMs start of the retry
   * @param failedMs end of the failed answer
   */
  add(startedMs: number, failedMs: number): Herd | undefined {
    const ended = startedMs - this.#lastMs > HERD_MS ? this.close() : undefined
    this.#moveTo(Math.floor(startedMs / STEP_MS))
    const slot = this.#lastStep % STEPS
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1
    this.#inWindow++
    this.#retries++
    this.#lastMs = Math.max(this.#lastMs, startedMs)
    this.#firstFailureMs = Math.min(this.#firstFailureMs, failedMs)
    this.#lastFailureMs = Math.max(this.#lastFailureMs, failedMs)
    if (this.#inWindow > this.#peak) {
      this.#peak = this.#inWindow
      this.#peakMs = startedMs
    }
    return ended
  }

  /** The herd of the present wave. Undefined if the wave is not a herd so far. */
  get current(): Herd | undefined {
    if (this.#peak < HERD_SIZE || this.#peak * 2 < this.#retries) return undefined
    return {
      resource: this.#resource,
      deployment: this.#deployment,
      size: this.#peak,
      atMs: this.#peakMs,
      failuresWithinMs: this.#lastFailureMs - this.#firstFailureMs,
    }
  }

  /** Ends the present wave. Returns its herd, if any. */
  close(): Herd | undefined {
    const herd = this.current
    this.#counts.fill(0)
    this.#inWindow = 0
    this.#retries = 0
    this.#peak = 0
    this.#firstFailureMs = Infinity
    this.#lastFailureMs = -Infinity
    return herd
  }

  /** Moves the window to a step, and subtracts the retries that left it. */
  #moveTo(step: number): void {
    for (let next = Math.max(this.#lastStep + 1, step - STEPS + 1); next <= step; next++) {
      this.#inWindow -= this.#counts[next % STEPS] ?? 0
      this.#counts[next % STEPS] = 0
    }
    this.#lastStep = Math.max(this.#lastStep, step)
  }
}
