import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const user = { role: 'user', content: 'ping' }
const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }
const model = findModel('gpt-5.6-terra')!
const refusal = (fragment: object): unknown => {
  const error = validateChat({ messages: [user], ...fragment }, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

type Row = readonly [fragment: object, param: string | null, code: string | null, message: string]

const refusals: Row[] = [
  [
    { response_format: 'json' },
    'response_format',
    'invalid_type',
    "Invalid type for 'response_format': expected an object, but got a string instead.",
  ],
  [
    { response_format: {} },
    'response_format.type',
    'missing_required_parameter',
    "Missing required parameter: 'response_format.type'.",
  ],
  [
    { response_format: { type: 'bogus' } },
    'response_format.type',
    'invalid_value',
    "Invalid value: 'bogus'. Supported values are: 'json_object', 'json_schema', and 'text'.",
  ],
  [
    { response_format: { type: 'json_schema' } },
    'response_format.json_schema',
    'missing_required_parameter',
    "Missing required parameter: 'response_format.json_schema'.",
  ],
  [
    { response_format: { type: 'json_schema', json_schema: {} } },
    'response_format.json_schema.name',
    'missing_required_parameter',
    "Missing required parameter: 'response_format.json_schema.name'.",
  ],
  [
    { response_format: { type: 'json_object' } },
    'messages',
    null,
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
  ],
  [
    { tools: 'x' },
    'tools',
    'invalid_type',
    "Invalid type for 'tools': expected an array of objects, but got a string instead.",
  ],
  [
    { functions: 'x' },
    'functions',
    'invalid_type',
    "Invalid type for 'functions': expected an array of function definitions, but got a string instead.",
  ],
  [
    { tools: [{ type: 'function' }] },
    'tools[0].function',
    'missing_required_parameter',
    "Missing required parameter: 'tools[0].function'.",
  ],
  [
    { tools: [{ type: 'function', function: {} }] },
    'tools[0].function.name',
    'missing_required_parameter',
    "Missing required parameter: 'tools[0].function.name'.",
  ],
  [
    { tools: [{ type: 'function', function: { name: '' } }] },
    'tools[0].function.name',
    'empty_string',
    "Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, but got an empty string instead.",
  ],
  [
    { tools: [{ type: 'function', function: { name: 'a b' } }] },
    'tools[0].function.name',
    'invalid_value',
    "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
  ],
  [
    { tools: [tool], tool_choice: 'bogus' },
    'tool_choice',
    'invalid_value',
    "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
  ],
  [
    { tool_choice: 7 },
    'tool_choice',
    'invalid_type',
    "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' or object, but got an integer instead.",
  ],
  [
    { tools: [tool], tool_choice: { type: 'bogus' } },
    'tool_choice.function',
    'missing_required_parameter',
    "Missing required parameter: 'tool_choice.function'.",
  ],
  [
    { tools: [tool], tool_choice: { type: 'function', function: { name: 'x' } } },
    'function_call',
    null,
    "Invalid value for 'function_call': no function named 'x' was specified in the 'functions' parameter.",
  ],
  [
    { functions: [{ name: 'f' }], function_call: { bogus: 1 } },
    'function_call.name',
    'missing_required_parameter',
    "Missing required parameter: 'function_call.name'.",
  ],
]

describe('validation of tools, functions and response formats', () => {
  it.each(refusals)('rejects %j with the message of the service', (fragment, param, code, message) => {
    expect(refusal(fragment)).toEqual({ message, type: 'invalid_request_error', param, code })
  })
})
