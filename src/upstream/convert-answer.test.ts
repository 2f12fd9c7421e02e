import { describe, expect, it, vi } from 'vitest'
import { chatEvents } from '../../tests/support/fake-upstream.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { createRandom } from '../lib/random.ts'
import type { ApiForm } from '../wire/conversion.ts'
import { capabilitiesOf } from '../wire/models/model-capabilities.ts'
import { convertAnswer } from './convert-answer.ts'
import { UpstreamFailure } from './upstream-failure.ts'

const paths: Readonly<Record<ApiForm, string>> = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  messages: '/anthropic/v1/messages',
}

interface Call {
  readonly asked?: ApiForm
  readonly answered?: ApiForm
  /** Members of the request. */
  readonly request?: Readonly<Record<string, unknown>>
  readonly status?: number
  readonly headers?: readonly string[]
  readonly contentType?: string
  /** Thrown after the last chunk. */
  readonly failure?: Error
}

/** Converts an answer that arrives in these chunks. */
async function convert(chunks: readonly (string | Buffer)[] | string, call: Call = {}) {
  const { asked = 'chat', answered = 'responses', request = {}, status = 200, failure } = call
  const list = typeof chunks === 'string' ? [chunks] : chunks
  const looksStreamed = /^(?:event|data|:)/.test(String(list[0] ?? ''))
  const { contentType = looksStreamed ? 'text/event-stream' : 'application/json' } = call
  const exchange = testExchange({ path: paths[asked], body: JSON.stringify(request) })
  const read = { chunks: 0, closed: false }
  async function* body(): AsyncGenerator<Buffer, undefined> {
    try {
      for (const chunk of list) {
        read.chunks++
        yield Buffer.from(chunk)
      }
      if (failure) throw failure
    } finally {
      read.closed = true
    }
  }
  const reply: Reply = {
    status,
    headers: new HeaderList(['content-type', contentType, ...(call.headers ?? [])]),
    body: { kind: 'live', chunks: body() },
  }
  const onBodyFailure = vi.fn<(why: string) => void>()
  const converted = await convertAnswer(
    exchange,
    reply,
    {
      asked,
      answered,
      isStreamed: request['stream'] === true,
      origin: 'https://east.test',
      context: () => ({
        request,
        modelName: 'prod',
        model: { capabilities: capabilitiesOf({ name: 'gpt-4o', reasoning: false }) },
        random: createRandom('convert'),
        nowMs: () => 5_000,
      }),
    },
    onBodyFailure,
  )
  return { reply: converted, read, onBodyFailure, exchange }
}

/** The text of a body, and what its iteration threw. */
async function bodyOf({ body }: Reply): Promise<{ text: string; error?: unknown; pieces: string[] }> {
  if (body.kind !== 'live') return { text: String(body.kind === 'whole' ? body.render() : ''), pieces: [] }
  const pieces: string[] = []
  try {
    for await (const chunk of body.chunks) pieces.push(Buffer.from(chunk).toString())
  } catch (error) {
    return { text: pieces.join(''), error, pieces }
  }
  return { text: pieces.join(''), pieces }
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers of any shape
type Json = any

const dataOf = (text: string): Json[] =>
  text
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => frame.slice(frame.indexOf('data: ') + 6))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)))

const textOf = async (...call: Parameters<typeof convert>): Promise<string> =>
  (await bodyOf((await convert(...call)).reply)).text
const chunksOf = async (...call: Parameters<typeof convert>): Promise<Json[]> => dataOf(await textOf(...call))
const jsonOf = async (...call: Parameters<typeof convert>): Promise<Json> => JSON.parse(await textOf(...call))

/** A stream of the Responses API. */
const responsesStream = (events: readonly (readonly [type: string, members: object])[]): string =>
  events
    .map(([type, members], index) => {
      const data = { type, ...members, sequence_number: index }
      return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
    })
    .join('')

const started = {
  id: 'resp_1',
  object: 'response',
  created_at: 7,
  model: 'gpt-x',
  status: 'in_progress',
  output: [],
}
const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] }
const call = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'f',
  arguments: '',
  status: 'in_progress',
}
const usage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 6,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 16,
}

