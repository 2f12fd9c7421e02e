import { refusals } from '../access/credentials.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import type { PacingWatch, StreamTimes } from '../pipeline/pacing-watch.ts'
import { defaultResourceName } from '../config/config.ts'
import type { Operation } from '../wire/route.ts'
import { requestedTiers, servedTiers, type RequestedTier, type ServedTier } from '../wire/service-tier.ts'
import { outcomeStatus, type Reply } from '../pipeline/reply.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { isEventStream, isStream } from '../pipeline/stream-events.ts'
import { AnswerTimes } from './time-histogram.ts'

/** Maximum number of deployments with a label that are not configured. Later ones have the label `other`. */
export const MAX_UNKNOWN_DEPLOYMENTS = 100

/** Maximum number of deployments with a label. Configured names can change at run time without a limit. */
const MAX_DEPLOYMENTS = 20_000

/** Maximum number of resources with a label. Later ones have the label `other`, and so have their deployments. */
const MAX_RESOURCES = 2_000

/**
 * Allowed names of such deployments. Otherwise a client could make the exposition arbitrarily large, or break it: two names that
 * differ only in invalid Unicode would be the same line.
 */
const plainName = /^[\w.-]{1,64}$/

type ByOperation = Map<OperationLabel, RequestSeries>

/** The series of a resource. */
interface ResourceSeries {
  /** Its name, or `other`. */
  readonly label: string
  readonly byDeployment: Map<string, ByOperation>
  /** Names of deployments that were not configured at their first request. */
  readonly unknown: Set<string>
  /** Requests with a refused key or token, by reason. */
  readonly refusals: Map<string, number>
}

function openResource(label: string): ResourceSeries {
  return { label, byDeployment: new Map(), unknown: new Set(), refusals: new Map() }
}

const knownRefusals: ReadonlySet<string> = new Set(refusals)

/** Limits of a table. */
export interface TableLimits {
  readonly resources: number
  readonly deployments: number
}

const defaultTableLimits: TableLimits = { resources: MAX_RESOURCES, deployments: MAX_DEPLOYMENTS }

/** The configured deployments of all resources. */
export type ConfiguredDeployments = ReadonlyMap<
  string,
  { readonly id: string; readonly deployments: ReadonlyMap<string, unknown> }
>

/**
 * The series by resource, deployment and operation. The size is limited for any names that clients send or that are configured at
 * run time.
 */
export class SeriesTable {
  readonly #limits: TableLimits
  readonly #isSecret: (name: string) => boolean
  /** By the identity of the resource, so that a resource that is created again starts at 0. */
  readonly #byResource = new Map<string, ResourceSeries>()
  /** Shared by the resources above the limit. */
  readonly #others = openResource('other')
  #labels = 0
  #unknownDeployments = 0
  #deployments = 0

  /** @param isSecret whether a name that a client has sent contains a known key */
  constructor(limits = defaultTableLimits, isSecret: (name: string) => boolean = () => false) {
    this.#limits = limits
    this.#isSecret = isSecret
  }

  /** The series of a request, created with the first request. */
  seriesOf(exchange: Exchange): RequestSeries {
    const operation = exchange.route?.operation ?? 'other'
    const name = deploymentOf(exchange) ?? ''
    const known = this.#byResource.get(exchange.config.id)?.byDeployment.get(name)?.get(operation)
    return known ?? this.#open(exchange, name, operation)
  }

  /** Counts a request with a refused key or token. An extension can set any reason: other texts count as `other`. */
  countRefusal(exchange: Exchange, reason: string): void {
    const { refusals: counts } = this.#resourceOf(exchange)
    const label = knownRefusals.has(reason) ? reason : 'other'
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }

  /** The number of refused requests by resource and reason. The default resource has all reasons. */
  *refusals(): Generator<{ readonly resource: string; readonly reason: string; readonly count: number }> {
    const counted = new Set<string>()
    for (const { label: resource, refusals: counts } of new Set([
      ...this.#byResource.values(),
      this.#others,
    ])) {
      for (const [reason, count] of counts) {
        if (resource === defaultResourceName) counted.add(reason)
        yield { resource, reason, count }
      }
    }
    // Start at 0, because Prometheus detects an increase only from a known value.
    for (const reason of refusals) {
      if (!counted.has(reason)) yield { resource: defaultResourceName, reason, count: 0 }
    }
  }

