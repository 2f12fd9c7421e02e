import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

// All undocumented properties of Node's HTTP server that the simulator uses. Each is checked before it is used; without it the
// simulator uses the documented API. `node-internals.test.ts` checks them on the current Node and names the loss if one is
// missing. CI runs it on each major version (.github/workflows/test.yml).

/** Node's fields for the head of a response; unchanged from Node 0.x to 24. */
interface ResponseHead {
  _header: string | null
  _headerSent: boolean
}

/**
 * Marks the head of a response as sent, so that Node does not build or send one.
 *
 * @param head status line, headers and the empty line after them; the caller sends it with `writeRawAnswer`
 * @returns false, without an effect, if this Node does not have these fields
 */
export function markHeadSent(outgoing: ServerResponse, head: string): boolean {
  if (!hasHead(outgoing)) return false
  outgoing['_header'] = head
  outgoing['_headerSent'] = true
  return true
}

function hasHead(outgoing: object): outgoing is ResponseHead {
  return '_header' in outgoing && '_headerSent' in outgoing
}

/** Clears the state of a head that Node has rejected, so that another head can be written. */
export function resetHead(outgoing: ServerResponse): void {
  outgoing.chunkedEncoding = false
  outgoing.statusMessage = ''
}

/** Writes an answer with a head that is marked as sent, in one write, and ends it. Does nothing if the client has disconnected. */
export function writeRawAnswer(outgoing: ServerResponse, answer: string): void {
  if (!outgoing.socket?.writable) return
  outgoing.socket.write(answer, 'latin1')
  outgoing.end()
}

/** Returns an ASCII text as a complete chunked body with one chunk, or without a chunk if the text is empty. */
export function onlyChunk(content: string): string {
  return content === '' ? '0\r\n\r\n' : `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`
}

/**
 * Returns the socket for chunks that are framed by `writeChunk`. The head must be written.
 *
 * @returns undefined if Node must write the body: for a pipelined response that must wait, HTTP/1.0 and HEAD
 */
export function chunkSocket(outgoing: ServerResponse): Socket | undefined {
  const { socket } = outgoing
  if (!outgoing.chunkedEncoding || !socket?.writable || outgoing.req.method === 'HEAD') return undefined
  return socket
}

/**
 * Writes a chunk with its frame as one string.
 *
 * @param length in bytes
 * @returns false if the caller must wait for `drain` before it writes more
 */
export function writeChunk(
  socket: Socket,
  text: string,
  length: number,
  encoding: 'latin1' | 'utf8',
): boolean {
  return socket.write(`${length.toString(16)}\r\n${text}\r\n`, encoding)
}

/**
 * Writes the head that `writeHead` has prepared, unless it is sent, a chunk, and the end of the body, in one write.
 *
 * @param socket result of `chunkSocket`
 * @param text the chunk, one character for each byte; empty for none
 * @param isLast whether the response ends
 * @returns false if the caller must wait for `drain` before it writes more
 */
export function writeHeadAndChunk(
  outgoing: ServerResponse,
  socket: Socket,
  text: string,
  isLast: boolean,
): boolean {
  const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`
  const bytes = takeHead(outgoing) + chunk
  if (isLast) socket.cork()
  const canContinue = bytes === '' || socket.write(bytes, 'latin1')
  // Also ends the cork.
  if (isLast) outgoing.end()
  return canContinue
}

/** Returns the prepared head, and marks it as sent. Returns an empty text if it is sent. A Node without these fields sends it. */
function takeHead(outgoing: ServerResponse): string {
  if (!hasHead(outgoing)) {
    outgoing.flushHeaders()
    return ''
  }
  if (outgoing['_headerSent'] || outgoing['_header'] === null) return ''
  outgoing['_headerSent'] = true
  return outgoing['_header']
}

/** Node's counters of a socket handle. */
interface Handle {
  /** Bytes passed to libuv. */
  readonly bytesWritten?: number
  /** Of these, bytes that the operating system has not accepted yet. */
  readonly writeQueueSize?: number
}

/** Returns the TCP connection of a TLS connection. Any other connection is returned unchanged. */
export function transportOf(socket: Socket): Socket {
  const { _parent: parent } = socket as Socket & { readonly _parent?: Socket | null }
  return parent ?? socket
}

/**
 * Returns the written bytes that the operating system has accepted, or NaN if this Node does not have the counters. The counters of a
 * TLS connection do not change while the operating system accepts bytes, so those of its TCP connection are used.
 */
export function sentBytes(socket: Socket): number {
  const { _handle: handle } = transportOf(socket) as Socket & { readonly _handle?: Handle | null }
  return (handle?.bytesWritten ?? Number.NaN) - (handle?.writeQueueSize ?? Number.NaN)
}

/** A socket with the response that Node currently writes to it. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null }

/** Returns the response that is currently written to a connection; undefined between two responses. */
export function currentAnswer(socket: Socket): ServerResponse | undefined {
  const { _httpMessage: current } = socket as HttpSocket
  return current ?? undefined
}

/** Emits `drain` on the current response of a connection after Node has removed its listeners. */
export function emitDrain(socket: Socket): void {
  currentAnswer(socket)?.emit('drain')
}

/** Emits `close` on a pipelined response that never gets its socket. Node does so only from version 24. */
export function emitClosed(outgoing: ServerResponse): void {
  outgoing.destroy()
  outgoing.emit('close')
}

/** Replaces the function with which Node ends a connection after its last response. Node's own resets a client that still sends. */
export function overrideDestroySoon(socket: Socket, end: () => void): void {
  socket.destroySoon = end
}

/**
 * Resets a connection. Node's `resetAndDestroy` sends a FIN before its RST, which clients treat as an orderly end, so this sets the
 * property that it sets and destroys the socket. A Node without the property sends only the FIN. A TLS connection cannot be reset, only
 * its TCP connection.
 */
export function resetNow(socket: Socket): void {
  const transport = transportOf(socket)
  Object.assign(transport, { resetAndClosing: true })
  transport.destroy()
  if (transport !== socket) socket.destroy()
}

/**
 * Server options for upgrade requests. From version 26, Node reads the body of an upgrade request, and the connection cannot be
 * returned to it; there, an upgrade request with a body is ignored. Earlier versions do not call this function, or leave the body to the
 * `upgrade` listener.
 */
export const upgradeOptions = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage): boolean =>
    Number.parseInt(process.versions.node, 10) < 26 ||
    !('transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0),
}

/** Returns the bytes of an upgrade request without its Upgrade header, followed by the bytes received after it (`head`). */
export function withoutUpgrade(
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  head: Buffer,
): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.toLowerCase() !== 'upgrade') text += `${name}: ${rawHeaders[index + 1]}\r\n`
  }
  return Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head])
}

/**
 * Makes the parser of a TLS connection read from the stream. Node's direct way from the TLS layer to the parser does not stop while the
 * parser is paused, and a client that pipelines many requests gets 400. Call it after Node has attached its parser.
 */
export function readFromStream(socket: Socket): void {
  const noop = (): void => {}
  socket.on('data', noop).off('data', noop)
}

/** Returns a detached connection to the HTTP server, which first parses `bytes`. */
export function reparse(server: Server, socket: Socket, bytes: Buffer): void {
  socket.unshift(bytes)
  // Remove the timeout of an idle connection.
  socket.setTimeout(0)
  // `connection` of a TLS server starts a handshake.
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}
