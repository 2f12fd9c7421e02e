import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const user = { role: 'user', content: 'ping' }
const keys = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))
const model = findModel('gpt-5.6-terra')!
const refusal = (fragment: object): unknown => {
  const error = validateChat({ messages: [user], ...fragment }, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

type Row = readonly [fragment: object, param: string | null, code: string | null, message: string]

const refusals: Row[] = [
  [{ zzz: 1 }, 'zzz', 'unknown_parameter', "Unknown parameter: 'zzz'."],
  [{ stor: 1 }, 'stor', 'unknown_parameter', "Unknown parameter: 'stor'. Did you mean 'stop' or 'store'?"],
  [{ messagess: 1 }, 'messagess', 'unknown_parameter', "Unknown parameter: 'messagess'."],
  [{ n: '2' }, 'n', 'invalid_type', "Invalid type for 'n': expected an integer, but got a string instead."],
  [
    { n: 0 },
    'n',
    'integer_below_min_value',
    "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
  ],
  [
    { n: 64 },
    'n',
    'integer_above_max_value',
    "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 64 instead.",
  ],
  [
    { temperature: 'hot' },
    'temperature',
    'invalid_type',
    "Invalid type for 'temperature': expected a decimal, but got a string instead.",
  ],
  [
    { temperature: 3 },
    'temperature',
    'decimal_above_max_value',
    "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  ],
  [
    { max_completion_tokens: 0 },
    'max_completion_tokens',
    'integer_below_min_value',
    "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
  ],
  [
    { logprobs: true, top_logprobs: 21 },
    'top_logprobs',
    null,
    "Invalid value for 'top_logprobs': must be less than or equal to 5.",
  ],
  [
    { reasoning_effort: 'none', top_logprobs: 1 },
    'top_logprobs',
    null,
    "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
  ],
  [
    { frequency_penalty: 3 },
    'frequency_penalty',
    'decimal_above_max_value',
    "Invalid 'frequency_penalty': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  ],
  [
    { presence_penalty: -3 },
    'presence_penalty',
    'decimal_below_min_value',
    "Invalid 'presence_penalty': decimal below minimum value. Expected a value >= -2, but got -3 instead.",
  ],
  [
    { seed: 1.5 },
    'seed',
    'invalid_type',
    "Invalid type for 'seed': expected an integer, but got a decimal number instead.",
  ],
  [
    { user: { a: 1 } },
    'user',
    'invalid_type',
    "Invalid type for 'user': expected a string, but got an object instead.",
  ],
  [
    { service_tier: 'bogus' },
    'service_tier',
    'invalid_value',
    "Invalid value: 'bogus'. Supported values are: 'auto', 'default', 'fast', 'flex', and 'priority'.",
  ],
  [
    { service_tier: {} },
    'service_tier',
    'invalid_type',
    "Invalid type for 'service_tier': expected one of 'auto', 'default', 'fast', 'flex', or 'priority', but got an object instead.",
  ],
  [
    { prompt_cache_retention: 'x' },
    'prompt_cache_retention',
    null,
    'Invalid prompt_cache_retention argument',
  ],
  [
    { stream_options: { bogus: 1 } },
    'stream_options.bogus',
    'unknown_parameter',
    "Unknown parameter: 'stream_options.bogus'.",
  ],
  [
    { stream_options: {} },
    'stream_options',
    null,
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
  ],
  [
    { metadata: 'x' },
    'metadata',
    'invalid_type',
    "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
  ],
  [
    { metadata: keys(17) },
    'metadata',
    'object_above_max_properties',
    "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
  ],
  [
    { metadata: { k: 'x'.repeat(600) } },
    'metadata.k',
    'string_above_max_length',
    "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with length 600 instead.",
  ],
  [
    { metadata: { ['k'.repeat(70)]: 'v' } },
    `metadata.${'k'.repeat(70)}`,
    'property_name_above_max_length',
    "Invalid property name in 'metadata': 'kkk...kkk' is too long. Expected a string with maximum length 64, but got a string with length 70 instead.",
  ],
]

describe('validation of the fields of a chat request', () => {
  it.each(refusals)('rejects %j with the message of the service', (fragment, param, code, message) => {
    expect(refusal(fragment)).toEqual({ message, type: 'invalid_request_error', param, code })
  })
})
