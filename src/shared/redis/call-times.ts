import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'

/** A call that waits for its answer. */
export interface Call {
  readonly sentMs: number
  readonly reject: (error: unknown) => void
}

/** Watches that calls are answered in time, by one timer for all: answers come in the order of the calls. */
export class CallTimes {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onLate: () => void
  /** Oldest first. */
  readonly #calls = new Set<Call>()
  #isArmed = false
  #stopTimer: StopTimer | undefined

  /** @param onLate is called when the oldest call is late; it should fail them all */
  constructor(clock: Clock, timeoutMs: number, onLate: () => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#onLate = onLate
  }

  /** Notes that a call goes out. */
  begin(reject: (error: unknown) => void): Call {
    const call = { sentMs: this.#clock.nowMs(), reject }
    this.#calls.add(call)
    if (!this.#isArmed) this.#arm(call)
    return call
  }

  /** Notes that a call was answered: how many milliseconds it took, or undefined for one that had failed before. */
  end(call: Call): number | undefined {
    return this.#calls.delete(call) ? this.#clock.nowMs() - call.sentMs : undefined
  }

  /** Fails all calls that wait. */
  failAll(error: unknown): void {
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const { reject } of calls) reject(error)
  }

  /** Fails all calls that wait, and keeps no process alive any longer. */
  close(error: unknown): void {
    this.failAll(error)
    this.#stopTimer?.()
  }

  #arm(oldest: Call): void {
    this.#isArmed = true
    // An event loop that was held up finds its timers due before it has read the answers that are there: they come first.
    this.#stopTimer = this.#clock.at(oldest.sentMs + this.#timeoutMs, () => defer(() => this.#check()))
  }

  #check(): void {
    this.#isArmed = false
    const [oldest] = this.#calls
    if (!oldest) return
    if (this.#clock.nowMs() - oldest.sentMs >= this.#timeoutMs) this.#onLate()
    else this.#arm(oldest)
  }
}
