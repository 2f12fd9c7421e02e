const TURN_MS = 10

/** Waits for a time in which nothing happens. */
export interface QuietTimer {
  /** Restarts the time after an event. */
  restart(): void
  stop(): void
}

/**
 * Calls back when nothing has happened for some time, counted in event-loop iterations of ten milliseconds each. A single
 * timer would fire after a moment in which the machine had no time for this process, before what has come meanwhile
 * is read.
 */
export function createQuietTimer(quietMs: number, onQuiet: () => void): QuietTimer {
  let turnsLeft = quietMs / TURN_MS
  const interval = setInterval(() => {
    if (--turnsLeft > 0) return
    clearInterval(interval)
    onQuiet()
  }, TURN_MS)
  return {
    restart: () => void (turnsLeft = quietMs / TURN_MS),
    stop: () => clearInterval(interval),
  }
}
