import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { generateMode } from '../generate/generate-mode.ts'
import { createAddLatency } from '../latency/add-latency.ts'
import { createAdmit } from '../limits/admit.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { Run } from '../pipeline/chain.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { createRandom, type Random } from '../platform/random.ts'

/** A simulator's parts, put together but not listening. */
export interface Simulator {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  /** The way of a request through all stages. */
  readonly run: Run
  /** Hears of an answer that broke while it was sent. */
  readonly onSendFailure: (error: unknown) => void
}

/** What a simulator takes from outside. */
export interface SimulatorParts {
  readonly clock: Clock
  readonly logger: Logger
}

/** Builds a simulator from its configuration: the one place where the stages meet. */
export function createSimulator(config: Config, { clock, logger }: SimulatorParts): Simulator {
  const metrics = createMetrics({ clock })
  const logFailure = (error: unknown, fields: object, message: string): void => {
    logger.error({ ...fields, err: error instanceof Error ? error.stack : String(error) }, message)
  }
  const run = createPipeline(
    {
      observe: metrics.observe,
      extensionHooks: [],
      addLatency: createAddLatency(),
      admit: createAdmit(),
      modes: { generate: generateMode, record: async () => undefined, replay: async () => undefined },
    },
    {
      onFailure: (error, { method, path }) =>
        logFailure(error, { method, path }, 'A request failed inside the simulator.'),
      onUnknownPath: ({ method, path }) =>
        logger.info(
          { method, path },
          'No operation has this method and path; the caller got the 404 of the service.',
        ),
    },
  )
  return {
    config,
    clock,
    random: createRandom(config.seed ?? randomUUID()),
    metrics,
    run,
    onSendFailure: (error) =>
      logFailure(error, {}, 'An answer broke while it was sent; its connection was cut.'),
  }
}
