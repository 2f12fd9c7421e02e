import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { tryHostileBodies } from '../../../tests/support/hostile-conversions.ts'
import {
  chatDefaults,
  chatSight,
  responsesDefaults,
  responsesSight,
} from '../../../tests/support/request-sight.ts'
import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { isEmpty } from '../convert-parameters.ts'
import type { ServiceError } from '../errors.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { schemaProblem } from '../json-schema/check-schema.ts'
import { findModel } from '../models/model-catalogue.ts'
import { chatToResponses } from './chat-to-responses.ts'
import { responsesParameters, responsesToChat } from './convert-to-chat.ts'
import { hostedToolItemTypes } from './responses-item.ts'
import { responsesFields, validateResponses } from './validate-responses.ts'

const model = findModel('gpt-5.4')!
const options = { model: 'm', drop: new Set<string>(), maxOutputTokens: undefined }
const user = { role: 'user', content: 'a' }
const image = 'data:image/png;base64,iVBORw0KGgo='

function convert(members: object, drop: readonly string[] = []) {
  const body = { input: 'a', ...members }
  return responsesToChat(body, { model: 'm', drop: new Set(drop), maxOutputTokens: undefined })
}

function converted(members: object, drop?: readonly string[]): Readonly<Record<string, unknown>> {
  const result = convert(members, drop)
  if (result.kind === 'refused') throw new Error(result.error.message)
  return result.body
}

const messagesOf = (...input: readonly object[]): unknown => converted({ input })['messages']

