import Anthropic, {
  AuthenticationError as AnthropicAuthenticationError,
  BadRequestError as AnthropicBadRequestError,
  NotFoundError as AnthropicNotFoundError,
  RateLimitError as AnthropicRateLimitError,
} from '@anthropic-ai/sdk'
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from 'openai'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { listen } from '../../src/server/listen.ts'
import { apiForms, type ApiForm } from '../../src/wire/conversion.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

/** The upstream: a simulator that generates answers, behind a socket. */
let upstream: { readonly url: string; close(): Promise<void> }

beforeAll(async () => {
  const faults = [{ probability: 1, fault: 'tokenRateLimit' }]
  const { app } = createTestSimulator({
    env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    deployments: {
      'gpt-real': { model: 'gpt-4o' },
      'claude-real': { model: 'claude-sonnet-4-5' },
      slow: { model: 'gpt-4o', faults },
      'slow-claude': { model: 'claude-sonnet-4-5', faults },
    },
  })
  const listener = await listen(app, '127.0.0.1', 0)
  upstream = { url: listener.url, close: () => listener.close(0) }
})
afterAll(() => upstream.close())

const modelOf = (form: ApiForm): string => (form === 'messages' ? 'claude-sonnet-4-5' : 'gpt-4o')
const nameOf = (form: ApiForm): string => (form === 'messages' ? 'claude-real' : 'gpt-real')

/** A gateway with deployments that ask the upstream with each API. */
function startGateway(env: Record<string, string> = {}) {
  const deployments = Object.fromEntries(
    apiForms.flatMap((form) => [
      [form, { model: modelOf(form), upstream: `default/${nameOf(form)}`, form, drop: ['metadata'] }],
      [`slow-${form}`, { upstream: `default/${form === 'messages' ? 'slow-claude' : 'slow'}`, form }],
      [`gone-${form}`, { upstream: 'default/gone', form }],
    ]),
  )
  const gateway = createTestSimulator({
    deployments,
    env: { AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_KEY: testKey, ...env },
  })
  const fetch: typeof globalThis.fetch = async (url, init) => gateway.app.request(new Request(url, init))
  const client = new OpenAI({ apiKey: testKey, baseURL: 'http://gateway.test/v1', fetch, maxRetries: 0 })
  return { ...gateway, client, fetch }
}

const city = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}
const person = z.object({ name: z.string(), age: z.int() })
const user = (content: string) => [{ role: 'user' as const, content }]

describe.each(apiForms)('a client of chat completions with an upstream that is asked with %s', (model) => {
  const chat = (env?: Record<string, string>) => startGateway(env).client.chat.completions

  it('gets an answer', async () => {
    const answer = await chat().create({ model, messages: user('Hello'), max_completion_tokens: 20 })
    expect(answer).toMatchObject({
      object: 'chat.completion',
      id: expect.stringMatching(/^chatcmpl-/) as unknown,
      choices: [{ finish_reason: 'length', message: { role: 'assistant' } }],
      usage: { completion_tokens: 20 },
    })
    expect(answer.choices[0]?.message.content?.length).toBeGreaterThan(0)
  })

  it('streams an answer', async () => {
    const stream = chat().stream({
      model,
      messages: user('Hello'),
      max_completion_tokens: 20,
      stream_options: { include_usage: true },
    })
    let text = ''
    stream.on('content', (delta) => (text += delta))
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: text } })
    expect(final.usage?.completion_tokens).toBe(20)
    expect(text.length).toBeGreaterThan(0)
  })

  it('gets calls, whole and streamed, and answers them', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: city } }]
    const request = { model, messages: user('Weather in Rome?'), tools, tool_choice: 'required' as const }
    const whole = await chat().create(request)
    const streamed = await chat().stream(request).finalChatCompletion()
    for (const {
      choices: [choice],
    } of [whole, streamed]) {
      const [call] = choice?.message.tool_calls ?? []
      expect(call).toMatchObject({
        type: 'function',
        id: expect.stringMatching(/./) as unknown,
        function: { name: 'weather' },
      })
      expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toHaveProperty('city')
    }
    const { message } = whole.choices[0]!
    const result = { role: 'tool' as const, tool_call_id: message.tool_calls![0]!.id, content: 'Sunny' }
    const next = await chat().create({ model, messages: [...request.messages, message, result], tools })
    expect(next.choices).toHaveLength(1)
  })

  it('gets an answer in the requested format', async () => {
    const parsed = await chat().parse({
      model,
      messages: user('Bob is 42.'),
      response_format: zodResponseFormat(person, 'person'),
    })
    expect(person.safeParse(parsed.choices[0]?.message.parsed).success).toBe(true)
  })

  it('gets errors with their status', async () => {
    await expect(
      chat().create({ model: `gone-${model}`, messages: user('Hi'), max_completion_tokens: 9 }),
    ).rejects.toThrow(NotFoundError)
    await expect(
      chat().create({ model: `slow-${model}`, messages: user('Hi'), max_completion_tokens: 9, stream: true }),
    ).rejects.toThrow(RateLimitError)
    await expect(chat({ AZURE_OPENAI_KEY: 'wrong' }).create({ model, messages: user('Hi') })).rejects.toThrow(
      AuthenticationError,
    )
    await expect(chat().create({ model, messages: 5 as never })).rejects.toThrow(BadRequestError)
  })
})

