import { Counter, type Registry } from 'prom-client'
import { type ConnectionEnd, connectionEnds } from './connection-end.ts'

/** Adds the counter of connections that a limit ended to a registry, and gives what counts them. */
export function registerConnections(registry: Registry): (end: ConnectionEnd) => void {
  const ended = new Counter({
    name: 'aoai_connections_ended_total',
    help: 'Connections that a limit of the listener ended, by the reason that the log has.',
    labelNames: ['reason'],
    registers: [],
  })
  // Prometheus sees a counter grow only from a value that it has seen before.
  for (const reason of connectionEnds) ended.labels(reason).inc(0)
  registry.registerMetric(ended)
  return (reason) => ended.labels(reason).inc()
}
