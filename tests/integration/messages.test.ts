import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const version = { 'anthropic-version': '2023-06-01' }
const path = '/anthropic/v1/messages'
const deployments = {
  sonnet: { model: 'claude-sonnet-4-5' },
  opus: { model: 'claude-opus-5-5' },
  next: { model: 'claude-sonnet-5-5' },
  gpt: { model: 'gpt-4o' },
}
const hello = { role: 'user', content: 'Hello, Claude' }
const weather = {
  name: 'weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

interface Message {
  readonly content: {
    readonly type: string
    readonly text?: string
    readonly thinking?: string
    readonly signature?: string
    readonly id?: string
    readonly name?: string
    readonly input?: object
  }[]
  readonly stop_reason: string
  readonly stop_sequence: string | null
  readonly stop_details: object | null
  readonly usage: Record<string, number> & {
    readonly output_tokens_details: { readonly thinking_tokens: number }
  }
}

const create = (env: Record<string, string> = {}) => {
  const simulator = createTestSimulator({ deployments, env })
  const ask = (body: object, headers: Record<string, string> = {}) =>
    simulator.post(
      path,
      { model: 'sonnet', max_tokens: 50, messages: [hello], ...body },
      { ...version, ...headers },
    )
  const message = async (body: object = {}, headers: Record<string, string> = {}): Promise<Message> => {
    const answer = await ask(body, headers)
    expect(answer.status).toBe(200)
    return (await answer.json()) as Message
  }
  const count = async (body: object): Promise<number> => {
    const answer = await simulator.post(
      `${path}/count_tokens`,
      { model: 'sonnet', messages: [hello], ...body },
      version,
    )
    return ((await answer.json()) as { input_tokens: number }).input_tokens
  }
  const refusal = async (
    body: object,
    headers: Record<string, string> = {},
  ): Promise<[number, string, string]> => {
    const answer = await ask(body, headers)
    const {
      type,
      error,
      request_id: id,
    } = (await answer.json()) as {
      type: string
      error: { type: string; message: string }
      request_id: string
    }
    expect(type).toBe('error')
    expect(answer.headers.get('request-id')).toBe(id)
    return [answer.status, error.type, error.message]
  }
  return { ...simulator, ask, message, count, refusal }
}

type Event = { readonly type: string; readonly index?: number } & Record<string, unknown>

const eventsIn = (text: string): Event[] =>
  text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, name = '', data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(frame) ?? []
      const event = JSON.parse(data) as Event
      expect(event.type).toBe(name)
      return event
    })