describe.each(apiForms)('a client of the Responses API with an upstream that is asked with %s', (model) => {
  const responses = (env?: Record<string, string>) => startGateway(env).client.responses

  it('gets an answer', async () => {
    const answer = await responses().create({
      model,
      input: 'Hello',
      max_output_tokens: 20,
      metadata: { a: 'b' },
    })
    expect(answer).toMatchObject({
      object: 'response',
      id: expect.stringMatching(/^resp_/) as unknown,
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      metadata: { a: 'b' },
      usage: { output_tokens: 20 },
    })
    expect(answer.output_text.length).toBeGreaterThan(0)
  })

  it('streams an answer that equals the last event', async () => {
    const stream = responses().stream({ model, input: 'Hello', max_output_tokens: 20 })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => (text += delta))
    const final = await stream.finalResponse()
    expect(final.output_text).toBe(text)
    expect(final).toMatchObject({ status: 'incomplete', usage: { output_tokens: 20 } })
  })

  it('gets calls, whole and streamed, and answers them', async () => {
    const tools = [{ type: 'function' as const, name: 'weather', parameters: city, strict: true }]
    const request = { model, input: 'Weather in Rome?', tools, tool_choice: 'required' as const }
    const whole = await responses().create(request)
    const streamed = await responses().stream(request).finalResponse()
    for (const { output } of [whole, streamed]) {
      expect(output).toMatchObject([{ type: 'function_call', name: 'weather', status: 'completed' }])
    }
    const [call] = whole.output
    if (call?.type !== 'function_call') throw new Error('no call')
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'Sunny' }
    const next = await responses().create({
      model,
      input: [{ role: 'user', content: 'Weather?' }, call, result],
      tools,
      store: false,
    })
    expect(next.error).toBeNull()
  })

  it('gets an answer in the requested format', async () => {
    const parsed = await responses().parse({
      model,
      input: 'Bob is 42.',
      text: { format: zodTextFormat(person, 'person') },
    })
    expect(person.safeParse(parsed.output_parsed).success).toBe(true)
  })

  it('gets errors with their status', async () => {
    await expect(
      responses().create({ model: `gone-${model}`, input: 'Hi', max_output_tokens: 9 }),
    ).rejects.toThrow(NotFoundError)
    await expect(
      responses().create({ model: `slow-${model}`, input: 'Hi', max_output_tokens: 9 }),
    ).rejects.toThrow(RateLimitError)
    await expect(responses({ AZURE_OPENAI_KEY: 'wrong' }).create({ model, input: 'Hi' })).rejects.toThrow(
      AuthenticationError,
    )
    await expect(responses().create({ model, input: 5 as never })).rejects.toThrow(BadRequestError)
  })
})

