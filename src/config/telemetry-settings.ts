import * as z from 'zod'
import { setting, integer, oneOf, text, textThat, type ValueKind, yesOrNo } from './setting.ts'

const group = 'Telemetry'

/** The only protocol that the exporters support: OTLP over HTTP in protobuf. */
const supportedProtocol = 'http/protobuf'

/**
 * Settings of the OpenTelemetry export. The names are those of its specification ("Environment Variable Specification" and
 * "OpenTelemetry Protocol Exporter").
 */
export const telemetrySettings = {
  endpoint: setting(httpAddress(), {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    group,
    mayHoldSecret: true,
    unsetMeaning: 'nothing is exported',
    description:
      'OpenTelemetry collector. Metrics are sent to /v1/metrics below this address (docs/monitoring.md).',
  }),
  metricsEndpoint: setting(httpAddress(), {
    env: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    group,
    mayHoldSecret: true,
    unsetMeaning: '/v1/metrics below OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'Full address for metrics.',
  }),
  tracesEndpoint: setting(httpAddress(), {
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    group,
    mayHoldSecret: true,
    unsetMeaning: '/v1/traces below OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'Full address for traces. Setting it turns traces on.',
  }),
  metricsExporter: setting(oneOf(['otlp', 'none']), {
    env: 'OTEL_METRICS_EXPORTER',
    group,
    unsetMeaning: 'otlp if an address is set',
    description: 'Send metrics. Default address: http://localhost:4318.',
  }),
  tracesExporter: setting(oneOf(['otlp', 'none']), {
    env: 'OTEL_TRACES_EXPORTER',
    group,
    unsetMeaning: 'otlp if OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set',
    description: 'Send a span for each request. Default address: http://localhost:4318.',
  }),
  protocol: setting(text(/^\S+$/, supportedProtocol), {
    env: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    group,
    default: supportedProtocol,
    description: 'OTLP protocol (default port 4318).',
  }),
  headers: setting(
    text(/^\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*$/, 'pairs such as name=value, separated by commas'),
    {
      env: 'OTEL_EXPORTER_OTLP_HEADERS',
      group,
      unsetMeaning: 'none',
      secret: true,
      description: 'Headers for the collector, with %XX for special characters.',
    },
  ),
  // The specification has 10 s. The last export to a collector that does not answer delays the exit of the process.
  timeoutMs: setting(integer(1, 600_000), {
    env: 'OTEL_EXPORTER_OTLP_TIMEOUT',
    group,
    default: 3_000,
    unit: 'ms',
    description: 'Timeout for one batch, including retries.',
  }),
  metricIntervalMs: setting(integer(100, 86_400_000), {
    env: 'OTEL_METRIC_EXPORT_INTERVAL',
    group,
    default: 60_000,
    unit: 'ms',
    description: 'Interval between exports of metrics.',
  }),
  serviceName: setting(text(/\S/, 'text that is not empty'), {
    env: 'OTEL_SERVICE_NAME',
    group,
    unsetMeaning: 'service.name in OTEL_RESOURCE_ATTRIBUTES, else aoai-simulated-api',
    description: 'Service name in telemetry.',
  }),
  resourceAttributes: setting(
    text(/^\s*[^\s=,]+\s*=[^,]*(,\s*[^\s=,]+\s*=[^,]*)*$/, 'pairs such as name=value, separated by commas'),
    {
      env: 'OTEL_RESOURCE_ATTRIBUTES',
      group,
      unsetMeaning: 'only service, process and SDK names',
      description: 'Additional resource attributes, with %XX for special characters.',
    },
  ),
  sdkDisabled: setting(yesOrNo('true or false'), {
    env: 'OTEL_SDK_DISABLED',
    group,
    default: false,
    description: 'Turn off all telemetry export.',
  }),
  applicationInsights: setting(text(/./, 'a connection string'), {
    env: 'APPLICATIONINSIGHTS_CONNECTION_STRING',
    group,
    unsetMeaning: 'nothing',
    secret: true,
    description: 'Ignored. Use a collector for Application Insights (docs/monitoring.md).',
  }),
}

const telemetrySchema = z.strictObject(telemetrySettings)

/** Settings of the OpenTelemetry export. `headers` and `applicationInsights` are secret. */
export type TelemetryConfig = Readonly<z.output<typeof telemetrySchema>>

/** Address of each signal; absent for signals that are not exported. */
export interface TelemetrySignals {
  readonly metricsUrl?: string
  readonly tracesUrl?: string
}

/** The default address in the specification. */
const DEFAULT_ENDPOINT = 'http://localhost:4318'

/** Returns the signals to export. */
export function telemetrySignals(telemetry: TelemetryConfig): TelemetrySignals {
  const { endpoint, metricsEndpoint, tracesEndpoint, metricsExporter, tracesExporter, sdkDisabled } =
    telemetry
  if (sdkDisabled) return {}
  const base = (endpoint ?? DEFAULT_ENDPOINT).replace(/\/+$/, '')
  const hasMetrics = (metricsExporter ?? (endpoint || metricsEndpoint ? 'otlp' : 'none')) === 'otlp'
  const hasTraces = (tracesExporter ?? (tracesEndpoint ? 'otlp' : 'none')) === 'otlp'
  return {
    ...(hasMetrics && { metricsUrl: metricsEndpoint ?? `${base}/v1/metrics` }),
    ...(hasTraces && { tracesUrl: tracesEndpoint ?? `${base}/v1/traces` }),
  }
}

/** Validates the combination of these settings. Returns problems of one or two sentences each. */
export function telemetryProblems({ telemetry }: { readonly telemetry: TelemetryConfig }): readonly string[] {
  const { metricsUrl, tracesUrl } = telemetrySignals(telemetry)
  // The variable may be set for all programs of a cluster. It is not a problem if nothing is exported.
  if ((!metricsUrl && !tracesUrl) || telemetry.protocol === supportedProtocol) return []
  return [
    `OTEL_EXPORTER_OTLP_PROTOCOL must be ${supportedProtocol} (got ${telemetry.protocol}). ` +
      'Remove it, and set the endpoint to the HTTP port of the collector, usually 4318.',
  ]
}

function httpAddress(): ValueKind<string> {
  const isAddress = (value: string): boolean => /^https?:\/\/[^\s?#]+$/i.test(value) && URL.canParse(value)
  return textThat(isAddress, 'an address such as http://127.0.0.1:4318')
}
