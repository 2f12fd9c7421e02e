import { createHash } from 'node:crypto'
import { textBody, type WholeBody } from '../answer/body.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import { serverError, type ServiceError, type ServiceLayer } from '../wire/errors.ts'
import { anthropicRequestId } from '../wire/ids.ts'
import { isAnthropicOperation, isResponsesOperation, type Operation } from '../wire/route.ts'
import {
  gatewayHeaders,
  inferenceHeaders,
  messagesHeaders,
  modelHeaders,
  httpDate,
} from '../wire/service-headers.ts'
import { asksForStream, type Exchange, formOf } from './exchange.ts'
import { HeaderList, type Reply, type ServiceFacts, type ReplyBody } from './reply.ts'
import type { Stage } from './stage.ts'
import { refuseInStream } from './stream-refusal.ts'
import { bodyMemoryExhausted } from '../wire/named-errors.ts'
import { eventStreamType } from '../wire/sse.ts'
import type { Steps, Usage } from '../answer/completion.ts'

/**
 * Stage that writes the headers of the service and the bodies of its errors into the replies of the inner stages. A reply without
 * `service` is unchanged.
 */
export const writeServiceHeaders: Stage = (exchange, next) => {
  const reply = next()
  return reply instanceof Promise
    ? reply.then((known) => completeReply(exchange, refuseInStream(exchange, known)))
    : completeReply(exchange, refuseInStream(exchange, reply))
}

/** Writes the headers of the service and the body of an error into a reply. For replies outside of the chain of stages as well. */
export function completeReply<R extends Reply>(exchange: Exchange, reply: R): R {
  const { service } = reply
  exchange.schedule = reply.schedule
  if (!service) return reply
  const facts = 'status' in service ? writeError(exchange, service, reply) : service
  const { raw: after } = reply.headers
  const headers = new HeaderList(headersOf(exchange, facts, facts === service))
  for (let index = 0; index < after.length; index += 2)
    headers.set(after[index] ?? '', after[index + 1] ?? '')
  reply.headers = headers
  reply.service = undefined
  return reply
}

/** Returns the answer of the service to an internal error, without details. */
export function failureReply(exchange: Exchange): Refusal {
  const { modelRequestId } = exchange
  return completeReply(exchange, refuse(serverError(modelRequestId), { 'x-request-id': modelRequestId }))
}

/** Sets the body of an error, in the format of the request. */
function writeError(exchange: Exchange, error: ServiceError, reply: Reply): ServiceFacts {
  const { operation } = exchange.route ?? exchange.routeOfUnknownResource ?? {}
  const id = isOfAnthropic(operation) ? anthropicRequestId(exchange.modelRequestId) : exchange.id
  const { body, contentType } = wireFormatOf(operation).writeError(error, id)
  reply.body = textBody(body)
  const layer = layerOf(error.layer, exchange)
  return { layer, contentType, chunked: contentType === undefined }
}

function isOfAnthropic(operation: Operation | undefined): boolean {
  return operation !== undefined && isAnthropicOperation(operation)
}

/** Returns the layer of a reply. A reply to a request without a deployment cannot have the headers of a deployment. */
export function layerOf(layer: ServiceLayer, { deployment }: Exchange): ServiceLayer {
  return deployment || isInFront(layer) ? layer : 'resource'
}

/** Returns whether a layer answers before a deployment is reached. */
export function isInFront(layer: ServiceLayer): layer is 'authentication' | 'edge' | 'resource' {
  return layer === 'authentication' || layer === 'edge' || layer === 'resource'
}