describe('a Responses request as a chat request', () => {
  it('has no members that items and parts do not have, unless they are dropped', () => {
    const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' }
    const items = [
      [{ ...call, colour: 1 }, 'input[0].colour'],
      [{ type: 'function_call_output', call_id: 'call_1', output: 'a', colour: 1 }, 'input[0].colour'],
      [
        { role: 'user', content: [{ type: 'input_text', text: 'a', colour: 1 }] },
        'input[0].content[0].colour',
      ],
    ] as const
    for (const [item, param] of items) {
      expect(convert({ input: [item] })).toMatchObject({ error: { status: 400, param } })
      expect(convert({ input: [item] }, ['input']).kind).toBe('converted')
    }
    expect(convert({ input: [{ ...call, parsed_arguments: {} }] }).kind).toBe('converted')
  })

  it('has one message for a text, and the model of the upstream', () => {
    expect(converted({ model: 'x' })).toEqual({ model: 'm', messages: [user] })
  })

  it('begins with the instructions', () => {
    const { messages } = converted({ instructions: 'Be kind.', input: [{ role: 'developer', content: 'b' }] })
    expect(messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'developer', content: 'b' },
    ])
    expect(converted({ instructions: '' })).toEqual(converted({}))
  })

  it.each<[object, object]>([
    [{ max_output_tokens: 50 }, { max_completion_tokens: 50 }],
    [
      { temperature: 0, top_p: 0 },
      { temperature: 0, top_p: 0 },
    ],
    [{ reasoning: { effort: 'minimal', summary: null, context: 'auto' } }, { reasoning_effort: 'minimal' }],
    [{ reasoning: { effort: 'xhigh', mode: 'standard' } }, { reasoning_effort: 'xhigh' }],
    [{ text: { verbosity: 'low' } }, { verbosity: 'low' }],
    [{ text: { format: { type: 'json_object' } } }, { response_format: { type: 'json_object' } }],
    [{ include: ['message.output_text.logprobs'] }, { logprobs: true }],
    [{ include: ['reasoning.encrypted_content', 'message.output_text.logprobs'] }, { logprobs: true }],
    [{ top_logprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    [{ stream: true }, { stream: true, stream_options: { include_usage: true } }],
    [
      { stream: true, stream_options: { include_obfuscation: false } },
      { stream: true, stream_options: { include_obfuscation: false, include_usage: true } },
    ],
    [{ store: false }, { store: false }],
    [{ metadata: { a: 'b' } }, { metadata: { a: 'b' }, store: true }],
    [
      { user: 'u', safety_identifier: 's' },
      { user: 'u', safety_identifier: 's' },
    ],
    [
      { prompt_cache_key: 'k', service_tier: 'flex' },
      { prompt_cache_key: 'k', service_tier: 'flex' },
    ],
  ])('converts %j', (members, expected) => {
    expect(converted(members)).toEqual({ model: 'm', messages: [user], ...expected })
  })

  it('has a nested JSON schema, which is strict unless the request says otherwise', () => {
    const schema = { type: 'object', properties: { a: { type: ['string', 'null'], default: null } } }
    const format = { type: 'json_schema', name: 'n', description: 'd', schema }
    const nested = { name: 'n', description: 'd', schema }
    expect(converted({ text: { format } })['response_format']).toEqual({
      type: 'json_schema',
      json_schema: { ...nested, strict: true },
    })
    expect(converted({ text: { format: { ...format, strict: false } } })['response_format']).toEqual({
      type: 'json_schema',
      json_schema: { ...nested, strict: false },
    })
  })

  it('has nested tools, which are strict by default where their schema allows it', () => {
    const closed = { type: 'object', properties: {}, required: [], additionalProperties: false }
    const open = { type: 'object', properties: { a: { type: 'string' } } }
    const grammar = { syntax: 'lark', definition: 'start: "a"' }
    const tools = [
      { type: 'function', name: 'f', description: 'd', parameters: closed, defer_loading: false },
      { type: 'function', name: 'g', parameters: open, strict: null },
      { type: 'function', name: 'h', parameters: open, strict: true },
      { type: 'function', name: 'i' },
      { type: 'custom', name: 'j', format: { type: 'grammar', ...grammar } },
    ]
    expect(converted({ tools })['tools']).toEqual([
      { type: 'function', function: { name: 'f', description: 'd', parameters: closed, strict: true } },
      { type: 'function', function: { name: 'g', parameters: open } },
      { type: 'function', function: { name: 'h', parameters: open, strict: true } },
      { type: 'function', function: { name: 'i' } },
      { type: 'custom', custom: { name: 'j', format: { type: 'grammar', grammar } } },
    ])
  })

  it.each([
    ['required', 'required'],
    [
      { type: 'function', name: 'f' },
      { type: 'function', function: { name: 'f' } },
    ],
    [
      { type: 'custom', name: 'f' },
      { type: 'custom', custom: { name: 'f' } },
    ],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] },
      },
    ],
  ])('converts the tool choice %j', (choice, expected) => {
    const tools = [{ type: 'function', name: 'f' }]
    expect(converted({ tools, tool_choice: choice })['tool_choice']).toEqual(expected)
  })

  it('has no empty list of tools, and no parameters of tools without them', () => {
    const members = { tools: [], tool_choice: 'auto', parallel_tool_calls: true }
    expect(converted(members)).toEqual(converted({}))
    expect(converted({ tool_choice: 'none', parallel_tool_calls: false })).toEqual(converted({}))
    expect(converted({ tool_choice: 'required' })).toMatchObject({ tool_choice: 'required' })
  })

  it('has content parts', () => {
    const end = { prompt_cache_breakpoint: { mode: 'explicit' } }
    const content = [
      { type: 'input_text', text: 'a', ...end },
      { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' },
      { type: 'input_image', image_url: image, file_id: null },
      { type: 'input_file', file_id: 'file-1' },
      { type: 'input_file', file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' },
    ]
    const answer = [
      { type: 'output_text', text: 'b', annotations: [], logprobs: [] },
      { type: 'refusal', refusal: 'c' },
    ]
    expect(
      messagesOf(
        { role: 'user', content },
        { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content: answer },
        { role: 'system', content: [{ type: 'input_text', text: 'd' }] },
      ),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a', ...end },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
          { type: 'image_url', image_url: { url: image } },
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
      { role: 'system', content: 'd' },
    ])
  })

  it('has one message for a text of the assistant and the calls after it', () => {
    const call = (id: string) => ({
      type: 'function_call',
      id: `fc_${id}`,
      call_id: id,
      name: 'f',
      arguments: '{}',
    })
    const toolCall = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
    const long = 'fc_'.padEnd(53, '0')
    expect(
      messagesOf(
        { role: 'user', content: 'a' },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 't' }] },
        { role: 'assistant', content: 'b', phase: 'commentary' },
        call('1'),
        { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: null },
        { type: 'custom_tool_call', call_id: '2', name: 'g', input: 'x' },
        { type: 'function_call_output', call_id: '1', output: 'one' },
        { type: 'custom_tool_call_output', call_id: '2', output: [{ type: 'input_text', text: 'two' }] },
        call(long),
        { type: 'function_call_output', call_id: long, output: '' },
        { role: 'assistant', content: 'c', phase: 'final_answer' },
      ),
    ).toEqual([
      user,
      {
        role: 'assistant',
        content: 'b',
        tool_calls: [toolCall('1'), { id: '2', type: 'custom', custom: { name: 'g', input: 'x' } }],
      },
      { role: 'tool', tool_call_id: '1', content: 'one' },
      { role: 'tool', tool_call_id: '2', content: 'two' },
      { role: 'assistant', content: null, tool_calls: [toolCall(expect.stringMatching(/^call_\w{32}$/))] },
      { role: 'tool', tool_call_id: expect.stringMatching(/^call_\w{32}$/), content: '' },
      { role: 'assistant', content: 'c' },
    ])
  })

  it('joins a text after calls with them, because results must follow the calls', () => {
    const call = { type: 'function_call', call_id: '1', name: 'f', arguments: '{}' }
    const output = { type: 'function_call_output', call_id: '1', output: 'one' }
    expect(messagesOf(call, { role: 'assistant', content: 'b' }, output)).toMatchObject([
      { role: 'assistant', content: 'b', tool_calls: [{ id: '1' }] },
      { role: 'tool', tool_call_id: '1' },
    ])
  })

  it.each([
    { background: false },
    { truncation: 'disabled' },
    { include: [] },
    { include: ['reasoning.encrypted_content'] },
    { context_management: [] },
    { previous_response_id: null, conversation: null, prompt: null, max_tool_calls: null },
    { instructions: null, text: null, reasoning: null, stream_options: null },
    { text: {}, reasoning: {}, metadata: {}, top_logprobs: 0 },
  ])('leaves out defaults: %j', (members) => {
    expect(converted(members)).toEqual(converted({}))
  })

  it('stores no answer for metadata that the deployment drops', () => {
    const members = { metadata: { a: 'b' } }
    expect(converted(members, ['metadata'])).toEqual(converted({}))
    expect(converted({ ...members, store: true }, ['metadata'])).toMatchObject({ ...members, store: true })
  })

  it('does not ask for the usage of a stream if the deployment drops it', () => {
    expect(converted({ stream: true }, ['stream_options.include_usage'])).toEqual({
      ...converted({}),
      stream: true,
    })
  })
})

