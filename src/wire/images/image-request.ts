import {
  parsed,
  type Parsed,
  faultHere,
  notOneOf,
  outOfBounds,
  plainFault,
  wrongType,
  type Check,
  validateBody,
  type Rule,
} from '../validation/fault.ts'
import type { ServiceError } from '../errors.ts'
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
} from '../validation/checks.ts'

/** Microsoft Learn, "Foundry Models sold by Azure": the longest prompt of every image model. */
const MAX_PROMPT_LENGTH = 4_000

const prompt = text({ minLength: 1, maxLength: MAX_PROMPT_LENGTH })

const dalle3Fields = objectOf([
  required('prompt', prompt),
  optional('model', anything),
  optional('n', integerBetween(1, 10)),
  optional('quality', oneOf('standard', 'hd')),
  optional('response_format', oneOf('url', 'b64_json')),
  optional('size', oneOf('1024x1024', '1024x1792', '1792x1024')),
  optional('style', oneOf('vivid', 'natural')),
  optional('user', text()),
])

/** The simulator makes PNG files only; PNG under another name would be a lie that the reader's decoder finds out. */
const outputFormat: Check = (value) => {
  if (value === 'jpeg' || value === 'webp') {
    return faultHere(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${value}' in this simulator. Supported values are: 'png'.`,
    )
  }
  return oneOf('png', 'jpeg', 'webp')(value)
}

function imageFields(size: Check) {
  return objectOf([
    required('prompt', prompt),
    optional('model', anything),
    optional('background', oneOf('transparent', 'opaque', 'auto')),
    optional('moderation', oneOf('low', 'auto')),
    optional('n', integerBetween(1, 10)),
    optional('output_compression', integerBetween(0, 100)),
    optional('output_format', outputFormat),
    optional('partial_images', integerBetween(0, 3)),
    optional('quality', oneOf('low', 'medium', 'high', 'auto')),
    optional('size', size),
    optional('stream', boolean),
    optional('user', text()),
  ])
}

const gptImageFields = imageFields(oneOf('1024x1024', '1024x1536', '1536x1024', 'auto'))

/** Limits of free sizes (the official client's documentation of gpt-image-2): sides, their ratio and their unit. */
const MAX_SIDE = 3_840
const MAX_PIXELS = 3_840 * 2_160
const MAX_RATIO = 3
const SIDE_UNIT = 16

const freeSize: Check = (value) => {
  if (typeof value !== 'string') return wrongType('a string', value)
  if (value === 'auto') return undefined
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(value)
  if (!match) return notOneOf(value, ['1024x1024', '1024x1536', '1536x1024', '<width>x<height>', 'auto'])
  const width = Number(match[1])
  const height = Number(match[2])
  if (width % SIDE_UNIT !== 0 || height % SIDE_UNIT !== 0) {
    return outOfBounds('invalid_value', 'invalid size', `sides divisible by ${SIDE_UNIT}, but got ${value}`)
  }
  const longest = Math.max(width, height)
  if (longest > MAX_RATIO * Math.min(width, height)) {
    return outOfBounds('invalid_value', 'invalid size', `a ratio between 1:3 and 3:1, but got ${value}`)
  }
  if (longest > MAX_SIDE || width * height > MAX_PIXELS) {
    return outOfBounds('invalid_value', 'image too large', `at most 3840x2160, but got ${value}`)
  }
  return undefined
}

const freeSizeFields = imageFields(freeSize)

const oneImage: Rule = ({ n }) =>
  typeof n === 'number' && n > 1 ? plainFault(null, 'You must provide n=1 for this model.') : undefined

const partialsNeedStream: Rule = ({ partial_images: partials, stream }) =>
  typeof partials === 'number' && partials > 0 && stream !== true
    ? plainFault('partial_images', "The 'partial_images' parameter is only allowed when 'stream' is enabled.")
    : undefined

const noTransparency: Rule = ({ background }) =>
  background === 'transparent'
    ? plainFault('background', 'Transparent background is not supported for this model.', 'invalid_value')
    : undefined

/** Whether a model takes any size and no transparent background: gpt-image-2 and later. */
function takesFreeSizes(model: Model): boolean {
  return /^gpt-image-[2-9]/.test(model.name)
}

/** What the service refuses in the body of a request for images; undefined when nothing. Never throws. */
export function validateImages(body: unknown, model: Model): ServiceError | undefined {
  if (model.name === 'dall-e-3') return validateBody(body, dalle3Fields, [oneImage], model)
  if (takesFreeSizes(model))
    return validateBody(body, freeSizeFields, [partialsNeedStream, noTransparency], model)
  return validateBody(body, gptImageFields, [partialsNeedStream], model)
}

/** The fields of a valid request for images that the simulator reads. Null means absent, as on the service. */
export interface ImageRequest {
  readonly prompt: string
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  /** How many images; 1 for dall-e-3, up to 10 for the others. */
  readonly n?: number | null
  /** `<width>x<height>`, or `auto`; absent means `auto`, or 1024x1024 for dall-e-3. */
  readonly size?: string | null
  /** `standard` or `hd` for dall-e-3; `low`, `medium`, `high` or `auto` for the others. */
  readonly quality?: string | null
  /** dall-e-3 only; absent means `vivid`. */
  readonly style?: 'vivid' | 'natural' | null
  /** dall-e-3 only; absent means `url`. The others always give `b64_json`. */
  readonly response_format?: 'url' | 'b64_json' | null
  readonly background?: 'transparent' | 'opaque' | 'auto' | null
  readonly output_format?: 'png' | null
  readonly stream?: boolean | null
  /** Unfinished images on the way of a stream, 0 to 3. */
  readonly partial_images?: number | null
  readonly user?: string | null
}

/** Checks the body of a request for images. */
export function parseImageRequest(body: unknown, model: Model): Parsed<ImageRequest> {
  return parsed<ImageRequest>(body, validateImages(body, model))
}
