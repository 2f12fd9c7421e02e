import { defaultResourceName } from '../config/config.ts'
import type { Operation } from '../wire/operations.ts'
import type { Outcome } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { answerBounds, DurationSeries, workBounds } from './duration-series.ts'

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
