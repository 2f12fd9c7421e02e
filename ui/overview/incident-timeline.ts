import type { LiveIncidents } from '../../src/server/admin/live-stats.ts'

/** A phase as a part of the time line. Positions are shares of its length: 0 is the start of the round, 1 its end. */
export interface TimelineSegment {
  readonly name: string
  /** Null: all deployments. */
  readonly deployment: string | null
  readonly from: number
  readonly to: number
  readonly startsAtSeconds: number
  /** Undefined: endless. */
  readonly endsAtSeconds: number | undefined
  readonly state: 'past' | 'current' | 'coming'
}

/** The current round of a timetable. */
export interface IncidentTimeline {
  readonly segments: readonly TimelineSegment[]
  /** Position of the present; undefined if no timetable is running. */
  readonly now: number | undefined
  /** Length of the time line. */
  readonly seconds: number
  readonly current: TimelineSegment | undefined
  /** The next phase of this round. */
  readonly next: TimelineSegment | undefined
  /** Until the end of the current phase, or the start of the next one. Undefined if nothing changes any more. */
  readonly secondsToChange: number | undefined
}

/** Shown length of an endless phase that has just begun. */
const ENDLESS_SECONDS = 60

/**
 * Returns the time line of the current round.
 *
 * @param nowMs time of the clock of the simulator, in milliseconds since 1970
 */
export function timelineOf(incidents: LiveIncidents, nowMs: number): IncidentTimeline {
  const { phases, running } = incidents
  const startedAt = incidents.round_started_at ?? incidents.started_at
  const elapsed = running && startedAt !== null ? (nowMs - Date.parse(startedAt)) / 1_000 : undefined
  const seconds = lengthOf(incidents, elapsed ?? 0)
  // Before the first round, the wait is in front of the phases.
  const first = Math.min(0, elapsed ?? 0)
  const share = (at: number): number => clamp((at - first) / (seconds - first))
  const segments = phases.map((phase): TimelineSegment => {
    const { name, deployment, starts_at_seconds: startsAtSeconds, ends_at_seconds: end } = phase
    return {
      name,
      deployment,
      from: share(startsAtSeconds),
      to: share(end ?? seconds),
      startsAtSeconds,
      endsAtSeconds: end ?? undefined,
      state: stateAt(elapsed, startsAtSeconds, end ?? Infinity),
    }
  })
  const current = segments.find(({ state }) => state === 'current')
  const next =
    elapsed === undefined ? undefined : segments.find(({ startsAtSeconds }) => startsAtSeconds > elapsed)
  const changesAt = current ? current.endsAtSeconds : next?.startsAtSeconds
  return {
    segments,
    now: elapsed === undefined ? undefined : share(elapsed),
    seconds: seconds - first,
    current,
    next,
    secondsToChange:
      changesAt === undefined || elapsed === undefined ? undefined : Math.max(0, changesAt - elapsed),
  }
}

function lengthOf({ phases }: LiveIncidents, elapsed: number): number {
  const last = phases.at(-1)
  if (!last) return 1
  // An endless phase takes the last third, whatever time has passed.
  return last.ends_at_seconds ?? Math.max(elapsed * 1.5, last.starts_at_seconds + ENDLESS_SECONDS)
}

function stateAt(elapsed: number | undefined, start: number, end: number): TimelineSegment['state'] {
  if (elapsed === undefined || elapsed < start) return 'coming'
  return elapsed < end ? 'current' : 'past'
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}

/** The incidents of a resource as a sentence, for screen readers and the heading of the time line. */
export function describeIncidents(incidents: LiveIncidents, { current, next }: IncidentTimeline): string {
  if (!incidents.running) return 'No incident is running.'
  const round =
    incidents.rounds === 1
      ? ''
      : ` Round ${incidents.round}${incidents.rounds === null ? '' : ` of ${incidents.rounds}`}.`
  const now = current
    ? `Phase ${current.name}${current.deployment === null ? '' : ` for ${current.deployment}`}.`
    : 'No phase now.'
  return `${now}${next ? ` Next: ${next.name}.` : ''}${round}`
}

/** A phase in real time. Times are in seconds since 1970. */
export interface PhaseBand {
  readonly from: number
  readonly to: number
  readonly label: string
}

/**
 * Returns the phases of the current round that have begun, for charts.
 *
 * @param now `clockMs`: time of the clock of the simulator; `atMs`: real time, which charts show also with a virtual clock
 * @param only leaves out phases of other deployments
 */
export function phaseBands(
  incidents: LiveIncidents | undefined,
  { clockMs, atMs }: { readonly clockMs: number; readonly atMs: number },
  only?: string,
): PhaseBand[] {
  const startedAt = incidents?.round_started_at ?? null
  if (!incidents?.running || startedAt === null) return []
  const start = (Date.parse(startedAt) - clockMs + atMs) / 1_000
  return incidents.phases
    .filter(({ deployment }) => only === undefined || deployment === null || deployment === only)
    .map(({ name, starts_at_seconds: from, ends_at_seconds: to }) => ({
      label: name,
      from: start + from,
      to: Math.min(atMs / 1_000, to === null ? Infinity : start + to),
    }))
    .filter(({ from, to }) => to > from)
}
