const nanosecondsPerMs = 1e6

/**
 * What to add to a time of the system clock of this process, in milliseconds, for the time since the start of the machine.
 * `performance.now()` counts from the start of its process; the timer behind it is the same for all processes.
 */
export function monotonicOffsetMs(): number {
  return Number(process.hrtime.bigint()) / nanosecondsPerMs - performance.now()
}
