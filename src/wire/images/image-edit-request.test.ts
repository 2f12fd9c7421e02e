import { describe, expect, it } from 'vitest'
import { errorBody } from '../../../tests/support/error-body.ts'
import { pngFile } from '../../../tests/support/pictures.ts'
import { findModel } from '../models/model-catalogue.ts'
import { parseMultipart } from '../multipart.ts'
import { parseImageEditRequest } from './image-edit-request.ts'

type Value = string | Blob

const png = (width = 1_024, height = 1_024, type = 'image/png'): Blob =>
  new Blob([new Uint8Array(pngFile(width, height))], { type })

async function parse(fields: readonly (readonly [string, Value])[], model = 'gpt-image-1') {
  const form = new FormData()
  for (const [name, value] of fields) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, 'a.png')
  }
  const sent = new Response(form)
  const body = Buffer.from(await sent.arrayBuffer())
  const parsed = parseMultipart(body, sent.headers.get('content-type') ?? '')
  return parseImageEditRequest(parsed!, findModel(model)!)
}

const prompt: readonly [string, Value] = ['prompt', 'Add a hat']
const image: readonly [string, Value] = ['image', png()]

describe('form of a request for an edited image', () => {
  it('is read with numbers and booleans', async () => {
    const parsed = await parse([
      ['model', 'd'],
      prompt,
      ['image[]', png(640, 480)],
      ['image[]', png(10, 20)],
      ['mask', png(640, 480)],
      ['n', '2'],
      ['size', '1024x1536'],
      ['quality', 'low'],
      ['background', 'transparent'],
      ['input_fidelity', 'high'],
      ['output_format', 'png'],
      ['output_compression', '100'],
      ['moderation', 'low'],
      ['stream', 'false'],
      ['user', ''],
    ])
    expect(parsed).toMatchObject({
      ok: true,
      request: { prompt: 'Add a hat', n: 2, stream: false, size: '1024x1536', input_fidelity: 'high' },
    })
    expect(parsed.ok && parsed.request.images.map(({ size }) => size)).toEqual([
      { width: 640, height: 480 },
      { width: 10, height: 20 },
    ])
    expect(parsed.ok && parsed.request.mask?.size).toEqual({ width: 640, height: 480 })
  })

  it.each<[string, (readonly [string, Value])[], string | null, string | null, string]>([
    ['no image', [prompt], 'image', 'missing_required_parameter', "Missing required parameter: 'image'."],
    ['no prompt', [image], 'prompt', 'missing_required_parameter', "Missing required parameter: 'prompt'."],
    [
      'an unknown field',
      [prompt, image, ['response_format', 'b64_json']],
      'response_format',
      'unknown_parameter',
      "Unknown parameter: 'response_format'.",
    ],
    [
      'a number that is text',
      [prompt, image, ['n', 'two']],
      'n',
      'invalid_type',
      "Invalid type for 'n': expected an integer, but got a string instead.",
    ],
    [
      'too many images',
      [prompt, ...Array.from({ length: 17 }, (): [string, Value] => ['image[]', png()])],
      'image',
      'array_above_max_length',
      "Invalid 'image': array too long. Expected an array with maximum length 16, but got an array with length 17 instead.",
    ],
    [
      'an image without a type',
      [prompt, ['image', png(1, 1, '')]],
      'image',
      'unsupported_file_mimetype',
      "Invalid file 'image': unsupported mimetype ('application/octet-stream'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.",
    ],
    [
      'a file that is not an image',
      [prompt, image, ['image', new Blob(['hello'], { type: 'image/png' })]],
      null,
      'invalid_image_file',
      'Invalid image file or mode for image 1, please check your image file.',
    ],
    [
      'a mask of another type',
      [prompt, image, ['mask', png(1_024, 1_024, 'image/jpeg')]],
      'mask',
      'unsupported_file_mimetype',
      "Invalid file 'mask': unsupported mimetype ('image/jpeg'). Supported file formats are 'image/png'.",
    ],
    [
      'a mask of another size',
      [prompt, image, ['mask', png(512, 512)]],
      null,
      'invalid_mask_image_format',
      'Invalid mask image format - mask size does not match image size.',
    ],
    [
      'partial images without a stream',
      [prompt, image, ['partial_images', '2']],
      'partial_images',
      null,
      "The 'partial_images' parameter is only allowed when 'stream' is enabled.",
    ],
  ])('is refused with %s', async (_, fields, param, code, message) => {
    const parsed = await parse(fields)
    expect(JSON.parse(errorBody(parsed.ok ? undefined : parsed.error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })

  it.each([
    [
      'gpt-image-1-mini',
      'invalid_request_error',
      'unknown_parameter',
      "Unknown parameter: 'input_fidelity'.",
    ],
    [
      'gpt-image-2',
      'image_generation_user_error',
      'invalid_input_fidelity_model',
      "The model 'gpt-image-2' does not support the 'input_fidelity' parameter.",
    ],
  ])('has no input_fidelity for %s', async (model, type, code, message) => {
    const parsed = await parse([prompt, image, ['input_fidelity', 'high']], model)
    expect(JSON.parse(errorBody(parsed.ok ? undefined : parsed.error))).toEqual({
      error: { message, type, param: 'input_fidelity', code },
    })
  })
})
