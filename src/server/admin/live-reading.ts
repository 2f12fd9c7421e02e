import { roundTo } from '../../lib/format-text.ts'
import { noMetrics } from '../../metrics/merge-metrics.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import {
  type RequestStats,
  type Stats,
  statsMetrics,
  statsOf,
  summaryOfBuckets,
  type UpstreamStats,
} from '../../metrics/stats.ts'
import { changesBetween, type StatsChange } from '../../metrics/stats-windows.ts'
import { summarize } from '../../metrics/time-histogram.ts'
import type { Simulator } from '../simulator.ts'
import { type LiveState, noLiveState, viewLiveStates } from './deployment-view.ts'
import type { Live, LiveIncidents, LiveSimulator, LiveUpstream, LiveWindow } from './live-stats.ts'
import { durationsJson, incidentStates, plannedAndAchieved, simulatorState } from './simulator-state.ts'

/** All figures at one time, of all processes. */
export interface LiveReading {
  /** Time that the slowest process needed for its metrics, in milliseconds. */
  readonly tookMs: number
  readonly simulator: LiveSimulator
  readonly totals: Live
  readonly resources: ReadonlyMap<
    string,
    { readonly totals: Live; readonly deployments: ReadonlyMap<string, Live> }
  >
  readonly upstreams: Readonly<Record<string, LiveUpstream>>
  readonly incidents: Readonly<Record<string, LiveIncidents>>
}

const noTimes = { planned: null, achieved: null }
const idleWindow: LiveWindow = {
  requests_per_second: 0,
  tokens_per_second: 0,
  prompt_tokens_per_second: 0,
  completion_tokens_per_second: 0,
  rate_limited_per_second: 0,
  errors_per_second: 0,
  latency_ms: null,
  first_token_ms: noTimes,
  between_tokens_ms: noTimes,
}

/** Reads all figures, with rates since the previous reading. */
export class LiveReader {
  readonly #simulator: Simulator
  readonly #metrics: Pick<Metrics, 'toJson'>
  readonly #startedMs: number
  #before: Stats | undefined

  /**
   * @param metrics of all processes
   * @param startedMs start of the simulator on the monotonic scale of its clock
   */
  constructor(simulator: Simulator, metrics: Pick<Metrics, 'toJson'>, startedMs: number) {
    this.#simulator = simulator
    this.#metrics = metrics
    this.#startedMs = startedMs
  }

  /** Forgets the previous reading, so that the next one has no rates. */
  restart(): void {
    this.#before = undefined
  }

  /** @param secondsOf returns the time since the previous reading; called when the metrics are there */
  async read(secondsOf: () => number): Promise<LiveReading> {
    const simulator = this.#simulator
    const states = new Map<string, ReadonlyMap<string, LiveState>>()
    for (const name of simulator.config.resources.keys()) {
      states.set(name, await viewLiveStates(simulator, name))
    }
    const json = await this.#metrics.toJson(statsMetrics)
    const stats = statsOf(json)
    const seconds = secondsOf()
    const changes = changesBetween(this.#before ?? stats, stats)
    this.#before = stats
    const resources = new Map<string, { totals: Live; deployments: Map<string, Live> }>()
    for (const name of new Set([...states.keys(), ...stats.resources.keys()])) {
      const ownStates = states.get(name)
      const known = stats.resources.get(name)
      const changed = changes.resources.get(name)
      const deployments = new Map<string, Live>()
      for (const deployment of new Set([
        ...(ownStates?.keys() ?? []),
        ...(known?.deployments.keys() ?? []),
      ])) {
        const counts = known?.deployments.get(deployment) ?? noRequests
        const window = windowOf(changed?.deployments.get(deployment), seconds)
        deployments.set(deployment, liveOf(counts, ownStates?.get(deployment) ?? noLiveState, window))
      }
      const window = windowOf(changed?.totals, seconds)
      resources.set(name, { totals: liveOf(known ?? noRequests, noLiveState, window), deployments })
    }
    return {
      tookMs: json.tookMs,
      simulator: simulatorState(simulator, {
        startedMs: this.#startedMs,
        processes: stats.processes,
        lateness: summaryOfBuckets(changes.lateness),
      }),
      totals: liveOf(stats.totals, noLiveState, windowOf(changes.totals, seconds)),
      resources,
      upstreams: Object.fromEntries(
        Array.from(stats.upstreams, ([name, one]) => [name, upstreamJson(one)] as const),
      ),
      incidents: incidentStates(simulator),
    }
  }
}

const noRequests: RequestStats = statsOf(noMetrics).totals

function liveOf(stats: RequestStats, { limits, slots }: LiveState, window: LiveWindow): Live {
  return {
    requests: stats.requests,
    errors: stats.errors,
    by_status: stats.byStatus,
    active: stats.active,
    streams: stats.streams,
    queue: stats.queue,
    tokens: stats.tokens,
    rate_limited: stats.rateLimited,
    client_disconnects: stats.disconnects,
    faults: stats.faults,
    limits,
    slots,
    window,
  }
}

/** An upstream in the format of the admin API. */
export function upstreamJson(stats: UpstreamStats): LiveUpstream {
  return {
    requests: stats.requests,
    errors: stats.errors,
    by_status: { ...stats.byStatus },
    retries: stats.retries,
    latency_ms: durationsJson(stats.latency),
    first_byte_ms: durationsJson(stats.firstByte),
  }
}

function windowOf(change: StatsChange | undefined, seconds: number): LiveWindow {
  if (!change || seconds <= 0) return idleWindow
  const rate = (count: number): number => roundTo(count / seconds, 2)
  const { times, promptTokens, completionTokens } = change
  return {
    requests_per_second: rate(change.requests),
    tokens_per_second: rate(promptTokens + completionTokens),
    prompt_tokens_per_second: rate(promptTokens),
    completion_tokens_per_second: rate(completionTokens),
    rate_limited_per_second: rate(change.rateLimited),
    errors_per_second: rate(change.errors),
    latency_ms: durationsJson(summarize(times.latency)),
    first_token_ms: plannedAndAchieved(times.firstPlanned, times.firstAchieved),
    between_tokens_ms: plannedAndAchieved(times.gapPlanned, times.gapAchieved),
  }
}
