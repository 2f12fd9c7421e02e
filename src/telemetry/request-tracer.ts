import type * as Api from '@opentelemetry/api'
import { operations } from '../wire/route.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { RequestFacts } from './request-facts.ts'

/** Makes a span of each request, when it has ended. */
export class RequestTracer {
  readonly #api: typeof Api
  readonly #tracer: Api.Tracer

  /** @param api the package, which is loaded only where traces are asked for */
  constructor(api: typeof Api, tracer: Api.Tracer) {
    this.#api = api
    this.#tracer = tracer
  }

  /** Tells of a request that has ended; its span goes on with the trace of the caller. */
  record(exchange: Exchange, reply: Reply, outcome: Outcome, facts: RequestFacts): void {
    const { clock, startedMs } = exchange
    const startTime = clock.epochMs() - (clock.nowMs() - startedMs)
    const span = this.#tracer.startSpan(
      nameOf(exchange, facts),
      { kind: this.#api.SpanKind.SERVER, startTime, attributes: attributesOf(exchange, reply, facts) },
      this.#parentOf(exchange),
    )
    // By the conventions for HTTP, what a client did wrong is no error of the server.
    if (reply.status >= 500 || (reply.status < 400 && facts.attributes['error.type'] === 'connection_cut')) {
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    }
    span.end(startTime + outcome.endMs)
  }

  #parentOf({ headers }: Exchange): Api.Context {
    const parent = parseTraceParent(headers)
    const { ROOT_CONTEXT, createTraceState, trace } = this.#api
    if (!parent) return ROOT_CONTEXT
    const { traceState, ...place } = parent
    return trace.setSpanContext(ROOT_CONTEXT, {
      ...place,
      isRemote: true,
      ...(traceState && { traceState: createTraceState(traceState) }),
    })
  }
}

/** As the conventions name spans: `chat gpt-4o`, and for what no model carries out `GET models/{id}`. */
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

/** The place in a caller's trace that a request comes from. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  /** Bits; 1 is "sampled". */
  readonly traceFlags: number
  /** What systems of tracing add, as it came; undefined where nothing did. */
  readonly traceState: string | undefined
}

/** The W3C Recommendation "Trace Context": version, trace, parent and flags; a version after 00 may add more. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Longest `tracestate` that is taken over: what the recommendation asks everybody to pass on at least. */
const MAX_STATE_LENGTH = 512

/** Reads `traceparent` and `tracestate`; undefined where the first is absent or broken, which begins a new trace. */
export function parseTraceParent(headers: Exchange['headers']): TraceParent | undefined {
  const { traceparent, tracestate } = headers
  const match = typeof traceparent === 'string' ? form.exec(traceparent.trim()) : null
  if (!match) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  const state = Array.isArray(tracestate) ? tracestate.join(',') : tracestate
  const traceState = typeof state === 'string' && state.length <= MAX_STATE_LENGTH ? state : undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), traceState }
}
