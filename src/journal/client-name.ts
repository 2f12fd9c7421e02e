import { createHash } from 'node:crypto'
import type { Exchange } from '../pipeline/exchange.ts'
import { RecentMap } from '../lib/caches.ts'

/** Names come from clients; a longer one is cut off. */
const MAX_NAME_LENGTH = 200

/** What the pipeline calls everybody who sent the right key: it tells nobody apart. */
const callerByKey = 'key'

/** Keys whose mark is remembered, so that it is not computed anew for each request. */
const marks = new RecentMap<string, string>(500)

/**
 * Who sent a request: what it says in the header that names tests, or what an extension has found out, or the mark of its
 * key (`key:1a2b3c4d`), or `anonymous`. Ask when the request has passed the extensions.
 *
 * @param testHeader in lower case
 */
export function clientName(exchange: Exchange, testHeader: string): string {
  const { headers, caller } = exchange
  const test = headers[testHeader]
  if (typeof test === 'string' && test !== '') return test.slice(0, MAX_NAME_LENGTH)
  if (caller && caller !== callerByKey) return caller.slice(0, MAX_NAME_LENGTH)
  return keyMark(headers) ?? 'anonymous'
}

/** The first 8 hexadecimal digits of the SHA-256 of the key that was sent, behind `key:`; undefined without a key. */
export function keyMark(headers: Exchange['headers']): string | undefined {
  const key = sentKey(headers)
  if (key === undefined) return undefined
  let mark = marks.get(key)
  if (mark === undefined) {
    mark = `key:${createHash('sha256').update(key).digest('hex').slice(0, 8)}`
    marks.set(key, mark)
  }
  return mark
}

function sentKey(headers: Exchange['headers']): string | undefined {
  const { authorization } = headers
  const key = headers['api-key'] ?? headers['x-api-key'] ?? headers['ocp-apim-subscription-key']
  if (typeof key === 'string') return key
  return authorization?.replace(/^bearer /i, '')
}