  /** Removes the series of other resources than these identities. */
  retainResources(ids: ReadonlySet<string>): void {
    for (const [id, series] of this.#byResource) {
      if (ids.has(id)) continue
      this.#byResource.delete(id)
      if (series === this.#others) continue
      this.#labels--
      this.#unknownDeployments -= series.unknown.size
      this.#deployments -= series.byDeployment.size
    }
  }

  /** Removes the series of other resources, such as of an answer that ended later, and of deployments that do not exist any more. */
  retainDeployments(resources: ConfiguredDeployments): void {
    this.retainResources(new Set([...resources.values()].map(({ id }) => id)))
    for (const { id, deployments } of resources.values()) {
      const series = this.#byResource.get(id)
      if (!series || series === this.#others) continue
      for (const name of series.byDeployment.keys()) {
        if (name === '' || name === 'other' || deployments.has(name) || series.unknown.has(name)) continue
        series.byDeployment.delete(name)
        this.#deployments--
      }
    }
  }

  *[Symbol.iterator](): Generator<RequestSeries> {
    for (const { byDeployment } of new Set([...this.#byResource.values(), this.#others])) {
      for (const byOperation of byDeployment.values()) yield* byOperation.values()
    }
  }

  #open(exchange: Exchange, name: string, operation: OperationLabel): RequestSeries {
    const resource = this.#resourceOf(exchange)
    const { byDeployment } = resource
    const deployment = this.#labelOf(name, resource, exchange)
    let byOperation = byDeployment.get(deployment)
    if (!byOperation) {
      byDeployment.set(deployment, (byOperation = new Map<OperationLabel, RequestSeries>()))
      this.#deployments++
    }
    let series = byOperation.get(operation)
    if (!series)
      byOperation.set(operation, (series = new RequestSeries(resource.label, deployment, operation)))
    return series
  }

  #resourceOf({ resource: label, config: { id } }: Exchange): ResourceSeries {
    let series = this.#byResource.get(id)
    if (!series) {
      const isFull = this.#labels >= this.#limits.resources && label !== defaultResourceName
      series = isFull ? this.#others : openResource(label)
      if (!isFull) this.#labels++
      // The number of resources is limited by their configuration.
      this.#byResource.set(id, series)
    }
    return series
  }

  /** The name itself, or `other`. */
  #labelOf(name: string, resource: ResourceSeries, { config }: Exchange): string {
    if (name === '' || resource.byDeployment.has(name)) return name
    if (resource === this.#others || this.#deployments >= this.#limits.deployments) return 'other'
    if (config.deployments.has(name)) return name
    if (this.#unknownDeployments >= MAX_UNKNOWN_DEPLOYMENTS || !plainName.test(name)) return 'other'
    if (this.#isSecret(name)) return 'other'
    this.#unknownDeployments++
    resource.unknown.add(name)
    return name
  }
}

/**
 * Upper bounds of the buckets for the time to an answer, in seconds: from an embedding (tens of milliseconds) to a
 * long answer of a reasoning model (two minutes).
 */
export const answerBounds: readonly number[] = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120,
]

/** `answerBounds` with finer ones, for the processing by the simulator, which should take well below 10 ms. */
export const workBounds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, ...answerBounds]

/**
 * The durations of one set of labels. Not a histogram of prom-client, which hashes the labels in each `observe`, even with resolved
 * labels: 350 ns for the three histograms of a request.
 */
export class DurationSeries {
  readonly bounds: readonly number[]
  /** Number of durations in each bucket, not cumulative. The last bucket is for those above all bounds. */
  readonly counts: Float64Array
  count = 0
  sumSeconds = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    const { bounds, counts } = this
    let index = 0
    while (index < bounds.length && seconds > (bounds[index] ?? Infinity)) index++
    counts[index] = (counts[index] ?? 0) + 1
    this.count++
    this.sumSeconds += seconds
  }
}

/** Upper bounds of the buckets for lateness, in seconds: from the tick of the clock to an overloaded event loop. */
const latenessBounds: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** A kind of part that is sent at a planned time. */
export type Part = Parameters<PacingWatch['sent']>[0]

const MILLISECONDS_PER_SECOND = 1_000

/** Counts the lateness of parts of answers, for the whole simulator. Without labels, because lookups are slow. */
export class Pacing implements PacingWatch {
  readonly series: Readonly<Record<Part, DurationSeries>> = {
    'first-token': new DurationSeries(latenessBounds),
    token: new DurationSeries(latenessBounds),
    answer: new DurationSeries(latenessBounds),
  }
  readonly #onSent: (lateMs: number, nowMs: number) => void
  readonly #table: SeriesTable

  /** @param onSent called for each part that was sent */
  constructor(table: SeriesTable, onSent: (lateMs: number, nowMs: number) => void) {
    this.#table = table
    this.#onSent = onSent
  }

  streamTimes(exchange: Exchange): StreamTimes {
    return this.#table.seriesOf(exchange).times
  }

