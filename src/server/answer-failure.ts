import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { openAiFormat } from '../wire/envelopes.ts'
import { serverError, type ServiceError } from '../wire/errors.ts'

/** Returns an error of the service as the answer of a page, without the other headers of the service. */
export function errorResponse(error: ServiceError): Response {
  const { body, contentType = '' } = openAiFormat.writeError(error, '')
  return new Response(body, { status: error.status, headers: { 'Content-Type': contentType } })
}

/** Returns the 500 of the service for a failure outside the pipeline. */
export function failureResponse(): Response {
  const { status, headers, body } = failureFields()
  return new Response(body, { status, headers })
}

/** Sends the 500 to a socket, or cuts the connection if the answer has started. */
export function answerFailure(outgoing: ServerResponse): void {
  if (outgoing.headersSent) {
    outgoing.destroy()
    return
  }
  const { status, headers, body } = failureFields()
  outgoing.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers }).end(body)
}

function failureFields() {
  const requestId = randomUUID()
  const error = serverError(requestId)
  const { body, contentType = '' } = openAiFormat.writeError(error, requestId)
  return { status: error.status, body, headers: { 'Content-Type': contentType, 'x-request-id': requestId } }
}
