import type { IncidentPhase, IncidentTimetable } from '../config/incident-timetable.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { positionAt, type Position } from './incident-position.ts'

/** How a timetable stands. Times in milliseconds. */
export interface IncidentState {
  readonly timetable: IncidentTimetable
  /** From the start of the timetable, its first wait included. */
  readonly elapsedMs: number
  readonly position: Position
}

/** Hears of each change: a phase that begins, or the end of the timetable (undefined). */
export type OnPhase = (phase: IncidentPhase | undefined, round: number) => void

/** Goes through a timetable of incidents by the clock: which phase a request meets is known without looking. */
export class Incidents {
  readonly #clock: Clock
  readonly #onPhase: OnPhase
  readonly #listeners: (() => void)[] = []
  #timetable: IncidentTimetable | undefined
  #startedMs = 0
  #running = false
  #phase: IncidentPhase | undefined
  #stopTimer: StopTimer | undefined

  constructor(clock: Clock, onPhase: OnPhase = () => {}) {
    this.#clock = clock
    this.#onPhase = onPhase
  }

  /** The present phase; undefined between two phases, and when nothing runs. */
  get phase(): IncidentPhase | undefined {
    return this.#phase
  }

  /** The timetable that runs, or ran last. */
  get timetable(): IncidentTimetable | undefined {
    return this.#timetable
  }

  /** How the running timetable stands; undefined when none runs. */
  get state(): IncidentState | undefined {
    if (!this.#timetable || !this.#running) return undefined
    const elapsedMs = this.#clock.nowMs() - this.#startedMs
    return { timetable: this.#timetable, elapsedMs, position: positionAt(this.#timetable, elapsedMs) }
  }

  /** Tells of every start and stop that is asked for; phases change by themselves. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Begins a timetable; one that runs is given up.
   *
   * @param startedMs when it began, on the clock's monotonic scale, where that was before
   */
  start(timetable: IncidentTimetable, startedMs = this.#clock.nowMs()): void {
    this.#halt()
    this.#timetable = timetable
    this.#startedMs = startedMs
    this.#running = true
    this.#enter(this.#clock.nowMs() - startedMs)
    for (const listener of this.#listeners) listener()
  }

  /** Ends the present phase and all that would follow. */
  stop(): void {
    this.#halt()
    for (const listener of this.#listeners) listener()
  }

  #halt(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#running = false
    this.#phase = undefined
  }

  #enter(elapsedMs: number): void {
    const { timetable } = this
    if (!timetable) return
    const { phase, round, nextChangeMs, over } = positionAt(timetable, elapsedMs)
    this.#phase = phase
    if (phase) this.#onPhase(phase, round)
    if (over) {
      this.#running = false
      this.#onPhase(undefined, round)
    } else if (nextChangeMs < Infinity) {
      // Counted from the start, so that a late timer does not put off the phases after it.
      this.#stopTimer = this.#clock.at(this.#startedMs + nextChangeMs, () => {
        this.#enter(Math.max(nextChangeMs, this.#clock.nowMs() - this.#startedMs))
      })
    }
  }
}
