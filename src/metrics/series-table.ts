import type { Exchange } from '../pipeline/exchange.ts'
import { type OperationLabel, RequestSeries } from './request-series.ts'

/** How many deployments that are not in the configuration get a label of their own; the first ones to come. */
export const maxUnknownDeployments = 100

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
    if (this.#unknownDeployments >= maxUnknownDeployments || !plainName.test(name)) return 'other'
    this.#unknownDeployments++
    return name
  }
}
