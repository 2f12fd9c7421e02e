/** A started timer; calling it stops the timer. Stopping twice, or after it has fired, does nothing. */
export type StopTimer = () => void

/**
 * The simulator's only source of time. Everything that reads the time or waits takes a Clock, so that a test
 * (or a user of the library) can replace it by a virtual one.
 */
export interface Clock {
  /** Milliseconds on a monotonic scale with an arbitrary start; for durations and due times. */
  nowMs(): number
  /** Milliseconds since 1970-01-01 UTC; for timestamps that a client sees. */
  epochMs(): number
  /** Calls `task` once `nowMs()` has reached `dueMs`, never before it. */
  at(dueMs: number, task: () => void): StopTimer
}
