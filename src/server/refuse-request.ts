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
 * Answers what is no complete request, and ends its connection: Node asks for it when it cannot parse what came, when it
 * came too late, and when a connection broke. Complete requests before that are answered first.
 *
 * @returns what it was; undefined for a connection that broke or was refused before
 */
export function refuseRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  headerLimitKb: number,
): ConnectionEnd | undefined {
  // What follows what could not be parsed cannot be parsed either, and Node tells so for every part of it.
  if (refused.has(socket) || isLingering(socket)) return undefined
  const { code = '' } = error
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT'
  if (socket.destroyed || !(isLate || code.startsWith('HPE_'))) {
    socket.destroy()
    return undefined
  }
  refused.add(socket)
  const refusal = isLate ? requestTimedOut() : parseError(code, headerLimitKb)
  whenAnswered(socket as Socket, () => endWith(refusal, socket as Socket, isLate))
  if (isLate) return 'late'
  // A client that leaves in the middle of its request has broken off, and sent nothing wrong.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code === 'HPE_HEADER_OVERFLOW' ? 'headersTooLarge' : 'malformed'
}

/** Calls `then` once all complete requests of a connection are answered; never where it breaks before. */
export function whenAnswered(socket: Socket, then: () => void): void {
  const current = currentAnswer(socket)
  // Node has listened before, and has given the turn to the next answer by then.
  if (current?.req.complete) current.once('finish', () => whenAnswered(socket, then))
  else then()
}

function endWith(refusal: ServiceError, socket: Socket, isLate: boolean): void {
  if (!mayAnswer(socket, isLate)) {
    socket.destroy()
    return
  }
  endAndLinger(socket, refusalBytes(refusal))
}

/**
 * Answers a request whose head is refused, once its body has come, so that no reset overtakes the answer.
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
    const { headers, body } = write(refusal)
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

/** An answer may go out only where the client takes it for the one of the request that it is about. */
function mayAnswer(socket: Socket, isLate: boolean): boolean {
  if (!socket.writable) return false
  const current = currentAnswer(socket)
  // Between the requests of a connection: but a client that has sent nothing would take it for that of its first request.
  if (!current) return !(isLate && socket.bytesRead === 0)
  return !current.headersSent && !current.req.complete
}

function refusalBytes(refusal: ServiceError): string {
  const { status, reason = STATUS_CODES[status] ?? '' } = refusal
  const { headers, body } = write(refusal)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`
  return `${head}Connection: close\r\n\r\n${body}`
}

/** What came is no whole request, so that nothing is known of it: the refusal has an id of its own. */
function write(refusal: ServiceError): { headers: string[]; body: string } {
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
