import type { ServerResponse } from 'node:http'
import type { Reply } from './reply.ts'

/** What Node keeps of a response's head; it has stood unchanged from Node 0.x to 24, and is looked for before it is used. */
interface ResponseHead {
  _header: string | null
  _headerSent: boolean
}

/** The phrases of the statuses of nearly all answers (RFC 9110, 15; RFC 6585); others go Node's way. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** Longer answers go Node's way, which hears when the reader has taken them. */
const mostBytes = 64 * 1024

/**
 * Sends head and body of a complete answer as one string. Node would check every header name, collect two writes and
 * join them again, which costs a fifth of a whole request.
 *
 * @param content the body, all ASCII; it gets its frame here where the headers say that it is chunked
 * @returns false, with nothing done, where Node's own way is needed: for old or last requests of a connection, one whose
 * turn has not come, a reader that is behind, and headers that Node would add to or refuse
 */
export function sendAtOnce(outgoing: ServerResponse, reply: Reply, content: string): boolean {
  const { socket, req } = outgoing
  if (!socket?.writable || socket.writableLength > 0 || content.length > mostBytes) return false
  if (!outgoing.shouldKeepAlive || req.httpVersionMinor !== 1 || req.method === 'HEAD') return false
  if (outgoing.headersSent || !hasHead(outgoing)) return false
  const head = headText(reply)
  if (head === undefined) return false
  outgoing['_header'] = head.text
  outgoing['_headerSent'] = true
  socket.write(head.text + (head.isChunked ? chunked(content) : content), 'latin1')
  outgoing.end()
  return true
}

/**
 * Sends a stream that is due as a whole as one chunk; `text` holds all its events. As for the rest, see `sendAtOnce`.
 *
 * @param isAscii whether that is known of the text; it is looked for where it is not
 */
export function sendStreamAtOnce(
  outgoing: ServerResponse,
  reply: Reply,
  text: string,
  isAscii = false,
): boolean {
  // Without that header it is Node who says that the body comes in chunks.
  const isChunked = reply.headers.get('Transfer-Encoding') === 'chunked'
  return (
    isChunked && (isAscii || Buffer.byteLength(text) === text.length) && sendAtOnce(outgoing, reply, text)
  )
}

/** The content as one chunk, with the end of the body; a chunk of no bytes would be an end by itself. */
function chunked(content: string): string {
  return content === '' ? '0\r\n\r\n' : `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`
}

function hasHead(outgoing: object): outgoing is ResponseHead {
  return '_header' in outgoing && '_headerSent' in outgoing
}

/** What Node refuses in a value, line breaks above all. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

/** A header that has passed before. Nearly all values are those of the answer before, so that their line is at hand. */
interface KnownHeader {
  /** What stands before the value: the end of the line before, the name, and a colon. */
  readonly prefix: string
  /** The value that has come several times. */
  usual: string | undefined
  /** The prefix with the usual value. */
  line: string
  /** The value that came last. */
  last: string | undefined
}

/** Names come from a few places, and what is remembered of them is bounded. */
const known = new Map<string, KnownHeader>()
const mostNames = 1_000

/** The status line, the headers and the empty line after them; undefined where a header is missing or must not be sent. */
function headText({
  status,
  reason = reasons[status],
  headers,
}: Reply): { readonly text: string; readonly isChunked: boolean } | undefined {
  if (reason === undefined || status < 200 || status === 204 || status === 304) return undefined
  if (forbidden.test(reason)) return undefined
  const { raw } = headers
  if (headers.get('Date') === undefined) return undefined
  let text = `HTTP/1.1 ${status} ${reason}`
  let isChunked = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    const line = lineOf(name, value)
    if (line === undefined) return undefined
    if (name === chunkedName) isChunked = true
    text += line
  }
  return { text: `${text}\r\n\r\n`, isChunked }
}

/** A header with the end of the line before it; undefined where it must not be sent this way. */
function lineOf(name: string, value: string): string | undefined {
  const header = known.get(name) ?? learn(name)
  if (!header) return undefined
  if (value === header.usual) return header.line
  if (forbidden.test(value) || (name === chunkedName && value !== 'chunked')) return undefined
  const line = header.prefix + value
  if (value === header.last) {
    header.usual = value
    header.line = inOnePiece(line)
  }
  header.last = value
  return line
}

/** As the simulator's own replies write it; in another case, or with another coding, it goes Node's way. */
const chunkedName = 'Transfer-Encoding'

/** Those with which a head, a body or a connection ends in another way. */
const special = /^(connection|trailer|transfer-encoding|upgrade|keep-alive)$/i

function learn(name: string): KnownHeader | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || (special.test(name) && name !== chunkedName)) return undefined
  const header = { prefix: inOnePiece(`\r\n${name}: `), usual: undefined, line: '', last: undefined }
  if (known.size < mostNames) known.set(name, header)
  return header
}

/** V8 keeps what was put together as a tree of its parts, and would walk through it for each answer. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
