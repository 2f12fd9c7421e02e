import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Lifetime of an image URL (Azure documentation: 24 hours). */
const VALID_MS = 24 * 60 * 60 * 1_000

const fileName = 'generated_00.png'

/** Above the size of any spec: its text has at most 4,000 ASCII characters. */
const MAX_SPEC_BYTES = 32_768

/** Data for an image URL. */
export interface ImageUrlFacts {
  /** `https://my.host:8000`, without a trailing slash. */
  readonly origin: string
  /** Path segment, a GUID as on the service. */
  readonly id: string
  /** Name of the resource; absent for the default resource. */
  readonly resource?: string | undefined
  /** Key of the resource, which signs the URL. */
  readonly apiKey: string
  readonly epochMs: number
}

/**
 * Creates a URL that contains the compressed picture spec, its expiry time and a signature. Nothing is stored, and
 * every process with the same key can serve it.
 */
export function createImageUrl(
  spec: PictureSpec,
  { origin, id, resource, apiKey, epochMs }: ImageUrlFacts,
): string {
  const path = `/images/${id}/${fileName}`
  const end = `${new Date(epochMs + VALID_MS).toISOString().slice(0, 19)}Z`
  const picture = deflateRawSync(JSON.stringify(spec)).toString('base64url')
  const signature = sign(`${path}\n${end}\n${picture}`, apiKey)
  const owner = resource === undefined ? '' : `&r=${resource}`
  return `${origin}${path}?se=${encodeURIComponent(end)}&p=${picture}${owner}&sig=${signature}`
}

/** Returns the name of the resource that an image URL names; undefined for the default resource. */
export function resourceOfImage(query: Readonly<Record<string, string | undefined>>): string | undefined {
  return query['r']
}

/**
 * Returns the picture spec of an image URL, or undefined if the URL was modified or has expired.
 *
 * @param apiKey key of the resource that the URL names
 */
export function readImageUrl(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  apiKey: string,
  epochMs: number,
): PictureSpec | undefined {
  const end = query['se'] ?? ''
  const picture = query['p'] ?? ''
  // Compare as text, because decoding ignores some bits of the last base64 character.
  const received = Buffer.from(query['sig'] ?? '')
  const expected = Buffer.from(sign(`${path}\n${end}\n${picture}`, apiKey))
  if (received.length !== expected.length || !timingSafeEqual(received, expected)) return undefined
  if (!(Date.parse(end) > epochMs)) return undefined
  const json = inflateRawSync(Buffer.from(picture, 'base64url'), { maxOutputLength: MAX_SPEC_BYTES })
  // The signature proves that the JSON was written by createImageUrl.
  return JSON.parse(json.toString()) as PictureSpec
}

/** The signing key is a hash of the key and a purpose, so that a signature is valid for image URLs only. */
function sign(text: string, apiKey: string): string {
  const key = createHash('sha256').update(`image-url\n${apiKey}`).digest()
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** Complete description of a picture. Equal specs produce equal bytes. */
export interface PictureSpec {
  /** Text in the picture. Characters outside the font are drawn as boxes. */
  readonly text: string
  /** Caption with the model and the size. */
  readonly caption: string
  readonly width: number
  readonly height: number
  /** Selects colours and pattern; an unsigned 32-bit integer. */
  readonly hash: number
  readonly transparent: boolean
  /** Finished share of the picture, from the top: 1, or less for a partial image of a stream. */
  readonly finished: number
}
