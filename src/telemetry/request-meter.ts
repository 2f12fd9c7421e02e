import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import type { RequestFacts } from './request-facts.ts'

/** Bounds that the semantic conventions for generative AI name for each metric (gen-ai-metrics.md), in seconds. */
const durationBounds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
const perTokenBounds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]

/** The powers of 4 from 1 to 4^13, in tokens. */
const tokenBounds = Array.from({ length: 14 }, (_, power) => 4 ** power)

/** Counts requests of models in the metrics of the semantic conventions. */
export class RequestMeter {
  readonly #duration: Histogram
  readonly #firstToken: Histogram
  readonly #perToken: Histogram
  readonly #tokens: Histogram

  constructor(meter: Meter) {
    const histogram = (name: string, unit: string, description: string, bounds: number[]): Histogram =>
      meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: bounds } })
    this.#duration = histogram(
      'gen_ai.server.request.duration',
      's',
      'Time from the arrival of a request to the end of its answer.',
      durationBounds,
    )
    this.#firstToken = histogram(
      'gen_ai.server.time_to_first_token',
      's',
      'Time from the arrival of a request to the first byte of a stream that succeeded.',
      firstTokenBounds,
    )
    this.#perToken = histogram(
      'gen_ai.server.time_per_output_token',
      's',
      'Mean time of each token after the first one, of streams that succeeded.',
      perTokenBounds,
    )
    this.#tokens = histogram(
      'gen_ai.client.token.usage',
      '{token}',
      'Tokens that an answer is billed for.',
      tokenBounds,
    )
  }

  /** Counts a request that has ended; one that no model carries out is not counted. */
  record({ operation, attributes, usage, ...times }: RequestFacts): void {
    if (operation === undefined) return
    this.#duration.record(times.durationSeconds, attributes)
    if (times.firstTokenSeconds !== undefined) this.#firstToken.record(times.firstTokenSeconds, attributes)
    if (times.perOutputTokenSeconds !== undefined)
      this.#perToken.record(times.perOutputTokenSeconds, attributes)
    if (!usage) return
    if (usage.promptTokens > 0) this.#tokens.record(usage.promptTokens, ofType(attributes, 'input'))
    if (usage.completionTokens > 0) this.#tokens.record(usage.completionTokens, ofType(attributes, 'output'))
  }
}

function ofType(attributes: Attributes, type: 'input' | 'output'): Attributes {
  return { ...attributes, 'gen_ai.token.type': type }
}
