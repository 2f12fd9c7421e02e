import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateCompletions } from './completions-request.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const model = findModel('gpt-35-turbo-instruct')!

describe('validateCompletions', () => {
  it.each([
    [{}],
    [{ prompt: '' }],
    [{ prompt: ['a', 'b'], n: 2, best_of: 2, max_tokens: 0, echo: true, suffix: 'x', logprobs: 5 }],
    [{ prompt: [1, 2] }],
    [{ prompt: [[1], [2]], stop: '\n', seed: 1, stream: true, stream_options: { include_usage: true } }],
    [{ prompt: 'x', n: 2, best_of: null, model: 7 }],
  ])('accepts %j', (body) => {
    expect(validateCompletions(body, model)).toBeUndefined()
  })

  it.each([
    [
      { prompt: 7 },
      'prompt',
      'invalid_type',
      "Invalid type for 'prompt': expected one of a string, array of strings, array of integers, or array of arrays, but got an integer instead.",
    ],
    [
      { prompt: [[1], ['x']] },
      'prompt[1][0]',
      'invalid_type',
      "Invalid type for 'prompt[1][0]': expected an integer, but got a string instead.",
    ],
    [
      { logprobs: 6 },
      'logprobs',
      'integer_above_max_value',
      "Invalid 'logprobs': integer above maximum value. Expected a value <= 5, but got 6 instead.",
    ],
    [
      { n: 2, best_of: 1 },
      null,
      null,
      "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently 2) to be at most 'best_of' (currently 1), or omit either parameter if you don't specifically want to use them.)",
    ],
    [{ messages: [] }, 'messages', 'unknown_parameter', "Unknown parameter: 'messages'."],
  ])('rejects %j', (body, param, code, message) => {
    const error = validateCompletions(body, model)
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })
})
