import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

/** How often there is a line about a collector at most. */
const QUIET_MS = 60_000

/** What an exporter of OpenTelemetry says of a batch; code 0 is success. */
export interface ExportResult {
  readonly code: number
  readonly error?: Error
}

/** The part that exporters of metrics and of spans have in common. */
export interface Exporter<Batch> {
  export(batch: Batch, done: (result: ExportResult) => void): void
}

/** Tells of a collector that does not take what it is sent: once a minute at most, whatever the signal. */
export class ExportReports {
  /** Whether the last batch was lost. */
  failing = false
  readonly #clock: Clock
  readonly #logger: Logger
  #toldMs = -Infinity
  #toldFailing = false

  /** @param clock that of the machine, for a network does not wait for a virtual one */
  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Lets an exporter report each batch; gives the exporter back. */
  watch<Batch, E extends Exporter<Batch>>(signal: 'metrics' | 'traces', exporter: E & Exporter<Batch>): E {
    const send = exporter.export.bind(exporter)
    exporter.export = (batch: Batch, done: (result: ExportResult) => void): void =>
      send(batch, (result) => {
        this.note(signal, result)
        done(result)
      })
    return exporter
  }

  /** Notes how a batch went. */
  note(signal: 'metrics' | 'traces', { code, error }: ExportResult): void {
    this.failing = code !== 0
    if (this.failing === this.#toldFailing && !this.failing) return
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#toldMs < QUIET_MS) return
    this.#toldMs = nowMs
    this.#toldFailing = this.failing
    if (this.failing) {
      this.#logger.warn(
        { signal, reason: describe(error) },
        'The collector does not take telemetry, and what was meant for it is lost; requests are answered as ever. Look at the collector and at OTEL_EXPORTER_OTLP_ENDPOINT.',
      )
    } else this.#logger.info({ signal }, 'The collector takes telemetry again.')
  }
}

/** Where a name has several addresses, the error is about all of them and says nothing itself. */
function describe(error: Error | undefined): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  const code = error && 'code' in error ? ` (${String(error.code)})` : ''
  const message = first instanceof Error ? first.message : error?.message
  return `${message || 'no reason given'}${code}`
}