describe.each(apiForms)('a client of Anthropic Messages with an upstream that is asked with %s', (model) => {
  const messages = (env?: Record<string, string>) => {
    const { fetch } = startGateway(env)
    return new Anthropic({ apiKey: testKey, baseURL: 'http://gateway.test/anthropic', fetch, maxRetries: 0 })
      .messages
  }
  const hello = { model, max_tokens: 20, messages: user('Hello') }

  it('gets an answer', async () => {
    expect(await messages().create({ ...hello, system: 'Be brief.' })).toMatchObject({
      type: 'message',
      role: 'assistant',
      id: expect.stringMatching(/^msg_/) as unknown,
      stop_reason: 'max_tokens',
      content: [{ type: 'text', text: expect.stringMatching(/./) as unknown }],
      usage: { output_tokens: 20 },
    })
  })

  it('streams an answer', async () => {
    const stream = messages().stream(hello)
    let text = ''
    stream.on('text', (delta) => (text += delta))
    const final = await stream.finalMessage()
    expect(final).toMatchObject({
      content: [{ type: 'text', text }],
      stop_reason: 'max_tokens',
      usage: { output_tokens: 20 },
    })
    expect(text.length).toBeGreaterThan(0)
  })

  it('gets calls, whole and streamed, and answers them', async () => {
    const tools = [{ name: 'weather', input_schema: { ...city, type: 'object' as const } }]
    const request = { ...hello, tools, tool_choice: { type: 'any' as const }, max_tokens: 100 }
    const whole = await messages().create(request)
    for (const { content, stop_reason: reason } of [whole, await messages().stream(request).finalMessage()]) {
      const call = content.find(({ type }) => type === 'tool_use')
      expect([reason, call]).toMatchObject([
        'tool_use',
        { name: 'weather', input: { city: expect.any(String) as unknown } },
      ])
    }
    const results = whole.content.flatMap((block) =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'Sunny' }]
        : [],
    )
    const history = [
      ...user('Hello'),
      { role: 'assistant' as const, content: whole.content },
      { role: 'user' as const, content: results },
    ]
    expect(await messages().create({ ...hello, tools, messages: history })).toMatchObject({ type: 'message' })
  })

  it('gets an answer in the requested format', async () => {
    const format = { type: 'json_schema' as const, schema: city }
    const { content } = await messages().create({ ...hello, max_tokens: 200, output_config: { format } })
    const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    expect(JSON.parse(text)).toMatchObject({ city: expect.any(String) as unknown })
  })

  it('gets errors with their status, in the envelope of Anthropic', async () => {
    const failure = async (answer: PromiseLike<unknown>): Promise<unknown> =>
      answer.then(
        () => 'an answer',
        (error: unknown) => error,
      )
    const gone = await failure(messages().create({ ...hello, model: `gone-${model}` }))
    expect(gone).toBeInstanceOf(AnthropicNotFoundError)
    expect(gone).toMatchObject({ error: { type: 'error', error: { type: 'not_found_error' } } })
    const slow = await failure(
      messages()
        .stream({ ...hello, model: `slow-${model}` })
        .finalMessage(),
    )
    expect(slow).toBeInstanceOf(AnthropicRateLimitError)
    expect(slow).toMatchObject({ error: { type: 'error', error: { type: 'rate_limit_error' } } })
    const wrong = await failure(messages({ AZURE_OPENAI_KEY: 'wrong' }).create(hello))
    expect(wrong).toBeInstanceOf(AnthropicAuthenticationError)
    const bad = await failure(messages().create({ ...hello, max_tokens: 'many' as never }))
    expect(bad).toBeInstanceOf(AnthropicBadRequestError)
  })
})
