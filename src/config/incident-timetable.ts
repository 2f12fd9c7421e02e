import type { FaultRule } from './fault-rule.ts'

/** A stretch of time in which things are different. */
export interface IncidentPhase {
  readonly name: string
  /** When it begins, in milliseconds from the start of its round. */
  readonly startMs: number
  /** When it ends; Infinity for a last phase without an end. */
  readonly endMs: number
  /** Absent: every deployment. */
  readonly deployment?: string
  readonly faults: readonly FaultRule[]
  /** All three from 0.01 (limits) or 0 (latency) to 1,000; 1 changes nothing. */
  readonly firstTokenFactor: number
  readonly perTokenFactor: number
  readonly limitFactor: number
}

/** The phases of a round, in the order of time and without overlaps, and how often it is gone through. */
export interface IncidentTimetable {
  readonly phases: readonly IncidentPhase[]
  /** Wait before the first round, in milliseconds. */
  readonly startAfterMs: number
  /** How many rounds there are; Infinity for rounds without end. */
  readonly rounds: number
}
