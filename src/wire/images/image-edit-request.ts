import { objectOf, oneOf, optional } from '../validation/checks.ts'
import {
  createFault,
  faultError,
  missing,
  outOfBounds,
  plainFault,
  prefixPath,
  quotedList,
  validateBody,
  type Check,
  type Fault,
  type JsonObject,
  type Parsed,
  type Rule,
} from '../validation/fault.ts'
import type { FormFile, MultipartForm } from '../multipart.ts'
import type { Model } from '../models/models.ts'
import { readPicture, type ImageSize } from '../media/picture.ts'
import {
  freeSizeFields,
  gptImageFields,
  imageRules,
  imageUserFault,
  supportsFreeSizes,
  type ImageRequest,
} from './image-request.ts'

/** A picture of the form. */
export interface SourceImage {
  readonly bytes: Buffer
  /** In pixels. */
  readonly size: ImageSize
}

/** The fields of a valid request for an edited image that the simulator uses. */
export interface ImageEditRequest extends ImageRequest {
  /** 1 to 16 pictures. */
  readonly images: readonly SourceImage[]
  /** Marks the area of the first picture that changes. */
  readonly mask: SourceImage | undefined
  /** How closely the answer follows the pictures. Absent means `low` for gpt-image-1 and gpt-image-1.5. */
  readonly input_fidelity?: 'high' | 'low' | null
}

/** Maximum number of pictures (the official client's documentation). */
const MAX_IMAGES = 16

const inputFidelity = optional('input_fidelity', oneOf('high', 'low'))

/** The fields of gpt-image-1 and gpt-image-1.5 that are text. */
export const imageEditFields = [...gptImageFields, inputFidelity]

const fixedSizes = objectOf(imageEditFields)
/** gpt-image-1-mini does not know `input_fidelity` (public reports, 2026). */
const fixedSizesOfMini = objectOf(gptImageFields)
const freeSizes = objectOf([...freeSizeFields, inputFidelity])

function fieldsOf(model: Model): Check {
  if (supportsFreeSizes(model)) return freeSizes
  return model.name.endsWith('-mini') ? fixedSizesOfMini : fixedSizes
}

/** Models from gpt-image-2 on always follow the pictures closely (public reports, 2026). */
const fidelityFitsModel: Rule = ({ input_fidelity: fidelity }, model) =>
  fidelity !== undefined && supportsFreeSizes(model)
    ? imageUserFault(
        'input_fidelity',
        `The model '${model.errorName}' does not support the 'input_fidelity' parameter.`,
        'invalid_input_fidelity_model',
      )
    : undefined

/** Parses and validates the form of a request for an edited image. Never throws. */
export function parseImageEditRequest(form: MultipartForm, model: Model): Parsed<ImageEditRequest> {
  const files = [...form.files('image'), ...form.files('image[]')]
  if (files.length === 0) return refused(missing('.image'))
  const body = bodyOf(form)
  const error = validateBody(body, fieldsOf(model), [...imageRules(model), fidelityFitsModel], model)
  if (error) return { ok: false, error }
  if (files.length > MAX_IMAGES) return refused(tooManyImages(files.length))

  const images: SourceImage[] = []
  for (const [index, file] of files.entries()) {
    const image = readImage(file, 'image', index, imageTypes)
    if ('path' in image) return refused(image)
    images.push(image)
  }
  const maskFile = form.file('mask')
  const mask = maskFile && readImage(maskFile, 'mask', 0, maskTypes)
  if (mask && 'path' in mask) return refused(mask)
  if (mask && !isSameSize(mask, images[0])) return refused(maskOfOtherSize())
  return { ok: true, request: { ...(body as unknown as ImageRequest), images, mask } }
}

function refused(fault: Fault): Parsed<never> {
  return { ok: false, error: faultError(fault) }
}

function tooManyImages(count: number): Fault {
  const expected = `an array with maximum length ${MAX_IMAGES}, but got an array with length ${count}`
  return prefixPath('.image', outOfBounds('array_above_max_length', 'array too long', expected))
}

const imageTypes = ['image/jpeg', 'image/png', 'image/webp']
/** The area to change is transparent, so it needs a format with transparency. */
const maskTypes = ['image/png']

/** The texts are those of OpenAI's API (public reports, 2025 and 2026). */
function readImage(
  { bytes, type = 'application/octet-stream' }: FormFile,
  field: 'image' | 'mask',
  index: number,
  types: readonly string[],
): SourceImage | Fault {
  if (!types.includes(type)) {
    const list = quotedList(types, 'and')
    return prefixPath(
      `.${field}`,
      createFault(
        'unsupported_file_mimetype',
        () =>
          `Invalid file '${field}': unsupported mimetype ('${type}'). Supported file formats are ${list}.`,
      ),
    )
  }
  const picture = readPicture(bytes)
  if (picture?.size && types.includes(`image/${picture.format}`)) return { bytes, size: picture.size }
  return plainFault(
    null,
    `Invalid image file or mode for ${field === 'mask' ? 'mask' : `image ${index}`}, please check your image file.`,
    'invalid_image_file',
  )
}

function isSameSize({ size }: SourceImage, other: SourceImage | undefined): boolean {
  return size.width === other?.size.width && size.height === other.size.height
}

/** The text is that of OpenAI's API as generally known, not captured. */
function maskOfOtherSize(): Fault {
  return plainFault(
    null,
    'Invalid mask image format - mask size does not match image size.',
    'invalid_mask_image_format',
  )
}

/** Fields that are numbers or booleans. A form contains text. */
const numberFields = new Set(['n', 'output_compression', 'partial_images'])

/** Converts the text fields to a body as in JSON. Empty fields count as absent, since forms contain empty fields. */
function bodyOf(form: MultipartForm): JsonObject {
  const body: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const { name, value } of form.fields) {
    if (value !== '') body[name] ??= valueOf(name, value)
  }
  return body
}

function valueOf(name: string, value: string): unknown {
  if (name === 'stream') return value === 'true' || (value === 'false' ? false : value)
  if (!numberFields.has(name)) return value
  const number = Number(value)
  return Number.isFinite(number) && value.trim() !== '' ? number : value
}
