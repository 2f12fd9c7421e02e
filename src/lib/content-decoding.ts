import { promisify } from 'node:util'
import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib'

/** Limit of a decompressed body. One megabyte can decompress to a gigabyte. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** Maximum number of codings in one `content-encoding`. */
const MAX_CODINGS = 4

const options = { maxOutputLength: MAX_OUTPUT_BYTES, finishFlush: constants.Z_SYNC_FLUSH }

interface Decoder {
  readonly sync: (bytes: Buffer) => Buffer
  /** Decodes in the thread pool. */
  readonly async: (bytes: Buffer) => Promise<Buffer>
}

type Decompress = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>

const gzip: Decoder = {
  sync: (bytes) => gunzipSync(bytes, options),
  async: (bytes) => (promisify(gunzip) as Decompress)(bytes, options),
}

const decoders: Readonly<Record<string, Decoder>> = {
  gzip,
  'x-gzip': gzip,
  // The standard requires the zlib format. Some servers send raw deflate.
  deflate: {
    sync: (bytes) => (isZlib(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options)),
    async: (bytes) => (promisify(isZlib(bytes) ? inflate : inflateRaw) as Decompress)(bytes, options),
  },
  br: {
    sync: (bytes) => brotliDecompressSync(bytes, { maxOutputLength: MAX_OUTPUT_BYTES }),
    async: (bytes) =>
      (promisify(brotliDecompress) as Decompress)(bytes, { maxOutputLength: MAX_OUTPUT_BYTES }),
  },
  identity: { sync: (bytes) => bytes, async: (bytes) => Promise.resolve(bytes) },
}

function isZlib(bytes: Buffer): boolean {
  return (bytes[0] ?? 0) % 16 === 8
}

/** A body without its content codings, or unchanged if it cannot be decoded. */
export interface DecodedBody {
  readonly bytes: Buffer
  /** Whether the body is still encoded, so that `content-encoding` remains true. */
  readonly encoded: boolean
  /** Whether it is unchanged because it decompresses to more than 64 MB. */
  readonly isTooLarge: boolean
}

/**
 * Decodes a body by its `content-encoding`. Also accepts two forms that recorders store: a decoded body with the header (the
 * httpx support of VCR.py), and an encoded body as Latin-1 text.
 */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined): DecodedBody {
  const attempts = attemptsOf(bytes, contentEncoding)
  if (!attempts) return decoded(bytes)
  const failures: unknown[] = []
  for (const { encoded, steps } of attempts) {
    try {
      return decoded(steps.reduce((body, { sync }) => sync(body), encoded))
    } catch (error) {
      failures.push(error)
    }
  }
  return undecoded(bytes, failures)
}

/** `decodeBody` in the thread pool, without blocking the event loop. */
export async function decodeBodyAsync(
  bytes: Buffer,
  contentEncoding: string | undefined,
): Promise<DecodedBody> {
  const attempts = attemptsOf(bytes, contentEncoding)
  if (!attempts) return decoded(bytes)
  const failures: unknown[] = []
  for (const { encoded, steps } of attempts) {
    try {
      let body = encoded
      for (const decoder of steps) body = await decoder.async(body)
      return decoded(body)
    } catch (error) {
      failures.push(error)
    }
  }
  return undecoded(bytes, failures)
}

interface Attempt {
  readonly encoded: Buffer
  readonly steps: readonly Decoder[]
}

/** The attempts to decode a body, in order. Undefined if it has no coding, empty if a coding is unknown. */
function attemptsOf(bytes: Buffer, contentEncoding: string | undefined): readonly Attempt[] | undefined {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '')
  if (codings.length === 0 || bytes.length === 0) return undefined
  const steps = codings.toReversed().flatMap((coding) => decoders[coding] ?? [])
  if (steps.length < codings.length || steps.length > MAX_CODINGS) return []
  const fromText = fromLatin1Text(bytes)
  return [{ encoded: bytes, steps }, ...(fromText ? [{ encoded: fromText, steps }] : [])]
}

function decoded(bytes: Buffer): DecodedBody {
  return { bytes, encoded: false, isTooLarge: false }
}

/** A body of text is not encoded. Any other body may have a coding that the client supports. */
function undecoded(bytes: Buffer, failures: readonly unknown[]): DecodedBody {
  const isTooLarge = failures.some(
    (error) => (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE',
  )
  return { bytes, encoded: isTooLarge || !isText(bytes), isTooLarge }
}

/** The bytes of a UTF-8 text that has one character for each byte; undefined for any other text. */
function fromLatin1Text(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString()
  const original = Buffer.from(text, 'latin1')
  return text.length < bytes.length && original.toString('latin1') === text ? original : undefined
}

function isText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 1_000).toString()
  return !/(?!\s)\p{Cc}/u.test(head) && !/\ufffd./s.test(head)
}
