import { listedEvents } from '../answer/body.ts'
import { responsesFailInStream } from '../config/deployments.ts'
import type { ServiceError } from '../wire/errors.ts'
import { modelOfDeployment } from '../wire/models/assume-model.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { failedStream } from '../wire/responses/failed-stream.ts'
import { ResponseIds } from '../wire/responses/response-ids.ts'
import type { AnsweredResponse } from '../wire/responses/response-object.ts'
import { parseResponsesRequest } from '../wire/responses/validate-responses.ts'
import { eventStreamType } from '../wire/sse.ts'
import { streamFailureOf } from '../wire/stream-failures.ts'
import { asksForStream, type Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** Headers of a 429 that a failed stream does not have. Only `retry-after` is captured. */
const headersOfStatus = ['retry-after-ms', 'x-ratelimit-type']

/**
 * Converts the refusal of a streamed Responses request into a stream of status 200 that fails, as the service does since summer 2026
 * for exceeded limits, missing capacity and missing deployments. Other replies are unchanged.
 */
export function refuseInStream(exchange: Exchange, reply: Reply): Reply {
  const { service: error } = reply
  if (!error || !('status' in error) || !failsInStream(exchange, error)) return reply
  const events = failedStream(
    refusedResponse(exchange),
    streamFailureOf(error),
    error.streamOrder ?? 'error-first',
  )
  for (const name of headersOfStatus) reply.headers.delete(name)
  delete reply.reason
  return {
    ...reply,
    status: 200,
    streamErrorStatus: error.status,
    body: listedEvents(events),
    service: { layer: error.layer, contentType: eventStreamType, chunked: true },
  }
}

function failsInStream(exchange: Exchange, { inStream, streamOrder }: ServiceError): boolean {
  if (!inStream && !streamOrder) return false
  const { route, deployment, config } = exchange
  if (route?.operation !== 'responses' || !asksForStream(exchange)) return false
  return streamOrder !== undefined || responsesFailInStream(deployment?.limitProfile ?? config.limitProfile)
}

/** The response repeats the request. The service checks limits before the body, so the body may be invalid. */
function refusedResponse(exchange: Exchange): AnsweredResponse {
  const { config, deployment, deploymentName = '', json, random } = exchange
  const model =
    deployment?.model ??
    modelOfDeployment(deploymentName, config.models) ??
    findModel('gpt-4o-mini', config.models)
  if (!model) throw new Error('The catalogue lacks the model of responses without a deployment.')
  const parsed = parseResponsesRequest(json, model)
  const createdMs = exchange.clock.epochMs()
  return {
    id: new ResponseIds(random).next('resp', Math.floor(createdMs / 1_000)),
    createdMs,
    deployment: deploymentName,
    model,
    request: parsed.ok ? parsed.request : { input: '' },
    items: [],
    output: [],
    finishReason: 'stop',
    usage: undefined,
    progress: { endMs: createdMs },
  }
}
