import {
  parsed,
  type Parsed,
  createFault,
  outOfBounds,
  plainFault,
  wrongType,
  type Check,
  type Fault,
  validateBody,
  type Rule,
} from '../validation/fault.ts'
import { modelError, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import {
  objectOf,
  optional,
  required,
  anything,
  boolean,
  integerBetween,
  oneOf,
  text,
  type Field,
} from '../validation/checks.ts'

/** Maximum length for all image models, in characters (Microsoft Learn, "Foundry Models sold by Azure"). */
const MAX_PROMPT_LENGTH = 4_000

const prompt = text({ minLength: 1, maxLength: MAX_PROMPT_LENGTH })

/** The fields of dall-e-3. */
export const dalleFields = [
  required('prompt', prompt),
  optional('model', anything),
  optional('n', integerBetween(1, 10)),
  optional('quality', oneOf('standard', 'hd')),
  optional('response_format', oneOf('url', 'b64_json')),
  optional('size', oneOf('1024x1024', '1024x1792', '1792x1024')),
  optional('style', oneOf('vivid', 'natural')),
  optional('user', text()),
]
const dalle3Fields = objectOf(dalleFields)

/** The simulator creates only PNG files. Decoders of other formats would fail on them, so other formats are rejected. */
export const imageFormat: Check = (value) => {
  if (value === 'jpeg' || value === 'webp') {
    return createFault(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${value}' in this simulator. Supported values are: 'png'.`,
    )
  }
  return oneOf('png', 'webp', 'jpeg')(value)
}

function imageFields(size: Check): readonly Field[] {
  return [
    required('prompt', prompt),
    optional('model', anything),
    optional('background', oneOf('transparent', 'opaque', 'auto')),
    optional('moderation', oneOf('auto', 'low')),
    optional('n', integerBetween(1, 10)),
    optional('output_compression', integerBetween(0, 100)),
    optional('output_format', imageFormat),
    optional('partial_images', integerBetween(0, 3)),
    optional('quality', oneOf('low', 'medium', 'high', 'auto')),
    optional('size', size),
    optional('stream', boolean),
    optional('user', text()),
  ]
}

/** The fields of models with three sizes. */
export const gptImageFields = imageFields(oneOf('1024x1024', '1024x1536', '1536x1024', 'auto'))

// Limits of free sizes, in pixels (the official client's documentation of gpt-image-2).
const MAX_SIDE = 3_840
const MAX_PIXELS = 3_840 * 2_160
const MAX_RATIO = 3
/** Width and height must be multiples of this. */
const SIDE_UNIT = 16

/** The text around the reason is not captured. */
function invalidSize(size: string, reason: string): Fault {
  return imageUserFault('size', `Invalid size '${size}'. ${reason}`, 'invalid_value')
}

const freeSize: Check = (value) => {
  if (typeof value !== 'string') return wrongType('a string', value)
  if (value === 'auto') return undefined
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(value)
  if (!match) return invalidSize(value, "Expected WIDTHxHEIGHT, for example '1824x1024'.")
  const width = Number(match[1])
  const height = Number(match[2])
  if (width % SIDE_UNIT !== 0 || height % SIDE_UNIT !== 0) {
    return invalidSize(value, `Width and height must both be divisible by ${SIDE_UNIT}.`)
  }
  const longSide = Math.max(width, height)
  if (longSide > MAX_RATIO * Math.min(width, height)) {
    return outOfBounds('invalid_value', 'invalid size', `a ratio between 1:3 and 3:1, but got ${value}`)
  }
  if (longSide > MAX_SIDE || width * height > MAX_PIXELS) {
    return outOfBounds('invalid_value', 'image too large', `at most 3840x2160, but got ${value}`)
  }
  return undefined
}

/** The fields of models with free sizes. */
export const freeSizeFields = imageFields(freeSize)

/** A fault of the image tool instead of the API in front of it (public reports, 2026). */
export function imageUserFault(param: string | null, message: string, code: string): Fault {
  const error = { ...modelError(message, param, code), type: 'image_generation_user_error' }
  return { ...plainFault(param, message, code), error }
}

const oneImage: Rule = ({ n }) =>
  typeof n === 'number' && n > 1 ? plainFault(null, 'You must provide n=1 for this model.') : undefined

const partialsNeedStream: Rule = ({ partial_images: partials, stream }) =>
  typeof partials === 'number' && partials > 0 && stream !== true
    ? plainFault('partial_images', "The 'partial_images' parameter is only allowed when 'stream' is enabled.")
    : undefined

/** theopenco/llmgateway#3963 (2026-07) for the message; OpenAI for type, parameter and code (public reports). */
const streamsOneImage: Rule = ({ n, stream }) =>
  stream === true && typeof n === 'number' && n > 1
    ? imageUserFault('input', 'Streaming is only supported with n=1.', 'unsupported_parameter')
    : undefined

const noTransparency: Rule = ({ background }) =>
  background === 'transparent'
    ? plainFault('background', 'Transparent background is not supported for this model.', 'invalid_value')
    : undefined

/** A PNG file is always compressed without loss. The service refuses other values (public reports, 2026). */
const compressionNeedsFormat: Rule = ({ output_compression: compression }) =>
  typeof compression === 'number' && compression < 100
    ? imageUserFault(
        null,
        'Compression less than 100 is not supported for PNG output format',
        'invalid_png_output_compression',
      )
    : undefined

const fixedSizeRules: readonly Rule[] = [streamsOneImage, partialsNeedStream, compressionNeedsFormat]
const freeSizeRules: readonly Rule[] = [...fixedSizeRules, noTransparency]

/** The rules between the fields of a request to a GPT image model, in the order in which they are reported. */
export function imageRules(model: Model): readonly Rule[] {
  return supportsFreeSizes(model) ? freeSizeRules : fixedSizeRules
}

/** gpt-image-2 and later support all sizes, but no transparent background. */
export function supportsFreeSizes(model: Model): boolean {
  return /^gpt-image-[2-9]/.test(model.name)
}

const fixedSizes = objectOf(gptImageFields)
const freeSizes = objectOf(freeSizeFields)

/** Validates the body of a request for images. Returns the error of the service, or undefined. Never throws. */
export function validateImages(body: unknown, model: Model): ServiceError | undefined {
  if (model.name === 'dall-e-3') return validateBody(body, dalle3Fields, [oneImage], model)
  return validateBody(body, supportsFreeSizes(model) ? freeSizes : fixedSizes, imageRules(model), model)
}

/** The fields of a valid request for images that the simulator uses. Null means absent, as on the service. */
export interface ImageRequest {
  readonly prompt: string
  /** The deployment, if the path does not contain it. Otherwise ignored and of any type. */
  readonly model?: unknown
  /** Number of images: 1 for dall-e-3, up to 10 for other models. */
  readonly n?: number | null
  /** `<width>x<height>` or `auto`. Absent means 1024x1024 for dall-e-3, `auto` for other models. */
  readonly size?: string | null
  /** `standard` or `hd` for dall-e-3; `low`, `medium`, `high` or `auto` for other models. */
  readonly quality?: string | null
  /** Only for dall-e-3. Absent means `vivid`. */
  readonly style?: 'vivid' | 'natural' | null
  /** Only for dall-e-3. Absent means `url`. Other models always return `b64_json`. */
  readonly response_format?: 'url' | 'b64_json' | null
  readonly background?: 'transparent' | 'opaque' | 'auto' | null
  readonly output_format?: 'png' | null
  readonly stream?: boolean | null
  /** Number of partial images in a stream, 0 to 3. */
  readonly partial_images?: number | null
  readonly user?: string | null
}

/** Parses and validates the body of a request for images. */
export function parseImageRequest(body: unknown, model: Model): Parsed<ImageRequest> {
  return parsed<ImageRequest>(body, validateImages(body, model))
}
