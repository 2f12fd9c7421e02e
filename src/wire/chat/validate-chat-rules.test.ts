import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const user = { role: 'user', content: 'ping' }
const tools = [
  { type: 'function', function: { name: 'f' } },
  { type: 'custom', custom: { name: 'c' } },
]
const functions = [{ name: 'f' }]
const prediction = { type: 'content', content: 'x' }

function refusal(fragment: object, model = 'gpt-4o', apiVersion?: string): unknown {
  const error = validateChat({ messages: [user], ...fragment }, findModel(model)!, apiVersion)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

const chooseFunction = (name: string) => ({ type: 'function', function: { name } })
const chooseCustom = (name: string) => ({ type: 'custom', custom: { name } })
const allow = (...allowed: readonly object[]) => ({
  type: 'allowed_tools',
  allowed_tools: { mode: 'auto', tools: allowed },
})

type Row = readonly [fragment: object, param: string | null, code: string | null, message: string]

const needs = (name: string, value: unknown, list: string, rest: object = {}): Row => [
  { [name]: value, ...rest },
  name,
  null,
  `Invalid value for '${name}': '${name}' is only allowed when '${list}' are specified.`,
]
const undeclared = (fragment: object, name: string): Row => [
  fragment,
  'function_call',
  null,
  `Invalid value for 'function_call': no function named '${name}' was specified in the 'functions' parameter.`,
]
const notPredicted = (name: string, value: unknown): Row => [
  { prediction, [name]: value },
  name,
  null,
  `Invalid value for '${name}': '${name}' is not allowed when 'prediction' is specified.`,
]

describe('rules between the fields of a chat request', () => {
  it.each<Row>([
    [
      { max_tokens: 5, max_completion_tokens: 5 },
      'max_tokens',
      'invalid_parameter_combination',
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
    ],
    needs('parallel_tool_calls', false, 'tools'),
    needs('parallel_tool_calls', true, 'tools', { tools: null }),
    needs('parallel_tool_calls', false, 'tools', { functions }),
    needs('tool_choice', 'auto', 'tools'),
    needs('tool_choice', 'none', 'tools'),
    needs('tool_choice', 'required', 'tools', { functions }),
    needs('tool_choice', chooseFunction('f'), 'tools'),
    needs('function_call', 'auto', 'functions'),
    needs('function_call', { name: 'f' }, 'functions', { tools }),
    [
      { tools: [] },
      'tools',
      'empty_array',
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ],
    undeclared({ functions, function_call: { name: 'x' } }, 'x'),
    undeclared({ tools, tool_choice: chooseFunction('x') }, 'x'),
    undeclared({ tools, tool_choice: chooseFunction('c') }, 'c'),
    undeclared({ tools, tool_choice: allow(chooseFunction('f'), chooseFunction('x')) }, 'x'),
    [
      { tools, tool_choice: chooseCustom('f') },
      'tool_choice',
      null,
      "Invalid value for 'tool_choice': no custom tool named 'f' was specified in the 'tools' parameter.",
    ],
    [
      { tools, tool_choice: allow({}) },
      'tool_choice.allowed_tools.tools[0].type',
      'missing_required_parameter',
      "Missing required parameter: 'tool_choice.allowed_tools.tools[0].type'.",
    ],
    [
      { tools, tool_choice: allow({ type: 'function', name: 'f' }) },
      'tool_choice.allowed_tools.tools[0].function',
      'missing_required_parameter',
      "Missing required parameter: 'tool_choice.allowed_tools.tools[0].function'.",
    ],
    [
      { metadata: { a: 'b' } },
      'metadata',
      null,
      "The 'metadata' parameter is only allowed when 'store' is enabled.",
    ],
    [
      { metadata: {}, store: false },
      'metadata',
      null,
      "The 'metadata' parameter is only allowed when 'store' is enabled.",
    ],
    notPredicted('n', 2),
    notPredicted('tools', tools),
    notPredicted('logprobs', true),
    notPredicted('presence_penalty', 0.1),
    notPredicted('frequency_penalty', 2),
  ])('refuse %j', (fragment, param, code, message) => {
    expect(refusal(fragment)).toEqual({ message, type: 'invalid_request_error', param, code })
  })

  it.each([
    { tools, parallel_tool_calls: false, tool_choice: 'none' },
    { tools, tool_choice: chooseFunction('f') },
    { tools, tool_choice: chooseCustom('c') },
    { tools, tool_choice: allow(chooseFunction('f'), chooseCustom('c')) },
    { tools: null, tool_choice: null, parallel_tool_calls: null, functions: null, function_call: null },
    { functions, function_call: 'none' },
    { store: true, metadata: { a: 'b' } },
    { metadata: null, store: null },
    { prediction, n: 1, logprobs: false, presence_penalty: 0, frequency_penalty: -1 },
  ])('accept %j', (fragment) => {
    expect(refusal(fragment)).toBeUndefined()
  })
})

describe('arguments of chat requests by API version', () => {
  const unrecognized = (names: string): object => ({
    message: `Unrecognized request ${names.includes(',') ? 'arguments' : 'argument'} supplied: ${names}`,
    type: 'invalid_request_error',
    param: null,
    code: null,
  })
  const streamOptions = { stream: true, stream_options: { include_usage: true } }

  it.each([
    ['max_completion_tokens', { max_completion_tokens: 9 }, '2024-08-01-preview', '2024-09-01-preview'],
    ['max_completion_tokens', { max_completion_tokens: 9 }, '2024-06-01', '2024-10-21'],
    ['stream_options', streamOptions, '2024-08-01-preview', '2024-09-01-preview'],
    ['parallel_tool_calls', { tools, parallel_tool_calls: false }, '2024-06-01', '2024-10-21'],
    ['modalities', { modalities: ['text'] }, '2024-10-21', '2025-01-01-preview'],
    ['tool_choice, tools', { tools, tool_choice: 'auto' }, '2023-10-01-preview', '2023-12-01-preview'],
    ['functions', { functions }, '2023-05-15', '2023-07-01-preview'],
    ['seed', { seed: 1 }, '2023-08-01-preview', '2023-12-01-preview'],
    ['logprobs', { logprobs: true }, '2023-05-15', '2024-02-01'],
  ])('gpt-4o does not know %s with %j in %s, but in %s', (names, fragment, old, first) => {
    expect(refusal(fragment, 'gpt-4o', old)).toEqual(unrecognized(names))
    expect(refusal(fragment, 'gpt-4o', first)).toBeUndefined()
  })

  it('are named together with members that no version has', () => {
    const fragment = { zzz: 1, max_completion_tokens: 9 }
    expect(refusal(fragment, 'gpt-4o', '2024-02-01')).toEqual(unrecognized('max_completion_tokens, zzz'))
  })

  it.each([
    ['gpt-4.1-mini', streamOptions],
    ['gpt-4.1', { max_completion_tokens: 9 }],
    ['gpt-4o-mini', { tools, parallel_tool_calls: false }],
    ['gpt-5-nano', { reasoning_effort: 'low', max_completion_tokens: 9 }],
  ])('%s knows %j in 2024-02-01', (model, fragment) => {
    expect(refusal(fragment, model, '2024-02-01')).toBeUndefined()
  })

  it.each(['v1', 'preview', undefined])('all are known in version %s', (version) => {
    expect(refusal({ max_completion_tokens: 9, modalities: ['text'] }, 'gpt-4o', version)).toBeUndefined()
  })
})
