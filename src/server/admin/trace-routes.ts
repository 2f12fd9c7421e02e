import * as z from 'zod'
import { shortText } from '../../lib/error-text.ts'
import { operations } from '../../wire/route.ts'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer, type Refusal, refuse } from './admin-route.ts'
import { traceSchema, tracesSchema } from './trace-schemas.ts'

const DEFAULT_TRACES = 100
const MAX_TRACES = 1_000

const query = z.object({
  resource: z
    .string()
    .optional()
    .describe('Only requests to this resource. `default` is the one without a prefix.'),
  deployment: z.string().optional().describe('Only requests to this deployment.'),
  status: z
    .string()
    .regex(/^[1-5](\d\d|xx)$/)
    .optional()
    .describe('A status such as 429, or a class such as 4xx.'),
  operation: z.enum(Object.keys(operations)).optional().describe('Only requests of this operation.'),
  client: z.string().optional().describe('Only requests of this client, as in the traces.'),
  text: z
    .string()
    .optional()
    .describe('Only requests with this text in a fact, a reason or a body, case-insensitive.'),
  since: z.int().min(0).default(0).describe('Only requests after this id.'),
  limit: z
    .int()
    .min(1)
    .max(MAX_TRACES)
    .default(DEFAULT_TRACES)
    .describe('Maximum number of requests; the latest are returned.'),
})

/** Returns the routes of sampled requests. */
export function traceRoutes({ traces }: Simulator): readonly AdminRoute[] {
  const off = errorAnswer('Traces are off (TracesOff), or the query is invalid.')
  return [
    defineRoute({
      method: 'GET',
      path: '/++/traces',
      operationId: 'listTraces',
      summary: 'List sampled requests, newest first',
      query,
      answers: { 200: { description: 'The latest matching requests.', schema: tracesSchema }, 400: off },
      async handle({ query: { since, limit, ...filter } }) {
        if (!traces) return tracesOff()
        const { traces: list, total } = traces.since(since, filter, limit)
        const body = { traces: list, total, last_id: traces.lastId, seen: traces.seenRequests }
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/traces',
      operationId: 'clearTraces',
      summary: 'Remove all sampled requests',
      answers: { 204: { description: 'No request is kept. Ids continue.' }, 400: off },
      async handle() {
        if (!traces) return tracesOff()
        traces.clear()
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/++/traces/{id}',
      operationId: 'getTrace',
      summary: 'Get a sampled request with its bodies, stages and parts',
      params: z.object({
        id: z.string().describe('The id of the trace, or the `apim-request-id` of the answer.'),
      }),
      answers: {
        200: { description: 'The request.', schema: traceSchema },
        400: off,
        404: errorAnswer('The request was not sampled, or is not kept any more (TraceNotFound).'),
      },
      async handle({ params: { id } }) {
        if (!traces) return tracesOff()
        const trace = traces.find(id)
        if (trace) return { status: 200, body: trace }
        const message = `Could not find the request ${shortText(id)}: it was not sampled, or was removed to make room. Send the request again with x-sim-trace: on, or start with a larger TRACE_RING.`
        return refuse(404, 'TraceNotFound', message)
      },
    }),
  ]
}

function tracesOff(): Refusal {
  const message =
    'Could not read the traces: TRACE_RING is 0. Start with TRACE_RING=200 to keep the last 200 sampled requests.'
  return refuse(400, 'TracesOff', message)
}
