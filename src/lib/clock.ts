/** Stops a timer. Does nothing if the timer has fired or is stopped already. */
export type StopTimer = () => void

/**
 * The only source of time of the simulator. All code that reads the time or waits takes a Clock, so that a test or a user of the
 * library can replace it with a virtual clock.
 */
export interface Clock {
  /** Monotonic milliseconds with an arbitrary start, for durations and due times. */
  nowMs(): number
  /** Milliseconds since 1970-01-01 UTC, for timestamps that a client sees. */
  epochMs(): number
  /** Calls `task` when `nowMs()` reaches `dueMs`, never early. */
  at(dueMs: number, task: () => void): StopTimer
}