describe('a Responses request that chat completions cannot express', () => {
  const first = { role: 'user', content: 'a' }
  const item = (more: object) => ({ input: [first, more] })

  it.each<[string, string, object]>([
    ['previous_response_id', '', { previous_response_id: 'resp_1' }],
    ['conversation', '', { conversation: 'conv_1' }],
    ['prompt', '', { prompt: { id: 'pmpt_1' } }],
    ['background', '', { background: true }],
    ['truncation', '', { truncation: 'auto' }],
    ['max_tool_calls', '', { max_tool_calls: 2 }],
    ['context_management', '', { context_management: [{ type: 'compaction' }] }],
    ['metadata', '', { metadata: { a: 'b' }, store: false }],
    ['top_k', '', { top_k: 5 }],
    ['messages', '', { messages: [] }],
    ['reasoning.summary', '', { reasoning: { effort: 'low', summary: 'auto' } }],
    ['reasoning.generate_summary', '', { reasoning: { generate_summary: 'auto' } }],
    ['reasoning.context', '', { reasoning: { context: 'all_turns' } }],
    ['reasoning.mode', '', { reasoning: { mode: 'pro' } }],
    ['text.other', '', { text: { other: 1 } }],
    ['text.format.other', '', { text: { format: { type: 'text', other: 1 } } }],
    ['include[0]', 'include.file_search_call.results', { include: ['file_search_call.results'] }],
    ['include[1]', 'include.new', { include: ['reasoning.encrypted_content', 'new'] }],
    ['stream_options.include_usage', '', { stream: true, stream_options: { include_usage: false } }],
    ...['web_search', 'mcp', 'code_interpreter', 'namespace', 'new_tool'].map(
      (type): [string, string, object] => ['tools[0]', `tools.${type}`, { tools: [{ type, name: 'f' }] }],
    ),
    ['tools[0].defer_loading', '', { tools: [{ type: 'function', name: 'f', defer_loading: true }] }],
    ['tools[0].output_schema', '', { tools: [{ type: 'function', name: 'f', output_schema: {} }] }],
    ['tool_choice', '', { tool_choice: { type: 'web_search' } }],
    ...[...hostedToolItemTypes, 'compaction', 'additional_tools', 'tool_search_output', 'new_item'].map(
      (type): [string, string, object] => ['input[1]', `input.${type}`, item({ type })],
    ),
    ['input[1]', 'input.item_reference', item({ id: 'msg_1' })],
    ['input[1]', 'input.reasoning', item({ type: 'reasoning', summary: [], encrypted_content: 'gAAA' })],
    ['input[1].phase', '', item({ role: 'assistant', content: 'b', phase: 'commentary' })],
    ['input[1].other', '', item({ role: 'assistant', content: 'b', other: 1 })],
    [
      'input[1].namespace',
      '',
      item({ type: 'function_call', call_id: '1', name: 'f', arguments: '', namespace: 'n' }),
    ],
    [
      'input[1].content[0].file_id',
      '',
      item({ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }),
    ],
    [
      'input[1].content[0].file_url',
      '',
      item({ role: 'user', content: [{ type: 'input_file', file_url: 'a' }] }),
    ],
    [
      'input[1].content[0]',
      'input.content.input_image',
      item({ role: 'system', content: [{ type: 'input_image', image_url: image }] }),
    ],
    [
      'input[1].output[0]',
      'input.output.input_image',
      item({
        type: 'function_call_output',
        call_id: '1',
        output: [{ type: 'input_image', image_url: image }],
      }),
    ],
  ])('is refused with the parameter %s, or converted without %s: %j', (param, given, members) => {
    const name = given === '' ? param.replaceAll(/\[\d+\]/g, '') : given
    const result = convert(members)
    expect(result).toMatchObject({
      kind: 'refused',
      error: { status: 400, param, code: 'unsupported_parameter', type: 'invalid_request_error' },
    })
    expect(JSON.stringify(result)).toContain(`list '${name}' under 'drop'`)
    const dropped = converted(members, [name])
    expect(validateChat({ ...dropped, messages: [user] }, model)).toBeUndefined()
    expect(converted(members, [name.split('.')[0] ?? ''])).toEqual(dropped)
    expect(convert(members, ['other', 'm', `${name}x`])).toEqual(result)
  })

  it.each<[string, object]>([
    ['input', { input: undefined }],
    ['input', { input: null }],
    ['input', { input: 7 }],
    ['input', { input: {} }],
    ['input', { input: [] }],
    ['input[0]', { input: [null] }],
    ['input[0]', { input: ['a'] }],
    ['input[0].role', { input: [{}] }],
    ['input[0].role', { input: [{ role: 'tool', content: 'a' }] }],
    ['input[0].type', { input: [{ type: 7 }] }],
    ['input[0].content', { input: [{ role: 'user' }] }],
    ['input[0].content', { input: [{ role: 'user', content: null }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }],
    [
      'input[0].content[0].type',
      { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'a' }] }] },
    ],
    ['input[0].content[0].image_url', { input: [{ role: 'user', content: [{ type: 'input_image' }] }] }],
    ['input[0].call_id', { input: [{ type: 'function_call', name: 'f', arguments: '' }] }],
    ['input[0].arguments', { input: [{ type: 'function_call', call_id: '1', name: 'f', arguments: {} }] }],
    ['input[0].output', { input: [{ type: 'function_call_output', call_id: '1' }] }],
    ['input[0].output', { input: [{ type: 'function_call_output', call_id: '1', output: {} }] }],
    ['instructions', { instructions: [] }],
    ['tools', { tools: 'a' }],
    ['tools[0]', { tools: [null] }],
    ['tools[0].type', { tools: [{}] }],
    ['tools[0].name', { tools: [{ type: 'function' }] }],
    ['tools[0].parameters', { tools: [{ type: 'function', name: 'f', parameters: [] }] }],
    ['tool_choice', { tool_choice: 'x' }],
    ['tool_choice.type', { tool_choice: {} }],
    ['tool_choice.name', { tool_choice: { type: 'function' } }],
    ['text', { text: 'a' }],
    ['text.format', { text: { format: 'json' } }],
    ['text.format.name', { text: { format: { type: 'json_schema' } } }],
    ['text.format.type', { text: { format: { type: 'grammar' } } }],
    ['text.verbosity', { text: { verbosity: 1 } }],
    ['reasoning', { reasoning: 'low' }],
    ['reasoning.effort', { reasoning: { effort: 1 } }],
    ['include', { include: 'a' }],
    ['include[0]', { include: [1] }],
    ['max_output_tokens', { max_output_tokens: '5' }],
    ['stream_options', { stream_options: {} }],
    ['store', { store: 'a' }],
    ['metadata', { metadata: [] }],
    ['parallel_tool_calls', { parallel_tool_calls: 'a' }],
  ])('has a wrong type at %s: %j', (param, members) => {
    expect(convert(members)).toMatchObject({ kind: 'refused', error: { status: 400, param } })
  })

  it.each([null, [], 'a', 7, true])('is not an object: %j', (body) => {
    expect(responsesToChat(body as never, options)).toMatchObject({ kind: 'refused', error: { status: 400 } })
  })
})