describe('a message', () => {
  it('have no thinking by default before a call that the request requires', async () => {
    const { message } = create()
    for (const choice of [{ type: 'any' }, { type: 'tool', name: 'weather' }]) {
      for (let request = 0; request < 4; request++) {
        const body = { model: 'next', max_tokens: 1_000, tools: [weather], tool_choice: choice }
        const { content } = await message(body)
        expect(content.map(({ type }) => type)).toEqual(['tool_use'])
      }
    }
  })

  it('has text up to the limit, and its exact usage', async () => {
    const { message, count } = create()
    const { content, stop_reason: reason, usage } = await message()
    expect(content).toMatchObject([{ type: 'text' }])
    expect(reason).toBe('max_tokens')
    expect(usage).toMatchObject({ input_tokens: await count({}), output_tokens: 50 })
  })

  it('ends itself with a large limit, or if lengths are natural', async () => {
    const { message, count } = create()
    const long = await message({ max_tokens: 30_000 })
    expect(long.stop_reason).toBe('end_turn')
    const [prompt, both] = [
      await count({}),
      await count({ messages: [hello, { role: 'assistant', content: long.content[0]?.text }] }),
    ]
    // The estimate of a text is the same in an answer and in a prompt; an answer has its end, and a message its frame.
    expect(Math.abs(both - prompt - long.usage['output_tokens']!)).toBeLessThanOrEqual(2)
    expect((await create({ COMPLETION_LENGTH: 'natural' }).message({ max_tokens: 1_000 })).stop_reason).toBe(
      'end_turn',
    )
  })

  it('is the same whole and streamed', async () => {
    const body = { model: 'opus', max_tokens: 2_000, thinking: { type: 'adaptive', display: 'summarized' } }
    const whole = await create().message(body)
    const events = eventsIn(await (await create().ask({ ...body, stream: true })).text())
    expect(events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])).toEqual([
      'message_start',
      ...(whole.content.length === 2
        ? ['content_block_start', 'ping', 'content_block_delta', 'content_block_stop', 'content_block_start']
        : ['content_block_start', 'ping']),
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    const text = events
      .filter(({ delta }) => (delta as { type?: string } | undefined)?.type === 'text_delta')
      .map(({ delta }) => (delta as { text: string }).text)
    expect(text.join('')).toBe(whole.content.at(-1)?.text)
    const end = events.at(-2) as unknown as { usage: Message['usage']; delta: { stop_reason: string } }
    expect(end.delta.stop_reason).toBe(whole.stop_reason)
    expect(end.usage['output_tokens']).toBe(whole.usage['output_tokens'])
  })

  it('thinks with a signature within its budget', async () => {
    const { message } = create()
    const thinking = { type: 'enabled', budget_tokens: 1_024 }
    const { content, usage } = await message({ max_tokens: 4_000, thinking })
    expect(content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    expect(content[0]).toMatchObject({
      thinking: expect.stringMatching(/\w/),
      signature: expect.stringMatching(/^[\w+/]{100,}=*$/),
    })
    const { thinking_tokens: tokens } = usage.output_tokens_details
    expect(tokens).toBeGreaterThan(0)
    expect(tokens).toBeLessThanOrEqual(1_024)
    expect(usage['output_tokens']).toBeGreaterThan(tokens)
  })

  it('hides its thinking where the model does so by default', async () => {
    const { message } = create()
    const { content } = await message({
      model: 'opus',
      max_tokens: 8_000,
      messages: [{ role: 'user', content: 'Why? '.repeat(900) }],
    })
    expect(content[0]).toMatchObject({ type: 'thinking', thinking: '' })
  })

  it('calls tools, and ends the loop after their results', async () => {
    const { message } = create()
    const first = await message({ max_tokens: 500, tools: [weather], tool_choice: { type: 'any' } })
    expect(first.stop_reason).toBe('tool_use')
    const [call] = first.content
    expect(call).toMatchObject({ type: 'tool_use', name: 'weather', input: { city: expect.any(String) } })
    expect(call?.id).toMatch(/^toolu_01\w{22}$/)
    const messages = [
      hello,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id, content: '12 degrees' }] },
    ]
    const second = await message(
      { max_tokens: 5_000, tools: [weather], messages },
      { 'x-sim-tool-rounds': '1' },
    )
    expect(second.stop_reason).toBe('end_turn')
  })

  it('calls the tools of Anthropic that clients execute', async () => {
    const tools = [{ type: 'bash_20250124', name: 'bash' }]
    const { content } = await create().message({
      max_tokens: 500,
      tools,
      tool_choice: { type: 'tool', name: 'bash' },
    })
    expect(content).toMatchObject([
      { type: 'tool_use', name: 'bash', input: { command: expect.any(String) } },
    ])
  })

  it('streams the input of a call as JSON', async () => {
    const { ask } = create()
    const body = { max_tokens: 500, tools: [weather], tool_choice: { type: 'any' }, stream: true }
    const events = eventsIn(await (await ask(body)).text())
    const parts = events.flatMap(
      ({ delta }) => (delta as { partial_json?: string } | undefined)?.partial_json ?? [],
    )
    expect(JSON.parse(parts.join(''))).toHaveProperty('city')
  })

  it('ends at a stop sequence, and names it', async () => {
    const { message } = create()
    const answer = await message({ max_tokens: 5_000, stop_sequences: ['zzz', 'e'] })
    expect(answer).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'e' })
    expect(answer.content[0]?.text ?? '').not.toContain('e')
  })

  it('has the structure of a schema', async () => {
    const schema = {
      type: 'object',
      properties: { age: { type: 'integer' } },
      required: ['age'],
      additionalProperties: false,
    }
    const { content } = await create().message({ output_config: { format: { type: 'json_schema', schema } } })
    expect(JSON.parse(content[0]?.text ?? '')).toEqual({ age: expect.any(Number) })
  })

  it('refuses where a filter of other models would block', async () => {
    const { message } = create({ CONTENT_FILTER_PROMPT: 'forbidden' })
    const answer = await message({ messages: [{ role: 'user', content: 'A forbidden thing' }] })
    expect(answer).toMatchObject({ content: [], stop_reason: 'refusal', stop_details: { type: 'refusal' } })
  })

  it('writes the prompt cache at breakpoints and reads it after them', async () => {
    const { message, clock } = create()
    const system = (text: string, ttl: string) => [
      { type: 'text', text, cache_control: { type: 'ephemeral', ttl } },
    ]
    const text = 'Some instructions. '.repeat(600)
    const first = await message({ system: system(text, '1h') })
    const written = first.usage['cache_creation_input_tokens'] ?? 0
    expect(written).toBeGreaterThan(1_500)
    expect(first.usage).toMatchObject({
      cache_creation: { ephemeral_1h_input_tokens: written, ephemeral_5m_input_tokens: 0 },
    })
    await clock.advance(50 * 60_000)
    const again = await message({
      system: system(text, '1h'),
      messages: [{ role: 'user', content: 'Another question' }],
    })
    expect(again.usage).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: written })
    expect((await message({ system: system(text + '!', '5m') })).usage).toMatchObject({
      cache_read_input_tokens: 0,
    })
    await clock.advance(6 * 60_000)
    expect((await message({ system: system(text + '!', '5m') })).usage).toMatchObject({
      cache_read_input_tokens: 0,
    })
  })

  it('reads a growing conversation from the cache', async () => {
    const { message } = create()
    const question = { role: 'user', content: 'Tell me more about it. '.repeat(400) }
    const cache_control = { type: 'ephemeral' }
    const { usage } = await message({ cache_control, messages: [question] })
    const messages = [question, { role: 'assistant', content: 'Yes.' }, hello]
    const next = await message({ cache_control, messages })
    expect(next.usage['cache_read_input_tokens']).toBe(usage['cache_creation_input_tokens'])
    expect(next.usage['cache_creation_input_tokens']).toBeGreaterThan(0)
    expect(next.usage['input_tokens']).toBe(0)
  })
})

