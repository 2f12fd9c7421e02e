import { describeBottleneck } from '../../metrics/bottleneck.ts'
import type { IncidentRunner } from '../../faults/incidents.ts'
import { roundTo } from '../../lib/format-text.ts'
import { version } from '../../lib/version.ts'
import type { ProcessStats } from '../../metrics/stats.ts'
import { summarize, type TimeCounts, type TimeSummary } from '../../metrics/time-histogram.ts'
import type { Simulator } from '../simulator.ts'
import type { Durations, LiveIncidents, LiveSimulator, PlannedAndAchieved } from './live-stats.ts'

const MS_DECIMALS = 3

/** The latest time that a date can have. */
const MAX_DATE_MS = 8.64e15

/** Durations in the format of the admin API; null without any. */
export function durationsJson(summary: TimeSummary | undefined): Durations | null {
  if (!summary) return null
  const ms = (value: number): number => roundTo(value, MS_DECIMALS)
  const { count, mean, p50, p95, p99 } = summary
  return { count, mean: ms(mean), p50: ms(p50), p95: ms(p95), p99: ms(p99) }
}

/** Planned and achieved durations in the format of the admin API. */
export function plannedAndAchieved(planned: TimeCounts, achieved: TimeCounts): PlannedAndAchieved {
  return { planned: durationsJson(summarize(planned)), achieved: durationsJson(summarize(achieved)) }
}

/** Whether the clock of the simulator is the system clock. */
export function clockKind({ clock }: Simulator): LiveSimulator['clock'] {
  return 'advance' in clock ? 'virtual' : 'system'
}

/** Facts about a reading. */
export interface SimulatorFacts {
  /** Start of the simulator on the monotonic scale of its clock. */
  readonly startedMs: number
  readonly processes: ProcessStats
  /** Delays between planned and actual send times. */
  readonly lateness: TimeSummary | undefined
}

/** The state of the simulator itself, of all processes. */
export function simulatorState(simulator: Simulator, facts: SimulatorFacts): LiveSimulator {
  const { clock, config, configStore, journal } = simulator
  const { startedMs, processes, lateness } = facts
  const { loopLag, bottleneck } = processes
  return {
    version,
    mode: config.defaultResource.mode,
    clock: clockKind(simulator),
    now: new Date(clock.epochMs()).toISOString(),
    uptime_seconds: roundTo((clock.nowMs() - startedMs) / 1_000, MS_DECIMALS),
    workers: processes.workers,
    keeps_up: bottleneck === undefined,
    bottleneck: bottleneck ? describeBottleneck(bottleneck) : null,
    lateness_ms: durationsJson(lateness),
    event_loop_lag_ms: {
      p50: roundTo(loopLag.p50, MS_DECIMALS),
      p99: roundTo(loopLag.p99, MS_DECIMALS),
      max: roundTo(loopLag.max, MS_DECIMALS),
    },
    in_flight: processes.inFlight,
    open_streams: processes.openStreams,
    config_store: configStore
      ? {
          kind: configStore.kind,
          pending: configStore.pending,
          state: configStore.state,
          problem: configStore.failure ?? null,
        }
      : null,
    journal: journal !== undefined,
    recordings: recordingState(simulator),
  }
}

function recordingState({ recordings }: Simulator): LiveSimulator['recordings'] {
  const recorders = recordings.flatMap(({ recorder }) => recorder ?? [])
  if (recorders.length === 0) return null
  return {
    writing: recorders.some(({ losses }) => losses.isFailing) ? 'failing' : 'ok',
    lost: recorders.reduce((sum, { losses }) => sum + losses.lost, 0),
  }
}

/**
 * The incident timetables by resource.
 *
 * @param only name of a resource; default: all
 */
export function incidentStates(simulator: Simulator, only?: string): Record<string, LiveIncidents> {
  const shown = [...simulator.incidents].filter(
    ([resource, { timetable }]) => timetable !== undefined && (only === undefined || resource === only),
  )
  // An own property for each name, also for `__proto__`.
  return Object.fromEntries(shown.map(([resource, runner]) => [resource, incidentState(runner)] as const))
}

/** The incident timetable of a resource. */
export function incidentState({
  state,
  timetable,
}: Pick<IncidentRunner, 'state' | 'timetable'>): LiveIncidents {
  const phases = (timetable?.phases ?? []).map(({ name, deployment, startMs, endMs }) => ({
    name,
    deployment: deployment ?? null,
    starts_at_seconds: startMs / 1_000,
    ends_at_seconds: endMs === Infinity ? null : endMs / 1_000,
  }))
  const rounds = timetable && timetable.rounds !== Infinity ? timetable.rounds : null
  if (!state || !timetable) {
    const none = { phase: null, round: 0, started_at: null, round_started_at: null, ends_at: null }
    return { running: false, ...none, rounds, phases }
  }
  const { position, startedEpochMs } = state
  const roundMs = timetable.phases.at(-1)?.endMs ?? 0
  const at = (sinceStartMs: number): string | null => {
    const atMs = Math.round(startedEpochMs + sinceStartMs)
    return atMs <= MAX_DATE_MS ? new Date(atMs).toISOString() : null
  }
  const roundsBefore = Math.max(0, position.round - 1)
  return {
    running: true,
    phase: position.phase?.name ?? null,
    round: position.round,
    rounds,
    started_at: at(0),
    round_started_at: at(timetable.startAfterMs + (roundsBefore === 0 ? 0 : roundsBefore * roundMs)),
    ends_at: at(timetable.startAfterMs + roundMs * timetable.rounds),
    phases,
  }
}
