import { collectDefaultMetrics, Registry } from 'prom-client'

let registry: Registry | undefined

/**
 * prom-client's metrics of the process: CPU, memory, event loop, garbage collection. There is one such registry a
 * process, whatever the number of simulators in it, because its observers can never be taken off again.
 */
export function processRegistry(): Registry {
  if (!registry) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry })
  }
  return registry
}
