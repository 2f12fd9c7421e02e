import { createHash, type Hash } from 'node:crypto'
import type { Exchange } from '../pipeline/exchange.ts'
import { isMultipart } from '../wire/multipart.ts'
import { RecentMap } from '../lib/caches.ts'

/** Of a longer piece only the two ends are hashed, in bytes: 25 MB of audio would hold up all others for tens of ms. */
const MAX_WHOLE_BYTES = 1024 * 1024
const END_BYTES = MAX_WHOLE_BYTES / 2

const nothing = Buffer.alloc(0)

/** The parts of a request by which a repetition is known. */
export type FingerprintedRequest = Pick<Exchange, 'method' | 'path' | 'query' | 'headers'> & {
  readonly body: Buffer | undefined
}

/**
 * What two requests have in common that repeat each other: method, path, query, key and body. With another key or another
 * `api-version` a request is another one. The boundary of a form does not count, since clients draw a new one each time.
 */
export function requestFingerprint(request: FingerprintedRequest): string {
  const { method, path, query, headers, body = nothing } = request
  const hash = createHash('sha1').update(`${method} ${path}?${query}\n${keyMark(headers) ?? ''}\n`)
  if (isMultipart(headers['content-type'])) for (const piece of piecesOfForm(body)) addPiece(hash, piece)
  else addPiece(hash, body)
  return hash.digest('base64')
}

function addPiece(hash: Hash, piece: Buffer): void {
  if (piece.length <= MAX_WHOLE_BYTES) {
    hash.update(piece)
    return
  }
  hash.update(String(piece.length)).update(piece.subarray(0, END_BYTES)).update(piece.subarray(-END_BYTES))
}

/** What stands between the delimiters; a form begins with its delimiter (RFC 2046, 5.1.1). */
function piecesOfForm(body: Buffer): Buffer[] {
  const firstLine = /^--[^\r\n]{1,200}/.exec(body.toString('latin1', 0, 202))?.[0]
  if (firstLine === undefined) return [body]
  const delimiter = Buffer.from(firstLine, 'latin1')
  const pieces: Buffer[] = []
  let start = delimiter.length
  for (let at = body.indexOf(delimiter, start); at >= 0; at = body.indexOf(delimiter, start)) {
    pieces.push(body.subarray(start, at))
    start = at + delimiter.length
  }
  return pieces
}

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
function keyMark(headers: Exchange['headers']): string | undefined {
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
