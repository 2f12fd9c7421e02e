import type { ResourceConfig } from '../config/config.ts'
import type { IncidentPhase, IncidentTimetable } from '../config/incident-file.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'

/** A position in a timetable. Times are in milliseconds from the start of the timetable. */
export interface Position {
  readonly phase: IncidentPhase | undefined
  /** Start of the phase; undefined between phases. */
  readonly phaseStartMs: number | undefined
  /** The next phase; undefined after the last one. */
  readonly next: IncidentPhase | undefined
  /** Counted from 1; 0 before the first round. */
  readonly round: number
  /** When the phase, or the pause between phases, ends; Infinity without a next change. */
  readonly nextChangeMs: number
  /** Whether all rounds have ended. */
  readonly over: boolean
}

/** The position in a timetable after a time. */
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

/** State of a running timetable. Times are in milliseconds. */
export interface IncidentState {
  readonly timetable: IncidentTimetable
  /** When it started, on the monotonic scale of the clock. */
  readonly startedMs: number
  /** The same in milliseconds since 1970. */
  readonly startedEpochMs: number
  /** Time since the start of the timetable, including its initial wait. */
  readonly elapsedMs: number
  readonly position: Position
}

/** A running timetable, to continue it in another process. */
export interface RunningIncidents {
  readonly resource: string
  readonly timetable: IncidentTimetable
  /** When it started, in milliseconds. */
  readonly startedMs: number
}

/** Called when a phase begins, or with undefined when the timetable ends. */
export type OnPhase = (phase: IncidentPhase | undefined, round: number) => void

/** Runs an incident timetable with timers, so that requests read the current phase without a search. */
export class IncidentRunner {
  readonly #clock: Clock
  readonly #onPhase: OnPhase
  readonly #onState: () => void
  #timetable: IncidentTimetable | undefined
  #startedMs = 0
  #startedEpochMs = 0
  #running = false
  #phase: IncidentPhase | undefined
  #stopTimer: StopTimer | undefined

  /** @param onState called when the timetable starts, stops, or enters or leaves a phase */
  constructor(clock: Clock, onPhase: OnPhase = () => {}, onState: () => void = () => {}) {
    this.#clock = clock
    this.#onPhase = onPhase
    this.#onState = onState
  }

  /** The current phase; undefined between phases, and if no timetable is running. */
  get phase(): IncidentPhase | undefined {
    return this.#phase
  }

  /** The running timetable, or the last one. */
  get timetable(): IncidentTimetable | undefined {
    return this.#timetable
  }

  /** State of the running timetable; undefined if no timetable is running. */
  get state(): IncidentState | undefined {
    if (!this.#timetable || !this.#running) return undefined
    const startedMs = this.#startedMs
    const elapsedMs = this.#clock.nowMs() - startedMs
    const position = positionAt(this.#timetable, elapsedMs)
    return {
      timetable: this.#timetable,
      startedMs,
      startedEpochMs: this.#startedEpochMs,
      elapsedMs,
      position,
    }
  }

  /**
   * Starts a timetable. A running one is stopped.
   *
   * @param startedMs when it started, on the monotonic scale of the clock; default: now
   */
  start(timetable: IncidentTimetable, startedMs = this.#clock.nowMs()): void {
    this.#end()
    this.#timetable = timetable
    this.#startedMs = startedMs
    const elapsedMs = this.#clock.nowMs() - startedMs
    this.#startedEpochMs = this.#clock.epochMs() - elapsedMs
    this.#running = true
    this.#enter(elapsedMs)
  }

  /** Ends the current phase and the timetable. */
  stop(): void {
    const wasRunning = this.#running
    this.#end()
    if (wasRunning) this.#onState()
  }

  #end(): void {
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
      // Counted from the start, so that a late timer does not delay later phases.
      this.#stopTimer = this.#clock.at(this.#startedMs + nextChangeMs, () => {
        this.#enter(Math.max(nextChangeMs, this.#clock.nowMs() - this.#startedMs))
      })
    }
    this.#onState()
  }
}

