import type { Exchange, PacingWatch, Outcome } from '../pipeline/exchange.ts'
import { defaultResourceName } from '../config/config.ts'
import type { Operation } from '../wire/route.ts'
import type { Reply } from '../pipeline/reply.ts'

/** How many deployments that are not in the configuration get a label of their own; the first ones to come. */
export const MAX_UNKNOWN_DEPLOYMENTS = 100

/**
 * What the name of such a deployment may look like. A client could else make the exposition as large as it likes, or
 * break it: two names that differ only in broken Unicode come out as the same line twice.
 */
const plainName = /^[\w.-]{1,64}$/

type ByOperation = Map<OperationLabel, RequestSeries>

/** The series by resource, deployment and operation: bounded, whatever names clients send. */
export class SeriesTable {
  readonly #byResource = new Map<string, Map<string, ByOperation>>()
  #unknownDeployments = 0

  /** The series that a request counts in; made at its first request. */
  seriesOf(exchange: Exchange): RequestSeries {
    const operation = exchange.route?.operation ?? 'other'
    const name = exchange.deployment?.name ?? ''
    const known = this.#byResource.get(exchange.resource)?.get(name)?.get(operation)
    return known ?? this.#open(exchange, name, operation)
  }

  *[Symbol.iterator](): Generator<RequestSeries> {
    for (const byDeployment of this.#byResource.values()) {
      for (const byOperation of byDeployment.values()) yield* byOperation.values()
    }
  }

  #open({ resource, config }: Exchange, name: string, operation: OperationLabel): RequestSeries {
    let byDeployment = this.#byResource.get(resource)
    if (!byDeployment) this.#byResource.set(resource, (byDeployment = new Map<string, ByOperation>()))
    const isKnown = name === '' || byDeployment.has(name) || config.deployments.has(name)
    const deployment = isKnown ? name : this.#labelOfUnknown(name)
    let byOperation = byDeployment.get(deployment)
    if (!byOperation) byDeployment.set(deployment, (byOperation = new Map<OperationLabel, RequestSeries>()))
    let series = byOperation.get(operation)
    if (!series) byOperation.set(operation, (series = new RequestSeries(resource, deployment, operation)))
    return series
  }

  /** The name itself, or `other`. */
  #labelOfUnknown(name: string): string {
    if (this.#unknownDeployments >= MAX_UNKNOWN_DEPLOYMENTS || !plainName.test(name)) return 'other'
    this.#unknownDeployments++
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

/** The same with finer ones below, for the simulator's own work, which is to take well below 10 ms. */
export const workBounds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, ...answerBounds]

/**
 * The durations of one set of labels. Kept here rather than in prom-client, which hashes the labels on every
 * `observe`, on that of a resolved child too: 350 ns, for three histograms a request.
 */
export class DurationSeries {
  readonly bounds: readonly number[]
  /** How many fell into each bucket, not cumulated; the last one is for those beyond all bounds. */
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

/** Upper bounds of the buckets for lateness, in seconds: from the tick of the clock to a loop that has fallen far behind. */
const latenessBounds: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** What was sent at a planned time, by its part. */
export type Part = Parameters<PacingWatch['sent']>[0]

const MILLISECONDS_PER_SECOND = 1_000

/** Counts how late the planned parts of answers were sent, for the whole simulator: plain counters, no labels to look up. */
export class Pacing implements PacingWatch {
  readonly series: Readonly<Record<Part, DurationSeries>> = {
    'first-token': new DurationSeries(latenessBounds),
    token: new DurationSeries(latenessBounds),
    answer: new DurationSeries(latenessBounds),
  }
  readonly #onSent: (lateMs: number, nowMs: number) => void

  /** @param onSent hears of every part that was sent */
  constructor(onSent: (lateMs: number, nowMs: number) => void) {
    this.#onSent = onSent
  }

  sent(part: Part, lateMs: number, nowMs: number): void {
    this.series[part].observe(lateMs / MILLISECONDS_PER_SECOND)
    this.#onSent(lateMs, nowMs)
  }
}

/** What a request asks for, as a label; `other` stands for all paths that are no operation. */
export type OperationLabel = Operation | 'other'

/** Requests of one deployment and operation that were answered with one status. */
export interface StatusSeries {
  requests: number
  readonly duration: DurationSeries
  readonly baseDuration: DurationSeries
  readonly firstToken: DurationSeries
  /** Of the requests that had to wait. */
  readonly queueWait: DurationSeries
}

/** How long the stages before the sending took, in milliseconds. */
export interface WorkTimes {
  /** From the start of the request until its reply was planned, without the wait for a slot. */
  readonly baseMs: number
  /** The wait for a slot of the deployment; 0 for a request that found one free. */
  readonly queuedMs: number
}

/** The labels of a deployment. That of the default resource has no label `resource`, so that its series stay what they are. */
export type DeploymentLabels = { readonly resource?: string; readonly deployment: string }

/** The label of a resource; the default one has none. */
export function resourceLabels(resource: string): { readonly resource?: string } {
  return resource === defaultResourceName ? {} : { resource }
}

/** The labels of a deployment of a resource. */
export function deploymentLabels(resource: string, deployment: string): DeploymentLabels {
  return { ...resourceLabels(resource), deployment }
}

/** Everything that is counted for one deployment and operation. */
export class RequestSeries {
  readonly labels: DeploymentLabels & { readonly operation: OperationLabel }
  readonly byStatus = new Map<number, StatusSeries>()
  /** The names are the values of the label `type`. */
  readonly tokens = { prompt: 0, completion: 0, reasoning: 0, cached: 0 }
  /** The names are the values of the label `reason`. */
  readonly rateLimited = { tokens: 0, requests: 0, capacity: 0 }
  disconnects = 0

  constructor(resource: string, deployment: string, operation: OperationLabel) {
    this.labels = { ...deploymentLabels(resource, deployment), operation }
  }

  /** Counts an answered request. */
  count(reply: Reply, { baseMs, queuedMs }: WorkTimes, outcome: Outcome): void {
    const series = this.#seriesOf(reply.status)
    series.requests++
    series.baseDuration.observe(baseMs / 1_000)
    if (queuedMs > 0) series.queueWait.observe(queuedMs / 1_000)
    if (reply.body.kind === 'events' && outcome.firstByteMs !== undefined) {
      series.firstToken.observe(outcome.firstByteMs / 1_000)
    }
    // How long an answer took that was cut short says when the client left, not how fast the answer was.
    if (outcome.aborted) this.disconnects++
    else series.duration.observe(outcome.endMs / 1_000)
    if (reply.limitedBy) this.rateLimited[reply.limitedBy]++
    if (!reply.usage) return
    this.tokens.prompt += reply.usage.promptTokens
    this.tokens.completion += reply.usage.completionTokens
    this.tokens.reasoning += reply.usage.reasoningTokens
    this.tokens.cached += reply.usage.cachedTokens
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