describe('a request for a message is refused', () => {
  const image = (source: object) => [{ role: 'user', content: [{ type: 'image', source }] }]
  const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'weather', input: {} }] }
  it.each<[string, object, string]>([
    ['max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    [
      'a large limit',
      { max_tokens: 64_001 },
      'max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-4-5',
    ],
    ['an unknown member', { n: 2 }, 'n: Extra inputs are not permitted'],
    ['no messages', { messages: [] }, 'messages: at least one message is required'],
    [
      'an unknown role',
      { messages: [{ role: 'tool', content: 'x' }] },
      "messages.0.role: Input should be 'user', 'assistant' or 'system'",
    ],
    [
      'an unknown block',
      { messages: [{ role: 'user', content: [{ type: 'audio' }] }] },
      "messages.0.content.0: Input tag 'audio' found using 'type' does not match any of the expected tags: 'text', 'image', 'document', 'search_result', 'thinking', 'redacted_thinking', 'tool_use', 'tool_result'",
    ],
    [
      'an unknown member of a block',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', name: 'y' }] }] },
      'messages.0.content.0.text.name: Extra inputs are not permitted',
    ],
    [
      'a text that is empty',
      { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
      'messages: text content blocks must be non-empty',
    ],
    [
      'a message that is empty',
      { messages: [{ role: 'user', content: '' }] },
      'messages.0: all messages must have non-empty content except for the optional final assistant message',
    ],
    [
      'a first message of the assistant',
      { messages: [{ role: 'assistant', content: 'x' }, hello] },
      'messages: first message must use the "user" role',
    ],
    [
      'a result without its call',
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a' }] }] },
      'messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
    ],
    [
      'a call without its result',
      { messages: [hello, call, hello] },
      'messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a. Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
    ],
    ['equal tools', { tools: [weather, weather] }, 'tools: Tool names must be unique.'],
    ['a tool without schema', { tools: [{ name: 'a' }] }, 'tools.0.custom.input_schema: Field required'],
    [
      'a tool with another schema',
      { tools: [{ name: 'a', input_schema: { type: 'array' } }] },
      "tools.0.custom.input_schema.type: Input should be 'object'",
    ],
    [
      'a name of a tool',
      { tools: [{ ...weather, name: 'a b' }] },
      "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ],
    ['a temperature', { temperature: 1.5 }, 'temperature: Input should be less than or equal to 1'],
    [
      'two sampling parameters',
      { temperature: 0.5, top_p: 0.5 },
      '`temperature` and `top_p` cannot both be specified for this model. Please use only one.',
    ],
    [
      'a temperature of a later model',
      { model: 'opus', temperature: 0 },
      '`temperature` is deprecated for this model.',
    ],
    [
      'a small budget',
      { thinking: { type: 'enabled', budget_tokens: 100 } },
      'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024',
    ],
    [
      'adaptive thinking of an older model',
      { thinking: { type: 'adaptive' } },
      'adaptive thinking is not supported on this model',
    ],
    [
      'a budget of a later model',
      { model: 'opus', max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } },
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    ],
    [
      'a forced tool of a later model',
      { model: 'opus', tools: [weather], tool_choice: { type: 'any' } },
      'tool_choice: type "tool" and "any" are not supported for this model.',
    ],
    [
      'effort of an older model',
      { output_config: { effort: 'low' } },
      'This model does not support the effort parameter.',
    ],
    [
      'the start of an answer of a later model',
      { model: 'opus', messages: [hello, { role: 'assistant', content: 'x' }] },
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    ],
    [
      'white space at the end',
      { messages: [hello, { role: 'assistant', content: 'x ' }] },
      'messages: final assistant content cannot end with trailing whitespace',
    ],
    [
      'the type of an image',
      { messages: image({ type: 'base64', media_type: 'image/bmp', data: 'AAAA' }) },
      "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
    ],
    [
      'data that is no image',
      { messages: image({ type: 'base64', media_type: 'image/png', data: 'AAAA' }) },
      'Could not process image',
    ],
    [
      'five breakpoints',
      {
        system: Array.from({ length: 5 }, () => ({
          type: 'text',
          text: 'x',
          cache_control: { type: 'ephemeral' },
        })),
      },
      'A maximum of 4 blocks with cache_control may be provided. Found 5.',
    ],
    [
      'a tool of the service',
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      "tools.0: 'web_search_20250305' is not supported for this deployment. Server tools are not available.",
    ],
  ])('because of %s', async (_, body, message) => {
    expect(await create().refusal(body)).toEqual([400, 'invalid_request_error', message])
  })

  it.each<[string, object, Record<string, string>, number, string]>([
    ['its version is missing', {}, { 'anthropic-version': '' }, 400, 'anthropic-version: header is required'],
    [
      'its version is unknown',
      {},
      { 'anthropic-version': '2020-01-01' },
      400,
      'anthropic-version: "2020-01-01" is not a valid version.',
    ],
    [
      'it has sampling in the later version',
      { temperature: 1 },
      { 'anthropic-version': '2026-10-21' },
      400,
      'temperature: Extra inputs are not permitted',
    ],
    ['its model is missing', { model: undefined }, {}, 400, 'model: Field required'],
    [
      'its deployment has another model',
      { model: 'gpt' },
      {},
      404,
      'Requested API is currently not supported',
    ],
  ])('if %s', async (_, body, headers, status, message) => {
    const [got, , text] = await create().refusal(body, headers)
    expect([got, text]).toEqual([status, message])
  })

  it('if its deployment does not exist', async () => {
    const answer = await create({ ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' }).refusal({ model: 'other' })
    expect(answer.slice(0, 2)).toEqual([404, 'not_found_error'])
  })

  it('without a key, and opens with each form of it', async () => {
    const { refusal, ask } = create()
    expect((await refusal({}, { 'api-key': 'wrong' })).slice(0, 2)).toEqual([401, 'authentication_error'])
    for (const key of [
      { 'x-api-key': 'test-key' },
      { authorization: 'Bearer test-key' },
      { 'api-key': 'test-key' },
    ]) {
      expect((await ask({}, { 'api-key': '', ...key })).status).toBe(200)
    }
  })

  it('by the API of OpenAI for a Claude model', async () => {
    const { post } = create()
    const answer = await post('/openai/v1/chat/completions', { model: 'sonnet', messages: [hello] })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { code: 'api_not_supported' } })
  })
})

