import { describe, expect, it } from 'vitest'
import type { Converted, JsonMembers } from '../conversion.ts'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { messagesToChat } from './messages-to-chat.ts'

const options = { model: 'gpt-prod', drop: new Set<string>(), maxOutputTokens: undefined }
const user = { role: 'user', content: 'Hi' }

const bodyOf = (converted: Converted): JsonMembers => {
  if (converted.kind === 'converted') return converted.body
  throw new Error(converted.error.message)
}
const errorOf = (converted: Converted) => (converted.kind === 'refused' ? converted.error : undefined)
const convert = (body: object, drop: readonly string[] = []): Converted =>
  messagesToChat({ max_tokens: 50, messages: [user], ...body }, { ...options, drop: new Set(drop) })
const messagesOf = (...messages: readonly object[]) => bodyOf(convert({ messages }))['messages']

const model = findModel('gpt-4.1')!
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe('Anthropic Messages to chat completions', () => {
  it('refuses a thread with the code after which the SDK sends the whole conversation', () => {
    const body = { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }], thread: { type: 'new' } }
    expect(convert(body, ['thread'])).toMatchObject({
      kind: 'refused',
      error: { status: 400, code: 'thread_unsupported_request', details: { unsupported: ['deployment'] } },
    })
    expect(convert({ ...body, thread: null })).toMatchObject({ kind: 'converted' })
  })

  it('converts a plain request with the name of the model', () => {
    expect(bodyOf(convert({ model: 'asked' }))).toEqual({
      model: 'gpt-prod',
      max_completion_tokens: 50,
      messages: [user],
    })
  })

  it('refuses members that turns, blocks and sources do not have, unless they are dropped', () => {
    const text = { type: 'text', text: 'Hi' }
    const source = { type: 'url', url: 'https://host/a.png' }
    const turns = [
      [{ ...user, colour: 1 }, 'messages[0].colour'],
      [{ role: 'user', content: [{ ...text, colour: 1 }] }, 'messages[0].content[0].colour'],
      [
        { role: 'user', content: [{ type: 'image', source: { ...source, colour: 1 } }] },
        'messages[0].content[0].source.colour',
      ],
      [{ role: 'assistant', content: [{ ...text, colour: 1 }] }, 'messages[0].content[0].colour'],
      [
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ ...text, colour: 1 }] }],
        },
        'messages[0].content[0].content[0].colour',
      ],
    ] as const
    for (const [turn, param] of turns) {
      expect(errorOf(convert({ messages: [turn] }))).toMatchObject({ status: 400, param })
      expect(convert({ messages: [turn] }, ['messages']).kind).toBe('converted')
    }
    expect(errorOf(convert({ system: [{ ...text, colour: 1 }] }))?.param).toBe('system[0].colour')
  })

  it('asks for the usage of a stream', () => {
    expect(bodyOf(convert({ stream: true }))).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(bodyOf(convert({ stream: false }))).not.toHaveProperty('stream_options')
  })

  it('converts the system and instructions in the middle', () => {
    const system = [
      { type: 'text', text: 'One', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Two' },
    ]
    const messages = [user, { role: 'system', content: 'Three' }]
    expect(bodyOf(convert({ system, messages }))['messages']).toEqual([
      {
        role: 'system',
        content: [
          { type: 'text', text: 'One' },
          { type: 'text', text: 'Two' },
        ],
      },
      user,
      { role: 'system', content: 'Three' },
    ])
    expect(bodyOf(convert({ system: 'One' }))['messages']).toEqual([{ role: 'system', content: 'One' }, user])
  })

  it('converts a conversation with calls to a valid chat request', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }
    const body = bodyOf(
      convert({
        messages: [
          user,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm', signature: 'S' },
              { type: 'redacted_thinking', data: 'E' },
              { type: 'text', text: 'Let me ' },
              { type: 'text', text: 'look.' },
              { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 'Köln' } },
              { type: 'tool_use', id: 'toolu_2', name: 'look', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 'toolu_1',
                content: [{ type: 'text', text: 'See' }, image],
              },
              { type: 'tool_result', tool_use_id: 'toolu_2', content: 'not found', is_error: true },
              { type: 'text', text: 'So?' },
            ],
          },
        ],
        tools: [{ name: 'look', input_schema: { type: 'object', properties: null, required: null } }],
      }),
    )
    expect(body['messages']).toEqual([
      user,
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [
          { id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{"at":"Köln"}' } },
          { id: 'toolu_2', type: 'function', function: { name: 'look', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'toolu_1', content: 'See' },
      { role: 'tool', tool_call_id: 'toolu_2', content: 'Error: not found' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Content of the result of the call toolu_1:' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          { type: 'text', text: 'So?' },
        ],
      },
    ])
    expect(validateChat(body, model)).toBeUndefined()
  })

  it('has no message of the user for results only, and no content for calls only', () => {
    const call = { type: 'tool_use', id: 'a', name: 'f', input: 'no JSON' }
    const result = { type: 'tool_result', tool_use_id: 'a' }
    expect(
      messagesOf(user, { role: 'assistant', content: [call] }, { role: 'user', content: [result] }),
    ).toEqual([
      user,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: 'no JSON' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: '' },
    ])
  })

  it('converts images and documents', () => {
    const content = [
      { type: 'image', source: { type: 'url', url: 'https://a.test/b.png' } },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
        title: 'a.pdf',
      },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Text' }, title: 'T' },
      { type: 'document', source: { type: 'content', content: 'More' } },
    ]
    expect(messagesOf({ role: 'user', content })).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'https://a.test/b.png' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
          { type: 'text', text: 'T' },
          { type: 'text', text: 'Text' },
          { type: 'text', text: 'More' },
        ],
      },
    ])
  })

  const tools = [{ name: 'look', description: 'D', input_schema: { type: 'object' }, cache_control: null }]

  it.each<[object, object]>([
    [{ type: 'auto' }, { tool_choice: 'auto' }],
    [{ type: 'any' }, { tool_choice: 'required' }],
    [{ type: 'none' }, { tool_choice: 'none' }],
    [{ type: 'tool', name: 'look' }, { tool_choice: { type: 'function', function: { name: 'look' } } }],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { tool_choice: 'auto', parallel_tool_calls: false },
    ],
  ])('converts the choice %j', (choice, expected) => {
    const body = bodyOf(convert({ tools, tool_choice: choice }))
    const parameters = { type: 'object', properties: {} }
    expect(body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'look', description: 'D', parameters } }],
      ...expected,
    })
    expect(validateChat(body, model)).toBeUndefined()
  })

  it('converts the other parameters', () => {
    const schema = { type: 'object', properties: {}, additionalProperties: false, required: [] }
    const body = {
      stop_sequences: ['END'],
      temperature: 0,
      top_p: 0.5,
      output_config: { effort: 'max', format: { type: 'json_schema', schema } },
      thinking: { type: 'adaptive', display: 'summarized' },
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      cache_control: { type: 'ephemeral' },
      speed: 'standard',
    }
    expect(bodyOf(convert(body))).toEqual({
      model: 'gpt-prod',
      messages: [user],
      max_completion_tokens: 50,
      stop: ['END'],
      temperature: 0,
      top_p: 0.5,
      reasoning_effort: 'xhigh',
      response_format: { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } },
      user: 'u',
      service_tier: 'default',
    })
  })

  it.each([
    [{ type: 'disabled' }, 'none'],
    [{ type: 'enabled', budget_tokens: 1_024 }, 'low'],
    [{ type: 'enabled', budget_tokens: 10_000 }, 'medium'],
    [{ type: 'enabled', budget_tokens: 32_000 }, 'high'],
    [{ type: 'between_tools' }, undefined],
  ])('converts %j to the effort %s', (thinking, effort) => {
    expect(bodyOf(convert({ thinking }))['reasoning_effort']).toBe(effort)
  })

  it('leaves out a choice without tools, and null', () => {
    const nulls = {
      system: null,
      tools: null,
      thinking: null,
      metadata: null,
      container: null,
      output_config: null,
    }
    for (const body of [
      { tool_choice: { type: 'auto', disable_parallel_tool_use: true }, tools: [] },
      nulls,
    ]) {
      expect(Object.keys(bodyOf(convert(body))).sort()).toEqual([
        'max_completion_tokens',
        'messages',
        'model',
      ])
    }
  })

  it.each<[string, object, string]>([
    ['top_k', { top_k: 5 }, 'top_k'],
    ['container', { container: 'c' }, 'container'],
    ['invented', { invented: 1 }, 'invented'],
    ['stop_sequences', { stop_sequences: ['a', 'b', 'c', 'd', 'e'] }, 'stop_sequences'],
    ['max_tokens', { max_tokens: 0 }, 'max_tokens'],
    [
      'tools.web_search_20260318',
      { tools: [{ type: 'web_search_20260318', name: 'web_search' }] },
      'tools[0]',
    ],
    ['tools.input_examples', { tools: [{ ...tools[0], input_examples: [{}] }] }, 'tools[0].input_examples'],
    [
      'messages.content.server_tool_use',
      { messages: [user, { role: 'assistant', content: [{ type: 'server_tool_use' }] }] },
      'messages[1].content[0]',
    ],
    [
      'messages.content.source.file_id',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] },
      'messages[0].content[0].source.file_id',
    ],
  ])('refuses what the API cannot express, or drops it: %s', (drop, body, param) => {
    expect(errorOf(convert(body))).toMatchObject({ status: 400, param, code: 'unsupported_parameter' })
    expect(errorOf(convert(body))?.message).toContain(`'${drop}'`)
    expect(errorOf(convert(body, [drop]))).toBeUndefined()
  })

  it.each<[string, object]>([
    ['messages', { messages: null }],
    ['messages', { messages: {} }],
    ['messages', { messages: [] }],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'assistant', content: 5 }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{}] }] }],
    ['messages[0].content[0].source', { messages: [{ role: 'user', content: [{ type: 'image' }] }] }],
    [
      'messages[0].content[0].tool_use_id',
      { messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] },
    ],
    ['max_tokens', { max_tokens: null }],
    ['max_tokens', { max_tokens: -1 }],
    ['stream', { stream: 1 }],
    ['system', { system: 5 }],
    ['tools[0].input_schema', { tools: [{ name: 'a' }] }],
    ['tool_choice.type', { tools, tool_choice: { type: 'required' } }],
    ['tool_choice.name', { tools, tool_choice: { type: 'tool' } }],
    ['output_config.effort', { output_config: { effort: 'x' } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled' } }],
    ['service_tier', { service_tier: 'flex' }],
    ['stop_sequences[0]', { stop_sequences: [1] }],
  ])('refuses a wrong value of %s', (param, body) => {
    expect(errorOf(convert(body))).toMatchObject({ status: 400, param })
  })
})
