import type { Exchange } from '../pipeline/exchange.ts'
import { type OperationLabel, RequestSeries } from './request-series.ts'

/** How many deployments that are not in the configuration get a label of their own; the first ones to come. */
export const maxUnknownDeployments = 100

/**
 * What the name of such a deployment may look like. A client could else make the exposition as large as it likes, or
 * break it: two names that differ only in broken Unicode come out as the same line twice.
 */
const plainName = /^[\w.-]{1,64}$/

/** The series by deployment and operation: bounded, whatever names clients send. */
export class SeriesTable {
  readonly #byDeployment = new Map<string, Map<OperationLabel, RequestSeries>>()
  #unknownDeployments = 0

  /** The series that a request counts in; made at its first request. */
  seriesOf(exchange: Exchange): RequestSeries {
    const operation = exchange.route?.operation ?? 'other'
    const name = exchange.deployment?.name ?? ''
    return (
      this.#byDeployment.get(name)?.get(operation) ??
      this.#open(this.#labelOf(name, exchange.config.deployments), operation)
    )
  }

  *[Symbol.iterator](): Generator<RequestSeries> {
    for (const byOperation of this.#byDeployment.values()) yield* byOperation.values()
  }

  /** The name itself, or `other`. */
  #labelOf(name: string, configured: ReadonlyMap<string, unknown>): string {
    if (name === '' || this.#byDeployment.has(name) || configured.has(name)) return name
    if (this.#unknownDeployments >= maxUnknownDeployments || !plainName.test(name)) return 'other'
    this.#unknownDeployments++
    return name
  }

  #open(deployment: string, operation: OperationLabel): RequestSeries {
    let byOperation = this.#byDeployment.get(deployment)
    if (!byOperation) {
      byOperation = new Map()
      this.#byDeployment.set(deployment, byOperation)
    }
    let series = byOperation.get(operation)
    if (!series) {
      series = new RequestSeries(deployment, operation)
      byOperation.set(operation, series)
    }
    return series
  }
}
