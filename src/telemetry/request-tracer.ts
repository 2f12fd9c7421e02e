import type * as Api from '@opentelemetry/api'
import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import { operations } from '../wire/route.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { outcomeStatus, type Reply } from '../pipeline/reply.ts'
import type { RequestFacts } from './request-facts.ts'

/** Creates a span for each request after it has ended. */
export class RequestTracer {
  readonly #api: typeof Api
  readonly #tracer: Api.Tracer

  /** @param api the package, which is loaded only if traces are enabled */
  constructor(api: typeof Api, tracer: Api.Tracer) {
    this.#api = api
    this.#tracer = tracer
  }

  /** Records a request that has ended. Its span belongs to the trace of the client. */
  record(exchange: Exchange, reply: Reply, outcome: Outcome, facts: RequestFacts): void {
    const { clock, startedMs } = exchange
    const startTime = clock.epochMs() - (clock.nowMs() - startedMs)
    const span = this.#tracer.startSpan(
      nameOf(exchange, facts),
      { kind: this.#api.SpanKind.SERVER, startTime, attributes: attributesOf(exchange, reply, facts) },
      this.#parentOf(exchange),
    )
    // By the conventions for HTTP, client errors are not errors of a server span.
    if (
      outcomeStatus(reply) >= 500 ||
      (reply.status < 400 && facts.attributes['error.type'] === 'connection_cut')
    ) {
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    }
    span.end(startTime + outcome.endMs)
  }

  #parentOf({ headers }: Exchange): Api.Context {
    const parent = parseTraceParent(headers)
    const { ROOT_CONTEXT, createTraceState, trace } = this.#api
    if (!parent) return ROOT_CONTEXT
    const { traceState, ...ids } = parent
    return trace.setSpanContext(ROOT_CONTEXT, {
      ...ids,
      isRemote: true,
      ...(traceState && { traceState: createTraceState(traceState) }),
    })
  }
}

/** Span name by the conventions: `chat gpt-4o`, or `GET models/{id}` for a request without a model. */
function nameOf({ method, route }: Exchange, { operation, requestModel }: RequestFacts): string {
  if (operation) return requestModel ? `${operation} ${requestModel}` : operation
  return route ? `${method} ${operations[route.operation].path}` : 'unknown path'
}

function attributesOf(exchange: Exchange, reply: Reply, { attributes, usage }: RequestFacts): Api.Attributes {
  const { method, path, queuedMs, spilledOverFrom } = exchange
  return {
    ...attributes,
    'http.request.method': method,
    'url.path': path,
    'http.response.status_code': reply.status,
    ...(usage && {
      'gen_ai.usage.input_tokens': usage.promptTokens,
      'gen_ai.usage.output_tokens': usage.completionTokens,
    }),
    ...(reply.limitedBy && { 'aoai.rate_limited.reason': reply.limitedBy }),
    ...(queuedMs > 0 && { 'aoai.queue_wait_seconds': queuedMs / 1_000 }),
    ...(spilledOverFrom && { 'aoai.spilled_over_from': spilledOverFrom }),
  }
}

/** The parent span of a request, in the trace of the client. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  /** Bits; 1 is "sampled". */
  readonly traceFlags: number
  /** `tracestate`, unchanged; undefined if it is absent or too long. */
  readonly traceState: string | undefined
}

/** W3C Trace Context: version, trace, parent and flags. Versions after 00 can have more fields. */
const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Maximum length of `tracestate`: the length that W3C Trace Context requires implementations to propagate. */
const MAX_STATE_LENGTH = 512

/** Reads `traceparent` and `tracestate`. Undefined if `traceparent` is absent or invalid, which starts a new trace. */
export function parseTraceParent(headers: Exchange['headers']): TraceParent | undefined {
  const { traceparent, tracestate } = headers
  const match = typeof traceparent === 'string' ? format.exec(traceparent.trim()) : null
  if (!match) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  const state = Array.isArray(tracestate) ? tracestate.join(',') : tracestate
  const traceState = typeof state === 'string' && state.length <= MAX_STATE_LENGTH ? state : undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState }
}

/** Bucket bounds of the semantic conventions for generative AI (gen-ai-metrics.md), in seconds. */
const durationBounds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
const perTokenBounds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]

/** The powers of 4 from 1 to 4^13, in tokens. */
const tokenBounds = Array.from({ length: 14 }, (_, power) => 4 ** power)

/** Records requests in the metrics of the semantic conventions. */
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
      'Time from the arrival of a request to the first byte of a successful stream.',
      firstTokenBounds,
    )
    this.#perToken = histogram(
      'gen_ai.server.time_per_output_token',
      's',
      'Mean time per token after the first one, of successful streams.',
      perTokenBounds,
    )
    this.#tokens = histogram('gen_ai.client.token.usage', '{token}', 'Billed tokens.', tokenBounds)
  }

  /** Records a request that has ended. Requests without a model are not recorded. */
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
