import { createHash, type Hash } from 'node:crypto'
import { sentSecret } from '../access/credentials.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { isMultipart } from '../wire/multipart.ts'
import { RecentMap } from '../lib/caches.ts'

/** Of a longer part only both ends are hashed. Hashing 25 MB of audio would block the event loop for tens of milliseconds. */
const MAX_FULLY_HASHED_BYTES = 1024 * 1024
const HASHED_END_BYTES = MAX_FULLY_HASHED_BYTES / 2

const emptyBody = Buffer.alloc(0)

/** The parts of a request that a retry repeats. */
export type FingerprintedRequest = Pick<Exchange, 'method' | 'path' | 'query' | 'headers'> & {
  readonly body: Buffer | undefined
  /** Identity of the resource, if it differs from its name. */
  readonly resourceId?: string | undefined
}

/**
 * Hash of method, path, query, key, body and resource. It is equal for a request and its retries. The boundary of a multipart form is left
 * out, because clients generate a new one for each attempt.
 */
export function requestFingerprint(request: FingerprintedRequest): string {
  const { method, path, query, headers, body = emptyBody, resourceId = '' } = request
  const hash = createHash('sha1').update(
    `${method} ${path}?${query}\n${keyHash(headers) ?? ''}${resourceId}\n`,
  )
  if (isMultipart(headers['content-type'])) for (const piece of piecesOfForm(body)) addPiece(hash, piece)
  else addPiece(hash, body)
  return hash.digest('base64')
}

function addPiece(hash: Hash, piece: Buffer): void {
  if (piece.length <= MAX_FULLY_HASHED_BYTES) {
    hash.update(piece)
    return
  }
  hash
    .update(String(piece.length))
    .update(piece.subarray(0, HASHED_END_BYTES))
    .update(piece.subarray(-HASHED_END_BYTES))
}

/** The parts of a multipart form. A form starts with its delimiter (RFC 2046, 5.1.1). */
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

/** Names come from clients. Longer ones are truncated. */
const MAX_NAME_LENGTH = 200

/** The pipeline's name for any caller with a valid key. It does not identify a client. */
const callerByKey = 'key'

/** Cached hashes of keys. */
const keyHashes = new RecentMap<string, string>(500)

/**
 * The name of the client that sent a request: the value of the test header, else the caller that an extension set, else a hash
 * prefix of its key (`key:1a2b3c4d`), else `anonymous`. Call it after the extensions have run.
 *
 * @param testHeader name of the header in lower case
 */
export function clientName(exchange: Exchange, testHeader: string): string {
  const { headers, caller } = exchange
  const test = headers[testHeader]
  if (typeof test === 'string' && test !== '') return test.slice(0, MAX_NAME_LENGTH)
  if (caller && caller !== callerByKey) return caller.slice(0, MAX_NAME_LENGTH)
  return keyHash(headers) ?? 'anonymous'
}

/** `key:` and the first 8 hexadecimal digits of the SHA-256 of the key in the request. Undefined without a key. */
function keyHash(headers: Exchange['headers']): string | undefined {
  const key = sentKey(headers)
  if (key === undefined) return undefined
  let mark = keyHashes.get(key)
  if (mark === undefined) {
    mark = `key:${createHash('sha256').update(key).digest('hex').slice(0, 8)}`
    keyHashes.set(key, mark)
  }
  return mark
}

function sentKey(headers: Exchange['headers']): string | undefined {
  return sentSecret(headers) ?? headers.authorization
}
