import { randomUUID } from 'node:crypto'
import type { Attributes } from '@opentelemetry/api'
import type { TelemetryConfig, TelemetrySignals } from '../config/telemetry-settings.ts'
import type { ExportReports } from './export-reports.ts'
import { loadCommon, loadMetrics, loadOptional, loadTraces } from './load-packages.ts'
import { RequestMeter } from './request-meter.ts'
import { RequestTracer } from './request-tracer.ts'

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
