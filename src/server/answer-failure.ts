import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { openAiFormat } from '../wire/envelopes.ts'
import { serverError, type ServiceError } from '../wire/errors.ts'

/** An error of the service as the answer of a page, which has no headers of the service but the content type. */
export function errorResponse(error: ServiceError): Response {
  const { body, contentType = '' } = openAiFormat.writeError(error, '')
  return new Response(body, { status: error.status, headers: { 'Content-Type': contentType } })
}

/** The service's 500 for what failed outside the pipeline, and what of it is not known there. */
export function failureResponse(): Response {
  const { status, headers, body } = failureParts()
  return new Response(body, { status, headers })
}

/** Sends the same to a socket; where an answer has begun already, its connection is cut. */
export function answerFailure(outgoing: ServerResponse): void {
  if (outgoing.headersSent) {
    outgoing.destroy()
    return
  }
  const { status, headers, body } = failureParts()
  outgoing.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers }).end(body)
}

function failureParts() {
  const requestId = randomUUID()
  const error = serverError(requestId)
  const { body, contentType = '' } = openAiFormat.writeError(error, requestId)
  return { status: error.status, body, headers: { 'Content-Type': contentType, 'x-request-id': requestId } }
}