const opening = [
  ['response.created', { response: started }],
  ['response.in_progress', { response: started }],
] as const
const textEvents = [
  ['response.output_item.added', { output_index: 1, item: message }],
  ['response.output_text.delta', { output_index: 1, content_index: 0, item_id: 'msg_1', delta: 'Grüß' }],
  ['response.output_text.delta', { output_index: 1, content_index: 0, item_id: 'msg_1', delta: ' 日本 🎉' }],
  [
    'response.output_text.done',
    { output_index: 1, content_index: 0, item_id: 'msg_1', text: 'Grüß 日本 🎉' },
  ],
] as const
const callEvents = [
  ['response.output_item.added', { output_index: 2, item: call }],
  ['response.function_call_arguments.delta', { output_index: 2, item_id: 'fc_1', delta: '{"a":' }],
  ['response.function_call_arguments.delta', { output_index: 2, item_id: 'fc_1', delta: '1}' }],
  [
    'response.output_item.done',
    { output_index: 2, item: { ...call, arguments: '{"a":1}', status: 'completed' } },
  ],
] as const
const ended = (status: string, more: object = {}): Json => [
  `response.${status}`,
  { response: { ...started, status, usage, output: [], ...more } },
]
const incomplete = (reason: string): Json => ended('incomplete', { incomplete_details: { reason } })

const wholeStream = responsesStream([...opening, ...textEvents, ...callEvents, ended('completed')])
const streamed = { stream: true }
const withUsage = { stream: true, stream_options: { include_usage: true } }

