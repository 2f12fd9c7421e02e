import { monotonicMs } from './real-timers.ts'

const NANOSECONDS_PER_MS = 1e6

/** A process that is suspended between its two clock readings measures too little. The maximum of 20 samples excludes this. */
const SAMPLES = 20

let offsetMs: number | undefined

/**
 * Milliseconds to add to a time of the system clock of this process to get the time since the machine started. The system clock
 * counts from the start of the process, but all processes of the machine share its timer.
 */
export function machineOffsetMs(): number {
  offsetMs ??= Math.max(...Array.from({ length: SAMPLES }, sample))
  return offsetMs
}

function sample(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS - monotonicMs()
}
