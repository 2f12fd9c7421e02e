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

/** Name of the instrumentation scope. */
const scope = 'aoai-simulated-api'

/** The exported signals. A signal that is not enabled is absent. */
export interface Exports {
  readonly meter?: RequestMeter
  readonly tracer?: RequestTracer
  /** Sends pending telemetry, and ends. */
  shutdown(): Promise<void>
}

/**
 * Loads OpenTelemetry and opens the enabled exporters. Addresses, headers and times come from the configuration. OpenTelemetry reads
 * all other variables of its exporters (compression, certificates, sampler, batches of spans) from the environment.
 *
 * @throws {OperatorError} TELEMETRY_UNAVAILABLE if its packages are not installed
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

/** Each process is a separate instance. Otherwise the counters of several processes would look like one that jumps. */
function resourceAttributes({ serviceName, resourceAttributes: configured }: TelemetryConfig): Attributes {
  return {
    'service.name': scope,
    'service.instance.id': randomUUID(),
    ...parseKeyValues(configured),
    ...(serviceName && { 'service.name': serviceName }),
  }
}

/**
 * Parses pairs in the format of OpenTelemetry variables: `name=value,other=value`, with percent-encoded values. The last value of a
 * name counts. A pair without a name is ignored.
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

/** The OpenTelemetry packages with supported versions: the optional peer dependencies of this package. */
export const packageVersions = {
  '@opentelemetry/api': '^1.9.1',
  '@opentelemetry/resources': '^2.12.1',
  '@opentelemetry/sdk-metrics': '^2.12.1',
  '@opentelemetry/exporter-metrics-otlp-proto': '^0.223.0',
  '@opentelemetry/sdk-trace-base': '^2.12.1',
  '@opentelemetry/exporter-trace-otlp-proto': '^0.223.1',
} as const

/** Loads the packages for all signals. */
const loadCommon = async (): Promise<{ api: typeof Api; resources: typeof Resources }> => ({
  api: await import('@opentelemetry/api'),
  resources: await import('@opentelemetry/resources'),
})

/** Loads the packages for metrics. */
const loadMetrics = async (): Promise<{
  sdk: typeof MetricsSdk
  exporter: typeof MetricsExporter
}> => ({
  sdk: await import('@opentelemetry/sdk-metrics'),
  exporter: await import('@opentelemetry/exporter-metrics-otlp-proto'),
})

/** Loads the packages for traces. */
const loadTraces = async (): Promise<{ sdk: typeof TraceSdk; exporter: typeof TraceExporter }> => ({
  sdk: await import('@opentelemetry/sdk-trace-base'),
  exporter: await import('@opentelemetry/exporter-trace-otlp-proto'),
})

/**
 * Loads optional packages.
 *
 * @throws {OperatorError} TELEMETRY_UNAVAILABLE if one is missing, with the command that installs them
 */
export async function loadOptional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error)) throw error
    // Without the caret, which is a special character in some shells.
    const packages = Object.entries(packageVersions).map(([name, version]) => `${name}@${version.slice(1)}`)
    throw new OperatorError(
      'TELEMETRY_UNAVAILABLE',
      `Could not export telemetry: an OpenTelemetry package is not installed (${firstLine(error)}). ` +
        'Install the packages next to the simulator, or unset the OTEL_ variables:\n' +
        `  npm install ${packages.join(' ')}`,
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

/** Minimum interval between log lines about the collector. */
const LOG_INTERVAL_MS = 60_000

/** Result of an OpenTelemetry exporter for a batch. Code 0 is success. */
export interface ExportResult {
  readonly code: number
  readonly error?: Error
}

/** The common part of exporters of metrics and of spans. */
export interface Exporter<Batch> {
  export(batch: Batch, done: (result: ExportResult) => void): void
}

/** Logs when the collector does not accept telemetry, at most once per minute for all signals. */
export class ExportReports {
  /** Whether the last batch was lost. */
  failing = false
  readonly #clock: Clock
  readonly #logger: Logger
  #loggedMs = -Infinity
  #loggedFailing = false

  /** @param clock the system clock, because the network does not follow a virtual clock */
  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Reports each batch of an exporter. Returns the same exporter. */
  watch<Batch, E extends Exporter<Batch>>(signal: 'metrics' | 'traces', exporter: E & Exporter<Batch>): E {
    const send = exporter.export.bind(exporter)
    exporter.export = (batch: Batch, done: (result: ExportResult) => void): void =>
      send(batch, (result) => {
        this.report(signal, result)
        done(result)
      })
    return exporter
  }

  /** Reports the result of a batch. */
  report(signal: 'metrics' | 'traces', { code, error }: ExportResult): void {
    this.failing = code !== 0
    if (this.failing === this.#loggedFailing && !this.failing) return
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#loggedMs < LOG_INTERVAL_MS) return
    this.#loggedMs = nowMs
    this.#loggedFailing = this.failing
    if (this.failing) {
      this.#logger.warn(
        { signal, reason: describe(error) },
        'Could not export telemetry: the collector does not accept it. This telemetry is lost; requests are still answered. Check the collector and OTEL_EXPORTER_OTLP_ENDPOINT.',
      )
    } else this.#logger.info({ signal }, 'The collector accepts telemetry again.')
  }
}

/** The reason of an error. For a host with several addresses, the error is an AggregateError without a message. */
function describe(error: Error | undefined): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  const code = error && 'code' in error ? ` (${String(error.code)})` : ''
  const message = first instanceof Error ? first.message : error?.message
  return `${message || 'no reason given'}${code}`
}
