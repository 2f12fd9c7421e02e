import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** How long a URL of an image answers (Azure's documentation: 24 hours). */
const VALID_MS = 24 * 60 * 60 * 1_000

const fileName = 'generated_00.png'

/** More than any spec has: its text is at most 4,000 characters of ASCII. */
const MAX_SPEC_BYTES = 32_768

/** What a URL of an image is made from. */
export interface ImageUrlFacts {
  /** `https://my.host:8000`, without a slash at the end. */
  readonly origin: string
  /** Stands in the path, as the service's GUID does. */
  readonly id: string
  /** The resource's key, which signs the URL. */
  readonly apiKey: string
  readonly epochMs: number
}

/**
 * Makes a URL that holds the whole picture in few characters, with its end of life and a signature: nothing is kept in
 * memory, and every process with the same key can answer it.
 */
export function createImageUrl(spec: PictureSpec, { origin, id, apiKey, epochMs }: ImageUrlFacts): string {
  const path = `/images/${id}/${fileName}`
  const end = `${new Date(epochMs + VALID_MS).toISOString().slice(0, 19)}Z`
  const picture = deflateRawSync(JSON.stringify(spec)).toString('base64url')
  const signature = sign(`${path}\n${end}\n${picture}`, apiKey)
  return `${origin}${path}?se=${encodeURIComponent(end)}&p=${picture}&sig=${signature}`
}

/** The picture of such a URL; undefined when a character of it was changed, or its time is over. */
export function readImageUrl(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  apiKey: string,
  epochMs: number,
): PictureSpec | undefined {
  const end = query['se'] ?? ''
  const picture = query['p'] ?? ''
  // Compared as text: the last character of base64 has bits that decoding would drop.
  const given = Buffer.from(query['sig'] ?? '')
  const expected = Buffer.from(sign(`${path}\n${end}\n${picture}`, apiKey))
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  if (!(Date.parse(end) > epochMs)) return undefined
  const json = inflateRawSync(Buffer.from(picture, 'base64url'), { maxOutputLength: MAX_SPEC_BYTES })
  // The signature says that this is what was written above.
  return JSON.parse(json.toString()) as PictureSpec
}

/** Signed with a hash of the key and a purpose, so that a signature is of no use elsewhere. */
function sign(text: string, apiKey: string): string {
  const key = createHash('sha256').update(`image-url\n${apiKey}`).digest()
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** All that a picture is made from: equal specs give equal bytes. */
export interface PictureSpec {
  /** What stands in the picture; characters that the font does not have become boxes. */
  readonly text: string
  /** The model and what else a reader of the picture wants to know. */
  readonly caption: string
  readonly width: number
  readonly height: number
  /** Chooses colours and pattern; an unsigned 32-bit integer. */
  readonly hash: number
  readonly transparent: boolean
  /** The share of the picture that is finished, from the top: 1, or less on the way of a stream. */
  readonly finished: number
}
