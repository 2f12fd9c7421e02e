import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { tryHostileBodies } from '../../../tests/support/hostile-conversions.ts'
import {
  chatDefaults,
  chatSight,
  responsesDefaults,
  responsesSight,
} from '../../../tests/support/request-sight.ts'
import type { JsonMembers } from '../conversion.ts'
import { chatFieldList, validateChat } from '../chat/validate-chat.ts'
import { findModel } from '../models/model-catalogue.ts'
import { chatParameters, chatToResponses } from './chat-to-responses.ts'
import { responsesToChat } from './convert-to-chat.ts'
import { validateResponses } from './validate-responses.ts'

const options = { model: 'm', drop: new Set<string>(), maxOutputTokens: undefined }
const user = { role: 'user', content: 'a' }
const userItem = { type: 'message', role: 'user', content: 'a' }
const model = findModel('gpt-5.4')!

function convert(members: object, drop: readonly string[] = []) {
  const body = { messages: [user], ...members }
  return chatToResponses(body, { model: 'm', drop: new Set(drop), maxOutputTokens: undefined })
}

function converted(members: object, drop?: readonly string[]): Readonly<Record<string, unknown>> {
  const result = convert(members, drop)
  if (result.kind === 'refused') throw new Error(result.error.message)
  return result.body
}

const inputOf = (...messages: readonly object[]): unknown => converted({ messages })['input']

