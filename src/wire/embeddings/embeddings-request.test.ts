import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateEmbeddings } from './embeddings-request.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const small = findModel('text-embedding-3-small')!
const ada = findModel('text-embedding-ada-002')!

describe('validateEmbeddings', () => {
  it.each([
    [{ input: 'x' }],
    [{ input: ['x', 'y'], encoding_format: 'base64', user: null, input_type: 'query', model: 'ignored' }],
    [{ input: [1, 2, 3], dimensions: 1536 }],
    [{ input: [[1], [2, 3]] }],
    [{ input: Array.from({ length: 2048 }, () => 'x') }],
    [{ input: Array.from({ length: 5000 }, () => 1) }],
  ])('accepts %j', (body) => {
    expect(validateEmbeddings(body, small)).toBeUndefined()
  })

  it.each([
    [{}, small, 'input', 'missing_required_parameter', "Missing required parameter: 'input'."],
    [{ input: '' }, small, null, null, "Invalid 'input': input cannot be an empty string."],
    [{ input: ['x', ''] }, small, null, null, "Invalid 'input[1]': input cannot be an empty string."],
    [{ input: [] }, small, null, null, "Invalid 'input': input cannot be an empty array."],
    [
      { input: Array.from({ length: 2049 }, () => 'x') },
      small,
      null,
      null,
      "Invalid 'input': array length must be 2048 or less.",
    ],
    [
      { input: ['x', 1] },
      small,
      'input[1]',
      'invalid_type',
      "Invalid type for 'input[1]': expected a string, but got an integer instead.",
    ],
    [
      { input: [1, 'x'] },
      small,
      'input[1]',
      'invalid_type',
      "Invalid type for 'input[1]': expected an integer, but got a string instead.",
    ],
    [
      { input: 'x', dimensions: 0 },
      small,
      'dimensions',
      'integer_below_min_value',
      "Invalid 'dimensions': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      { input: 'x', dimensions: 1537 },
      small,
      null,
      null,
      "Invalid value for 'dimensions' = 1537. Must be less than or equal to 1536.",
    ],
    [{ input: 'x', dimensions: 256 }, ada, null, null, 'This model does not support specifying dimensions.'],
    [
      { input: 'x', encoding_format: 'hex' },
      small,
      'encoding_format',
      'invalid_value',
      "Invalid value: 'hex'. Supported values are: 'float' and 'base64'.",
    ],
    [{ input: 'x', inputs: 1 }, small, 'inputs', 'unknown_parameter', "Unknown parameter: 'inputs'."],
  ])('rejects %j', (body, model, param, code, message) => {
    const error = validateEmbeddings(body, model)
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })
})