describe('faults in messages', () => {
  it.each([
    ['refusal', { stop_reason: 'refusal' }],
    ['contentFilter', { content: [], stop_reason: 'refusal' }],
  ])('change the answer: %s', async (fault, expected) => {
    expect(await create().message({ max_tokens: 2_000 }, { 'x-sim-fault': fault })).toMatchObject(expected)
  })

  it('report an overloaded service in the middle of a stream', async () => {
    const answer = await create().ask({ stream: true }, { 'x-sim-fault': 'errorEvent' })
    expect(eventsIn(await answer.text()).at(-1)).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    })
  })

  it.each([
    ['tokenRateLimit', 429, 'rate_limit_error'],
    ['overloaded503', 503, 'overloaded_error'],
    ['serverError', 500, 'api_error'],
    ['contextLengthExceeded', 400, 'invalid_request_error'],
  ])('have the envelope of Anthropic: %s', async (fault, status, type) => {
    expect((await create().refusal({}, { 'x-sim-fault': fault })).slice(0, 2)).toEqual([status, type])
  })
})

describe('the models of Anthropic', () => {
  const list = async (query: string) => {
    const { app } = create()
    const request = new Request(`http://sim/anthropic/v1/models${query}`, {
      headers: { ...version, 'x-api-key': 'test-key' },
    })
    return await app.fetch(request)
  }

  it('are listed in pages', async () => {
    const first = (await (await list('?limit=2')).json()) as {
      data: { id: string }[]
      has_more: boolean
      last_id: string
    }
    expect(first).toMatchObject({ has_more: true, data: [{ type: 'model', max_tokens: 128_000 }, {}] })
    const next = (await (await list(`?limit=100&after_id=${first.last_id}`)).json()) as {
      data: { id: string }[]
      has_more: boolean
    }
    expect(next.has_more).toBe(false)
    expect(next.data.map(({ id }) => id)).not.toContain(first.last_id)
    expect((await list('?limit=0')).status).toBe(400)
  })

  it('are found by name', async () => {
    expect(await (await list('/claude-sonnet-4-5')).json()).toMatchObject({
      id: 'claude-sonnet-4-5-20250929',
      display_name: 'Claude Sonnet 4.5',
      created_at: '2025-09-29T00:00:00Z',
    })
    const missing = await list('/gpt-4o')
    expect(missing.status).toBe(404)
    expect(await missing.json()).toMatchObject({
      error: { type: 'not_found_error', message: 'model: gpt-4o' },
    })
  })
})