describe('a chat request as a Responses request', () => {
  it('stores nothing by default, and has the model of the upstream', () => {
    expect(converted({ model: 'a' })).toEqual({ model: 'm', input: [userItem], store: false })
    expect(converted({ store: true })).toMatchObject({ store: true })
    expect(converted({ store: null })).toMatchObject({ store: false })
  })

  it.each<[object, object]>([
    [{ max_tokens: 50 }, { max_output_tokens: 50 }],
    [{ max_completion_tokens: 60, max_tokens: 50 }, { max_output_tokens: 60 }],
    [
      { temperature: 0, top_p: 0 },
      { temperature: 0, top_p: 0 },
    ],
    [{ reasoning_effort: 'none' }, { reasoning: { effort: 'none' } }],
    [{ reasoning_effort: 'minimal' }, { reasoning: { effort: 'minimal' } }],
    [{ reasoning_effort: 'xhigh' }, { reasoning: { effort: 'xhigh' } }],
    [{ reasoning_effort: 'newest' }, { reasoning: { effort: 'newest' } }],
    [{ verbosity: 'low' }, { text: { verbosity: 'low' } }],
    [{ response_format: { type: 'json_object' } }, { text: { format: { type: 'json_object' } } }],
    [
      { response_format: { type: 'text' }, verbosity: 'high' },
      { text: { format: { type: 'text' }, verbosity: 'high' } },
    ],
    [
      { logprobs: true, top_logprobs: 3 },
      { include: ['message.output_text.logprobs'], top_logprobs: 3 },
    ],
    [{ stream: true, stream_options: { include_usage: true } }, { stream: true }],
    [
      { stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
      { stream: true, stream_options: { include_obfuscation: false } },
    ],
    [
      { functions: [{ name: 'f' }], function_call: 'auto' },
      { tool_choice: 'auto', parallel_tool_calls: false },
    ],
    [
      { functions: [{ name: 'f' }], function_call: { name: 'f' } },
      { tool_choice: { type: 'function', name: 'f' } },
    ],
    [
      { tool_choice: 'required', parallel_tool_calls: false },
      { tool_choice: 'required', parallel_tool_calls: false },
    ],
    [
      { tool_choice: { type: 'function', function: { name: 'f' } } },
      { tool_choice: { type: 'function', name: 'f' } },
    ],
    [
      { tool_choice: { type: 'custom', custom: { name: 'f' } } },
      { tool_choice: { type: 'custom', name: 'f' } },
    ],
    [
      {
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
        },
      },
      { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } },
    ],
  ])('converts %j', (members, expected) => {
    const { model: _, input: __, store: ___, tools: ____, ...others } = converted(members)
    expect({ ...others, ...expected }).toEqual(others)
    expect(Object.keys(others)).toEqual(expect.arrayContaining(Object.keys(expected)))
  })

  it('has a flat JSON schema, which is not strict unless the request says so', () => {
    const schema = { type: 'object', properties: { a: { type: ['string', 'null'], default: null } } }
    const format = (strict: object) => ({
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', description: 'd', schema, ...strict },
      },
    })
    const flat = { type: 'json_schema', name: 'n', description: 'd', schema }
    expect(converted(format({ strict: true }))['text']).toEqual({ format: { ...flat, strict: true } })
    expect(converted(format({}))['text']).toEqual({ format: { ...flat, strict: false } })
  })

  it('has flat tools', () => {
    const parameters = { type: 'object', properties: {} }
    const grammar = { syntax: 'lark', definition: 'start: "a"' }
    const tools = [
      { type: 'function', function: { name: 'f', description: 'd', parameters, strict: true } },
      { type: 'function', function: { name: 'g', description: null } },
      { type: 'custom', custom: { name: 'h', format: { type: 'grammar', grammar } } },
      { type: 'custom', custom: { name: 'i', description: 'e', format: { type: 'text' } } },
    ]
    expect(converted({ tools })['tools']).toEqual([
      { type: 'function', name: 'f', description: 'd', parameters, strict: true },
      { type: 'function', name: 'g', parameters: null, strict: false },
      { type: 'custom', name: 'h', format: { type: 'grammar', ...grammar } },
      { type: 'custom', name: 'i', description: 'e', format: { type: 'text' } },
    ])
  })

  it('has all system and developer messages at their positions', () => {
    const roles = ['system', 'developer', 'user', 'system', 'assistant', 'developer', 'user']
    const messages = roles.map((role, index) => ({ role, content: `${index}` }))
    expect(inputOf(...messages)).toEqual(
      messages.map(({ role, content }) => ({ type: 'message', role, content })),
    )
  })

  it('has content parts of the roles', () => {
    const image = 'data:image/png;base64,iVBORw0KGgo='
    const end = { prompt_cache_breakpoint: { mode: 'explicit' } }
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'undefined', ...end },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
          { type: 'image_url', image_url: { url: image, detail: null } },
          { type: 'file', file: { file_id: 'file-1' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'b' },
          { type: 'refusal', refusal: 'c' },
        ],
      },
      { role: 'assistant', content: null, refusal: 'no', annotations: [], audio: null },
      { role: 'assistant', content: 'x', refusal: 'no' },
    ]
    expect(inputOf(...messages)).toEqual([
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'undefined', ...end },
          { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' },
          { type: 'input_image', image_url: image },
          { type: 'input_file', file_id: 'file-1' },
          { type: 'input_file', file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' },
        ],
      },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'b' },
          { type: 'refusal', refusal: 'c' },
        ],
      },
      { type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'x' },
          { type: 'refusal', refusal: 'no' },
        ],
      },
    ])
  })

  it('has calls after the text, and their results', () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{"a":1}' } })
    const messages = [
      user,
      { role: 'assistant', content: 'b', tool_calls: [call('1'), call('2')] },
      { role: 'tool', tool_call_id: '2', content: 'two' },
      { role: 'tool', tool_call_id: '1', name: 'f', content: [{ type: 'text', text: 'one' }] },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: '3', type: 'custom', custom: { name: 'g', input: 'x' } }],
      },
      { role: 'tool', tool_call_id: '3', content: '' },
    ]
    expect(inputOf(...messages)).toEqual([
      userItem,
      { type: 'message', role: 'assistant', content: 'b' },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call', call_id: '2', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call_output', call_id: '2', output: 'two' },
      { type: 'function_call_output', call_id: '1', output: [{ type: 'input_text', text: 'one' }] },
      { type: 'custom_tool_call', call_id: '3', name: 'g', input: 'x' },
      { type: 'custom_tool_call_output', call_id: '3', output: '' },
    ])
  })

  it('gives calls in the older form an id', () => {
    const call = { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }
    const result = { role: 'function', name: 'f', content: 'b' }
    expect(inputOf(user, call, result, call, result)).toEqual([
      userItem,
      { type: 'function_call', call_id: 'call_function_1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_function_1', output: 'b' },
      { type: 'function_call', call_id: 'call_function_3', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_function_3', output: 'b' },
    ])
  })

  it.each([
    { n: 1 },
    { stop: null },
    { stop: [] },
    { logprobs: false },
    { logit_bias: {} },
    { seed: null, tools: null, response_format: null, stream_options: null, max_tokens: null },
    { modalities: ['text'] },
    { data_sources: [] },
  ])('leaves out defaults: %j', (members) => {
    expect(converted(members)).toEqual(converted({}))
  })
})

