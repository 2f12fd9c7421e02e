import type { PromptCategory } from '../content-filters.ts'
import { gatewayError, type ServiceError } from '../errors.ts'

/** What answers of the GPT image models tell beside their images. */
export interface ImageFacts {
  /** Seconds since 1970. */
  readonly created: number
  readonly size: string
  readonly quality: string
  readonly background: 'transparent' | 'opaque'
  readonly usage: ImageUsage
}

/** The image of a dall-e-3 answer, as its URL or its bytes. */
export type DalleImage = { readonly url: string } | { readonly png: Buffer }

/** The body of a dall-e-3 answer, keys in the order of Azure/azure-rest-api-specs, with the filter's annotations. */
export function renderDalleImage(created: number, revisedPrompt: string, image: DalleImage): string {
  const revised = `"content_filter_results":${safeImageFilter},"prompt_filter_results":${safeImagePromptFilter},"revised_prompt":${JSON.stringify(revisedPrompt)}`
  const entry =
    'url' in image
      ? `${revised},"url":${JSON.stringify(image.url)}`
      : `"b64_json":"${image.png.toString('base64')}",${revised}`
  return `{"created":${created},"data":[{${entry}}]}`
}

/** The body of an answer of a GPT image model (OpenAI's ImagesResponse, keys in alphabetical order). */
export function renderImages(pngs: readonly Buffer[], facts: ImageFacts): string {
  const { created, size, quality, background, usage } = facts
  const data = pngs.map((png) => `{"b64_json":"${png.toString('base64')}"}`).join(',')
  return `{"created":${created},"background":"${background}","data":[${data}],"output_format":"png","quality":"${quality}","size":"${size}","usage":${usageJson(usage)}}`
}

/** An event of a stream of images: one that is unfinished, with its number, or the finished one. */
export function renderImageEvent(png: Buffer, facts: ImageFacts, partialIndex?: number): string {
  const { created, size, quality, background, usage } = facts
  const partial = partialIndex !== undefined
  const type = `image_generation.${partial ? 'partial_image' : 'completed'}`
  const end = partial ? `"partial_image_index":${partialIndex}` : `"usage":${usageJson(usage)}`
  const data = `{"type":"${type}","b64_json":"${png.toString('base64')}","created_at":${created},"size":"${size}","quality":"${quality}","background":"${background}","output_format":"png",${end}}`
  return `event: ${type}\ndata: ${data}\n\n`
}

function usageJson({ textTokens, imageTokens }: ImageUsage): string {
  return `{"input_tokens":${textTokens},"input_tokens_details":{"image_tokens":0,"text_tokens":${textTokens}},"output_tokens":${imageTokens},"output_tokens_details":{"image_tokens":${imageTokens},"text_tokens":0},"total_tokens":${textTokens + imageTokens}}`
}

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
const LATER_MODELS_SHARE = 229 / 272

/** Each unfinished image of a stream costs these (OpenAI, "Image generation"). */
const PARTIAL_IMAGE_TOKENS = 100

const SQUARE_PIXELS = 1024 * 1024
const OBLONG_PIXELS = 1024 * 1536

/** The output tokens of one image. Sizes without a row of their own cost by their pixels (an assumption). */
export function imageTokensOf(model: string, size: string, quality: string, partialImages: number): number {
  const { width, height } = parseSize(size)
  const [square, upright, wide] = tokensOf[quality as Quality] ?? tokensOf.medium
  const [tokens, pixels] =
    width === height
      ? [square, SQUARE_PIXELS]
      : height > width
        ? [upright, OBLONG_PIXELS]
        : [wide, OBLONG_PIXELS]
  const share = model.startsWith('gpt-image-1') ? 1 : LATER_MODELS_SHARE
  return Math.round(((tokens * width * height) / pixels) * share) + partialImages * PARTIAL_IMAGE_TOKENS
}

/** The width and height that a size of the form `1024x1536` names. */
export function parseSize(size: string): { readonly width: number; readonly height: number } {
  const [width = 0, height = 0] = size.split('x', 2).map(Number)
  return { width, height }
}

/**
 * 400: the content filter refuses the prompt of an image. The envelope is not the one of chats: `inner_error` and
 * `type` as in reports of 2025 and 2026 (BerriAI/litellm 16072, 19372).
 */
export function imagePromptFiltered(category: PromptCategory, revisedPrompt: string): ServiceError {
  return {
    status: 400,
    code: 'content_policy_violation',
    type: 'invalid_request_error',
    message:
      'Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.',
    param: null,
    inner: { category, revisedPrompt },
    layer: 'filter',
    envelope: 'sorted',
  }
}

/** 400: the content filter refuses the image that was made. Code and text are from general knowledge, not captured. */
export function imageFiltered(): ServiceError {
  const message = 'Generated image was filtered as a result of our safety system.'
  return gatewayError('filter', 400, 'contentFilter', message, 'sorted')
}

/**
 * The annotations of Azure's content filter for images that pass, as JSON (Azure/azure-rest-api-specs,
 * `dalleContentFilterResults` and `dalleFilterResults`; order of the service's newest era).
 */

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** What the filter says of a generated image. */
const safeImageFilter = `{"hate":${safe},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`

/** What the filter says of the prompt of an image; unlike a chat's, it looks for profanity. */
const safeImagePromptFilter = `{"hate":${safe},"profanity":${undetected},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`
