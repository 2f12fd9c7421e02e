import { collectDefaultMetrics, Registry } from 'prom-client'

let registry: Registry | undefined

/** Gauges that prom-client names like counters; the sums over the types of `nodejs_active_handles` and its like. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/**
 * prom-client's metrics of the process: CPU, memory, event loop, garbage collection. There is one such registry a
 * process, whatever the number of simulators in it, because its observers can never be taken off again.
 */
export function processRegistry(): Registry {
  if (!registry) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
  }
  return registry
}