describe('a chat request that the Responses API cannot express', () => {
  it.each([
    ['n', { n: 2 }],
    ['n', { n: 'x' }],
    ['stop', { stop: 'a' }],
    ['stop', { stop: ['a'] }],
    ['seed', { seed: 0 }],
    ['logit_bias', { logit_bias: { 1: 2 } }],
    ['prediction', { prediction: { type: 'content', content: 'a' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'alloy', format: 'wav' } }],
    ['web_search_options', { web_search_options: {} }],
    ['data_sources', { data_sources: [{ type: 'azure_search' }] }],
    ['user_security_context', { user_security_context: {} }],
    ['top_k', { top_k: 5 }],
    ['constructor', { constructor: 1 }],
    ['input', { input: 'a' }],
    ['messages[0].name', { messages: [{ ...user, name: 'b' }] }],
    ['messages[0].audio', { messages: [{ role: 'assistant', audio: { id: 'a' } }, user] }],
    [
      'messages[0].content[0].input_audio',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    [
      'messages[0].content[0].file.url',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { url: 'a' } }] }] },
    ],
    ['stream_options.other', { stream: true, stream_options: { other: 1 } }],
    ['response_format.schema', { response_format: { type: 'json_object', schema: {} } }],
    ['tools[0].strict', { tools: [{ type: 'function', function: { name: 'f' }, strict: true }] }],
    ['tools[0].function.other', { tools: [{ type: 'function', function: { name: 'f', other: 1 } }] }],
    [
      'messages[0].tool_calls[0].index',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
          },
        ],
      },
    ],
  ])('is refused with the parameter %s, or converted without it: %j', (param, members) => {
    const result = convert(members)
    const name = param.replaceAll(/\[\d+\]/g, '')
    expect(result).toMatchObject({
      kind: 'refused',
      error: { status: 400, param, code: 'unsupported_parameter', type: 'invalid_request_error' },
    })
    expect(JSON.stringify(result)).toContain(`list '${name}' under 'drop'`)
    const dropped = converted(members, [name])
    expect(validateResponses({ ...dropped, input: 'json' }, model)).toBeUndefined()
    expect(converted(members, [name.split('.')[0] ?? ''])).toEqual(dropped)
    expect(convert(members, ['other', 'm', `${name}x`])).toEqual(result)
  })

  it.each([
    ['messages', { messages: undefined }],
    ['messages', { messages: null }],
    ['messages', { messages: 'a' }],
    ['messages', { messages: {} }],
    ['messages', { messages: [] }],
    ['messages[1]', { messages: [user, null] }],
    ['messages[0]', { messages: ['a'] }],
    ['messages[0].role', { messages: [{ content: 'a' }] }],
    ['messages[0].role', { messages: [{ role: 7, content: 'a' }] }],
    ['messages[0].role', { messages: [{ role: 'human', content: 'a' }] }],
    ['messages[0].role', { messages: [{ role: 'toString', content: 'a' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: null }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 7 }] }],
    ['messages[0].content', { messages: [{ role: 'assistant', content: null }] }],
    ['messages[0].content[0]', { messages: [{ role: 'user', content: ['a'] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ text: 'a' }] }] }],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'user', content: [{ type: 'input_text', text: 'a' }] }] },
    ],
    [
      'messages[0].content[0].text',
      { messages: [{ role: 'user', content: [{ type: 'text', text: null }] }] },
    ],
    [
      'messages[0].content[0].image_url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'a' }] }] },
    ],
    ['messages[0].content[0].type', { messages: [{ role: 'assistant', content: [{ type: 'image_url' }] }] }],
    ['messages[0].tool_calls', { messages: [{ role: 'assistant', tool_calls: {} }] }],
    ['messages[0].tool_calls[0]', { messages: [{ role: 'assistant', tool_calls: [null] }] }],
    [
      'messages[0].tool_calls[0].id',
      { messages: [{ role: 'assistant', tool_calls: [{ type: 'function' }] }] },
    ],
    [
      'messages[0].tool_calls[0].function.arguments',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: {} } }],
          },
        ],
      },
    ],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'a' }] }],
    ['messages[0].function_call', { messages: [{ role: 'assistant', function_call: [] }] }],
    ['tools', { tools: {} }],
    ['tools[0]', { tools: [null] }],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
    [
      'tools[0].function.parameters',
      { tools: [{ type: 'function', function: { name: 'f', parameters: 'a' } }] },
    ],
    ['tool_choice', { tool_choice: 'x' }],
    ['tool_choice', { tool_choice: [] }],
    ['tool_choice.type', { tool_choice: { type: 'web_search' } }],
    ['function_call', { function_call: 'required' }],
    ['response_format', { response_format: 'json' }],
    ['response_format.type', { response_format: {} }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    ['response_format.json_schema.name', { response_format: { type: 'json_schema', json_schema: {} } }],
    ['max_tokens', { max_tokens: '5' }],
    ['max_completion_tokens', { max_completion_tokens: 1.5 }],
    ['temperature', { temperature: 'hot' }],
    ['stream', { stream: 'true' }],
    ['stream_options', { stream: true, stream_options: [] }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stream_options.include_usage', { stream: true, stream_options: { include_usage: 1 } }],
    ['store', { store: 'yes' }],
    ['metadata', { metadata: 'a' }],
    ['reasoning_effort', { reasoning_effort: 1 }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['logprobs', { logprobs: 1 }],
    ['functions[0].name', { functions: [{}] }],
  ])('has a wrong type at %s: %j', (param, members) => {
    expect(convert(members)).toMatchObject({ kind: 'refused', error: { status: 400, param } })
  })

  it('has a short error for a long name', () => {
    const result = convert({ ['x'.repeat(1_000_000)]: 1 })
    expect(result.kind).toBe('refused')
    expect(JSON.stringify(result).length).toBeLessThan(1_000)
  })

  it.each([null, [], 'a', 7, true])('is not an object: %j', (body) => {
    expect(chatToResponses(body as never, options)).toMatchObject({ kind: 'refused', error: { status: 400 } })
  })
})

