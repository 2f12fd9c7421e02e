/** The size of an image in pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** In a JPEG, the size follows embedded previews and profiles. Length in base64 characters. */
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
  if (start === 0) return undefined
  const head = bytesOf(url, start, SHORT_HEADER_LENGTH)
  if (head[0] === 0xff && head[1] === 0xd8) return jpegSize(bytesOf(url, start, MAX_HEADER_LENGTH))
  return head.length < 30 ? undefined : (pngSize(head) ?? gifSize(head) ?? webpSize(head))
}

function bytesOf(url: string, start: number, chars: number): Buffer {
  return Buffer.from(url.slice(start, start + chars), 'base64')
}

function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.readUInt32BE(0) !== 0x8950_4e47) return undefined
  return validSize(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
}

function gifSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.toString('latin1', 0, 3) !== 'GIF') return undefined
  return validSize(bytes.readUInt16LE(6), bytes.readUInt16LE(8))
}

/** WebP has three formats: lossy, lossless and extended (RFC 9649). */
function webpSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.toString('latin1', 8, 12) !== 'WEBP') return undefined
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return validSize(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21)
      return validSize((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 'VP8X':
      return validSize(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
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

function validSize(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
