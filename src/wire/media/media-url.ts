import { pictureInBase64 } from './picture.ts'

/** What is wrong with the URL of a picture or the data URL of a file. */
export type UrlProblem =
  /** Neither `http:`, `https:` nor `data:`. */
  | { readonly kind: 'address' }
  /** A data URL with other data than the service accepts. `got` completes "but got". */
  | { readonly kind: 'data-url'; readonly got: string }
  /** The data is no picture. */
  | { readonly kind: 'picture' }
  /** The picture is larger than the limit. */
  | { readonly kind: 'too-large' }

const pictureTypes = new Set(['image/png', 'image/jpeg', 'image/jpg', 'image/gif', 'image/webp'])

/** Checks the URL of a picture. Does not fetch it. The cost does not depend on the size of the picture. */
export function pictureUrlProblem(url: string, maxBytes: number): UrlProblem | undefined {
  if (!isDataUrl(url)) return isWebAddress(url) ? undefined : { kind: 'address' }
  const data = readDataUrl(url, (type) => pictureTypes.has(type))
  if ('kind' in data) return data
  if (base64Bytes(url.length - data.start) > maxBytes) return { kind: 'too-large' }
  return pictureInBase64(url, data.start) ? undefined : { kind: 'picture' }
}

/** Checks the data URL of a file. `accepts` decides about its MIME type. */
export function fileDataProblem(url: string, accepts: (type: string) => boolean): UrlProblem | undefined {
  if (!isDataUrl(url)) return problem("a value without the 'data:' prefix.")
  const data = readDataUrl(url, accepts)
  return 'kind' in data ? data : undefined
}

function isDataUrl(url: string): boolean {
  return /^data:/i.test(url)
}

/** Whether a URL can be fetched: `http` or `https` with a host. */
export function isWebAddress(url: string): boolean {
  return /^https?:\/\/[^/?#\s]/i.test(url) && URL.canParse(url)
}

/** Number of bytes of base64 text. */
export function base64Bytes(chars: number): number {
  return Math.floor((chars * 3) / 4)
}

/** Characters before the data: the MIME type, its parameters and `;base64`. */
const MAX_TYPE_LENGTH = 512

/** Characters at each end of the data that are checked. The rest of a large file is not read. */
const CHECKED_LENGTH = 65_536

function readDataUrl(
  url: string,
  accepts: (type: string) => boolean,
): UrlProblem | { readonly start: number } {
  const comma = url.slice(0, MAX_TYPE_LENGTH).indexOf(',')
  const [type = '', ...parameters] = (comma === -1 ? '' : url.slice('data:'.length, comma)).split(';')
  if (parameters.at(-1)?.trim().toLowerCase() !== 'base64') {
    return problem("a value without the ';base64' separator.")
  }
  if (!accepts(type.trim().toLowerCase())) return problem(`unsupported MIME type '${type}'.`)
  const start = comma + 1
  if (start === url.length) return problem('empty base64-encoded bytes.')
  return isBase64(url, start) ? { start } : problem('an invalid base64-encoded value.')
}

function problem(got: string): UrlProblem {
  return { kind: 'data-url', got }
}

/** RFC 4648, with line breaks. Padding is at the end. Linear time: the parts cannot match the same characters. */
const base64Characters = /^[A-Za-z0-9+/\s]*$/
const base64End = /^[A-Za-z0-9+/\s]*={0,2}$/

function isBase64(text: string, start: number): boolean {
  const end = text.slice(Math.max(start, text.length - CHECKED_LENGTH)).trimEnd()
  if (!base64End.test(end)) return false
  const isLong = text.length - start > CHECKED_LENGTH
  if (isLong && !base64Characters.test(text.slice(start, start + CHECKED_LENGTH))) return false
  // The characters of a line break would have to be counted.
  return /\s/.test(end) || (text.trimEnd().length - start) % 4 === 0
}
