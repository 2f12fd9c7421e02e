import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'

/** A call without an answer so far. */
export interface Call {
  readonly sentMs: number
  readonly reject: (error: unknown) => void
}

/** Timeouts of calls. One timer is enough, because answers arrive in the order of the calls. */
export class CallTimeouts {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onLate: () => void
  /** Oldest first. */
  readonly #calls = new Set<Call>()
  #isArmed = false
  #stopTimer: StopTimer | undefined

  /** @param onLate is called when the oldest call times out. It should call `failAll`. */
  constructor(clock: Clock, timeoutMs: number, onLate: () => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#onLate = onLate
  }

  /** Call this when a call is sent. */
  begin(reject: (error: unknown) => void): Call {
    const call = { sentMs: this.#clock.nowMs(), reject }
    this.#calls.add(call)
    if (!this.#isArmed) this.#arm(call)
    return call
  }

  /** Call this when a call was answered. Returns its duration in milliseconds, or undefined if it had failed before. */
  end(call: Call): number | undefined {
    return this.#calls.delete(call) ? this.#clock.nowMs() - call.sentMs : undefined
  }

  /** Rejects all calls without an answer. */
  failAll(error: unknown): void {
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const { reject } of calls) reject(error)
  }

  /** Rejects all calls without an answer and stops the timer. */
  close(error: unknown): void {
    this.failAll(error)
    this.#stopTimer?.()
  }

  #arm(oldest: Call): void {
    this.#isArmed = true
    // After a blocked event loop, timers fire before pending answers are read. Check only after they were read.
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
