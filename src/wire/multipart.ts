/** A file of a form. */
export interface FormFile {
  /** File name that the client sends, usually without a path. Can be empty. */
  readonly name: string
  /** A view into the body, not a copy. */
  readonly bytes: Buffer
  /** The content type of the part in lower case, without parameters; absent without one. */
  readonly type?: string | undefined
}

/** A text field of a form. */
export interface FormField {
  readonly name: string
  readonly value: string
}

/** A parsed form: `multipart/form-data` (RFC 7578). */
export interface MultipartForm {
  /** The first text field with this name. */
  text(name: string): string | undefined
  /** All text fields with this name, in the order of the form. */
  texts(name: string): readonly string[]
  /** The first file with this name. */
  file(name: string): FormFile | undefined
  /** All files with this name, in the order of the form. */
  files(name: string): readonly FormFile[]
  /** All text fields, in the order of the form. */
  readonly fields: readonly FormField[]
}

/** Includes unnamed parts. No request of the service needs as many. Limits the cost of a hostile form. */
const MAX_PARTS = 200

/** For the headers of one part, which normally have a few hundred bytes. */
const MAX_HEADER_BYTES = 8_192

interface Part {
  readonly name: string
  readonly fileName: string | undefined
  readonly type: string | undefined
  readonly bytes: Buffer
}

/**
 * Parses a form. Returns undefined for another content type or a malformed body. Never throws.
 *
 * Takes a few milliseconds for 25 MB, since it copies nothing. `Response.formData()` of Node.js 20 blocks for 80 to 160 ms.
 */
export function parseMultipart(body: Buffer, contentType: string | undefined): MultipartForm | undefined {
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) return undefined
  const parts = splitParts(body, `--${boundary}`)
  if (parts === undefined) return undefined
  const textParts = parts.filter(({ fileName }) => fileName === undefined)
  const texts = (wanted: string): string[] =>
    textParts.filter(({ name }) => name === wanted).map(({ bytes }) => bytes.toString())
  return {
    texts,
    text: (wanted) => texts(wanted)[0],
    file: (wanted) => {
      const part = parts.find(({ name, fileName }) => name === wanted && fileName !== undefined)
      return part && fileOf(part)
    },
    files: (wanted) =>
      parts.filter(({ name, fileName }) => name === wanted && fileName !== undefined).map(fileOf),
    get fields() {
      return textParts.map(({ name, bytes }) => ({ name, value: bytes.toString() }))
    },
  }
}

/**
 * Sets a text field of a form. The other bytes stay as they are. Returns the same bytes if the field has that value, and for an
 * invalid form.
 */
export function withFormField(
  body: Buffer,
  contentType: string | undefined,
  name: string,
  value: string,
): Buffer {
  const delimiter = `--${boundaryOf(contentType) ?? ''}`
  const parts = splitParts(body, delimiter)
  if (boundaryOf(contentType) === undefined || parts === undefined) return body
  const known = parts.filter((part) => part.name === name && part.fileName === undefined)
  if (known.length === 0) {
    const start = body.indexOf(delimiter, 0, 'latin1')
    const part = `${delimiter}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    return Buffer.concat([body.subarray(0, start), Buffer.from(part), body.subarray(start)])
  }
  const pieces: Buffer[] = []
  let copied = 0
  for (const { bytes } of known) {
    const start = bytes.byteOffset - body.byteOffset
    pieces.push(body.subarray(copied, start), Buffer.from(value))
    copied = start + bytes.length
  }
  return Buffer.concat([...pieces, body.subarray(copied)])
}

function fileOf({ fileName = '', bytes, type }: Part): FormFile {
  return { name: fileName, bytes, type }
}

/** Returns whether the content type is `multipart/form-data`. */
export function isMultipart(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*multipart\/form-data\b/i.test(contentType)
}

/** Returns whether the body starts like a multipart form. For recordings, which can lack a content type. */
export function looksMultipart(body: Buffer): boolean {
  if (body[0] !== 0x2d || body[1] !== 0x2d) return false
  return /^--[^\r\n]{1,200}\r?\ncontent-disposition:\s*form-data\b/i.test(body.toString('latin1', 0, 300))
}

function boundaryOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !isMultipart(contentType)) return undefined
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(contentType)
  return match?.[1] ?? match?.[2]
}

function splitParts(body: Buffer, delimiter: string): Part[] | undefined {
  const nextDelimiter = Buffer.from(`\r\n${delimiter}`, 'latin1')
  const firstDelimiter = nextDelimiter.subarray(2)
  let offset = body.indexOf(firstDelimiter)
  if (offset < 0) return undefined
  offset += firstDelimiter.length
  const parts: Part[] = []
  let partCount = 0
  // Two hyphens after the delimiter end the form.
  while (body.toString('latin1', offset, offset + 2) !== '--') {
    const lineEnd = body.indexOf('\r\n', offset)
    if (lineEnd < 0 || ++partCount > MAX_PARTS) return undefined
    // In a part without headers, the empty line starts at lineEnd.
    const headerEnd = body.subarray(lineEnd, lineEnd + MAX_HEADER_BYTES).indexOf('\r\n\r\n')
    if (headerEnd < 0) return undefined
    const start = lineEnd + headerEnd + 4
    const end = body.indexOf(nextDelimiter, start - 2)
    if (end < 0) return undefined
    const part = createPart(body.toString('utf8', lineEnd, lineEnd + headerEnd), body.subarray(start, end))
    if (part) parts.push(part)
    offset = end + nextDelimiter.length
  }
  return parts
}

function createPart(headers: string, bytes: Buffer): Part | undefined {
  const disposition = /\r\ncontent-disposition:([^\r\n]*)/i.exec(headers)?.[1]
  const name = disposition && parameterOf(disposition, 'name')
  if (disposition === undefined || name === undefined) return undefined
  const type = /\r\ncontent-type:\s*([^\r\n;\s]+)/i.exec(headers)?.[1]?.toLowerCase()
  return { name, fileName: fileNameOf(disposition), type, bytes }
}

function fileNameOf(disposition: string): string | undefined {
  const plain = parameterOf(disposition, 'filename')
  if (plain !== undefined) return plain
  const encoded = /;\s*filename\*=(?:utf-8)?'[^']*'([^;\s]*)/i.exec(disposition)?.[1]
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** Returns the value of a parameter, quoted or unquoted. Clients escape a quote as `%22` or with a backslash. */
function parameterOf(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s"]+))`, 'i').exec(disposition)
  return (match?.[1] ?? match?.[2])?.replace(/\\(.)/g, '$1').replace(/%22/g, '"')
}