/** Timetables by resource; undefined for a resource without one. */
export type Timetables = Iterable<readonly [resource: string, timetable: IncidentTimetable | undefined]>

/** Returns the timetables of resources. */
export function timetablesOf(
  resources: Iterable<readonly [name: string, view: Pick<ResourceConfig, 'incidents'>]>,
): Timetables {
  return Array.from(resources, ([name, { incidents }]) => [name, incidents] as const)
}

/** The timetables of all resources. A timetable applies only to its resource. */
export class IncidentTimetables {
  readonly #clock: Clock
  readonly #onPhase: (resource: string, ...change: Parameters<OnPhase>) => void
  readonly #byResource = new Map<string, IncidentRunner>()
  readonly #listeners: (() => void)[] = []
  readonly #stateListeners: ((resource: string) => void)[] = []

  constructor(clock: Clock, onPhase: (resource: string, ...change: Parameters<OnPhase>) => void = () => {}) {
    this.#clock = clock
    this.#onPhase = onPhase
  }

  /** The current phase of a resource. */
  phaseOf(resource: string): IncidentPhase | undefined {
    return this.#byResource.get(resource)?.phase
  }

  /** State of the running timetable of a resource. */
  stateOf(resource: string): IncidentState | undefined {
    return this.#byResource.get(resource)?.state
  }

  /** All resources that had a timetable. */
  [Symbol.iterator](): Iterator<readonly [resource: string, incidents: IncidentRunner]> {
    return this.#byResource[Symbol.iterator]()
  }

  /** Adds a listener for requested starts and stops. Changes of phases are not reported. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Adds a listener for all changes: starts, stops, and begins and ends of phases. */
  onState(listener: (resource: string) => void): void {
    this.#stateListeners.push(listener)
  }

  /** Starts the timetable of a resource. A running one is stopped. */
  start(resource: string, timetable: IncidentTimetable): void {
    this.#startOne(resource, timetable)
    this.#notify()
  }

  /** Ends the timetable of a resource. */
  stop(resource: string): void {
    this.#byResource.get(resource)?.stop()
    this.#notify()
  }

  /** Starts these timetables, and ends all others. */
  begin(timetables: Timetables): void {
    this.close()
    for (const [resource, timetable] of timetables) if (timetable) this.#startOne(resource, timetable)
    this.#notify()
  }

  /** Continues the timetables of another process, with their start times, and ends all others. Does not notify listeners. */
  take(running: readonly RunningIncidents[]): void {
    this.close()
    for (const { resource, timetable, startedMs } of running) this.#startOne(resource, timetable, startedMs)
  }

  /** Continues timetables of another process, and ends those of some resources. Does not notify listeners. */
  change(running: readonly RunningIncidents[], ended: readonly string[]): void {
    for (const resource of ended) this.#byResource.get(resource)?.stop()
    for (const { resource, timetable, startedMs } of running) this.#startOne(resource, timetable, startedMs)
  }

  /** Removes the timetables of removed resources, and starts those of new ones. A resource that was created again is in both. */
  follow(removed: Iterable<string>, added: Timetables): void {
    for (const resource of removed) {
      this.#byResource.get(resource)?.stop()
      this.#byResource.delete(resource)
    }
    for (const [resource, timetable] of added) if (timetable) this.#startOne(resource, timetable)
  }

  /** Ends all timetables. */
  close(): void {
    for (const incidents of this.#byResource.values()) incidents.stop()
  }

  #startOne(resource: string, timetable: IncidentTimetable, startedMs?: number): void {
    let incidents = this.#byResource.get(resource)
    if (!incidents) {
      incidents = new IncidentRunner(
        this.#clock,
        (...change) => this.#onPhase(resource, ...change),
        () => {
          for (const listener of this.#stateListeners) listener(resource)
        },
      )
      this.#byResource.set(resource, incidents)
    }
    incidents.start(timetable, startedMs)
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
