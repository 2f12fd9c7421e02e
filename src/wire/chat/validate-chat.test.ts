import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const older = findModel('gpt-4o')!
const reasoning = findModel('gpt-5.6-terra')!

const user = { role: 'user', content: 'ping' }
const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }
const refusal = (fragment: object, model = reasoning): unknown => {
  const error = validateChat({ messages: [user], ...fragment }, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}
const keys = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))

type Row = readonly [fragment: object, param: string | null, code: string | null, message: string]

const refusedWhileReasoning: Row[] = [
  [
    { temperature: 0.5 },
    'temperature',
    'unsupported_value',
    "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
  ],
  [
    { max_tokens: 9 },
    'max_tokens',
    'unsupported_parameter',
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  ],
  [
    { reasoning_effort: 'max' },
    'reasoning_effort',
    'unsupported_value',
    "Unsupported value: 'reasoning_effort' does not support 'max' with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
  ],
  ...Object.entries({
    stop: ['ZZ'],
    logit_bias: { 1: 1 },
    prediction: { type: 'content' },
    frequency_penalty: 0.5,
    presence_penalty: 0.5,
    logprobs: true,
  }).map(([name, value]): Row => [
    { [name]: value },
    name,
    'unsupported_parameter',
    `Unsupported parameter: '${name}' is not supported with this model.`,
  ]),
]

describe('validateChat', () => {
  it.each(refusedWhileReasoning)('rejects %j for a reasoning model', (fragment, param, code, message) => {
    expect(refusal(fragment)).toEqual({ message, type: 'invalid_request_error', param, code })
  })

  it.each([
    [{ messages: [{ role: 'user', content: '' }] }],
    [{ messages: [{ role: 'user', content: [] }] }],
    [{ messages: [user, { role: 'assistant', refusal: 'no' }] }],
    [{ messages: [user, { role: 'assistant', function_call: { name: 'f', arguments: '{}' } }] }],
    [{ messages: [user, { role: 'assistant', content: 'x', annotations: [] }] }],
    [{ n: 8, max_completion_tokens: 4, temperature: 1, top_p: 1, frequency_penalty: 0 }],
    [{ reasoning_effort: 'none', temperature: 0.2, frequency_penalty: 2, presence_penalty: -2 }],
    [{ reasoning_effort: 'none', logprobs: true, top_logprobs: 5 }],
    [{ store: true, metadata: { ...keys(15), ['k'.repeat(64)]: 'x'.repeat(512) } }],
    [{ n: null, stop: null, tools: null, max_tokens: null, stream_options: null, top_logprobs: null }],
    [{ response_format: { type: 'json_object' }, messages: [{ role: 'user', content: 'As JSON' }] }],
    [
      {
        reasoning_effort: 'none',
        tools: [tool],
        tool_choice: { type: 'function', function: { name: 'f' } },
      },
    ],
    [{ stream: true, stream_options: { include_usage: true } }],
  ])('accepts %j', (fragment) => {
    expect(refusal(fragment)).toBeUndefined()
  })

  it('accepts sampling, stop and 128 choices for models without reasoning', () => {
    const fragment = { temperature: 0.5, stop: ['a', 'b'], max_tokens: 16_384, n: 128, logit_bias: { 1: 5 } }
    expect(refusal({ ...fragment, logprobs: true, top_logprobs: 20 }, older)).toBeUndefined()
  })

  it.each<Row>([
    [
      { n: 129 },
      'n',
      'integer_above_max_value',
      "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead.",
    ],
    [
      { logprobs: true, top_logprobs: 21 },
      'top_logprobs',
      null,
      "Invalid value for 'top_logprobs': must be less than or equal to 20.",
    ],
    [
      { max_tokens: 20_000 },
      'max_tokens',
      'invalid_value',
      'max_tokens is too large: 20000. This model supports at most 16384 completion tokens, whereas you provided 20000.',
    ],
    [
      { stop: ['1', '2', '3', '4', '5'] },
      'stop',
      'array_above_max_length',
      "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
    ],
    [{ reasoning_effort: 'low' }, null, null, 'Unrecognized request argument supplied: reasoning_effort'],
  ])('rejects %j for a model without reasoning', (fragment, param, code, message) => {
    expect(refusal(fragment, older)).toEqual({ message, type: 'invalid_request_error', param, code })
  })
})
