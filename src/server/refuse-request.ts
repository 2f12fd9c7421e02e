import { randomUUID } from 'node:crypto'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { currentAnswer } from './node-internals.ts'
import { endAndLinger, isLingering } from './data-plane.ts'
import {
  chunkExtensionTooLarge,
  headersTooLarge,
  malformedRequest,
  requestTimedOut,
} from '../wire/named-errors.ts'
import { openAiFormat } from '../wire/envelopes.ts'
import type { ServiceError } from '../wire/errors.ts'
import { gatewayHeaders, httpDate } from '../wire/service-headers.ts'
import type { ConnectionEnd } from '../metrics/connection-end.ts'
import { HeaderList } from '../pipeline/reply.ts'
import { epochMs } from '../lib/real-timers.ts'

const refused = new WeakSet<Duplex>()

/**
 * Answers an incomplete or malformed request, and ends its connection, after the answers to earlier requests. Handles the `clientError`
 * event of Node: parse errors, timeouts and broken connections.
 *
 * @returns the reason for the end; undefined for a connection that broke or was refused before
 */
export function refuseRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  headerLimitKb: number,
): ConnectionEnd | undefined {
  // After a parse error, Node reports an error for each further part.
  if (refused.has(socket) || isLingering(socket)) return undefined
  const { code = '' } = error
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT'
  if (socket.destroyed || !(isLate || code.startsWith('HPE_'))) {
    socket.destroy()
    return undefined
  }
  refused.add(socket)
  const refusal = isLate ? requestTimedOut() : parseError(code, headerLimitKb)
  whenAnswered(socket as Socket, () => sendRefusal(refusal, socket as Socket, isLate))
  if (isLate) return 'late'
  // The client disconnected during its request; it sent nothing malformed.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code === 'HPE_HEADER_OVERFLOW' ? 'headersTooLarge' : 'malformed'
}

/** Calls `then` when all complete requests of a connection are answered. Not called if the connection breaks before. */
export function whenAnswered(socket: Socket, then: () => void): void {
  const current = currentAnswer(socket)
  // Node's own `finish` listener runs first and makes the next response the current one.
  if (current?.req.complete) current.once('finish', () => whenAnswered(socket, then))
  else then()
}

function sendRefusal(refusal: ServiceError, socket: Socket, isLate: boolean): void {
  if (!canAnswer(socket, isLate)) {
    socket.destroy()
    return
  }
  endAndLinger(socket, refusalBytes(refusal))
}

/**
 * Answers a request with an invalid head after its body is received, so that no reset discards the answer.
 *
 * @param isAwaited whether the client waits for the answer before it sends the body
 */
export function refuseHead(
  refusal: ServiceError,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isAwaited = false,
): void {
  const send = (): void => {
    const { headers, body } = writeRefusal(refusal)
    outgoing.writeHead(refusal.status, isAwaited ? headers : [...headers, 'Connection', 'close']).end(body)
  }
  incoming.resume()
  if (isAwaited) send()
  else incoming.once('end', send)
}

function parseError(code: string, headerLimitKb: number): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge(headerLimitKb)
  return code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? chunkExtensionTooLarge() : malformedRequest()
}

/** Returns whether the client will match the answer to the refused request. */
function canAnswer(socket: Socket, isLate: boolean): boolean {
  if (!socket.writable) return false
  const current = currentAnswer(socket)
  // No response is in progress. A client that has sent nothing would treat the answer as the one to its first request.
  if (!current) return !(isLate && socket.bytesRead === 0)
  return !current.headersSent && !current.req.complete
}

function refusalBytes(refusal: ServiceError): string {
  const { status, reason = STATUS_CODES[status] ?? '' } = refusal
  const { headers, body } = writeRefusal(refusal)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`
  return `${head}Connection: close\r\n\r\n${body}`
}

/** Writes a refusal with a new id, because the request is incomplete. */
function writeRefusal(refusal: ServiceError): { headers: string[]; body: string } {
  const id = randomUUID()
  const { body, contentType } = openAiFormat.writeError(refusal, id)
  const headers = new HeaderList(
    gatewayHeaders({
      contentType,
      chunked: false,
      date: httpDate(epochMs()),
      apimRequestId: id,
      secured: true,
      region: undefined,
    }),
  )
  headers.setContentLength(Buffer.byteLength(body))
  return { headers: headers.raw, body }
}