describe('the table of chat parameters', () => {
  it('has every parameter that the service knows', () => {
    const known = chatFieldList(model.capabilities).map(({ name }) => name)
    expect(chatParameters.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
  })
})

const everything = {
  model: 'a',
  messages: [
    { role: 'developer', content: 'Answer in json.' },
    { role: 'system', content: [{ type: 'text', text: 'b' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'x' },
        { type: 'image_url', image_url: { url: 'https://example.com/', detail: 'high' } },
      ],
    },
    {
      role: 'assistant',
      content: 'calls',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'b', type: 'custom', custom: { name: 'g', input: 'h' } },
      ],
    },
    { role: 'tool', tool_call_id: 'a', content: '1' },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: '2' }] },
    { role: 'assistant', content: null, refusal: 'no' },
    { role: 'assistant', function_call: { name: 'f', arguments: '{}' } },
    { role: 'function', name: 'f', content: 'c' },
    { role: 'user', content: 'd' },
  ],
  tools: [
    { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
    { type: 'custom', custom: { name: 'g', format: { type: 'text' } } },
  ],
  tool_choice: {
    type: 'allowed_tools',
    allowed_tools: { mode: 'auto', tools: [{ type: 'custom', custom: { name: 'g' } }] },
  },
  response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } },
  stream: true,
  stream_options: { include_usage: true, include_obfuscation: false },
  max_completion_tokens: 100,
  temperature: 0,
  logprobs: true,
  top_logprobs: 2,
  metadata: { a: 'b' },
  store: true,
  reasoning_effort: 'none',
  verbosity: 'medium',
  n: 1,
}

/** What is lost when a valid request is converted and converted back. */
function lossesOf(body: JsonMembers, responses: JsonMembers): unknown[] {
  const error = validateResponses(responses, model)
  const back = responsesToChat(responses, options)
  if (back.kind === 'refused') return [back.error.message]
  const asked = chatDefaults(chatSight(body))
  const isEqual =
    isDeepStrictEqual(chatDefaults(chatSight(back.body)), asked) &&
    isDeepStrictEqual(
      responsesDefaults(responsesSight(responses), () => true),
      asked,
    )
  const isTooFew = error?.param === 'max_output_tokens'
  return [...(error && !isTooFew ? [error.message] : []), ...(isEqual ? [] : [body])]
}

describe('a hostile chat request', () => {
  it('is converted to JSON that says the same, or refused with a parameter', () => {
    const { problems, kinds } = tryHostileBodies({
      seed: 'chat to responses',
      everything,
      convert: (body) => chatToResponses(body, options),
      isValid: (body) => validateChat(body, model) === undefined,
      lossesOf,
    })
    expect(problems).toEqual([])
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(200)
  })
})
