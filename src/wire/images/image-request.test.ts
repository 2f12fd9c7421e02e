import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateImages } from './image-request.ts'

const dalle = findModel('dall-e-3')!
const first = findModel('gpt-image-1')!
const second = findModel('gpt-image-2')!
const prompt = 'a cat'
import { errorBody } from '../../../tests/support/error-body.ts'

describe('validateImages', () => {
  it.each([
    [{ prompt, n: 1, size: '1792x1024', quality: 'hd', style: 'natural', response_format: 'url' }, dalle],
    [{ prompt: 'x'.repeat(4_000), model: 1, user: 'u' }, dalle],
    [{ prompt, n: 10, size: 'auto', quality: 'auto', background: 'transparent', moderation: 'low' }, first],
    [{ prompt, output_format: 'png', output_compression: 100, stream: true, partial_images: 3 }, first],
    [{ prompt, size: '1536x864' }, second],
    [{ prompt, size: '3840x2160' }, second],
    [{ prompt, partial_images: 0, n: null, size: null }, second],
  ])('accepts %j', (body, model) => {
    expect(validateImages(body, model)).toBeUndefined()
  })

  it.each([
    [{}, dalle, 'prompt', 'missing_required_parameter', "Missing required parameter: 'prompt'."],
    [
      { prompt: 'x'.repeat(4_001) },
      first,
      'prompt',
      'string_above_max_length',
      "Invalid 'prompt': string too long. Expected a string with maximum length 4000, but got a string with length 4001 instead.",
    ],
    [{ prompt, n: 2 }, dalle, null, null, 'You must provide n=1 for this model.'],
    [
      { prompt, size: '512x512' },
      dalle,
      'size',
      'invalid_value',
      "Invalid value: '512x512'. Supported values are: '1024x1024', '1024x1792', and '1792x1024'.",
    ],
    [
      { prompt, response_format: 'url' },
      first,
      'response_format',
      'unknown_parameter',
      "Unknown parameter: 'response_format'.",
    ],
    [
      { prompt, n: 11 },
      first,
      'n',
      'integer_above_max_value',
      "Invalid 'n': integer above maximum value. Expected a value <= 10, but got 11 instead.",
    ],
    [
      { prompt, output_format: 'webp' },
      first,
      'output_format',
      'unsupported_value',
      "Unsupported value: 'output_format' does not support 'webp' in this simulator. Supported values are: 'png'.",
    ],
    [
      { prompt, output_format: 'gif' },
      first,
      'output_format',
      'invalid_value',
      "Invalid value: 'gif'. Supported values are: 'png', 'webp', and 'jpeg'.",
    ],
    [
      { prompt, partial_images: 1 },
      first,
      'partial_images',
      null,
      "The 'partial_images' parameter is only allowed when 'stream' is enabled.",
    ],
    [
      { prompt, background: 'transparent' },
      second,
      'background',
      'invalid_value',
      'Transparent background is not supported for this model.',
    ],
    [
      { prompt, size: '3200x1024' },
      second,
      'size',
      'invalid_value',
      "Invalid 'size': invalid size. Expected a ratio between 1:3 and 3:1, but got 3200x1024 instead.",
    ],
    [
      { prompt, size: '3840x3840' },
      second,
      'size',
      'invalid_value',
      "Invalid 'size': image too large. Expected at most 3840x2160, but got 3840x3840 instead.",
    ],
  ])('rejects %j', (body, model, param, code, message) => {
    const error = validateImages(body, model)
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })

  it.each([
    [
      { prompt, size: '1000x1000' },
      second,
      'size',
      'invalid_value',
      "Invalid size '1000x1000'. Width and height must both be divisible by 16.",
    ],
    [
      { prompt, size: 'bogus' },
      second,
      'size',
      'invalid_value',
      "Invalid size 'bogus'. Expected WIDTHxHEIGHT, for example '1824x1024'.",
    ],
    [
      { prompt, output_compression: 50 },
      first,
      null,
      'invalid_png_output_compression',
      'Compression less than 100 is not supported for PNG output format',
    ],
  ])('rejects %j like the image tool', (body, model, param, code, message) => {
    expect(JSON.parse(errorBody(validateImages(body, model)))).toEqual({
      error: { message, type: 'image_generation_user_error', param, code },
    })
  })

  it.each([first, second])('rejects a stream of several images', (model) => {
    expect(JSON.parse(errorBody(validateImages({ prompt, n: 2, stream: true }, model)))).toEqual({
      error: {
        message: 'Streaming is only supported with n=1.',
        type: 'image_generation_user_error',
        param: 'input',
        code: 'unsupported_parameter',
      },
    })
    expect(validateImages({ prompt, n: 1, stream: true }, model)).toBeUndefined()
    expect(validateImages({ prompt, n: 2 }, model)).toBeUndefined()
  })
})
