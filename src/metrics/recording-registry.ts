import { Counter, type Registry } from 'prom-client'
import { type RecordingLoss, recordingLosses } from '../recordings/loss-reports.ts'

/** Adds the counter of answers that could not be recorded to a registry, and gives what counts them. */
export function registerRecordings(registry: Registry): (loss: RecordingLoss) => void {
  const lost = new Counter({
    name: 'aoai_recordings_lost_total',
    help: 'Answers that were passed on but could not be recorded, by the reason that the log has.',
    labelNames: ['reason'],
    registers: [],
  })
  // Prometheus sees a counter grow only from a value that it has seen before.
  for (const reason of recordingLosses) lost.labels(reason).inc(0)
  registry.registerMetric(lost)
  return (reason) => lost.labels(reason).inc()
}
