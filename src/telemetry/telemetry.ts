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

/** The export of one simulator through OpenTelemetry. */
export interface Telemetry {
  /** Sees every request and its final answer; before `start` it only passes them on. */
  readonly observe: Stage
  /**
   * Loads the packages of OpenTelemetry, and begins.
   *
   * @throws {OperatorError} TELEMETRY_UNAVAILABLE where they are not installed
   */
  start(): Promise<void>
  /** Sends what is left, if the collector takes it in time, and ends. Never rejects. */
  shutdown(): Promise<void>
}

/** What telemetry is made from. */
export interface TelemetryOptions {
  readonly config: Config
  readonly logger: Logger
  /** Set for the workers of a primary process, which tells itself what is amiss with the settings. */
  readonly processNumber?: number | undefined
}

/** Makes the export that the configuration asks for; undefined where it asks for none, which costs nothing. */
export function createTelemetry({ config, logger, processNumber }: TelemetryOptions): Telemetry | undefined {
  const { telemetry } = config
  const signals = telemetrySignals(telemetry)
  if (!signals.metricsUrl && !signals.tracesUrl) {
    if (processNumber === undefined && telemetry.applicationInsights !== undefined && !telemetry.sdkDisabled)
      adviseCollector(logger)
    return undefined
  }
  const clock = createSystemClock()
  const reports = new ExportReports(clock, logger)
  const place = serverAttributes(config)
  let exports: Exports | undefined

  const record = (exchange: Exchange, reply: Reply, outcome: Outcome): void => {
    if (!exports) return
    const facts = requestFacts(exchange, reply, outcome, place)
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
        // One that is away is not waited for again.
        const patienceMs = reports.failing ? 0 : telemetry.timeoutMs
        const stop = clock.at(clock.nowMs() + patienceMs, resolve)
        void ending.shutdown().then(() => {
          stop()
          resolve()
        })
      })
    },
  }
}

function adviseCollector(logger: Logger): void {
  logger.warn(
    {},
    'APPLICATIONINSIGHTS_CONNECTION_STRING is set, and nothing is sent there: give it to an OpenTelemetry Collector with the azuremonitor exporter, and name the collector in OTEL_EXPORTER_OTLP_ENDPOINT (docs/monitoring.md).',
  )
}

/** Addresses that mean all of a machine. */
const wildcards = new Set(['0.0.0.0', '::', '[::]'])

/**
 * Where the simulator listens, as attributes: the configured address, or the name of the machine where that is all of its
 * addresses. A port that the system picks is left out.
 */
function serverAttributes({ host, port }: Pick<Config, 'host' | 'port'>): RequestAttributes {
  return {
    'server.address': wildcards.has(host) ? hostname() : host,
    ...(port !== 0 && { 'server.port': port }),
  }
}
