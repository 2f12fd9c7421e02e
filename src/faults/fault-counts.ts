import type { Exchange } from '../pipeline/exchange.ts'
import type { FaultCount } from './injection-reports.ts'

/** How often each fault struck each deployment of each resource. Bounded, since both names come from the configuration. */
export class FaultCounts {
  readonly #byResource = new Map<string, Map<string, Map<string, number>>>()

  /** Counts a fault that struck. */
  add({ resource, deployment, config }: Exchange, fault: string): void {
    const name = deployment?.name ?? ''
    const label = name === '' || config.deployments.has(name) ? name : 'other'
    let byDeployment = this.#byResource.get(resource)
    if (!byDeployment) this.#byResource.set(resource, (byDeployment = new Map()))
    let counts = byDeployment.get(label)
    if (!counts) byDeployment.set(label, (counts = new Map()))
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
  }

  *[Symbol.iterator](): Generator<FaultCount> {
    for (const [resource, byDeployment] of this.#byResource) {
      for (const [deployment, counts] of byDeployment) {
        for (const [fault, count] of counts) yield { resource, deployment, fault, count }
      }
    }
  }
}
