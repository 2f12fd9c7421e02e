import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const user = { role: 'user', content: 'ping' }
const model = findModel('gpt-5.6-terra')!
const refusal = (fragment: object): unknown => {
  const error = validateChat({ messages: [user], ...fragment }, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

type Row = readonly [fragment: object, param: string | null, code: string | null, message: string]

const MAX_CONTENT_LENGTH = 10_485_760
const tooLong = 'x'.repeat(MAX_CONTENT_LENGTH + 1)

const refusals: Row[] = [
  [
    { messages: [{ role: 'user', content: tooLong }] },
    'messages[0].content',
    'string_above_max_length',
    "Invalid 'messages[0].content': string too long. Expected a string with maximum length 10485760, but got a string with length 10485761 instead.",
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'text', text: tooLong }] }] },
    'messages[0].content[0].text',
    'string_above_max_length',
    "Invalid 'messages[0].content[0].text': string too long. Expected a string with maximum length 10485760, but got a string with length 10485761 instead.",
  ],
  [
    { messages: undefined },
    'messages',
    'missing_required_parameter',
    "Missing required parameter: 'messages'.",
  ],
  [
    { messages: [] },
    'messages',
    'empty_array',
    "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
  ],
  [
    { messages: 'x' },
    'messages',
    'invalid_type',
    "Invalid type for 'messages': expected an array of objects, but got a string instead.",
  ],
  [
    { messages: ['x'] },
    'messages[0]',
    'invalid_type',
    "Invalid type for 'messages[0]': expected an object, but got a string instead.",
  ],
  [
    { messages: [{ content: 'x' }] },
    'messages[0].role',
    'missing_required_parameter',
    "Missing required parameter: 'messages[0].role'.",
  ],
  [
    { messages: [{ role: 'bogus', content: 'x' }] },
    'messages[0].role',
    'invalid_value',
    "Invalid value: 'bogus'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
  ],
  [
    { messages: [{ role: 'user' }] },
    'messages.[0].content',
    null,
    "Invalid value for 'content': expected a string, got null.",
  ],
  [
    { messages: [user, { role: 'assistant', refusal: null }] },
    'messages.[1].content',
    null,
    "Invalid value for 'content': expected a string, got null.",
  ],
  [
    { messages: [user, { role: 'developer' }] },
    'messages[1].content',
    'missing_required_parameter',
    "Missing required parameter: 'messages[1].content'.",
  ],
  [
    { messages: [user, { role: 'developer', content: null }] },
    'messages[1].content',
    'invalid_type',
    "Invalid type for 'messages[1].content': expected one of a string or array of objects, but got null instead.",
  ],
  [
    { messages: [{ role: 'user', content: 7 }] },
    'messages[0].content',
    'invalid_type',
    "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead.",
  ],
  [
    { messages: [user, { role: 'assistant', content: 'x', tool_calls: [] }] },
    'messages[1].tool_calls',
    'empty_array',
    "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.",
  ],
  [
    { messages: [user, { role: 'assistant', content: 'x', tool_calls: 'x' }] },
    'messages[1].tool_calls',
    'invalid_type',
    "Invalid type for 'messages[1].tool_calls': expected an array of objects, but got a string instead.",
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
    'messages[0].content[0].type',
    'invalid_value',
    "Invalid value: 'image'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.",
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }] },
    'messages[0].content[0].image_url',
    'invalid_type',
    "Invalid type for 'messages[0].content[0].image_url': expected an object, but got a string instead.",
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'file', file: { data: 'x' } }] }] },
    'messages[0].content[0].file.data',
    'unknown_parameter',
    "Unknown parameter: 'messages[0].content[0].file.data'.",
  ],
  [
    { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
    'messages[0]',
    'invalid_value',
    "Invalid 'messages[0]'. Image URLs are only allowed for messages with role 'user', but this message with role 'system' contains an image URL.",
  ],
]

describe('validation of messages', () => {
  it.each(refusals)('rejects %j with the message of the service', (fragment, param, code, message) => {
    expect(refusal(fragment)).toEqual({ message, type: 'invalid_request_error', param, code })
  })
})