describe('a stream of the Responses API for a chat client', () => {
  const expected = [
    { delta: { role: 'assistant', content: '' } },
    { delta: { content: 'Grüß' } },
    { delta: { content: ' 日本 🎉' } },
    {
      delta: {
        tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }],
      },
    },
    { delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] } },
    { delta: { tool_calls: [{ index: 0, function: { arguments: '1}' } }] } },
    { delta: {}, finish_reason: 'tool_calls' },
  ]

  it.each<[string, (text: string) => (string | Buffer)[]]>([
    ['one chunk', (text) => [text]],
    ['chunks of one byte', (text) => [...Buffer.from(text)].map((byte) => Buffer.of(byte))],
    ['chunks of seven bytes', (text) => pieces(Buffer.from(text), 7)],
    ['lines that end in CR LF', (text) => [text.replaceAll('\n', '\r\n')]],
    ['lines that end in CR', (text) => pieces(Buffer.from(text.replaceAll('\n', '\r')), 11)],
    [
      'comments and empty events',
      (text) => [text.replaceAll('\n\n', '\n\n: keep-alive\n\n\n\nretry: 5\n\n')],
    ],
    ['data on several lines', (text) => [text.replaceAll('data: {', 'data: {\ndata:')]],
    ['events without names', (text) => [text.replaceAll(/event: .*\n/g, '')]],
    ['a byte order mark', (text) => ['\ufeff' + text]],
    ['no blank line at the end', (text) => [text.trimEnd()]],
    ['[DONE] at the end', (text) => [text, 'data: [DONE]\n\n']],
    ['unknown events', (text) => ['event: response.new\ndata: {"type":"response.new"}\n\n', text]],
  ])('has one role, id, call header, finish and [DONE] if it arrives with %s', async (_, split) => {
    const chunks = await chunksOf(split(wholeStream), {
      request: withUsage,
      contentType: 'text/event-stream',
    })
    expect(chunks.pop()).toBe('[DONE]')
    expect(chunks.pop()).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 6,
        total_tokens: 16,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
    const frame = {
      id: expect.stringMatching(/^chatcmpl-\w{29}$/) as unknown,
      created: 7,
      model: 'gpt-x',
      object: 'chat.completion.chunk',
    }
    expect(chunks).toMatchObject(
      expected.map((choice) =>
        Object.assign({ choices: [{ index: 0, finish_reason: null, ...choice }] }, frame),
      ),
    )
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    for (const {
      choices: [{ delta }],
    } of chunks.slice(1))
      expect(delta).not.toHaveProperty('role')
    for (const {
      choices: [{ delta }],
    } of chunks.slice(4)) {
      expect(delta.tool_calls?.[0] ?? {}).not.toHaveProperty('id')
      expect(delta.tool_calls?.[0]?.function ?? {}).not.toHaveProperty('name')
    }
  })

  it('has usage only if the request asks for it, and in the reply in any case', async () => {
    const { reply } = await convert(wholeStream, { request: streamed })
    const { text } = await bodyOf(reply)
    expect(text).not.toContain('usage')
    expect(reply.usage).toEqual({
      promptTokens: 10,
      cachedTokens: 4,
      completionTokens: 6,
      reasoningTokens: 2,
    })
    expect(reply.firstTokenMs).toBe(0)
  })

  it('is written as it arrives, once per chunk', async () => {
    const parts = [
      responsesStream([...opening, ...textEvents]),
      responsesStream([...callEvents]),
      responsesStream([ended('completed')]),
    ]
    const { reply, read } = await convert(parts, { request: streamed })
    expect(read.chunks).toBe(1)
    const { pieces: written } = await bodyOf(reply)
    expect(written).toHaveLength(3)
  })

  it.each([
    ['max_output_tokens', 'length'],
    ['content_filter', 'content_filter'],
  ])('ends with the finish reason for %s', async (reason, finish) => {
    const chunks = await chunksOf(responsesStream([...opening, ...textEvents, incomplete(reason)]), {
      request: streamed,
    })
    expect(chunks.at(-1)).toBe('[DONE]')
    const reasons = chunks.slice(0, -1).map(({ choices: [choice] }) => choice.finish_reason)
    expect(reasons.filter((one) => one !== null)).toEqual([finish])
  })

  it.each<[string, string, string]>([
    [
      'response.failed',
      responsesStream([ended('failed', { error: { code: 'server_error', message: 'It broke.' } })]),
      'server_error',
    ],
    [
      'error',
      responsesStream([['error', { code: 'rate_limit_exceeded', message: 'It broke.', param: null }]]),
      'rate_limit_exceeded',
    ],
    [
      'nested error',
      responsesStream([['error', { error: { type: 'server_error', code: 'x', message: 'It broke.' } }]]),
      'x',
    ],
  ])('ends with an error and without a finish after the event %s', async (_, end, code) => {
    const { reply, onBodyFailure } = await convert([responsesStream([...opening, ...textEvents]), end], {
      request: withUsage,
    })
    const { text, error } = await bodyOf(reply)
    const chunks = dataOf(text)
    expect(chunks.pop()).toEqual({
      error: { code, message: 'It broke.', param: null, type: expect.any(String) as unknown },
    })
    expect(chunks.map(({ choices: [choice] }) => choice.finish_reason)).toEqual([null, null, null])
    expect(error).toBeUndefined()
    expect(onBodyFailure).toHaveBeenCalledOnce()
  })

  it.each<[string, string[], Error | undefined, string]>([
    ['ends early', [responsesStream([...opening, ...textEvents])], undefined, 'UpstreamAnswerInvalid'],
    [
      'ends in an event',
      [responsesStream([...opening, ...textEvents]), 'event: response.comp'],
      undefined,
      'UpstreamAnswerInvalid',
    ],
    [
      'has invalid JSON',
      [responsesStream([...opening, ...textEvents]), 'data: {"type":\n\n'],
      undefined,
      'UpstreamAnswerInvalid',
    ],
    [
      'is interrupted',
      [responsesStream([...opening, ...textEvents]), 'data: {"ty'],
      new UpstreamFailure('UpstreamBroken', 'Gone.'),
      'UpstreamBroken',
    ],
    [
      'pauses',
      [responsesStream([...opening, ...textEvents])],
      new UpstreamFailure('UpstreamIdleTimeout', 'Late.'),
      'UpstreamIdleTimeout',
    ],
  ])('ends with an error and without a finish if it %s', async (_, parts, failure, code) => {
    const { reply, onBodyFailure } = await convert(parts, { request: streamed, ...(failure && { failure }) })
    const { text, error } = await bodyOf(reply)
    expect(dataOf(text).at(-1)).toMatchObject({ error: { code, type: 'server_error' } })
    expect(text).not.toMatch(/\[DONE\]|"finish_reason":"/)
    expect(error !== undefined).toBe(failure !== undefined)
    expect(onBodyFailure).toHaveBeenCalledOnce()
  })

  it('ends with its last event if the upstream does not end', async () => {
    const { reply, read } = await convert(
      [wholeStream, ...Array<string>(5_000).fill(`: ${'x'.repeat(100)}\n\n`)],
      { request: streamed },
    )
    expect((await bodyOf(reply)).text).toMatch(/\[DONE\]\n\n$/)
    await vi.waitFor(() => expect(read.closed).toBe(true))
    expect(read.chunks).toBeLessThan(1_000)
  })

  it('stops the upstream when the client leaves', async () => {
    const parts = [...opening, ...textEvents].map((event) => responsesStream([event]))
    const { reply, read } = await convert([...parts, wholeStream], { request: streamed })
    if (reply.body.kind !== 'live') throw new Error('not live')
    for await (const _ of reply.body.chunks) break
    // The fourth chunk has the first text.
    await expect.poll(() => read).toEqual({ chunks: 4, closed: true })
  })

  it.each<[string, string, number]>([
    [
      'rate limit',
      responsesStream([
        opening[0],
        [
          'error',
          { error: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'Slow down.' } },
        ],
      ]),
      429,
    ],
    [
      'failed response',
      responsesStream([
        ...opening,
        ended('failed', { error: { code: 'server_error', message: 'Slow down.' } }),
      ]),
      500,
    ],
    ['error with a status', 'data: {"error":{"code":503,"message":"Slow down."}}\n\n', 503],
  ])('is an error with a status if its first event is an error: %s', async (_, text, status) => {
    const { reply } = await convert(text, { request: streamed, headers: ['retry-after', '7'] })
    expect(reply.status).toBe(status)
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/)
    expect(reply.headers.get('retry-after')).toBe('7')
    expect(JSON.parse((await bodyOf(reply)).text)).toMatchObject({ error: { message: 'Slow down.' } })
  })

  it('is collected for a client that asks for no stream', async () => {
    expect(await jsonOf(wholeStream, { request: {} })).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            content: 'Grüß 日本 🎉',
            tool_calls: [{ id: 'call_1', function: { name: 'f', arguments: '{"a":1}' } }],
          },
        },
      ],
      usage: { total_tokens: 16 },
    })
  })
})

