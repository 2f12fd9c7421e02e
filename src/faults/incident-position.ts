import type { IncidentPhase, IncidentTimetable } from '../config/incident-file.ts'

/** Where in a timetable a moment lies. Times in milliseconds from the start of the timetable. */
export interface Position {
  readonly phase: IncidentPhase | undefined
  /** When the phase began; undefined without one. */
  readonly phaseStartMs: number | undefined
  /** The phase that comes next; undefined where none follows. */
  readonly next: IncidentPhase | undefined
  /** Counted from 1; 0 before the first one. */
  readonly round: number
  /** When the phase, or the pause between two, ends; Infinity where nothing follows. */
  readonly nextChangeMs: number
  /** Whether all rounds have been gone through. */
  readonly over: boolean
}

/** Looks up a moment in a timetable. */
export function positionAt({ phases, startAfterMs, rounds }: IncidentTimetable, elapsedMs: number): Position {
  const [first] = phases
  const sinceMs = elapsedMs - startAfterMs
  const none = { phase: undefined, phaseStartMs: undefined }
  if (sinceMs < 0) return { ...none, next: first, round: 0, nextChangeMs: startAfterMs, over: false }

  const roundMs = phases.at(-1)?.endMs ?? 0
  const index = roundMs === Infinity ? 0 : Math.floor(sinceMs / roundMs)
  if (index >= rounds) {
    return { ...none, next: undefined, round: rounds, nextChangeMs: Infinity, over: true }
  }
  const roundStartMs = roundMs === Infinity ? startAfterMs : startAfterMs + index * roundMs
  const withinMs = elapsedMs - roundStartMs
  const phase = phases.find(({ startMs, endMs }) => startMs <= withinMs && withinMs < endMs)
  const following = phases.find(({ startMs }) => startMs > withinMs)
  return {
    phase,
    phaseStartMs: phase && roundStartMs + phase.startMs,
    next: following ?? (index + 1 < rounds && roundMs < Infinity ? first : undefined),
    round: index + 1,
    nextChangeMs: roundStartMs + (phase?.endMs ?? following?.startMs ?? roundMs),
    over: false,
  }
}
