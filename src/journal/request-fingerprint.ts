import { createHash, type Hash } from 'node:crypto'
import type { Exchange } from '../pipeline/exchange.ts'
import { isMultipart } from '../wire/multipart.ts'
import { keyMark } from './client-name.ts'

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