function pieces(bytes: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
  return parts
}

const wholeResponse = (more: object = {}): string =>
  JSON.stringify({
    ...started,
    status: 'completed',
    output: [
      { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      {
        ...message,
        status: 'completed',
        content: [
          { type: 'output_text', text: 'One ', annotations: [] },
          { type: 'output_text', text: 'two.', annotations: [] },
        ],
      },
      { ...call, arguments: '{"a":1}', status: 'completed' },
    ],
    usage,
    ...more,
  })

describe('a whole answer of the Responses API for a chat client', () => {
  it('has all texts, calls, reasoning and usage', async () => {
    const { reply } = await convert(wholeResponse(), {
      headers: [
        'x-request-id',
        'r1',
        'content-encoding',
        'gzip',
        'content-length',
        '9',
        'x-ratelimit-remaining-tokens',
        '5',
        'x-ms-region',
        'East US',
      ],
    })
    expect(JSON.parse((await bodyOf(reply)).text)).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/) as unknown,
      model: 'gpt-x',
      created: 7,
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: 'One two.',
            reasoning_content: 'Hm.',
            tool_calls: [{ id: 'call_1' }],
          },
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 6,
        total_tokens: 16,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
    expect(Object.fromEntries(reply.headers)).toEqual({
      'Content-Type': 'application/json',
      'x-request-id': 'r1',
      'request-id': 'r1',
      'x-ratelimit-remaining-tokens': '5',
      'x-ms-region': 'East US',
    })
    expect(reply.usage).toMatchObject({ promptTokens: 10, completionTokens: 6 })
  })

  it('is a stream for a client that asks for one', async () => {
    const chunks = await chunksOf(wholeResponse(), { request: withUsage })
    expect(chunks.pop()).toBe('[DONE]')
    expect(chunks.pop()).toMatchObject({ choices: [], usage: { total_tokens: 16 } })
    expect(chunks.map(({ choices: [choice] }) => choice.delta.content ?? '').join('')).toBe('One two.')
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] })
  })

  it.each([
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [] }, 'length'],
    [
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [] },
      'content_filter',
    ],
  ])('has the finish reason for %j', async (more, finish) => {
    expect(await jsonOf(wholeResponse(more))).toMatchObject({ choices: [{ finish_reason: finish }] })
  })

  it('is an error if the response has failed', async () => {
    const failed = { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' } }
    const { reply } = await convert(wholeResponse(failed))
    expect(reply.status).toBe(429)
    expect(JSON.parse((await bodyOf(reply)).text)).toEqual({
      error: { message: 'Slow down.', type: 'too_many_requests', param: null, code: 'rate_limit_exceeded' },
    })
  })

  it('is read if a service sends events as JSON, or JSON as events', async () => {
    expect(await jsonOf(wholeStream, { contentType: 'application/json' })).toMatchObject({
      choices: [{ message: { content: 'Grüß 日本 🎉' } }],
    })
    expect(await jsonOf(wholeResponse(), { contentType: 'text/event-stream' })).toMatchObject({
      choices: [{ message: { content: 'One two.' } }],
    })
  })

  it.each<[string, string, Call]>([
    ['HTML', '<html></html>', {}],
    ['nothing', '', {}],
    ['no events', '', { contentType: 'text/event-stream' }],
    ['HTML as events', '<html></html>', { contentType: 'text/event-stream', request: streamed }],
    ['a list', '[]', {}],
    ['another object', '{"object":"list"}', {}],
    ['truncated JSON', wholeResponse().slice(0, -1), {}],
    ['a redirect', '', { status: 307, headers: ['location', 'https://elsewhere.test'] }],
    ['no content', '', { status: 204 }],
  ])('fails with its own code if it is %s', async (_, text, options) => {
    await expect(convert(text, options)).rejects.toMatchObject({
      code: 'UpstreamAnswerInvalid',
      message: expect.stringMatching(
        /^Could not convert the answer of https:\/\/east\.test: .*\. Correct 'form'/,
      ) as unknown,
    })
  })
})

