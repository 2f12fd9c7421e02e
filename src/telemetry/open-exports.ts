import { randomUUID } from 'node:crypto'
import type * as Api from '@opentelemetry/api'
import type { Attributes } from '@opentelemetry/api'
import type { TelemetryConfig, TelemetrySignals } from '../config/telemetry-settings.ts'
import { RequestMeter, RequestTracer } from './request-tracer.ts'
import type * as MetricsExporter from '@opentelemetry/exporter-metrics-otlp-proto'
import type * as TraceExporter from '@opentelemetry/exporter-trace-otlp-proto'
import type * as Resources from '@opentelemetry/resources'
import type * as MetricsSdk from '@opentelemetry/sdk-metrics'
import type * as TraceSdk from '@opentelemetry/sdk-trace-base'
import { OperatorError } from '../lib/operator-error.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

/** What the measurements say that they were made by. */
const scope = 'aoai-simulated-api'

/** The signals that are exported; each absent one was not asked for. */
export interface Exports {
  readonly meter?: RequestMeter
  readonly tracer?: RequestTracer
  /** Sends what is left, and ends. */
  shutdown(): Promise<void>
}

/**
 * Loads OpenTelemetry and opens what is asked for. The addresses, headers and times come from the configuration; other
 * variables of its exporters (compression, certificates, sampler, batches of spans) it reads from the environment by itself.
 *
 * @throws {OperatorError} TELEMETRY_UNAVAILABLE where its packages are not installed
 */
export async function openExports(
  telemetry: TelemetryConfig,
  { metricsUrl, tracesUrl }: TelemetrySignals,
  reports: ExportReports,
): Promise<Exports> {
  const { api, resources } = await loadOptional(loadCommon)
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes(resourceAttributes(telemetry)))
  const options = { headers: parseKeyValues(telemetry.headers), timeoutMillis: telemetry.timeoutMs }
  const metrics = metricsUrl === undefined ? undefined : await openMetrics(metricsUrl)
  const traces = tracesUrl === undefined ? undefined : await openTraces(tracesUrl)
  return {
    ...(metrics && { meter: new RequestMeter(metrics.getMeter(scope)) }),
    ...(traces && { tracer: new RequestTracer(api, traces.getTracer(scope)) }),
    async shutdown() {
      await Promise.allSettled([metrics?.shutdown(), traces?.shutdown()])
    },
  }

  async function openMetrics(url: string) {
    const { sdk, exporter } = await loadOptional(loadMetrics)
    const { metricIntervalMs } = telemetry
    const reader = new sdk.PeriodicExportingMetricReader({
      exporter: reports.watch('metrics', new exporter.OTLPMetricExporter({ ...options, url })),
      exportIntervalMillis: metricIntervalMs,
      exportTimeoutMillis: Math.min(metricIntervalMs, 2 * telemetry.timeoutMs),
    })
    return new sdk.MeterProvider({ resource, readers: [reader] })
  }

  async function openTraces(url: string) {
    const { sdk, exporter } = await loadOptional(loadTraces)
    const sender = reports.watch('traces', new exporter.OTLPTraceExporter({ ...options, url }))
    return new sdk.BasicTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(sender)] })
  }
}

/** Each process is an instance of its own, or the counters of several would be taken for one that jumps. */
function resourceAttributes({ serviceName, resourceAttributes: given }: TelemetryConfig): Attributes {
  return {
    'service.name': scope,
    'service.instance.id': randomUUID(),
    ...parseKeyValues(given),
    ...(serviceName && { 'service.name': serviceName }),
  }
}

/**
 * Reads pairs in the form of OpenTelemetry's variables: `name=value,other=value`, values with %XX for special characters. Of
 * a name that comes twice the last one counts; a pair without a name is passed over.
 */
export function parseKeyValues(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? '').split(',').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    return equals < 0 || name === '' ? [] : [[decode(name), decode(pair.slice(equals + 1).trim())]]
  })
  return Object.fromEntries(pairs)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The packages of OpenTelemetry with the versions that fit: the optional peer dependencies of this package. */
export const packageVersions = {
  '@opentelemetry/api': '^1.9.1',
  '@opentelemetry/resources': '^2.12.1',
  '@opentelemetry/sdk-metrics': '^2.12.1',
  '@opentelemetry/exporter-metrics-otlp-proto': '^0.223.0',
  '@opentelemetry/sdk-trace-base': '^2.12.1',
  '@opentelemetry/exporter-trace-otlp-proto': '^0.223.1',
} as const

/** What every signal needs. */
const loadCommon = async (): Promise<{ api: typeof Api; resources: typeof Resources }> => ({
  api: await import('@opentelemetry/api'),
  resources: await import('@opentelemetry/resources'),
})

/** What metrics need. */
const loadMetrics = async (): Promise<{
  sdk: typeof MetricsSdk
  exporter: typeof MetricsExporter
}> => ({
  sdk: await import('@opentelemetry/sdk-metrics'),
  exporter: await import('@opentelemetry/exporter-metrics-otlp-proto'),
})

/** What traces need. */
const loadTraces = async (): Promise<{ sdk: typeof TraceSdk; exporter: typeof TraceExporter }> => ({
  sdk: await import('@opentelemetry/sdk-trace-base'),
  exporter: await import('@opentelemetry/exporter-trace-otlp-proto'),
})

/**
 * Loads packages that not everybody installs.
 *
 * @throws {OperatorError} TELEMETRY_UNAVAILABLE where one is missing, with the command that installs them
 */
export async function loadOptional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error)) throw error
    // Without the caret, which some shells take for a sign of their own.
    const wanted = Object.entries(packageVersions).map(([name, version]) => `${name}@${version.slice(1)}`)
    throw new OperatorError(
      'TELEMETRY_UNAVAILABLE',
      `Could not export telemetry: a package of OpenTelemetry is not installed (${firstLine(error)}). ` +
        'Install them beside the simulator, or leave out the OTEL_ variables:\n' +
        `  npm install ${wanted.join(' ')}`,
      { cause: error },
    )
  }
}

function isMissing(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String(error.code))
  )
}

function firstLine({ message }: Error): string {
  return message.split('\n', 1)[0] ?? ''
}

/** How often there is a line about a collector at most. */
const LOG_INTERVAL_MS = 60_000

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
        this.report(signal, result)
        done(result)
      })
    return exporter
  }

  /** Notes how a batch went. */
  report(signal: 'metrics' | 'traces', { code, error }: ExportResult): void {
    this.failing = code !== 0
    if (this.failing === this.#toldFailing && !this.failing) return
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#toldMs < LOG_INTERVAL_MS) return
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
