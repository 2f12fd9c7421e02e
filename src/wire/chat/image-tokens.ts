import { imageSize, type ImageSize } from './image-tokens-size.ts'
import type { Model } from '../models/models.ts'
import type { ImageReference } from './chat-message.ts'

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

const namesLongestFirst = Object.keys(prices).sort((a, b) => b.length - a.length)

/** What a picture of unknown size is taken for: one at an address, which is not fetched, or in an unknown format. */
const defaultImageSize: ImageSize = { width: 1_024, height: 1_024 }

/** The side to which a picture is shrunk that is only wanted in low detail. */
const lowDetailSide = 512

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
  const name = namesLongestFirst.find((start) => model.name.startsWith(start))
  const price = (name && prices[name]) || gpt4o
  if ('base' in price) {
    return detail === 'low' ? price.base : price.base + price.perTile * countTiles(width, height)
  }
  const shrink = detail === 'low' ? Math.min(1, lowDetailSide / Math.max(width, height)) : 1
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
