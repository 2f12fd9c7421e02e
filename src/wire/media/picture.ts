/** The size of an image in pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** What the header of an image file contains. */
export interface Picture {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp'
  /** Undefined if the given bytes end before it. */
  readonly size: ImageSize | undefined
}

/** In a JPEG, the size follows embedded previews and profiles. Length in base64 characters, a multiple of 4. */
const MAX_HEADER_LENGTH = 400_000

/** PNG, GIF and WebP start with the size. Length in base64 characters, a multiple of 4. */
const SHORT_HEADER_LENGTH = 64

/** Services that scale images have the size in the URL: `/800x400`. */
const sizeInUrl = /[/_-](\d{2,4})x(\d{2,4})(?=[/._?&#-]|$)/

/**
 * Returns the size of an image from the first bytes of a data URL (PNG, JPEG, GIF, WebP), or from a URL that contains it.
 * Undefined if it is unknown. Does not fetch the URL.
 */
export function imageSize(url: string): ImageSize | undefined {
  if (!url.startsWith('data:')) {
    const [, width, height] = sizeInUrl.exec(url.slice(0, 2_000)) ?? []
    return validSize(Number(width), Number(height))
  }
  const start = url.indexOf(',') + 1
  return start === 0 ? undefined : pictureInBase64(url, start)?.size
}

/** Reads the header of an image in base64 that starts at an offset. Decodes no more than the header. */
export function pictureInBase64(text: string, start: number): Picture | undefined {
  const head = bytesOf(text, start, SHORT_HEADER_LENGTH)
  if (!isJpeg(head)) return readPicture(head)
  return readPicture(bytesOf(text, start, MAX_HEADER_LENGTH), text.length - start <= MAX_HEADER_LENGTH)
}

function bytesOf(text: string, start: number, chars: number): Buffer {
  return Buffer.from(text.slice(start, start + chars), 'base64')
}

/**
 * Reads the header of an image file. Returns undefined for other formats and incomplete headers.
 *
 * @param isWhole whether `bytes` is the whole file. The size of a JPEG can follow later than the start of a file.
 */
export function readPicture(bytes: Buffer, isWhole = true): Picture | undefined {
  if (isJpeg(bytes)) {
    const size = jpegSize(bytes)
    return size || !isWhole ? { format: 'jpeg', size } : undefined
  }
  return pngPicture(bytes) ?? gifPicture(bytes) ?? webpPicture(bytes)
}

function isJpeg(bytes: Buffer): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** The first chunk is `IHDR` with 13 bytes. */
function pngPicture(bytes: Buffer): Picture | undefined {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return undefined
  if (bytes.readUInt32BE(8) !== 13 || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return picture('png', bytes.readUInt32BE(16), bytes.readUInt32BE(20))
}

function gifPicture(bytes: Buffer): Picture | undefined {
  if (bytes.length < 13 || !/^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) return undefined
  return picture('gif', bytes.readUInt16LE(6), bytes.readUInt16LE(8))
}

/** WebP has three formats: lossy, lossless and extended (RFC 9649). */
function webpPicture(bytes: Buffer): Picture | undefined {
  const isWebp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP'
  if (bytes.length < 30 || !isWebp) return undefined
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return picture('webp', bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21)
      return picture('webp', (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 'VP8X':
      return picture('webp', bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
    default:
      return undefined
  }
}

/** Skips segments up to the start of the frame, which contains height and width (ITU T.81). */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  let offset = 2
  while (offset + 9 <= bytes.length) {
    if (bytes[offset] !== 0xff) return undefined
    const marker = bytes[offset + 1] ?? 0
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return validSize(bytes.readUInt16BE(offset + 7), bytes.readUInt16BE(offset + 5))
    // A marker can be preceded by fill bytes.
    offset += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(offset + 2)
  }
  return undefined
}

function picture(format: Picture['format'], width: number, height: number): Picture | undefined {
  const size = validSize(width, height)
  return size && { format, size }
}

function validSize(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
