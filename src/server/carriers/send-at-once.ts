import type { ServerResponse } from 'node:http'
import { headText, writeTogether } from './parts.ts'
import type { Reply } from '../../pipeline/reply.ts'

/** What Node keeps of a response's head; it has stood unchanged from Node 0.x to 24, and is looked for before it is used. */
interface ResponseHead {
  _header: string | null
  _headerSent: boolean
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
  const text = head.text + (head.isChunked ? chunked(content) : content)
  writeTogether(() => {
    // A client that has left since then has no socket any more.
    if (!outgoing.socket?.writable) return
    outgoing.socket.write(text, 'latin1')
    outgoing.end()
  })
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
