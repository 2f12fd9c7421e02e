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