  sent(part: Part, lateMs: number, nowMs: number): void {
    this.series[part].observe(lateMs / MILLISECONDS_PER_SECOND)
    this.#onSent(lateMs, nowMs)
  }
}

/** Operation of a request as a label; `other` for unknown paths. */
export type OperationLabel = Operation | 'other'

/** Requests of one deployment and operation that were answered with one status. */
export interface StatusSeries {
  requests: number
  readonly duration: DurationSeries
  readonly baseDuration: DurationSeries
  readonly firstToken: DurationSeries
  /** Only requests that waited. */
  readonly queueWait: DurationSeries
}

/** Duration of a request before its answer is sent, in milliseconds. */
export interface WorkTimes {
  /** From the start of the request until its reply was planned, without the wait for a slot. */
  readonly baseMs: number
  /** The wait for a slot of the deployment; 0 if it did not wait. */
  readonly queuedMs: number
}

/** The labels of a deployment. In the default resource, `resource` is absent. */
export type DeploymentLabels = { readonly resource?: string; readonly deployment: string }

/** The label of a resource; empty for the default resource. */
export function resourceLabels(resource: string): { readonly resource?: string } {
  return resource === defaultResourceName ? {} : { resource }
}

/** The labels of a deployment of a resource. */
export function deploymentLabels(resource: string, deployment: string): DeploymentLabels {
  return { ...resourceLabels(resource), deployment }
}

const responseTiers = [...servedTiers, 'none'] as const

/** Requests by tier. The label `response_tier` is `none` for errors and for answers of other sources than generate. */
class TierCounts {
  readonly #counts = new Float64Array(requestedTiers.length * responseTiers.length)

  count(requested: RequestedTier | undefined, served: ServedTier | undefined): void {
    if (requested === undefined) return
    const index =
      requestedTiers.indexOf(requested) * responseTiers.length + responseTiers.indexOf(served ?? 'none')
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
  }

  *[Symbol.iterator](): Generator<{ requested: RequestedTier; served: ServedTier | 'none'; count: number }> {
    for (const [row, requested] of requestedTiers.entries()) {
      for (const [column, served] of responseTiers.entries()) {
        const count = this.#counts[row * responseTiers.length + column] ?? 0
        if (count > 0) yield { requested, served, count }
      }
    }
  }
}

/** All counts of one deployment and operation. */
export class RequestSeries {
  readonly labels: DeploymentLabels & { readonly operation: OperationLabel }
  readonly byStatus = new Map<number, StatusSeries>()
  /** The names are the values of the label `type`. */
  readonly tokens = { prompt: 0, completion: 0, reasoning: 0, cached: 0 }
  /** The names are the values of the label `reason`. */
  readonly rateLimited = { tokens: 0, requests: 0, capacity: 0 }
  /** Requests by the tier that they asked for and the tier that processed them. */
  readonly tiers = new TierCounts()
  readonly times = new AnswerTimes()
  disconnects = 0
  /** Requests without a complete answer. */
  active = 0
  /** Streams without a complete answer. */
  streams = 0

  constructor(resource: string, deployment: string, operation: OperationLabel) {
    this.labels = { ...deploymentLabels(resource, deployment), operation }
  }

  /** Counts an answered request. */
  count(exchange: Exchange, reply: Reply, { baseMs, queuedMs }: WorkTimes, outcome: Outcome): void {
    const status = outcomeStatus(reply)
    const series = this.#seriesOf(status)
    series.requests++
    series.baseDuration.observe(baseMs / 1_000)
    if (queuedMs > 0) series.queueWait.observe(queuedMs / 1_000)
    const firstTokenMs = reply.firstTokenMs ?? outcome.firstByteMs
    if (firstTokenMs !== undefined && streamsTokens(reply)) series.firstToken.observe(firstTokenMs / 1_000)
    // The duration of an interrupted answer depends on the client.
    if (outcome.aborted) this.disconnects++
    else series.duration.observe(outcome.endMs / 1_000)
    if (status < 300) this.#countTimes(reply, outcome, firstTokenMs)
    if (reply.limitedBy) this.rateLimited[reply.limitedBy]++
    this.tiers.count(exchange.requestedTier, reply.serviceTier)
    if (!reply.usage) return
    this.tokens.prompt += reply.usage.promptTokens
    this.tokens.completion += reply.usage.completionTokens
    this.tokens.reasoning += reply.usage.reasoningTokens
    this.tokens.cached += reply.usage.cachedTokens
  }

  /** Carriers count the tokens of streams with a plan. */
  #countTimes(
    { body, usage, headers }: Reply,
    { aborted, endMs }: Outcome,
    firstTokenMs: number | undefined,
  ): void {
    if (!aborted) this.times.latency.add(endMs, 1)
    if (body.kind !== 'live' || firstTokenMs === undefined || !isEventStream(headers)) return
    this.times.firstAchieved.add(firstTokenMs, 1)
    // Events of other services can have several tokens, so only the mean of an answer is known.
    const gaps = (usage?.completionTokens ?? 0) - 1
    if (!aborted && gaps > 0) this.times.gapAchieved.add((endMs - firstTokenMs) / gaps, gaps)
  }

  #seriesOf(status: number): StatusSeries {
    let series = this.byStatus.get(status)
    if (!series) {
      series = {
        requests: 0,
        duration: new DurationSeries(answerBounds),
        baseDuration: new DurationSeries(workBounds),
        firstToken: new DurationSeries(answerBounds),
        queueWait: new DurationSeries(answerBounds),
      }
      this.byStatus.set(status, series)
    }
    return series
  }
}

/** Whether a stream has a first token. Errors in a stream, and forwarded streams with the status of an error, have none. */
function streamsTokens(reply: Reply): boolean {
  return outcomeStatus(reply) < 400 && isStream(reply)
}
