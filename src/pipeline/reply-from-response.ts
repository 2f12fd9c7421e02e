import { shouldStream, gather } from './should-stream.ts'
import { endToEndHeaders } from './end-to-end-headers.ts'
import { HeaderList, type Reply } from './reply.ts'
import { textBody } from '../answer/body.ts'

/**
 * Makes a reply of what `fetch` got from another service: status, phrase and headers, without those of the connection and
 * those of the body's encoding, which `fetch` has undone. JSON of at most 8 MB, and what has a known length of no more than
 * that, is read to its end; a stream, and anything else, is passed on as it comes.
 *
 * Give `exchange.signal` to `fetch`: the service then hears at once when the client leaves. Without it, it hears with the
 * next thing that it sends.
 *
 * @throws what reading the body throws
 */
export async function replyFromResponse(response: Response): Promise<Reply> {
  const { status, statusText, body } = response
  if (response.bodyUsed) {
    throw new TypeError(
      'Could not make a reply of a response: its body has been read. Read a clone() of it, or use jsonReply().',
    )
  }
  const received = new HeaderList([...response.headers].flat())
  const headers = endToEndHeaders(received)
  const reply: Reply = {
    status,
    ...(statusText !== '' && { reason: statusText }),
    headers,
    body: textBody(''),
    ownTime: true,
  }
  // The answer of HEAD and the like: it tells a length, or none, and sends nothing.
  if (!body) return { ...reply, body: { kind: 'live', chunks: nothing() } }
  headers.delete('Content-Encoding')
  headers.delete('Content-Length')
  const gathered = shouldStream(received) ? undefined : await gather(body)
  if (gathered?.kind === 'whole') reply.body = textBody(gathered.bytes)
  else reply.body = { kind: 'live', chunks: gathered?.chunks ?? body }
  return reply
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}