/** Returns the headers of a layer of the service. Layers behind the deployment include the current state of its limits. */
function headersOf(exchange: Exchange, facts: ServiceFacts, isAnswer: boolean): string[] {
  const { layer, contentType, chunked } = facts
  const { deployment, route, config, id } = exchange
  const date = httpDate(exchange.clock.epochMs())
  if (isOfAnthropic((route ?? exchange.routeOfUnknownResource)?.operation)) {
    return messagesHeaders({
      contentType,
      chunked,
      date,
      apimRequestId: id,
      requestId: anthropicRequestId(exchange.modelRequestId),
      clientRequestId: clientRequestId(exchange),
      region: layer === 'authentication' || layer === 'edge' ? undefined : config.region,
    })
  }
  if (isInFront(layer)) {
    const region = layer === 'resource' ? config.region : undefined
    const secured = layer !== 'authentication'
    return gatewayHeaders({ contentType, chunked, date, apimRequestId: id, secured, region })
  }
  if (route?.isInference) {
    return inferenceHeaders({
      contentType,
      chunked,
      date,
      apimRequestId: id,
      clientRequestId: clientRequestId(exchange),
      region: config.region,
      isOpenAi: deployment?.model.provider === undefined,
      isRefused: layer === 'limit',
      isStreamed: asksForStream(exchange),
      traceParent: traceParentOf(exchange),
    })
  }
  // The Responses API sends fewer headers than the rest of the service (captures of April 2026).
  const isResponses = route !== undefined && isResponsesOperation(route.operation)
  return modelHeaders({
    contentType,
    chunked,
    date,
    apimRequestId: id,
    requestId: exchange.modelRequestId,
    clientRequestId: clientRequestId(exchange),
    deployment: deployment?.name ?? '',
    isResponses,
    form: deployment && formOf(exchange, deployment.model).headers,
    isStreamed: asksForStream(exchange),
    servedModel: isAnswer ? deployment?.model.versionedName : undefined,
    isProvisioned: deployment?.provisionedThroughputUnits !== undefined,
    region: config.region,
    modelSession: isResponses ? undefined : modelSession(deployment?.model.name ?? ''),
    generatesText: route?.operation !== 'embeddings' && !isResponses,
    rateLimits: layer === 'filter' ? undefined : exchange.rateLimits,
    utilization: config.utilizationHeader ? exchange.utilization : undefined,
    spilledOverFrom: exchange.spilledOverFrom,
  })
}

function traceParentOf({ id, modelRequestId }: Exchange): string {
  const spanId = modelRequestId.replaceAll('-', '').slice(-16)
  return `00-${id.replaceAll('-', '')}-${spanId}-00`
}

/** Returns the request id of the client. Ignores a repeated header, which Node.js returns as a list. */
function clientRequestId(exchange: Exchange): string | undefined {
  const value = exchange.headers['x-ms-client-request-id']
  return typeof value === 'string' ? value : undefined
}

const sessions = new Map<string, string>()

/** Returns the name of the model build: the same for all requests, as in captures, in the form of 2026. */
function modelSession(modelName: string): string {
  let session = sessions.get(modelName)
  if (session === undefined) {
    const digest = createHash('sha256').update(modelName).digest('hex')
    session = `d20260330170902-${digest.slice(0, 12)}`
    sessions.set(modelName, session)
  }
  return session
}

/** A complete answer of a model. */
export function wholeOf(contentType: string): ServiceFacts {
  return { layer: 'model', contentType, chunked: false }
}

/** An answer of a model in JSON. */
export const jsonOfModel = wholeOf('application/json')

/** An answer of a model in server-sent events. */
export const eventsOfModel: ServiceFacts = { layer: 'model', contentType: eventStreamType, chunked: true }

/** Creates an answer of a model. The stage `service-headers` writes its headers. */
export function modelReply(service: ServiceFacts, body: ReplyBody, usage?: Usage, steps?: Steps): Reply {
  const reply: Reply = { status: 200, headers: new HeaderList(), body, service }
  if (usage) reply.usage = usage
  if (steps) reply.steps = steps
  return reply
}

/** A reply that rejects a request. */
export type Refusal = Reply & { body: WholeBody }

const unwritten = textBody('')

/**
 * Creates a reply that rejects a request. The stage `service-headers` writes its headers, and its body in the format of the request.
 *
 * @param headers additional headers after the others, such as `retry-after`
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

/** `retry-after` if memory is short. Most bodies and answers release their memory within seconds. */
const retryAfterSeconds = '1'

/** Returns the answer if there is not enough memory for a request or its answer. */
export function noRoomReply(): Refusal {
  return refuse(bodyMemoryExhausted(), { 'retry-after': retryAfterSeconds })
}
