import { Counter, Gauge, type Registry } from 'prom-client'
import type { InjectionReports } from '../faults/injection-reports.ts'
import { deploymentLabels, resourceLabels } from './series-table.ts'

/** Adds the metrics of faults and incidents to a registry. They are read when the registry is rendered. */
export function registerInjections(registry: Registry, reports: InjectionReports): void {
  const faults = new Counter({
    name: 'aoai_faults_total',
    help: 'Answers that a configured or forced fault struck, by its name or kind.',
    labelNames: ['resource', 'deployment', 'fault'],
    registers: [],
    collect() {
      this.reset()
      for (const { resource, deployment, fault, count } of reports.faults()) {
        this.labels({ ...deploymentLabels(resource, deployment), fault }).inc(count)
      }
    },
  })
  const phases = new Gauge({
    name: 'aoai_incident_phase',
    help: 'Phases of the timetable of incidents: 1 for the present one, 0 for the others.',
    labelNames: ['resource', 'phase'],
    // All processes of one service go through the same timetable.
    aggregator: 'max',
    registers: [],
    collect() {
      this.reset()
      for (const { resource, phase, active } of reports.phases()) {
        this.labels({ ...resourceLabels(resource), phase }).set(active ? 1 : 0)
      }
    },
  })
  registry.registerMetric(faults)
  registry.registerMetric(phases)
}
