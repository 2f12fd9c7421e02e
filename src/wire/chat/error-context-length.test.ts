import { describe, expect, it } from 'vitest'
import { contextLengthExceeded, maxTokensTooLargeText, promptLengthExceeded } from './error-context-length.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const fields = (body: string): unknown => (JSON.parse(body) as { error: unknown }).error

describe('contextLengthExceeded', () => {
  it.each([
    [
      { contextTokens: 128_000, messageTokens: 192_041 },
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 192041 tokens. Please reduce the length of the messages.",
    ],
    [
      { contextTokens: 32_768, messageTokens: 9_969, completionTokens: 26_000 },
      "This model's maximum context length is 32768 tokens. However, you requested 35969 tokens (9969 in the messages, 26000 in the completion). Please reduce the length of the messages or completion.",
    ],
    [
      { contextTokens: 300_000, messageTokens: 100, functionTokens: 350_464 },
      "This model's maximum context length is 300000 tokens. However, your messages resulted in 350564 tokens (100 in the messages, 350464 in the functions). Please reduce the length of the messages or functions.",
    ],
    [
      { contextTokens: 4_097, messageTokens: 3_087, functionTokens: 100, completionTokens: 1_000 },
      "This model's maximum context length is 4097 tokens. However, you requested 4187 tokens (3087 in the messages, 100 in the functions, and 1000 in the completion). Please reduce the length of the messages, functions, or completion.",
    ],
  ])('lists messages, functions and completion separately: %o', (tokens, message) => {
    expect(fields(errorBody(contextLengthExceeded(tokens)))).toEqual({
      message,
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    })
  })
})

describe('promptLengthExceeded', () => {
  it('has no param and no code', () => {
    const lengths = { contextTokens: 8_192, promptTokens: 9_415, completionTokens: 0 }
    const body = errorBody(promptLengthExceeded(lengths))
    expect(fields(body)).toEqual({
      message:
        "This model's maximum context length is 8192 tokens, however you requested 9415 tokens (9415 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
      type: 'invalid_request_error',
      param: null,
      code: null,
    })
  })
})

describe('maxTokensTooLargeText', () => {
  it('contains the name of the parameter in the request', () => {
    expect(maxTokensTooLargeText('max_tokens', 20_000, 16_384)).toBe(
      'max_tokens is too large: 20000. This model supports at most 16384 completion tokens, whereas you provided 20000.',
    )
  })
})
