import type { Model } from '../models/models.ts'
import { imageSize, type ImageSize } from '../media/picture.ts'
import type { ImageReference } from './chat-request.ts'

/** Price of models that process images in tiles of 512 x 512 pixels. */
interface TilePrice {
  readonly base: number
  readonly perTile: number
}

/** The largest image of a detail that is not scaled down. */
interface ImageLimits {
  /** Number of patches of 32 x 32 pixels. */
  readonly patches: number
  /** Length of a side in pixels. */
  readonly side: number
}

/** Price of models that process images in patches of 32 x 32 pixels. */
interface PatchPrice {
  /** Tokens per patch. */
  readonly multiplier: number
  readonly high: ImageLimits
  /** Default: as `high`. */
  readonly original?: ImageLimits
  /** The detail of images with `auto` or none. Default: `high`. */
  readonly auto?: 'original'
}

const gpt4o: TilePrice = { base: 85, perTile: 170 }

const upTo1536: ImageLimits = { patches: 1_536, side: 2_048 }
const upTo2500: ImageLimits = { patches: 2_500, side: 2_048 }
const upTo10000: ImageLimits = { patches: 10_000, side: 6_000 }
/** The service rejects larger images instead of scaling them down. */
const upTo30000: ImageLimits = { patches: 30_000, side: 65_535 }

const gpt52: PatchPrice = { multiplier: 1.2, high: upTo1536 }
const gpt56: PatchPrice = { multiplier: 1.2, high: upTo2500, original: upTo30000, auto: 'original' }

/**
 * Prices by prefix of the model name. The longest match applies. Limits: OpenAI, "Images and vision", 2026. Multipliers: bills of
 * images with known sizes. The documented multipliers of gpt-5-mini (1.62) and gpt-5-nano (2.46) are not billed.
 */
const prices: Readonly<Record<string, TilePrice | PatchPrice>> = {
  'gpt-4o-mini': { base: 2_833, perTile: 5_667 },
  'gpt-4.1-mini': { multiplier: 1.62, high: upTo1536 },
  'gpt-4.1-nano': { multiplier: 2.46, high: upTo1536 },
  'gpt-5': { base: 70, perTile: 140 },
  'gpt-5-mini': gpt52,
  'gpt-5-nano': { multiplier: 1.5, high: upTo1536 },
  'gpt-5.1-codex-mini': gpt52,
  'gpt-5.2': gpt52,
  'gpt-5.3': gpt52,
  'gpt-5.4': { multiplier: 1.2, high: upTo2500, original: upTo10000 },
  'gpt-5.4-mini': gpt52,
  'gpt-5.4-nano': gpt52,
  'gpt-5.5': { multiplier: 1.2, high: upTo2500, original: upTo10000, auto: 'original' },
  'gpt-5.6': gpt56,
  'gpt-6': gpt56,
  o1: { base: 75, perTile: 150 },
  o3: { base: 75, perTile: 150 },
  'o4-mini': { multiplier: 1.72, high: upTo1536 },
  'computer-use-preview': { base: 65, perTile: 129 },
}

const prefixesLongestFirst = Object.keys(prices).sort((a, b) => b.length - a.length)

/** Default for images of unknown size: URLs, which are not fetched, and unknown formats. */
const defaultImageSize: ImageSize = { width: 1_024, height: 1_024 }

/** In low detail, images are scaled down to this length of the longer side, in pixels. */
const LOW_DETAIL_SIDE = 512

/** Per image of a model that processes patches, in addition to the patches. */
const TOKENS_PER_PATCHED_IMAGE = 1

/**
 * Counts the tokens of an image.
 *
 * @param detail absent means `auto`
 * @param width in pixels
 * @param height in pixels
 */
export function countImageTokens(
  model: Model,
  detail: string | null | undefined,
  width: number,
  height: number,
): number {
  const prefix = prefixesLongestFirst.find((prefix) => model.name.startsWith(prefix))
  const price = (prefix && prices[prefix]) || gpt4o
  if ('base' in price) {
    return detail === 'low' ? price.base : price.base + price.perTile * countTiles(width, height)
  }
  const patches = countPatches(width, height, limitsOf(price, detail))
  return Math.ceil(patches * price.multiplier) + TOKENS_PER_PATCHED_IMAGE
}

function limitsOf(
  { high, original = high, auto }: PatchPrice,
  detail: string | null | undefined,
): ImageLimits {
  if (detail === 'low') return { ...high, side: LOW_DETAIL_SIDE }
  if (detail === 'high') return high
  return detail === 'original' || auto === 'original' ? original : high
}

/** Counts the tokens of an image in a message. */
export function countImagePart({ url, detail }: ImageReference, model: Model): number {
  const { width, height } = imageSize(url) ?? defaultImageSize
  return countImageTokens(model, detail, width, height)
}

/** Price of a picture that is edited, in tiles with another side. */
const editedImage: TilePrice = { base: 65, perTile: 129 }
const EDITED_SHORT_SIDE = 512

/** Additional tokens of a picture that the answer follows closely, by whether it is about square. */
const FIDELITY_TOKENS = { square: 4_160, oblong: 6_240 }

/** Above this ratio of its sides, a picture counts as portrait or landscape (an assumption). */
const MAX_SQUARE_RATIO = 1.25

/**
 * Counts the tokens of a picture that an image model edits (OpenAI, "Images and vision").
 *
 * @param fidelity how closely the answer follows the picture
 */
export function countEditedImage({ width, height }: ImageSize, fidelity: 'high' | 'low'): number {
  const tokens = editedImage.base + editedImage.perTile * countTiles(width, height, EDITED_SHORT_SIDE)
  if (fidelity === 'low') return tokens
  const ratio = Math.max(width, height) / Math.min(width, height)
  return tokens + (ratio <= MAX_SQUARE_RATIO ? FIDELITY_TOKENS.square : FIDELITY_TOKENS.oblong)
}

/** Scales the image down to 2,048 x 2,048, then its shorter side to 768 pixels. Returns the number of tiles. */
function countTiles(width: number, height: number, shortSide = 768): number {
  const fit = Math.min(1, 2_048 / Math.max(width, height))
  const scale = fit * Math.min(1, shortSide / (Math.min(width, height) * fit))
  return tiles(width * scale, 512) * tiles(height * scale, 512)
}

/** Scales the image down until its sides and patches are within the limits, and one side consists of whole patches. */
function countPatches(fullWidth: number, fullHeight: number, limits: ImageLimits): number {
  const fit = Math.min(1, limits.side / Math.max(fullWidth, fullHeight))
  const width = fullWidth * fit
  const height = fullHeight * fit
  const patches = tiles(width, 32) * tiles(height, 32)
  if (patches <= limits.patches) return patches
  const shrink = Math.sqrt((32 * 32 * limits.patches) / (width * height))
  const across = (width * shrink) / 32
  const down = (height * shrink) / 32
  const whole = shrink * Math.min(Math.floor(across) / across || 1, Math.floor(down) / down || 1)
  return Math.min(limits.patches, tiles(width * whole, 32) * tiles(height * whole, 32))
}

/** Returns the number of tiles along a side. Rounded, so that 768.0000001 pixels count as 768. */
function tiles(side: number, length: number): number {
  return Math.max(1, Math.ceil(Math.round(side * 1_000) / 1_000 / length))
}
