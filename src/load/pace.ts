/** Calls at even times. */
export interface Pace {
  stop(): void
}

/** How to keep a pace. Times are in milliseconds. */
export interface PaceOptions {
  readonly perSecond: number
  readonly now: () => number
  /** Calls back after a time, and gives what takes it back. */
  readonly later: (action: () => void, delayMs: number) => () => void
  readonly onDue: (dueMs: number) => void
}

/**
 * Calls `perSecond` times a second from now on, evenly, whatever becomes of what it starts. A timer that comes late makes up
 * for all that was due in between, and says of each when that was, so the rate holds over any longer time.
 */
export function keepPace({ perSecond, now, later, onDue }: PaceOptions): Pace {
  const startMs = now()
  let calls = 0
  let cancel = (): void => {}
  const dueOf = (call: number): number => startMs + (call * 1_000) / perSecond
  const catchUp = (): void => {
    for (const nowMs = now(); dueOf(calls) <= nowMs; calls++) onDue(dueOf(calls))
    cancel = later(catchUp, Math.max(0, dueOf(calls) - now()))
  }
  catchUp()
  return { stop: () => cancel() }
}
