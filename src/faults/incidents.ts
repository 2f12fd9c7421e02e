import type { IncidentPhase, IncidentTimetable } from '../config/incident-file.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'

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
function positionAt({ phases, startAfterMs, rounds }: IncidentTimetable, elapsedMs: number): Position {
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

/** How a timetable stands. Times in milliseconds. */
export interface IncidentState {
  readonly timetable: IncidentTimetable
  /** From the start of the timetable, its first wait included. */
  readonly elapsedMs: number
  readonly position: Position
}

/** A timetable that runs. */
export interface RunningIncidents {
  readonly resource: string
  readonly timetable: IncidentTimetable
  /** When it began, in milliseconds. */
  readonly startedMs: number
}

/** Hears of each change: a phase that begins, or the end of the timetable (undefined). */
export type OnPhase = (phase: IncidentPhase | undefined, round: number) => void

/** Goes through a timetable of incidents by the clock: which phase a request meets is known without looking. */
export class IncidentRunner {
  readonly #clock: Clock
  readonly #onPhase: OnPhase
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

  /**
   * Begins a timetable; one that runs is given up.
   *
   * @param startedMs when it began, on the clock's monotonic scale, where that was before
   */
  start(timetable: IncidentTimetable, startedMs = this.#clock.nowMs()): void {
    this.stop()
    this.#timetable = timetable
    this.#startedMs = startedMs
    this.#running = true
    this.#enter(this.#clock.nowMs() - startedMs)
  }

  /** Ends the present phase and all that would follow. */
  stop(): void {
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

/** Timetables by the name of their resource; undefined for a resource without one. */
export type Timetables = Iterable<readonly [resource: string, timetable: IncidentTimetable | undefined]>

/** The timetables of all resources, each of which strikes there alone. */
export class IncidentTimetables {
  readonly #clock: Clock
  readonly #onPhase: (resource: string, ...told: Parameters<OnPhase>) => void
  readonly #byResource = new Map<string, IncidentRunner>()
  readonly #listeners: (() => void)[] = []

  constructor(clock: Clock, onPhase: (resource: string, ...told: Parameters<OnPhase>) => void = () => {}) {
    this.#clock = clock
    this.#onPhase = onPhase
  }

  /** The present phase of a resource. */
  phaseOf(resource: string): IncidentPhase | undefined {
    return this.#byResource.get(resource)?.phase
  }

  /** How the running timetable of a resource stands. */
  stateOf(resource: string): IncidentState | undefined {
    return this.#byResource.get(resource)?.state
  }

  /** Each resource that has had a timetable. */
  [Symbol.iterator](): Iterator<readonly [resource: string, incidents: IncidentRunner]> {
    return this.#byResource[Symbol.iterator]()
  }

  /** Tells of every start and stop that is asked for; phases change by themselves. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Begins the timetable of a resource, in the place of one that runs. */
  start(resource: string, timetable: IncidentTimetable): void {
    this.#startOne(resource, timetable)
    this.#tell()
  }

  /** Ends the timetable of a resource. */
  stop(resource: string): void {
    this.#byResource.get(resource)?.stop()
    this.#tell()
  }

  /** Begins these timetables, and ends all others. */
  begin(timetables: Timetables): void {
    this.close()
    for (const [resource, timetable] of timetables) if (timetable) this.#startOne(resource, timetable)
    this.#tell()
  }

  /** Takes over those that run elsewhere, with the times at which they began there, and ends all others. */
  take(running: readonly RunningIncidents[]): void {
    this.close()
    for (const { resource, timetable, startedMs } of running) this.#startOne(resource, timetable, startedMs)
  }

  /** Begins the timetables of resources that are new, and forgets resources that are gone. */
  follow(timetables: Timetables, known: (resource: string) => boolean): void {
    const present = new Map(timetables)
    for (const [resource, incidents] of this.#byResource) {
      if (present.has(resource)) continue
      incidents.stop()
      this.#byResource.delete(resource)
    }
    for (const [resource, timetable] of present) {
      if (timetable && !known(resource)) this.#startOne(resource, timetable)
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const incidents of this.#byResource.values()) incidents.stop()
  }

  #startOne(resource: string, timetable: IncidentTimetable, startedMs?: number): void {
    let incidents = this.#byResource.get(resource)
    if (!incidents) {
      incidents = new IncidentRunner(this.#clock, (...told) => this.#onPhase(resource, ...told))
      this.#byResource.set(resource, incidents)
    }
    incidents.start(timetable, startedMs)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