describe('a stream of chat for a client of the Responses API', () => {
  const chat = (request: object = {}): Promise<Json[]> =>
    chunksOf(chatEvents(['Hel', 'lo']).join(''), {
      asked: 'responses',
      answered: 'chat',
      request: { stream: true, ...request },
    })

  it('has all events in order, with consecutive numbers and equal ids', async () => {
    const events = await chat()
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
    const { response } = events.at(-1)
    expect(response.output).toMatchObject([{ content: [{ text: 'Hello' }] }])
    const ids = events.flatMap((event) => event.item_id ?? event.item?.id ?? [])
    expect(new Set(ids)).toEqual(new Set([response.output[0].id]))
    expect(new Set(events.flatMap((event) => event.response?.id ?? [])).size).toBe(1)
  })

  it('repeats the request, and is not stored', async () => {
    const tool = { type: 'function', name: 'f', parameters: {}, strict: false }
    const request = {
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      temperature: 0,
      tools: [tool],
      text: { format: { type: 'json_object' } },
      store: true,
      user: 5,
    }
    const { response } = (await chat(request)).at(-1)
    expect(response).toMatchObject({
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      temperature: 0,
      tools: [tool],
      text: { format: { type: 'json_object' } },
      store: false,
      user: null,
      status: 'completed',
      created_at: 1,
      model: 'gpt-4o-mini',
    })
  })

  it('ends with an error event and a failed response after an error', async () => {
    const text =
      chatEvents(['Hel']).slice(0, 1).join('') + 'data: {"error":{"message":"It broke.","code":"x"}}\n\n'
    const events = await chunksOf(text, { asked: 'responses', answered: 'chat', request: streamed })
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', error: { code: 'x', message: 'It broke.' } },
      {
        type: 'response.failed',
        response: {
          status: 'failed',
          error: { message: 'It broke.' },
          output: [{ status: 'incomplete', content: [{ text: 'Hel' }] }],
        },
      },
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
  })
})

/** A stream of Anthropic Messages. */
const messagesStream = (events: readonly object[]): string =>
  events.map((event) => `event: ${(event as Json).type}\ndata: ${JSON.stringify(event)}\n\n`).join('')

