import type { Exchange } from '../pipeline/exchange.ts'
import type { FaultCount } from './injection-reports.ts'

/** How often each fault struck each deployment. Bounded, since both names come from the configuration. */
export class FaultCounts {
  readonly #byDeployment = new Map<string, Map<string, number>>()

  /** Counts a fault that struck. */
  add({ deployment, config }: Exchange, fault: string): void {
    const name = deployment?.name ?? ''
    const label = name === '' || config.deployments.has(name) ? name : 'other'
    let counts = this.#byDeployment.get(label)
    if (!counts) this.#byDeployment.set(label, (counts = new Map()))
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
  }

  *[Symbol.iterator](): Generator<FaultCount> {
    for (const [deployment, counts] of this.#byDeployment) {
      for (const [fault, count] of counts) yield { deployment, fault, count }
    }
  }
}
