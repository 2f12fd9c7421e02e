import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** A recorded answer beyond this, when unpacked, is not one of the service: no answer may fill the memory. */
const maxOutputLength = 256 * 1024 * 1024

const options = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, options),
  'x-gzip': (bytes) => gunzipSync(bytes, options),
  // The standard means zlib's format; some servers send the bare one.
  deflate: (bytes) =>
    (bytes[0] ?? 0) % 16 === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options),
  br: (bytes) => brotliDecompressSync(bytes, { maxOutputLength }),
  identity: (bytes) => bytes,
}

/** A body without its content codings, or as it was where those cannot be undone. */
export interface DecodedBody {
  readonly bytes: Buffer
  /** Whether the `content-encoding` of the answer still says the truth. */
  readonly encoded: boolean
}

/**
 * Undoes the codings of `content-encoding`. Recorders often store the unpacked body beside the header (VCR.py's
 * httpx support does), and packed ones as the text that Latin-1 makes of them; both are understood.
 */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined): DecodedBody {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '')
  if (codings.length === 0 || bytes.length === 0) return { bytes, encoded: false }
  for (const candidate of [bytes, fromLatin1Text(bytes)]) {
    const decoded = candidate && undo(candidate, codings)
    if (decoded) return { bytes: decoded, encoded: false }
  }
  // What reads as text was not packed; anything else is packed in a way that the client may understand.
  return { bytes, encoded: !isText(bytes) }
}

function undo(bytes: Buffer, codings: readonly string[]): Buffer | undefined {
  try {
    return codings.reduceRight<Buffer>((packed, coding) => {
      const decode = decoders[coding]
      if (!decode) throw new Error('unknown coding')
      return decode(packed)
    }, bytes)
  } catch {
    return undefined
  }
}

/** The bytes of a text in which each character stands for one byte; undefined for any other text. */
function fromLatin1Text(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString()
  const back = Buffer.from(text, 'latin1')
  return text.length < bytes.length && back.toString('latin1') === text ? back : undefined
}

function isText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 1_000).toString()
  return !/(?!\s)\p{Cc}/u.test(head) && !/\ufffd./s.test(head)
}
