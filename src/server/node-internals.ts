import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

// All that the simulator uses of Node's HTTP server beyond what Node documents. Each property is looked for before it is used,
// and without it the simulator goes Node's own way. `node-internals.test.ts` checks them on the Node that runs, and says what is
// lost where one is gone; CI runs it on each major (.github/workflows/test.yml).

/** What Node keeps of a response's head; it has stood unchanged from Node 0.x to 24. */
interface ResponseHead {
  _header: string | null
  _headerSent: boolean
}

/**
 * Lets Node take the head of an answer for sent, so that it neither makes nor sends one.
 *
 * @param head the status line, the headers and the empty line behind them, which the caller writes with `writePastNode`
 * @returns false, with nothing done, where this Node keeps its heads in another way
 */
export function takeHead(outgoing: ServerResponse, head: string): boolean {
  if (!hasHead(outgoing)) return false
  outgoing['_header'] = head
  outgoing['_headerSent'] = true
  return true
}

function hasHead(outgoing: object): outgoing is ResponseHead {
  return '_header' in outgoing && '_headerSent' in outgoing
}

/** Lets go of what Node took from a head that it then refused, so that another can be written. */
export function forgetHead(outgoing: ServerResponse): void {
  outgoing.chunkedEncoding = false
  outgoing.statusMessage = ''
}

/** Writes a whole answer, whose head was taken, in one piece and ends it; not for a client that has left since then. */
export function writePastNode(outgoing: ServerResponse, answer: string): void {
  if (!outgoing.socket?.writable) return
  outgoing.socket.write(answer, 'latin1')
  outgoing.end()
}

/** An ASCII text as the one chunk of a body, with the end of the body; a chunk of no bytes would be an end by itself. */
export function onlyChunk(content: string): string {
  return content === '' ? '0\r\n\r\n' : `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`
}

/**
 * The socket that takes chunks with a frame made by hand; undefined where they go Node's way: without a socket it is not
 * this answer's turn yet on its connection, and without chunks the client is of HTTP/1.0. The head must have been written.
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
 * @returns whether more may follow at once
 */
export function writeChunk(
  socket: Socket,
  text: string,
  length: number,
  encoding: 'latin1' | 'utf8',
): boolean {
  return socket.write(`${length.toString(16)}\r\n${text}\r\n`, encoding)
}

/** What Node knows of a socket's handle. */
interface Handle {
  /** Handed to libuv, in bytes. */
  readonly bytesWritten?: number
  /** Of that, what the operating system has not taken yet. */
  readonly writeQueueSize?: number
}

/** What the operating system has taken of all that was written, in bytes; NaN where this Node does not tell. */
export function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null }
  return (handle?.bytesWritten ?? Number.NaN) - (handle?.writeQueueSize ?? Number.NaN)
}

/** Node's own: the answer whose turn it is on a connection. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null }

/** The answer whose turn it is on a connection; undefined between two. */
export function pipelinedAnswer(socket: Socket): ServerResponse | undefined {
  const { _httpMessage: current } = socket as HttpSocket
  return current ?? undefined
}

/** Lets the answer whose turn it is go on, on a connection whose listeners Node has taken away. */
export function tellDrained(socket: Socket): void {
  pipelinedAnswer(socket)?.emit('drain')
}

/** Tells an answer that never gets its socket that its connection has closed: Node does so from 24 on only. */
export function tellClosed(outgoing: ServerResponse): void {
  outgoing.destroy()
  outgoing.emit('close')
}

/** Ends a connection in another way than Node does it behind the last answer, which resets a client that still sends. */
export function replaceEnd(socket: Socket, end: () => void): void {
  socket.destroySoon = end
}

/**
 * Resets a connection. It sets what Node's own `resetAndDestroy` does; but that sends a FIN before its RST, and clients take it for
 * an orderly end. A Node that knows the property no more would send the FIN alone.
 */
export function resetNow(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true })
  socket.destroy()
}

/**
 * From Node 26 on, Node reads the body of a request that wishes to upgrade, and gives a connection that cannot be handed back:
 * a wish with a body is passed over in its own way there. Earlier versions do not ask, or leave the body to whoever hears of the wish.
 */
export const upgradeOptions = {
  shouldUpgradeCallback: ({ headers }: IncomingMessage): boolean =>
    Number.parseInt(process.versions.node, 10) < 26 ||
    !('transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0),
}

/** The bytes of a request that wished to upgrade, without the wish, and of what has come behind it (`head`). */
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

/** Lets Node read a connection as HTTP that it had given away, from these bytes on. */
export function readAgain(server: Server, socket: Socket, bytes: Buffer): void {
  socket.unshift(bytes)
  // That of an idle connection, which this one no longer is.
  socket.setTimeout(0)
  server.emit('connection', socket)
}
