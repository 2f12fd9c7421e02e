import { describe, expect, it } from 'vitest'
import type { Converted, JsonMembers } from '../conversion.ts'
import { chatToMessages } from './chat-to-messages.ts'

const options = { model: 'claude-prod', drop: new Set<string>(), maxOutputTokens: 64_000 }
const user = { role: 'user', content: 'Hi' }

const bodyOf = (converted: Converted): JsonMembers => {
  if (converted.kind === 'converted') return converted.body
  throw new Error(converted.error.message)
}
const errorOf = (converted: Converted) => (converted.kind === 'refused' ? converted.error : undefined)

const convert = (body: object, drop: readonly string[] = []): Converted =>
  chatToMessages({ messages: [user], ...body }, { ...options, drop: new Set(drop) })
const turnsOf = (...messages: readonly object[]) => bodyOf(convert({ messages }))['messages']

describe('chat completions to Anthropic Messages', () => {
  it('converts a plain request with the name and the maximum of the model', () => {
    expect(bodyOf(convert({ model: 'asked' }))).toEqual({
      model: 'claude-prod',
      max_tokens: 64_000,
      messages: [user],
    })
  })

  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 6 }, 6],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 6],
    [{ max_tokens: null, max_completion_tokens: null }, 64_000],
  ])('uses the limit of %j', (body, limit) => {
    expect(bodyOf(convert(body))['max_tokens']).toBe(limit)
  })

  it('requires a limit if the maximum of the model is not known', () => {
    const converted = chatToMessages({ messages: [user] }, { ...options, maxOutputTokens: undefined })
    expect(errorOf(converted)).toMatchObject({ status: 400, param: 'max_completion_tokens' })
  })

  it('joins all messages of the system in their order', () => {
    const messages = [
      { role: 'system', content: 'One' },
      user,
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Two' },
          { type: 'text', text: 'Three' },
        ],
      },
      { role: 'assistant', content: 'Hello' },
      { role: 'system', content: 'Four' },
    ]
    expect(bodyOf(convert({ messages }))).toMatchObject({
      system: 'One\nTwo\nThree\nFour',
      messages: [user, { role: 'assistant', content: 'Hello' }],
    })
  })

  it('keeps breakpoints of the cache', () => {
    const cached = { type: 'ephemeral', ttl: '1h' }
    const messages = [
      { role: 'system', content: [{ type: 'text', text: 'One', cache_control: cached }] },
      { role: 'user', content: [{ type: 'text', text: 'Two', prompt_cache_breakpoint: {} }] },
    ]
    expect(bodyOf(convert({ messages }))).toMatchObject({
      system: [{ type: 'text', text: 'One', cache_control: cached }],
      messages: [{ content: [{ type: 'text', text: 'Two', cache_control: { type: 'ephemeral' } }] }],
    })
  })

  it('merges consecutive messages of a role', () => {
    expect(turnsOf(user, { role: 'user', content: 'there' }, { role: 'assistant', content: 'A' })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'there' },
        ],
      },
      { role: 'assistant', content: 'A' },
    ])
  })

  it('converts parallel calls and puts all results first in the next message', () => {
    const call = (id: string, args: string) => ({
      id,
      type: 'function',
      function: { name: 'weather', arguments: args },
    })
    const assistant = {
      role: 'assistant',
      content: 'Ok',
      tool_calls: [call('a', '{"city":"Köln"}'), call('b', '')],
    }
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    expect(
      turnsOf(
        user,
        assistant,
        { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'rain' }, image] },
        { role: 'user', content: 'And?' },
        { role: 'tool', tool_call_id: 'a', content: '12 °C', is_error: true },
      ),
    ).toEqual([
      user,
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Ok' },
          { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Köln' } },
          { type: 'tool_use', id: 'b', name: 'weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'b',
            content: [
              { type: 'text', text: 'rain' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            ],
          },
          { type: 'tool_result', tool_use_id: 'a', content: '12 °C', is_error: true },
          { type: 'text', text: 'And?' },
        ],
      },
    ])
  })

  it('converts calls and results in the older form', () => {
    const converted = bodyOf(
      convert({
        messages: [
          user,
          { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"x":1}' } },
          { role: 'function', name: 'f', content: 'done' },
        ],
        functions: [{ name: 'f' }],
        function_call: { name: 'f' },
      }),
    )
    const [, assistant, result] = converted['messages'] as {
      content: { id?: string; tool_use_id?: string }[]
    }[]
    expect(assistant?.content).toMatchObject([{ type: 'tool_use', name: 'f', input: { x: 1 } }])
    expect(result?.content[0]?.tool_use_id).toBe(assistant?.content[0]?.id)
    expect(converted).toMatchObject({
      tools: [{ name: 'f', input_schema: { type: 'object', properties: {} } }],
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
    })
  })

  it('sends signed reasoning back and leaves out other reasoning', () => {
    const thinking = { type: 'thinking', thinking: 'Hm', signature: 'S' }
    const redacted = { type: 'redacted_thinking', data: 'E' }
    const message = {
      role: 'assistant',
      content: 'A',
      reasoning_content: 'Hm',
      thinking_blocks: [thinking, { ...thinking, signature: '' }, redacted],
      annotations: [],
    }
    expect(turnsOf(user, message)).toEqual([
      user,
      { role: 'assistant', content: [thinking, redacted, { type: 'text', text: 'A' }] },
    ])
  })

  it('converts images and documents', () => {
    const content = [
      { type: 'image_url', image_url: { url: 'https://a.test/b.png', detail: 'auto' } },
      { type: 'image_url', image_url: { url: 'DATA:image/jpg;name=x;base64,AAAA' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
      { type: 'file', file: { file_data: 'data:text/plain;base64,SMOkbGxv' } },
      { type: 'text', text: '' },
    ]
    expect(turnsOf({ role: 'user', content })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'url', url: 'https://a.test/b.png' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
            title: 'a.pdf',
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hällo' } },
        ],
      },
    ])
  })

  const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }
  const time = { type: 'function', function: { name: 'time', description: 'Now', strict: true } }
  const tools = [weather, time]

  it('converts tools', () => {
    expect(bodyOf(convert({ tools }))['tools']).toEqual([
      { name: 'weather', input_schema: { type: 'object' } },
      { name: 'time', description: 'Now', input_schema: { type: 'object', properties: {} }, strict: true },
    ])
    expect(bodyOf(convert({ tools }))).not.toHaveProperty('tool_choice')
    expect(bodyOf(convert({ tools: [] }))).not.toHaveProperty('tools')
  })

  it.each<[object, object | undefined]>([
    [{ tool_choice: 'auto' }, { type: 'auto' }],
    [{ tool_choice: 'none' }, { type: 'none' }],
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: { type: 'function', function: { name: 'time' } } }, { type: 'tool', name: 'time' }],
    [{ parallel_tool_calls: true }, undefined],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { parallel_tool_calls: false, tool_choice: 'required' },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: false, tool_choice: 'none' }, { type: 'none' }],
  ])('converts the choice %j', (body, choice) => {
    expect(bodyOf(convert({ tools, ...body }))['tool_choice']).toEqual(choice)
  })

  it('leaves only the allowed tools', () => {
    const allowed = { mode: 'required', tools: [{ type: 'function', function: { name: 'time' } }] }
    const choice = { type: 'allowed_tools', allowed_tools: allowed }
    expect(bodyOf(convert({ tools, tool_choice: choice }))).toMatchObject({
      tools: [{ name: 'time' }],
      tool_choice: { type: 'any' },
    })
  })

  it('converts the other parameters', () => {
    const schema = { type: 'object', properties: {}, additionalProperties: false }
    const body = {
      stream: true,
      stream_options: { include_usage: true },
      stop: ['END'],
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      reasoning_effort: 'high',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', description: 'D', schema, strict: true },
      },
      user: 'u',
      service_tier: 'default',
    }
    expect(bodyOf(convert(body))).toEqual({
      model: 'claude-prod',
      messages: [user],
      stream: true,
      max_tokens: 64_000,
      stop_sequences: ['END'],
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      thinking: { type: 'adaptive' },
      output_config: {
        effort: 'high',
        format: { type: 'json_schema', schema: { description: 'D', ...schema } },
      },
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
    })
    const forced = bodyOf(convert({ tools, tool_choice: 'required', reasoning_effort: 'minimal' }))
    expect(forced).toMatchObject({ output_config: { effort: 'low' }, tool_choice: { type: 'any' } })
    expect(forced).not.toHaveProperty('thinking')
    expect(bodyOf(convert({ stop: 'END' }))['stop_sequences']).toEqual(['END'])
    expect(bodyOf(convert({ reasoning_effort: 'none' }))['thinking']).toEqual({ type: 'disabled' })
    expect(bodyOf(convert({ metadata: { user_id: 'm' }, user: 'u' }))['metadata']).toEqual({ user_id: 'm' })
  })

  it('leaves out null and default values', () => {
    const defaults = {
      n: 1,
      temperature: 1,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      logprobs: false,
      logit_bias: {},
      modalities: ['text'],
      store: false,
      verbosity: 'medium',
      service_tier: 'auto',
      response_format: { type: 'text' },
      stop: [],
      tool_choice: 'auto',
      parallel_tool_calls: true,
    }
    const nulls = Object.fromEntries(Object.keys(defaults).map((name) => [name, null]))
    for (const body of [defaults, { ...nulls, seed: null, tools: null, metadata: null }]) {
      expect(Object.keys(bodyOf(convert(body))).sort()).toEqual(['max_tokens', 'messages', 'model'])
    }
  })

  const custom = { type: 'custom', custom: { name: 'c' } }

  it.each<[string, object, string]>([
    ['n', { n: 2 }, 'n'],
    ['seed', { seed: 1 }, 'seed'],
    ['logit_bias', { logit_bias: { 5: 1 } }, 'logit_bias'],
    ['temperature', { temperature: 1.5 }, 'temperature'],
    ['top_p', { top_p: -1 }, 'top_p'],
    ['presence_penalty', { presence_penalty: 1 }, 'presence_penalty'],
    ['stop', { stop: ' ' }, 'stop'],
    ['stop', { stop: ['a', '\n'] }, 'stop[1]'],
    ['logprobs', { logprobs: true }, 'logprobs'],
    ['prompt_cache_key', { prompt_cache_key: 'k' }, 'prompt_cache_key'],
    ['metadata.team', { metadata: { team: 'a' } }, 'metadata.team'],
    ['service_tier', { service_tier: 'flex' }, 'service_tier'],
    ['response_format', { response_format: { type: 'json_object' } }, 'response_format'],
    ['invented', { invented: 1 }, 'invented'],
    ['tools.custom', { tools: [weather, custom] }, 'tools[1]'],
    ['tools.function.x', { tools: [{ ...weather, function: { name: 'a', x: 1 } }] }, 'tools[0].function.x'],
    ['tool_choice', { tools, tool_choice: custom }, 'tool_choice'],
    ['messages.name', { messages: [{ ...user, name: 'n' }] }, 'messages[0].name'],
    ['messages.audio', { messages: [user, { role: 'assistant', audio: { id: 'a' } }] }, 'messages[1].audio'],
  ])('refuses what the API cannot express, or drops it: %s', (drop, body, param) => {
    expect(errorOf(convert(body))).toMatchObject({ status: 400, param, code: 'unsupported_parameter' })
    expect(errorOf(convert(body))?.message).toContain(`'${drop}'`)
    expect(errorOf(convert(body, [drop]))).toBeUndefined()
  })

  it.each<[string, object]>([
    ['input_audio', { type: 'input_audio', input_audio: { data: 'A', format: 'wav' } }],
    ['image_url.url', { type: 'image_url', image_url: { url: 'data:image/tiff;base64,AA' } }],
    ['image_url.url', { type: 'image_url', image_url: { url: 'file:///etc/passwd' } }],
    ['image_url.detail', { type: 'image_url', image_url: { url: 'https://a.test/b', detail: 'low' } }],
    ['file.file_id', { type: 'file', file: { file_id: 'f' } }],
    ['file.file_data', { type: 'file', file: { file_data: 'data:application/zip;base64,AA' } }],
  ])('refuses content that the API cannot express, or drops it: %s', (name, part) => {
    const body = { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, part] }] }
    expect(errorOf(convert(body))).toMatchObject({ status: 400, param: `messages[0].content[1].${name}` })
    expect(errorOf(convert(body, [`messages.content.${name}`]))).toBeUndefined()
  })

  it.each<[string, object]>([
    ['messages', { messages: 'x' }],
    ['messages', { messages: [] }],
    ['messages', { messages: null }],
    ['messages', { messages: [{ role: 'system', content: 'only' }] }],
    ['messages', { messages: [{ role: 'user', content: ' \n' }] }],
    ['messages[0]', { messages: [1] }],
    ['messages[0].role', { messages: [{ content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: 'x', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'x' }] }] }],
    ['messages[0].content[0].image_url', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'x' }] }],
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
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{' } }],
          },
        ],
      },
    ],
    ['max_tokens', { max_tokens: '5' }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_completion_tokens', { max_completion_tokens: 1.5 }],
    ['temperature', { temperature: 'hot' }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stop', { stop: 5 }],
    ['stop[0]', { stop: [5] }],
    ['tools', { tools: {} }],
    ['tools[0]', { tools: [null] }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
    ['tool_choice', { tools: [], tool_choice: 'required' }],
    ['tool_choice', { tools: [], tool_choice: 'any' }],
    ['reasoning_effort', { reasoning_effort: 'extreme' }],
    [
      'response_format.json_schema.schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
    ],
    ['user', { user: 5 }],
  ])('refuses a wrong value of %s', (param, body) => {
    const error = errorOf(convert(body))
    expect(error?.status).toBe(400)
    expect(error?.param ?? error?.message).toBe(param)
  })
})
