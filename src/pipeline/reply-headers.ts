import { createHash } from 'node:crypto'
import { textBody, type WholeBody } from '../answer/body.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import { serverError, type ServiceError, type ServiceLayer } from '../wire/errors.ts'
import type { Operation } from '../wire/route.ts'
import { gatewayHeaders, modelHeaders, httpDate } from '../wire/service-headers.ts'
import type { Exchange } from './exchange.ts'
import { HeaderList, type Reply, type ServiceFacts, type ReplyBody } from './reply.ts'
import type { Stage } from './stage.ts'
import { noRoomForBody } from '../wire/named-errors.ts'
import { eventStreamType } from '../wire/sse.ts'
import type { Steps, Usage } from '../answer/completion.ts'

/**
 * The stage that completes what is answered further in: the one place where the headers of the service, and the bodies of its
 * errors, are written. A reply that brings its own passes untouched.
 */
export const writeServiceHeaders: Stage = (exchange, next) => {
  const reply = next()
  return reply instanceof Promise
    ? reply.then((known) => completeReply(exchange, known))
    : completeReply(exchange, reply)
}

/** Does the same for a reply that is made outside the chain of stages. */
export function completeReply<R extends Reply>(exchange: Exchange, reply: R): R {
  const { service } = reply
  if (!service) return reply
  const facts = 'status' in service ? writeError(exchange, service, reply) : service
  const { raw: after } = reply.headers
  const headers = new HeaderList(headersOf(exchange, facts))
  for (let index = 0; index < after.length; index += 2)
    headers.set(after[index] ?? '', after[index + 1] ?? '')
  reply.headers = headers
  reply.service = undefined
  return reply
}

/** Makes the service's answer of a failure inside the simulator. What went wrong is for the log. */
export function failureReply(exchange: Exchange): Refusal {
  const { modelRequestId } = exchange
  return completeReply(exchange, refuse(serverError(modelRequestId), { 'x-request-id': modelRequestId }))
}

/** Gives a reply the body of its error, in the format of the request. */
function writeError(exchange: Exchange, error: ServiceError, reply: Reply): ServiceFacts {
  const { body, contentType } = wireFormatOf(exchange.route?.operation).writeError(error, exchange.id)
  reply.body = textBody(body)
  const layer = layerOf(error.layer, exchange)
  return { layer, contentType, chunked: contentType === undefined }
}

/** A request that fails before its deployment is known cannot carry the deployment's headers. */
export function layerOf(layer: ServiceLayer, { deployment }: Exchange): ServiceLayer {
  return deployment || isInFront(layer) ? layer : 'resource'
}

/** Whether a layer answers in front of the deployments. */
export function isInFront(layer: ServiceLayer): layer is 'authentication' | 'edge' | 'resource' {
  return layer === 'authentication' || layer === 'edge' || layer === 'resource'
}

/** The Responses API stands beside the rest of the service and sends fewer headers (captures of April 2026). */
const responseOperations: ReadonlySet<Operation> = new Set<Operation>([
  'responses',
  'getResponse',
  'deleteResponse',
  'cancelResponse',
  'listInputItems',
])

/** The headers of a layer of the service; those behind the deployment tell the live state of its limits. */
function headersOf(exchange: Exchange, { layer, contentType, chunked }: ServiceFacts): string[] {
  const { deployment, route, config, id } = exchange
  const date = httpDate(exchange.clock.epochMs())
  if (isInFront(layer)) {
    const region = layer === 'resource' ? config.region : undefined
    const secured = layer !== 'authentication'
    return gatewayHeaders({ contentType, chunked, date, apimRequestId: id, secured, region })
  }
  const isResponses = route !== undefined && responseOperations.has(route.operation)
  return modelHeaders({
    contentType,
    chunked,
    date,
    apimRequestId: id,
    requestId: exchange.modelRequestId,
    clientRequestId: clientRequestId(exchange),
    deployment: deployment?.name ?? '',
    region: config.region,
    modelSession: isResponses ? undefined : modelSession(deployment?.model.name ?? ''),
    generatesText: route?.operation !== 'embeddings' && !isResponses,
    rateLimits: layer === 'filter' ? undefined : exchange.rateLimits,
    utilization: config.utilizationHeader ? exchange.utilization : undefined,
    spilledOverFrom: exchange.spilledOverFrom,
  })
}

/** The caller's own id of the request; a list, which Node makes of a repeated header, is not one. */
function clientRequestId(exchange: Exchange): string | undefined {
  const value = exchange.headers['x-ms-client-request-id']
  return typeof value === 'string' ? value : undefined
}

const sessions = new Map<string, string>()

/** Names the build of the model: the same for all requests, as in captures, and of the form seen in 2026. */
function modelSession(modelName: string): string {
  let session = sessions.get(modelName)
  if (session === undefined) {
    const digest = createHash('sha256').update(modelName).digest('hex')
    session = `d20260330170902-${digest.slice(0, 12)}`
    sessions.set(modelName, session)
  }
  return session
}

/** A model's answer in one piece. */
export function wholeOf(contentType: string): ServiceFacts {
  return { layer: 'model', contentType, chunked: false }
}

/** A model's answer in JSON. */
export const jsonOfModel = wholeOf('application/json')

/** A model's answer in server-sent events. */
export const eventsOfModel: ServiceFacts = { layer: 'model', contentType: eventStreamType, chunked: true }

/** A model's answer. Its headers are written on the way out. */
export function modelReply(service: ServiceFacts, body: ReplyBody, usage?: Usage, steps?: Steps): Reply {
  const reply: Reply = { status: 200, headers: new HeaderList(), body, service }
  if (usage) reply.usage = usage
  if (steps) reply.steps = steps
  return reply
}

/** A reply that refuses a request. */
export type Refusal = Reply & { body: WholeBody }

const unwritten = textBody('')

/**
 * A reply that refuses. Its headers and its body, in the format of the request, are written on the way out.
 *
 * @param headers go last, such as `retry-after`
 */
export function refuse(error: ServiceError, headers: Readonly<Record<string, string>> = {}): Refusal {
  const { status, reason } = error
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers: new HeaderList(Object.entries(headers).flat()),
    body: unwritten,
    service: error,
  }
}

/** What a client is told to wait where others take all memory: bodies are read, and answers sent, in seconds as a rule. */
const retryAfterSeconds = '1'

/** The answer to a request for which there is no memory, or whose answer finds none. */
export function noRoomReply(): Refusal {
  return refuse(noRoomForBody(), { 'retry-after': retryAfterSeconds })
}
