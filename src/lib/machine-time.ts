import { monotonicMs } from './real-timers.ts'

const NANOSECONDS_PER_MS = 1e6

/** A process that is held up between its two looks at the clock finds too little; hardly one is in all of these. */
const SAMPLES = 20

let known: number | undefined

/**
 * What to add to a time of the system clock of this process, in milliseconds, for the time since the start of the machine.
 * It counts from the start of its process; the timer behind it is the same for all processes.
 */
export function machineOffsetMs(): number {
  known ??= Math.max(...Array.from({ length: SAMPLES }, sample))
  return known
}

function sample(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS - monotonicMs()
}
