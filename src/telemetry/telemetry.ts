import type { Config } from '../config/config.ts'
import { telemetrySignals } from '../config/telemetry-settings.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Logger } from '../lib/logger.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import { ExportReports, type Exports, openExports } from './open-exports.ts'
import { requestFacts, type RequestAttributes } from './request-facts.ts'
import { hostname } from 'node:os'

/** The OpenTelemetry export of one simulator. */
export interface Telemetry {
  /** Records each request and its final answer. Does nothing before `start`. */
  readonly observe: Stage
  /**
   * Loads the OpenTelemetry packages and starts the export.
   *
   * @throws {OperatorError} TELEMETRY_UNAVAILABLE if they are not installed
   */
  start(): Promise<void>
  /** Sends pending telemetry within the timeout, and ends. Never rejects. */
  shutdown(): Promise<void>
}

/** Options of `createTelemetry`. */
export interface TelemetryOptions {
  readonly config: Config
  readonly logger: Logger
  /** Set for workers. Only the primary process logs warnings about settings. */
  readonly processNumber?: number | undefined
}

/** Creates the configured export; undefined if no signal is enabled. */
export function createTelemetry({ config, logger, processNumber }: TelemetryOptions): Telemetry | undefined {
  const { telemetry } = config
  const signals = telemetrySignals(telemetry)
  if (!signals.metricsUrl && !signals.tracesUrl) {
    if (processNumber === undefined && telemetry.applicationInsights !== undefined && !telemetry.sdkDisabled)
      warnAboutApplicationInsights(logger)
    return undefined
  }
  const clock = createSystemClock()
  const reports = new ExportReports(clock, logger)
  const server = serverAttributes(config)
  let exports: Exports | undefined

  const record = (exchange: Exchange, reply: Reply, outcome: Outcome): void => {
    if (!exports) return
    const facts = requestFacts(exchange, reply, outcome, server)
    exports.meter?.record(facts)
    exports.tracer?.record(exchange, reply, outcome, facts)
  }

  return {
    observe(exchange, next) {
      if (!exports) return next()
      return mapMaybe(next(), (reply) => {
        exchange.onEnd((outcome) => record(exchange, reply, outcome))
        return reply
      })
    },
    async start() {
      exports = await openExports(telemetry, signals, reports)
    },
    async shutdown() {
      const ending = exports
      exports = undefined
      if (!ending) return
      await new Promise<void>((resolve) => {
        // Does not wait for an unavailable collector.
        const timeoutMs = reports.failing ? 0 : telemetry.timeoutMs
        const stop = clock.at(clock.nowMs() + timeoutMs, resolve)
        void ending.shutdown().then(() => {
          stop()
          resolve()
        })
      })
    },
  }
}

function warnAboutApplicationInsights(logger: Logger): void {
  logger.warn(
    {},
    'APPLICATIONINSIGHTS_CONNECTION_STRING is ignored: the simulator does not export to Application Insights directly. Run an OpenTelemetry Collector with the azuremonitor exporter, and set OTEL_EXPORTER_OTLP_ENDPOINT to it (docs/monitoring.md).',
  )
}

/** Addresses for all network interfaces. */
const wildcards = new Set(['0.0.0.0', '::', '[::]'])

/** The listening address as attributes. For a wildcard address, the host name. A port chosen by the system is omitted. */
function serverAttributes({ host, port }: Pick<Config, 'host' | 'port'>): RequestAttributes {
  return {
    'server.address': wildcards.has(host) ? hostname() : host,
    ...(port !== 0 && { 'server.port': port }),
  }
}
