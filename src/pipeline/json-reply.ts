import { contentHeaders, type ReplyOptions } from './content-headers.ts'
import type { Reply } from './reply.ts'
import { textBody } from '../answer/body.ts'

/**
 * A reply of JSON. Where it tells what it costs (`reply.usage`), limits and metrics count that, and the latency of its
 * deployment follows it.
 *
 * @throws {TypeError} for what JSON cannot hold
 */
export function jsonReply(value: unknown, { status = 200, headers }: ReplyOptions = {}): Reply {
  // At once: what fails here is answered with a 500 and logged, and while it is sent it would cut the connection.
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined)
    throw new TypeError(`Could not make a reply of JSON: it cannot hold ${typeof value}.`)
  return { status, headers: contentHeaders('application/json', headers), body: textBody(text) }
}
