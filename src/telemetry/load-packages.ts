import type * as Api from '@opentelemetry/api'
import type * as MetricsExporter from '@opentelemetry/exporter-metrics-otlp-proto'
import type * as TraceExporter from '@opentelemetry/exporter-trace-otlp-proto'
import type * as Resources from '@opentelemetry/resources'
import type * as MetricsSdk from '@opentelemetry/sdk-metrics'
import type * as TraceSdk from '@opentelemetry/sdk-trace-base'
import { OperatorError } from '../lib/operator-error.ts'

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
export const loadCommon = async (): Promise<{ api: typeof Api; resources: typeof Resources }> => ({
  api: await import('@opentelemetry/api'),
  resources: await import('@opentelemetry/resources'),
})

/** What metrics need. */
export const loadMetrics = async (): Promise<{
  sdk: typeof MetricsSdk
  exporter: typeof MetricsExporter
}> => ({
  sdk: await import('@opentelemetry/sdk-metrics'),
  exporter: await import('@opentelemetry/exporter-metrics-otlp-proto'),
})

/** What traces need. */
export const loadTraces = async (): Promise<{ sdk: typeof TraceSdk; exporter: typeof TraceExporter }> => ({
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