const messageStart = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [],
    stop_reason: null,
    usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 1 },
  },
}
const block = (index: number, start: object, ...deltas: object[]): object[] => [
  { type: 'content_block_start', index, content_block: start },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const claudeBlocks = [
  ...block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Hm.' },
    { type: 'signature_delta', signature: 's' },
  ),
  ...block(
    1,
    { type: 'text', text: '' },
    { type: 'text_delta', text: 'Grüß ' },
    { type: 'text_delta', text: '日本' },
  ),
  ...block(
    2,
    { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
    { type: 'input_json_delta', partial_json: '{"a"' },
    { type: 'input_json_delta', partial_json: ':1}' },
  ),
]
const claudeEnd = (reason: string): object[] => [
  { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 6 } },
  { type: 'message_stop' },
]
const claude = messagesStream([messageStart, { type: 'ping' }, ...claudeBlocks, ...claudeEnd('tool_use')])

describe('a stream of Anthropic Messages for a chat client', () => {
  const from = { answered: 'messages', request: withUsage } as const

  it.each([1, 5, 1_000])(
    'has reasoning, text, calls and the usage of start and end in chunks of %d bytes',
    async (size) => {
      const chunks = await chunksOf(pieces(Buffer.from(claude), size), from)
      expect(chunks.pop()).toBe('[DONE]')
      expect(chunks.pop()).toMatchObject({
        usage: {
          prompt_tokens: 10,
          completion_tokens: 6,
          total_tokens: 16,
          prompt_tokens_details: { cached_tokens: 4 },
        },
      })
      const deltas = chunks.map(({ choices: [choice] }) => choice.delta)
      expect(deltas.map(({ role }) => role).filter(Boolean)).toEqual(['assistant'])
      expect(deltas.map(({ content }) => content ?? '').join('')).toBe('Grüß 日本')
      expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('Hm.')
      expect(deltas.flatMap((delta) => delta.tool_calls ?? [])).toEqual([
        { index: 0, id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '' } },
        { index: 0, function: { arguments: '{"a"' } },
        { index: 0, function: { arguments: ':1}' } },
      ])
      expect(chunks.at(-1)).toMatchObject({ model: 'claude-x', choices: [{ finish_reason: 'tool_calls' }] })
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    },
  )

  it.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['stop_sequence', 'stop'],
    ['refusal', 'content_filter'],
  ])('ends with the finish reason for %s', async (reason, finish) => {
    const chunks = await chunksOf(
      messagesStream([messageStart, ...block(0, { type: 'text', text: 'A' }), ...claudeEnd(reason)]),
      from,
    )
    expect(chunks.at(-3)).toMatchObject({ choices: [{ finish_reason: finish }] })
  })

  it('ends with an error and without a finish after an error in the middle', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }
    const { text } = await bodyOf(
      (await convert(messagesStream([messageStart, ...claudeBlocks, error]), from)).reply,
    )
    expect(dataOf(text).at(-1)).toMatchObject({ error: { message: 'Busy', type: 'overloaded_error' } })
    expect(text).not.toMatch(/\[DONE\]|"finish_reason":"/)
  })

  it('is an error with a status if it begins with an error', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }
    expect((await convert(messagesStream([messageStart, error]), from)).reply.status).toBe(529)
  })
})

describe('an answer for a client of Anthropic Messages', () => {
  const asked = { asked: 'messages', answered: 'chat' } as const

  it('is a stream with all events in order', async () => {
    const events = await chunksOf(chatEvents(['Hel', 'lo']).join(''), { ...asked, request: streamed })
    expect(events.map(({ type }) => type).filter((type) => type !== 'ping')).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events[0]).toMatchObject({
      message: { id: expect.stringMatching(/^msg_/) as unknown, model: 'gpt-4o-mini' },
    })
  })

  it('is whole', async () => {
    const chat = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            content: 'Hi',
            tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
          },
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 2,
        total_tokens: 12,
        prompt_tokens_details: { cached_tokens: 4 },
      },
    }
    expect(await jsonOf(JSON.stringify(chat), asked)).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'm',
      stop_reason: 'tool_use',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'tool_use', name: 'f', input: { a: 1 } },
      ],
      usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 2 },
    })
  })

  it('has errors in the envelope of Anthropic', async () => {
    const { reply } = await convert('{"error":{"message":"Slow","type":"requests","code":"429"}}', {
      ...asked,
      status: 429,
      headers: ['x-request-id', 'r1'],
    })
    expect(JSON.parse((await bodyOf(reply)).text)).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'Slow' },
    })
    expect([reply.status, reply.headers.get('request-id')]).toEqual([429, 'r1'])
  })

  it('ends with an error event after an error', async () => {
    const text =
      chatEvents(['Hel']).slice(0, 1).join('') + 'data: {"error":{"message":"It broke.","code":"x"}}\n\n'
    const events = await chunksOf(text, { ...asked, request: streamed })
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { message: 'It broke.' } })
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
  })
})

