import type { Model } from '../models/models.ts'
import type { ImageReference } from './chat-request.ts'

/** Models that see pictures in tiles of 512 x 512 pixels. */
interface TilePrice {
  readonly base: number
  readonly perTile: number
}

/** Models that see pictures in patches of 32 x 32 pixels, up to `budget` of them. */
interface PatchPrice {
  readonly budget: number
  readonly multiplier: number
}

const gpt4o: TilePrice = { base: 85, perTile: 170 }

/**
 * Prices by the start of the model's name; the longest one counts. OpenAI, "Images and vision", and the calculator
 * of jamesmcroft/openai-image-token-calculator, both 2026.
 */
const prices: Readonly<Record<string, TilePrice | PatchPrice>> = {
  'gpt-4o-mini': { base: 2_833, perTile: 5_667 },
  'gpt-4.1-mini': { budget: 1_536, multiplier: 1.62 },
  'gpt-4.1-nano': { budget: 1_536, multiplier: 2.46 },
  'gpt-5': { base: 70, perTile: 140 },
  'gpt-5-mini': { budget: 1_536, multiplier: 1.62 },
  'gpt-5-nano': { budget: 1_536, multiplier: 2.46 },
  'gpt-5.2-codex': { budget: 1_536, multiplier: 1 },
  'gpt-5.3-codex': { budget: 1_536, multiplier: 1 },
  'gpt-5.4': { budget: 2_500, multiplier: 1 },
  'gpt-5.4-mini': { budget: 1_536, multiplier: 1.62 },
  'gpt-5.4-nano': { budget: 1_536, multiplier: 2.46 },
  'gpt-5.5': { budget: 2_500, multiplier: 1 },
  'gpt-5.6': { budget: 2_500, multiplier: 1 },
  'gpt-6': { budget: 2_500, multiplier: 1 },
  o1: { base: 75, perTile: 150 },
  o3: { base: 75, perTile: 150 },
  'o4-mini': { budget: 1_536, multiplier: 1.72 },
  'computer-use-preview': { base: 65, perTile: 129 },
}

const prefixesLongestFirst = Object.keys(prices).sort((a, b) => b.length - a.length)

/** What a picture of unknown size is taken for: one at an address, which is not fetched, or in an unknown format. */
const defaultImageSize: ImageSize = { width: 1_024, height: 1_024 }

/** The side to which a picture is shrunk that is only wanted in low detail. */
const LOW_DETAIL_SIDE = 512

/**
 * The tokens that a picture costs.
 *
 * @param detail absent and `auto` mean `high`
 * @param width in pixels, as is `height`
 */
export function countImageTokens(
  model: Model,
  detail: string | null | undefined,
  width: number,
  height: number,
): number {
  const name = prefixesLongestFirst.find((start) => model.name.startsWith(start))
  const price = (name && prices[name]) || gpt4o
  if ('base' in price) {
    return detail === 'low' ? price.base : price.base + price.perTile * countTiles(width, height)
  }
  const shrink = detail === 'low' ? Math.min(1, LOW_DETAIL_SIDE / Math.max(width, height)) : 1
  const patches = countPatches(width * shrink, height * shrink, price.budget)
  return Math.ceil(patches * price.multiplier)
}

/** The tokens of a picture in a message. */
export function countImagePart({ url, detail }: ImageReference, model: Model): number {
  const { width, height } = imageSize(url) ?? defaultImageSize
  return countImageTokens(model, detail, width, height)
}

/** Fits the picture into 2,048 x 2,048, then shrinks its shorter side to 768 pixels, and covers it. */
function countTiles(width: number, height: number): number {
  const fit = Math.min(1, 2_048 / Math.max(width, height))
  const scale = fit * Math.min(1, 768 / (Math.min(width, height) * fit))
  return tiles(width * scale, 512) * tiles(height * scale, 512)
}

/** Shrinks the picture until its patches are within the budget, by whole patches of one of its sides. */
function countPatches(width: number, height: number, budget: number): number {
  const patches = tiles(width, 32) * tiles(height, 32)
  if (patches <= budget) return patches
  const shrink = Math.sqrt((32 * 32 * budget) / (width * height))
  const across = (width * shrink) / 32
  const down = (height * shrink) / 32
  const whole = shrink * Math.min(Math.floor(across) / across || 1, Math.floor(down) / down || 1)
  return Math.min(budget, tiles(width * whole, 32) * tiles(height * whole, 32))
}

/** How many pieces of a length cover a side; 768.0000001 pixels are 768. */
function tiles(side: number, length: number): number {
  return Math.max(1, Math.ceil(Math.round(side * 1_000) / 1_000 / length))
}

/** A picture's size in pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** So much of a JPEG is read to find its size, which stands behind embedded previews and profiles; in base64. */
const MAX_HEADER_LENGTH = 400_000

/** PNG, GIF and WebP have theirs at the start; a multiple of 4 base64 characters. */
const SHORT_HEADER = 64

/** Services that make pictures to size have it in the address: `/800x400`. */
const sizeInUrl = /[/_-](\d{2,4})x(\d{2,4})(?=[/._?&#-]|$)/

/**
 * The size of a picture: read from the first bytes of a data URL (PNG, JPEG, GIF, WebP), or from an address that names
 * it. Undefined where neither tells; nothing is fetched.
 */
export function imageSize(url: string): ImageSize | undefined {
  if (!url.startsWith('data:')) {
    const [, width, height] = sizeInUrl.exec(url.slice(0, 2_000)) ?? []
    return validSize(Number(width), Number(height))
  }
  const start = url.indexOf(',') + 1
  if (start === 0) return undefined
  const head = bytesOf(url, start, SHORT_HEADER)
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

/** WebP has three kinds of contents: lossy, lossless and extended (RFC 9649). */
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

/** Walks from segment to segment to the start of the frame (ITU T.81), which holds height and width. */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return validSize(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5))
    // Fill bytes may stand before a marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

function validSize(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
