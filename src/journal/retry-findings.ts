import { Histogram } from '../lib/histogram.ts'

/** A deployment of a resource. */
export interface DeploymentAddress {
  readonly resource: string
  /** Empty where a request names none. */
  readonly deployment: string
}

/** What a map has a deployment under: names of resources have no slash. */
export function deploymentKey({ resource, deployment }: DeploymentAddress): string {
  return `${resource}/${deployment}`
}

/** A request that repeats one that failed. */
export interface Retry extends DeploymentAddress {
  /** Its own entry, and that of the failed request. */
  readonly id: number
  readonly of: number
  /** 1 for the first retry. */
  readonly index: number
  /** The status that it repeats, or `cut`. */
  readonly status: string
  readonly startedMs: number
  /** From the end of the failed answer to the start of this request. */
  readonly waitedMs: number
  /** What the failed answer told to wait; undefined where it told nothing. */
  readonly toldMs: number | undefined
  /** It came before that had passed. */
  readonly early: boolean
  /** It repeats what cannot succeed unchanged. */
  readonly forbidden: boolean
  /** By its own account it is a first attempt. */
  readonly saysFirst: boolean
  /** Who sent it. */
  readonly sender: { readonly countsItsRetries: boolean }
}

/** Whether what looks like a retry is a new request: its client counts attempts, and calls it the first one. */
export function isNewRequest({ saysFirst, sender }: Retry): boolean {
  return saysFirst && sender.countsItsRetries
}

/** How many examples of early and of forbidden retries are kept: the last ones. */
const MAX_EXAMPLES = 5
/** How many deployments of one client are watched for herds at a time. */
const MAX_WATCHED_DEPLOYMENTS = 100

/** What the retries of one client come to, in bounded room. */
export class RetryFindings {
  retries = 0
  readonly retriesByStatus = new Map<string, number>()
  early = 0
  /** By how much the earliest retry came too early. */
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
    this.#noteHerd(this.#watchOf(retry).add(startedMs, failedMs))
  }

  /** Adds what another one has found; herds that are still on their way count as they are. */
  absorb(other: RetryFindings): void {
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
    this.#noteLargest(largest)
  }

  /** The shortest and the longest wait, exact, and the median to 1 %. Undefined without retries. */
  get waited(): { readonly minMs: number; readonly medianMs: number; readonly maxMs: number } | undefined {
    const { count, min: minMs, max: maxMs } = this.#waits
    if (count === 0) return undefined
    const medianMs = this.#waits.quantile(0.5)
    // Short waits are whole milliseconds.
    return { minMs, medianMs: medianMs < 100 ? clamp(Math.round(medianMs), minMs, maxMs) : medianMs, maxMs }
  }

  /** The herds so far, the ones on their way included. */
  get herds(): { readonly count: number; readonly largest: Herd | undefined } {
    const current = [...this.#watches.values()]
      .map((watch) => watch.current)
      .filter((herd) => herd !== undefined)
    const largest = [this.#largestHerd, ...current].reduce(
      (most, herd) => (herd && herd.size > (most?.size ?? 0) ? herd : most),
      undefined,
    )
    return { count: this.#herds + current.length, largest }
  }

  #watchOf({ resource, deployment }: DeploymentAddress): HerdWatch {
    const key = deploymentKey({ resource, deployment })
    const known = this.#watches.get(key)
    if (known) return known
    if (this.#watches.size >= MAX_WATCHED_DEPLOYMENTS) {
      const [oldest] = this.#watches
      this.#noteHerd(oldest?.[1].close())
      this.#watches.delete(oldest?.[0] ?? '')
    }
    const watch = new HerdWatch(resource, deployment)
    this.#watches.set(key, watch)
    return watch
  }

  #noteHerd(herd: Herd | undefined): void {
    if (!herd) return
    this.#herds++
    this.#noteLargest(herd)
  }

  #noteLargest(herd: Herd | undefined): void {
    if (herd && herd.size > (this.#largestHerd?.size ?? 0)) this.#largestHerd = herd
  }
}

function lastOf(some: readonly Retry[], others: readonly Retry[]): Retry[] {
  return [...some, ...others].sort((a, b) => a.id - b.id).slice(-MAX_EXAMPLES)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

/** Retries to one deployment that came back together. */
export interface Herd {
  readonly resource: string
  readonly deployment: string
  /** How many came within `herdMs`. */
  readonly size: number
  /** When they were the most, on the clock's monotonic scale. */
  readonly atMs: number
  /** Time between the first and the last end of the failed answers that they followed. */
  readonly failuresWithinMs: number
}

/** A herd has at least this many retries: fewer come together by chance, and do no harm. */
const HERD_SIZE = 10
/** They come within this time, counted in steps of a tenth of it. */
const HERD_MS = 100
const STEPS = 10
const STEP_MS = HERD_MS / STEPS

/**
 * Looks for herds among one client's retries to one deployment. Retries that follow one another with pauses of at most
 * `herdMs` are a wave; a wave is a herd when at least `herdSize` of its retries, and at least half of them, came within
 * `herdMs`. A steady stream of retries is thus no herd, however dense it is, and neither is a burst that jitter has spread.
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
   * Counts a retry, and gives the herd that it comes after, if one has ended.
   *
   * @param startedMs when it came; @param failedMs when the answer ended that it follows
   */
  add(startedMs: number, failedMs: number): Herd | undefined {
    const ended = startedMs - this.#lastMs > HERD_MS ? this.close() : undefined
    this.#forget(Math.floor(startedMs / STEP_MS))
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

  /** The herd that the present wave is so far; undefined when it is none. */
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

  /** Ends the present wave, and gives the herd that it was. */
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

  /** Takes what has left the window out of its count. */
  #forget(step: number): void {
    for (let next = Math.max(this.#lastStep + 1, step - STEPS + 1); next <= step; next++) {
      this.#inWindow -= this.#counts[next % STEPS] ?? 0
      this.#counts[next % STEPS] = 0
    }
    this.#lastStep = Math.max(this.#lastStep, step)
  }
}
