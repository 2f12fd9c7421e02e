import type { PromptCategory } from '../content-filters.ts'
import { gatewayError, modelError, type ServiceError } from '../errors.ts'

/** The fields of an answer of a GPT image model in addition to its images. */
export interface ImageFacts {
  /** Seconds since 1970. */
  readonly created: number
  readonly size: string
  readonly quality: string
  readonly background: 'transparent' | 'opaque'
  readonly usage: ImageUsage
}

/** The image of a dall-e-3 answer, as a URL or as bytes. */
export type DalleImage = { readonly url: string } | { readonly png: Buffer }

/** Renders the body of a dall-e-3 answer, with filter results and keys in the order of Azure/azure-rest-api-specs. */
export function renderDalleImage(created: number, revisedPrompt: string, image: DalleImage): string {
  const revised = `"content_filter_results":${safeImageFilter},"prompt_filter_results":${safeImagePromptFilter},"revised_prompt":${JSON.stringify(revisedPrompt)}`
  const entry =
    'url' in image
      ? `${revised},"url":${JSON.stringify(image.url)}`
      : `"b64_json":"${image.png.toString('base64')}",${revised}`
  return `{"created":${created},"data":[{${entry}}]}`
}

/** Renders the body of an answer of a GPT image model (OpenAI's ImagesResponse, keys in alphabetical order). */
export function renderImages(pngs: readonly Buffer[], facts: ImageFacts): string {
  const { created, size, quality, background, usage } = facts
  const data = pngs.map((png) => `{"b64_json":"${png.toString('base64')}"}`).join(',')
  return `{"created":${created},"background":"${background}","data":[${data}],"output_format":"png","quality":"${quality}","size":"${size}","usage":${usageJson(usage)}}`
}

/** The first part of the types of a stream's events. */
export type ImageEventKind = 'image_generation' | 'image_edit'

/** Renders an event of a stream of images: a partial image if `partialIndex` is set, else the final one. */
export function renderImageEvent(
  kind: ImageEventKind,
  png: Buffer,
  facts: ImageFacts,
  partialIndex?: number,
): string {
  const { created, size, quality, background, usage } = facts
  const partial = partialIndex !== undefined
  const type = `${kind}.${partial ? 'partial_image' : 'completed'}`
  const end = partial ? `"partial_image_index":${partialIndex}` : `"usage":${usageJson(usage)}`
  const data = `{"type":"${type}","b64_json":"${png.toString('base64')}","created_at":${created},"size":"${size}","quality":"${quality}","background":"${background}","output_format":"png",${end}}`
  return `event: ${type}\ndata: ${data}\n\n`
}

function usageJson({ textTokens, sourceTokens, imageTokens }: ImageUsage): string {
  const input = textTokens + sourceTokens
  return `{"input_tokens":${input},"input_tokens_details":{"image_tokens":${sourceTokens},"text_tokens":${textTokens}},"output_tokens":${imageTokens},"output_tokens_details":{"image_tokens":${imageTokens},"text_tokens":0},"total_tokens":${input + imageTokens}}`
}

/** The billed tokens of a GPT image model. */
export interface ImageUsage {
  /** Of the prompt. */
  readonly textTokens: number
  /** Of the pictures that are edited. */
  readonly sourceTokens: number
  /** Of the answer. */
  readonly imageTokens: number
}

type Quality = 'low' | 'medium' | 'high'

/** Output tokens of gpt-image-1 by quality and orientation (OpenAI, "Image generation"). */
const outputTokens: Readonly<
  Record<Quality, readonly [square: number, portrait: number, landscape: number]>
> = {
  low: [272, 408, 400],
  medium: [1_056, 1_584, 1_568],
  high: [4_160, 6_240, 6_208],
}

/** For a square image of low quality, gpt-image-2 bills 229 tokens (observed) and gpt-image-1 bills 272. */
const LATER_MODELS_FACTOR = 229 / 272

/** Tokens of each partial image of a stream (OpenAI, "Image generation"). */
const PARTIAL_IMAGE_TOKENS = 100

const SQUARE_PIXELS = 1024 * 1024
const OBLONG_PIXELS = 1024 * 1536

/** Returns the output tokens of one image. Sizes that are not in the table cost in proportion to their pixels (an assumption). */
export function imageTokensOf(model: string, size: string, quality: string, partialImages: number): number {
  const { width, height } = parseSize(size)
  const [square, portrait, landscape] = outputTokens[quality as Quality] ?? outputTokens.medium
  const [tokens, pixels] =
    width === height
      ? [square, SQUARE_PIXELS]
      : height > width
        ? [portrait, OBLONG_PIXELS]
        : [landscape, OBLONG_PIXELS]
  const factor = model.startsWith('gpt-image-1') ? 1 : LATER_MODELS_FACTOR
  return Math.round(((tokens * width * height) / pixels) * factor) + partialImages * PARTIAL_IMAGE_TOKENS
}

/** Parses a size of the form `1024x1536`. */
export function parseSize(size: string): { readonly width: number; readonly height: number } {
  const [width = 0, height = 0] = size.split('x', 2).map(Number)
  return { width, height }
}

/**
 * 400: the content filter blocks the prompt of an image. The format differs from that of chat: it has `inner_error` and `type`
 * (reports of 2025 and 2026, BerriAI/litellm 16072, 19372).
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

/** 400: the content filter blocks the generated image. Code and text are from general knowledge, not captured. */
export function imageFiltered(): ServiceError {
  const message = 'Generated image was filtered as a result of our safety system.'
  return gatewayError('filter', 400, 'contentFilter', message, 'sorted')
}

// Results of Azure's content filter for safe images, as JSON (Azure/azure-rest-api-specs, `dalleContentFilterResults` and
// `dalleFilterResults`; keys in the order of captures of 2026).

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** Filter results of a generated image. */
const safeImageFilter = `{"hate":${safe},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`

/** Filter results of the prompt of an image. Unlike those of chat, they include profanity. */
const safeImagePromptFilter = `{"hate":${safe},"profanity":${undetected},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`

/** 400: the body of a request for an edited image must be a multipart form. The text is OpenAI's (public reports); no code is captured. */
export function imageFormExpected(contentType: string | undefined): ServiceError {
  const type = contentType ?? 'none'
  const message = `Unsupported content type: '${type}'. This API method only accepts 'multipart/form-data' requests, but you specified the header 'Content-Type: ${type}'. Please try again with a supported content type.`
  return modelError(message, null, 'unsupported_content_type')
}