describe('what applies to all operations', () => {
  it.each([
    ['serverError', 500, 'api_error', 'Internal server error'],
    ['overloaded503', 503, 'overloaded_error', 'Overloaded'],
    ['tokenRateLimit', 429, 'rate_limit_error', 'Your requests to sonnet for claude-sonnet-4-5 in'],
    ['malformedJson', 400, 'invalid_request_error', 'The request body is not valid JSON.'],
  ])('the fault %s has the text of Anthropic', async (fault, status, type, text) => {
    const { refusal } = create()
    const [foundStatus, foundType, message] = await refusal({}, { 'x-sim-fault': fault })
    expect([foundStatus, foundType]).toEqual([status, type])
    expect(message).toContain(text)
  })

  it('takes as long as the latency of the model says', async () => {
    const { ask, clock } = create({ LATENCY_PROFILE: 'auto', LATENCY_TIME_SCALE: '1' })
    const asked = ask({ max_tokens: 500 })
    let isAnswered = false
    void asked.then(() => (isAnswered = true))
    await clock.advance(500)
    expect(isAnswered).toBe(false)
    await clock.advance(60_000)
    expect((await asked).status).toBe(200)
  })

  it('is in the list of requests, with its tokens', async () => {
    const { message, app } = create({ JOURNAL_SIZE: '10' })
    const { usage } = await message()
    const { body } = await createAdminApi(app).ask('GET', '/++/requests')
    expect(JSON.stringify(body)).toContain('"operation":"messages"')
    expect(JSON.stringify(body)).toContain(`"completion_tokens":${usage['output_tokens']}`)
  })
})
