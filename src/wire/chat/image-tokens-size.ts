/** A picture's size in pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** So much of a JPEG is read to find its size, which stands behind embedded previews and profiles; in base64. */
const longestHeader = 400_000

/** PNG, GIF and WebP have theirs at the start; a multiple of 4 base64 characters. */
const shortHeader = 64

/** Services that make pictures to size have it in the address: `/800x400`. */
const sizeInAddress = /[/_-](\d{2,4})x(\d{2,4})(?=[/._?&#-]|$)/

/**
 * The size of a picture: read from the first bytes of a data URL (PNG, JPEG, GIF, WebP), or from an address that names
 * it. Undefined where neither tells; nothing is fetched.
 */
export function imageSize(url: string): ImageSize | undefined {
  if (!url.startsWith('data:')) {
    const [, width, height] = sizeInAddress.exec(url.slice(0, 2_000)) ?? []
    return sized(Number(width), Number(height))
  }
  const start = url.indexOf(',') + 1
  if (start === 0) return undefined
  const head = bytesOf(url, start, shortHeader)
  if (head[0] === 0xff && head[1] === 0xd8) return jpegSize(bytesOf(url, start, longestHeader))
  return head.length < 30 ? undefined : (pngSize(head) ?? gifSize(head) ?? webpSize(head))
}

function bytesOf(url: string, start: number, chars: number): Buffer {
  return Buffer.from(url.slice(start, start + chars), 'base64')
}

function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.readUInt32BE(0) !== 0x8950_4e47) return undefined
  return sized(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
}

function gifSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.toString('latin1', 0, 3) !== 'GIF') return undefined
  return sized(bytes.readUInt16LE(6), bytes.readUInt16LE(8))
}

/** WebP has three kinds of contents: lossy, lossless and extended (RFC 9649). */
function webpSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.toString('latin1', 8, 12) !== 'WEBP') return undefined
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return sized(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21)
      return sized((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 'VP8X':
      return sized(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
    default:
      return undefined
  }
}

/** Walks from segment to segment to the start of the frame (ITU T.81), which holds height and width. */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return sized(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5))
    // Fill bytes may stand before a marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

function sized(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
