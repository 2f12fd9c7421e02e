import { parseSize } from './picture-spec.ts'

/** What an image of the GPT image models is billed. */
export interface ImageUsage {
  readonly textTokens: number
  readonly imageTokens: number
}

type Quality = 'low' | 'medium' | 'high'

/** Output tokens of gpt-image-1 by quality, for square, upright and wide images (OpenAI, "Image generation"). */
const tokensOf: Readonly<Record<Quality, readonly [square: number, upright: number, wide: number]>> = {
  low: [272, 408, 400],
  medium: [1_056, 1_584, 1_568],
  high: [4_160, 6_240, 6_208],
}

/** gpt-image-2 was seen to bill 229 tokens for a square image of low quality, where gpt-image-1 bills 272. */
const laterModelsShare = 229 / 272

/** Each unfinished image of a stream costs these (OpenAI, "Image generation"). */
const partialImageTokens = 100

const squarePixels = 1024 * 1024
const oblongPixels = 1024 * 1536

/** The output tokens of one image. Sizes without a row of their own cost by their pixels (an assumption). */
export function imageTokensOf(model: string, size: string, quality: string, partialImages: number): number {
  const { width, height } = parseSize(size)
  const [square, upright, wide] = tokensOf[quality as Quality] ?? tokensOf.medium
  const [tokens, pixels] =
    width === height
      ? [square, squarePixels]
      : height > width
        ? [upright, oblongPixels]
        : [wide, oblongPixels]
  const share = model.startsWith('gpt-image-1') ? 1 : laterModelsShare
  return Math.round(((tokens * width * height) / pixels) * share) + partialImages * partialImageTokens
}
