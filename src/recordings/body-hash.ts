import { createHash } from 'node:crypto'
import { asBuffer } from '../lib/as-buffer.ts'
import { isMultipart } from '../wire/multipart.ts'

/** What takes the place of a form's delimiter, as in recordings of the Python simulator. */
const fixedDelimiter = Buffer.from('--AOAI-API-SIMULATOR-BOUNDARY')

/**
 * The MD5 of a body in hexadecimal, as the Python simulator makes it: the delimiter of a form is replaced by a fixed one
 * at the start and after each line feed. It names a body; it protects nothing.
 */
export function bodyHash(body: Uint8Array, contentType: string | undefined): string {
  return createHash('md5')
    .update(withFixedBoundary(asBuffer(body), contentType))
    .digest('hex')
}

/** A form with a fixed boundary; any other body as it is. */
export function withFixedBoundary(body: Buffer, contentType: string | undefined): Buffer {
  const delimiter = delimiterOf(body, contentType)
  if (delimiter === undefined) return body
  const pieces: Buffer[] = []
  let done = 0
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== LINE_FEED) continue
    pieces.push(body.subarray(done, at), fixedDelimiter)
    done = at + delimiter.length
  }
  return Buffer.concat([...pieces, body.subarray(done)])
}

const LINE_FEED = 0x0a

function delimiterOf(body: Buffer, contentType: string | undefined): Buffer | undefined {
  if (!isMultipart(contentType)) return undefined
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(contentType ?? '')
  const name = boundary?.[1] ?? boundary?.[2]
  if (name !== undefined) return Buffer.from(`--${name}`)
  // A recording may have lost the parameter, but a form begins with its delimiter.
  const firstLine = /^--[^\r\n]{1,200}/.exec(body.toString('latin1', 0, 202))?.[0]
  return firstLine === undefined ? undefined : Buffer.from(firstLine, 'latin1')
}