describe('the table of Responses parameters', () => {
  it('has every parameter that the service knows', () => {
    const known = responsesFields.map(({ name }) => name)
    expect(responsesParameters.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
  })
})

const everything = {
  model: 'a',
  instructions: 'Answer in json.',
  input: [
    { role: 'developer', content: 'b json' },
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'x' },
        { type: 'input_image', image_url: 'https://example.com/', detail: 'high' },
      ],
    },
    { type: 'reasoning', summary: [] },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'calls', annotations: [] }],
    },
    { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'f', arguments: '{}' },
    { type: 'custom_tool_call', call_id: 'b', name: 'g', input: 'h' },
    { type: 'function_call_output', call_id: 'a', output: '1' },
    { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_text', text: '2' }] },
    { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
    { role: 'user', content: 'd' },
  ],
  tools: [
    { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } },
    { type: 'custom', name: 'g', format: { type: 'text' } },
  ],
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'custom', name: 'g' }] },
  parallel_tool_calls: true,
  text: {
    format: { type: 'json_schema', name: 's', strict: false, schema: { type: 'object', properties: {} } },
    verbosity: 'low',
  },
  stream: true,
  stream_options: { include_obfuscation: false },
  max_output_tokens: 100,
  temperature: 0,
  include: ['message.output_text.logprobs'],
  top_logprobs: 2,
  metadata: { a: 'b' },
  store: true,
  reasoning: { effort: 'none' },
  truncation: 'disabled',
  background: false,
}

