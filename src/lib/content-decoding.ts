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

/** A megabyte can be a gigabyte when it is unpacked, so that a recording could fill the memory. */
const MAX_OUTPUT_LENGTH = 64 * 1024 * 1024

/** No server applies more codings one after the other. */
const MAX_CODINGS = 4

const options = { maxOutputLength: MAX_OUTPUT_LENGTH, finishFlush: constants.Z_SYNC_FLUSH }

interface Decoder {
  readonly sync: (bytes: Buffer) => Buffer
  /** Does the same on another thread. */
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
  // The standard means zlib's format; some servers send the bare one.
  deflate: {
    sync: (bytes) => (isZlib(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options)),
    async: (bytes) => (promisify(isZlib(bytes) ? inflate : inflateRaw) as Decompress)(bytes, options),
  },
  br: {
    sync: (bytes) => brotliDecompressSync(bytes, { maxOutputLength: MAX_OUTPUT_LENGTH }),
    async: (bytes) =>
      (promisify(brotliDecompress) as Decompress)(bytes, { maxOutputLength: MAX_OUTPUT_LENGTH }),
  },
  identity: { sync: (bytes) => bytes, async: (bytes) => Promise.resolve(bytes) },
}

function isZlib(bytes: Buffer): boolean {
  return (bytes[0] ?? 0) % 16 === 8
}

/** A body without its content codings, or as it was where those cannot be undone. */
export interface DecodedBody {
  readonly bytes: Buffer
  /** Whether the `content-encoding` of the answer still says the truth. */
  readonly encoded: boolean
  /** Whether it would have more than 64 MB, and stays as it is for that. */
  readonly isTooLarge: boolean
}

/**
 * Undoes the codings of `content-encoding`. Recorders often store the unpacked body beside the header (VCR.py's
 * httpx support does), and packed ones as the text that Latin-1 makes of them; both are understood.
 */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined): DecodedBody {
  const attempts = attemptsOf(bytes, contentEncoding)
  if (!attempts) return decoded(bytes)
  const failures: unknown[] = []
  for (const { packed, steps } of attempts) {
    try {
      return decoded(steps.reduce((body, { sync: now }) => now(body), packed))
    } catch (error) {
      failures.push(error)
    }
  }
  return undecoded(bytes, failures)
}

/** Does the same without holding up others. */
export async function decodeBodyAsync(
  bytes: Buffer,
  contentEncoding: string | undefined,
): Promise<DecodedBody> {
  const attempts = attemptsOf(bytes, contentEncoding)
  if (!attempts) return decoded(bytes)
  const failures: unknown[] = []
  for (const { packed, steps } of attempts) {
    try {
      let body = packed
      for (const { async: later } of steps) body = await later(body)
      return decoded(body)
    } catch (error) {
      failures.push(error)
    }
  }
  return undecoded(bytes, failures)
}

interface Attempt {
  readonly packed: Buffer
  readonly steps: readonly Decoder[]
}

/** What to try, in this order; nothing where the body is not packed, or in a way that is not known. */
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
  return [{ packed: bytes, steps }, ...(fromText ? [{ packed: fromText, steps }] : [])]
}

function decoded(bytes: Buffer): DecodedBody {
  return { bytes, encoded: false, isTooLarge: false }
}

/** What reads as text was not packed; anything else is packed in a way that the client may understand. */
function undecoded(bytes: Buffer, failures: readonly unknown[]): DecodedBody {
  const isTooLarge = failures.some(
    (error) => (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE',
  )
  return { bytes, encoded: isTooLarge || !isText(bytes), isTooLarge }
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
