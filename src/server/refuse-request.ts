import { randomUUID } from 'node:crypto'
import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import {
  chunkExtensionTooLarge,
  headersTooLarge,
  malformedRequest,
  requestTimedOut,
} from '../openai/connection-errors.ts'
import type { ServiceError } from '../openai/errors.ts'
import { gatewayHeaders } from '../openai/service-headers.ts'
import type { ConnectionEnd } from '../pipeline/connection-end.ts'
import { httpDate } from '../pipeline/http-date.ts'
import { epochMs, setTimeout } from '../platform/real-timers.ts'

/** How long what a refused client still sends is read, so that a reset does not overtake its answer; in milliseconds. */
const lingerMs = 500

const lingering = new WeakSet<Duplex>()

/**
 * Answers what is no complete request, and ends its connection: Node asks for it when it cannot parse what came, when it
 * came too late, and when a connection broke.
 *
 * @returns what it was; undefined for a connection that broke or was refused before
 */
export function refuseRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  headerLimitKb: number,
): ConnectionEnd | undefined {
  // What follows what could not be parsed cannot be parsed either, and Node tells so for every part of it.
  if (lingering.has(socket)) return undefined
  const { code = '' } = error
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT'
  if (socket.destroyed || !(isLate || code.startsWith('HPE_'))) {
    socket.destroy()
    return undefined
  }
  if (mayAnswer(socket as Socket, isLate)) {
    lingering.add(socket)
    socket.end(answerBytes(isLate ? requestTimedOut() : parseError(code, headerLimitKb)))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  } else {
    socket.destroy()
  }
  if (isLate) return 'late'
  // A client that leaves in the middle of its request has broken off, and sent nothing wrong.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code === 'HPE_HEADER_OVERFLOW' ? 'headersTooLarge' : 'malformed'
}

function parseError(code: string, headerLimitKb: number): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge(headerLimitKb)
  return code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW' ? chunkExtensionTooLarge() : malformedRequest()
}

/** An answer may go out only where the client takes it for the one of the request that it is about. */
function mayAnswer(socket: Socket, isLate: boolean): boolean {
  if (!socket.writable) return false
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null }
  // Between the requests of a connection: but a client that has sent nothing would take it for that of its first request.
  if (!current) return !(isLate && socket.bytesRead === 0)
  return !current.headersSent && !current.req.complete
}

function answerBytes({
  status,
  reason = STATUS_CODES[status] ?? '',
  body,
  contentType,
}: ServiceError): string {
  const headers = gatewayHeaders({
    contentType,
    chunked: false,
    date: httpDate(epochMs()),
    apimRequestId: randomUUID(),
    secured: true,
    region: undefined,
  })
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? ''
    head += `${name}: ${name === 'Content-Length' ? Buffer.byteLength(body) : headers[index + 1]}\r\n`
  }
  return `${head}Connection: close\r\n\r\n${body}`
}
