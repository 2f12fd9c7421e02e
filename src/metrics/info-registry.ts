import { Gauge, type Registry } from 'prom-client'

/** What a simulator is, as the labels of one line. */
export interface SimulatorInfo {
  readonly version: string
  /** `generate`, `record` or `replay`. */
  readonly mode: string
  readonly region: string
}

/** Adds the line to a registry. Mode and region are read when the registry is rendered, since a patch may change them. */
export function registerInfo(registry: Registry, info: () => SimulatorInfo): void {
  const gauge = new Gauge({
    name: 'aoai_simulator_info',
    help: '1, with the version, the mode and the region of the simulator as labels.',
    labelNames: ['version', 'mode', 'region'],
    aggregator: 'max',
    registers: [],
    collect() {
      this.reset()
      this.labels({ ...info() }).set(1)
    },
  })
  registry.registerMetric(gauge)
}
