import { describe, expect, it } from 'vitest'
import type { Config } from './config.ts'
import { loadConfig } from './live-config.ts'
import { telemetrySignals } from './telemetry-settings.ts'

const load = (env: Record<string, string>): Config =>
  loadConfig({
    flags: {},
    env,
    workingDirectory: '/',
    readFile: () => {
      throw Object.assign(new Error('none'), { code: 'ENOENT' })
    },
  })
const signals = (env: Record<string, string>) => telemetrySignals(load(env).telemetry)

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }

describe('telemetry signals', () => {
  it('are off by default', () => {
    expect(signals({ OTEL_SERVICE_NAME: 'x', OTEL_METRIC_EXPORT_INTERVAL: '1000' })).toEqual({})
  })

  it('include metrics below the path of the endpoint', () => {
    expect(signals(endpoint)).toEqual({ metricsUrl: 'http://collector:4318/v1/metrics' })
    expect(signals({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://host/otlp' })).toEqual({
      metricsUrl: 'https://host/otlp/v1/metrics',
    })
  })

  it('include traces with OTEL_TRACES_EXPORTER or an address for traces', () => {
    expect(signals({ ...endpoint, OTEL_TRACES_EXPORTER: 'otlp' })).toMatchObject({
      tracesUrl: 'http://collector:4318/v1/traces',
    })
    expect(signals({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' })).toEqual({
      tracesUrl: 'http://t:1/x',
    })
  })

  it('use a full address unchanged', () => {
    const own = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m:1/push' }
    expect(signals({ ...endpoint, ...own })).toEqual({ metricsUrl: 'http://m:1/push' })
  })

  it('use the default port of localhost if only the exporter is set', () => {
    expect(signals({ OTEL_METRICS_EXPORTER: 'otlp' })).toEqual({
      metricsUrl: 'http://localhost:4318/v1/metrics',
    })
  })

  it('can be turned off one by one, or all', () => {
    expect(signals({ ...endpoint, OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'otlp' })).toEqual({
      tracesUrl: 'http://collector:4318/v1/traces',
    })
    expect(signals({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toEqual({})
  })
})

describe('telemetry settings', () => {
  it('reject an unsupported protocol if something is exported', () => {
    expect(() => load({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(
      'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf (got grpc).',
    )
    expect(load({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).telemetry.protocol).toBe('grpc')
  })

  it('never show the headers', () => {
    expect(() => load({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'secret-token' })).toThrow(
      'OTEL_EXPORTER_OTLP_HEADERS must be pairs such as name=value, separated by commas (got [redacted])',
    )
  })

  it.each(['collector:4318', 'grpc://collector:4317', 'http://'])('reject the address %s', (address) => {
    expect(() => load({ OTEL_EXPORTER_OTLP_ENDPOINT: address })).toThrow(
      'OTEL_EXPORTER_OTLP_ENDPOINT must be',
    )
  })
})