const isStrict = (parameters: unknown): boolean =>
  isRecord(parameters) && schemaProblem(parameters, 'function', true) === ''

/** Results that do not follow their calls, which the Responses API checks with the stored responses. */
const isHistory = ({ message }: ServiceError): boolean => message.includes('tool_call')

/** What is lost when a valid request is converted and converted back. */
function lossesOf(body: Readonly<Record<string, unknown>>, chat: JsonMembers): unknown[] {
  const error = validateChat(chat, model)
  const back = chatToResponses(chat, options)
  if (back.kind === 'refused') return [back.error.message]
  const asked = responsesDefaults(responsesSight(body), isStrict)
  const { store, metadata } = asked.parameters
  const isStored = isRecord(metadata) && !isEmpty(metadata)
  const parameters = {
    ...asked.parameters,
    metadata: isStored ? metadata : null,
    store: store ?? isStored,
  }
  const isEqual =
    isDeepStrictEqual(chatDefaults(chatSight(chat)).parameters, parameters) &&
    isDeepStrictEqual(responsesDefaults(responsesSight(back.body), isStrict), { ...asked, parameters })
  return [...(error && !isHistory(error) ? [error.message] : []), ...(isEqual ? [] : [body])]
}

describe('a hostile Responses request', () => {
  it('is converted to JSON that says the same, or refused with a parameter', () => {
    const { problems, kinds } = tryHostileBodies({
      seed: 'responses to chat',
      everything,
      convert: (body) => responsesToChat(body, options),
      isValid: (body) => validateResponses(body, model) === undefined,
      lossesOf,
    })
    expect(problems).toEqual([])
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(200)
  })
})