describe('an error of the upstream', () => {
  const errorOf = async (text: string, options: Call): Promise<Json> => {
    const { reply } = await convert(text, { request: streamed, ...options })
    return {
      status: reply.status,
      headers: Object.fromEntries(reply.headers),
      body: JSON.parse((await bodyOf(reply)).text),
    }
  }
  const inner = {
    error: {
      message: 'Filtered.',
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { hate: { filtered: true } },
      },
    },
  }

  it.each([400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])(
    'keeps the status %d',
    async (status) => {
      const headers = ['retry-after', '7', 'apim-request-id', 'a1', 'content-length', '5']
      const { body, ...rest } = await errorOf('{"error":{"code":"c","message":"m"}}', { status, headers })
      expect(rest).toEqual({
        status,
        headers: { 'Content-Type': 'application/json', 'retry-after': '7', 'apim-request-id': 'a1' },
      })
      expect(body).toEqual({ error: { code: 'c', message: 'm' } })
    },
  )

  it('names the parameter as the caller did', async () => {
    const error = { message: "Invalid 'max_output_tokens': got 5.", param: 'max_output_tokens', code: 'c' }
    const request = { max_completion_tokens: 5 }
    const { body } = await errorOf(JSON.stringify({ error, other: 1 }), { status: 400, request })
    expect(body).toEqual({
      error: {
        message: "Invalid 'max_completion_tokens': got 5.",
        param: 'max_completion_tokens',
        code: 'c',
      },
      other: 1,
    })
    const text = '{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 9 > 8"}}'
    const anthropic = await errorOf(text, { status: 400, request, answered: 'messages' })
    expect(anthropic.body).toMatchObject({
      error: { message: 'max_completion_tokens: 9 > 8', param: 'max_completion_tokens' },
    })
  })

  it('has all members between the APIs of OpenAI', async () => {
    expect((await errorOf(JSON.stringify(inner), { status: 400 })).body).toEqual(inner)
  })

  it.each([
    ['an event', 'data: {"error":{"message":"Not here","code":"c"}}\n\n', { message: 'Not here', code: 'c' }],
    [
      'an error without a message',
      '{"error":{"code":"c"}}',
      { message: expect.any(String) as unknown, code: 'c' },
    ],
    ['an error with another message', '{"error":{"message":5}}', { message: expect.any(String) as unknown }],
  ])(
    'is JSON with a message if the body of an upstream with the same errors has %s',
    async (_, text, error) => {
      const { body } = await errorOf(text, { status: 404 })
      expect(body).toMatchObject({ error })
    },
  )

  it.each<[string, string, object]>([
    [
      'Anthropic',
      '{"type":"error","error":{"type":"overloaded_error","message":"Busy"},"request_id":"r"}',
      { type: 'overloaded_error', message: 'Busy' },
    ],
    ['a framework', '{"detail":"Not here"}', { message: 'Not here' }],
    ['a framework with a list', '{"detail":[{"msg":"x"}]}', { message: '[{"msg":"x"}]' }],
    ['a gateway', '{"statusCode":404,"message":"Not here"}', { message: 'Not here' }],
    ['a text as error', '{"error":"Not here"}', { message: 'Not here' }],
    ['a text', 'Not here\n', { message: 'Not here' }],
    ['HTML', '<html>secret</html>', { message: 'The upstream answered with status 404 and no message.' }],
    ['nothing', '', { message: 'The upstream answered with status 404 and no message.' }],
    [
      'an event',
      'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"Not here"}}\n\n',
      { message: 'Not here' },
    ],
  ])('has the form of the API of the caller if it is of %s', async (_, text, error) => {
    const { body } = await errorOf(text, { answered: 'messages', status: 404 })
    expect(body).toMatchObject({
      error: { type: 'invalid_request_error', param: null, code: null, ...error },
    })
  })
})
