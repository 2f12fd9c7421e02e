import { Counter, Gauge, type Registry } from 'prom-client'
import type { SharedState } from './shared-state.ts'

/** Adds the metrics of what this process shares with others to a registry. They are read when the registry is rendered. */
export function registerSharedState(registry: Registry, state: SharedState): void {
  const up = new Gauge({
    name: 'aoai_shared_state_up',
    help: '1 while Redis answers, 0 while this process goes by limits of its own.',
    registers: [],
    collect() {
      this.set(state.up ? 1 : 0)
    },
  })
  const fallbacks = new Counter({
    name: 'aoai_shared_state_fallbacks_total',
    help: 'Decisions on limits and slots that this process made alone, since Redis was slow or away.',
    registers: [],
    collect() {
      this.reset()
      this.inc(state.fallbacks)
    },
  })
  const roundTrip = new Gauge({
    name: 'aoai_shared_state_round_trip_seconds',
    help: 'Running mean of how long Redis takes to answer.',
    registers: [],
    collect() {
      this.set(state.roundTripMs / 1_000)
    },
  })
  registry.registerMetric(up)
  registry.registerMetric(fallbacks)
  registry.registerMetric(roundTrip)
}
