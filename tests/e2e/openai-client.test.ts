import OpenAI, {
  AuthenticationError,
  AzureOpenAI,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from 'openai'
import { LengthFinishReasonError } from 'openai/error'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

let program: RunningProgram
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_SEED: 'clients' } })
})
afterAll(() => program.stop())

function azure(apiKey = program.key): OpenAI {
  return new AzureOpenAI({ endpoint: program.url, apiKey, apiVersion: '2024-10-21', maxRetries: 0 })
}

function plain(path: string): OpenAI {
  return new OpenAI({ baseURL: program.url + path, apiKey: program.key, maxRetries: 0 })
}

/** The ways in which the official package can be pointed at a resource. */
const ways: readonly (readonly [string, () => OpenAI])[] = [
  ['AzureOpenAI', () => azure()],
  ['OpenAI at /openai/v1', () => plain('/openai/v1')],
  ['OpenAI at /v1', () => plain('/v1')],
]

const chat: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: 'gpt-4o',
  messages: [{ role: 'user', content: 'Tell me a joke about opentelemetry' }],
  max_tokens: 7,
}

describe.each(ways)('%s', (_, client) => {
  it('gets a chat completion with exact usage', async () => {
    const { data, request_id } = await client().chat.completions.create(chat).withResponse()
    expect(data.choices[0]?.message.content).toMatch(/\w/)
    expect(data.choices[0]?.finish_reason).toBe('length')
    expect(data.usage).toMatchObject({ prompt_tokens: 16, completion_tokens: 7, total_tokens: 23 })
    expect(data.model).toBe('gpt-4o-2024-11-20')
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('iterates over a stream with one token per chunk', async () => {
    const stream = await client().chat.completions.create({
      ...chat,
      stream: true,
      stream_options: { include_usage: true },
    })
    const contents: string[] = []
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      const content = chunk.choices[0]?.delta.content
      if (content) contents.push(content)
      usage = chunk.usage
    }
    expect(contents).toHaveLength(7)
    expect(usage).toMatchObject({ completion_tokens: 7 })
  })

  it('collects a stream with the stream helper', async () => {
    const completion = await client()
      .chat.completions.stream({ ...chat, stream: true })
      .finalChatCompletion()
    expect(completion.choices[0]?.message).toMatchObject({ role: 'assistant', refusal: null })
    expect(completion.choices[0]?.message.content).toMatch(/\w/)
    expect(completion.id).toMatch(/^chatcmpl-/)
  })

  it('refuses to parse a truncated completion', async () => {
    await expect(client().chat.completions.parse(chat)).rejects.toThrow(LengthFinishReasonError)
  })

  it('gets a legacy completion, whole and streamed', async () => {
    const request = { model: 'gpt-35-turbo-instruct', prompt: 'Once there', max_tokens: 5 }
    const whole = await client().completions.create(request)
    expect(whole.object).toBe('text_completion')
    expect(whole.usage?.completion_tokens).toBe(5)
    const texts: string[] = []
    for await (const chunk of await client().completions.create({ ...request, stream: true })) {
      if (chunk.choices[0]?.text) texts.push(chunk.choices[0].text)
    }
    expect(texts).toHaveLength(5)
  })

  it('decodes embeddings to unit vectors, the same for the same text', async () => {
    const input = ['one text', 'another text', 'one text']
    const { data, usage } = await client().embeddings.create({ model: 'text-embedding-3-small', input })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([1536, 1536, 1536])
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5)
    expect(data[0]?.embedding).toEqual(data[2]?.embedding)
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
    expect(usage.prompt_tokens).toBe(6)
  })

  it('gets floats and fewer dimensions on request', async () => {
    const { data } = await client().embeddings.create({
      model: 'text-embedding-3-large',
      input: 'text',
      encoding_format: 'float',
      dimensions: 64,
    })
    expect(data[0]?.embedding).toHaveLength(64)
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 5)
  })

  it('throws BadRequestError with the parameter and the code', async () => {
    const error: unknown = await client()
      .chat.completions.create({ ...chat, temperature: 3 })
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({
      status: 400,
      param: 'temperature',
      code: 'decimal_above_max_value',
      type: 'invalid_request_error',
    })
  })

  it('may leave a stream early, and gets an answer to the next request', async () => {
    const stream = await client().chat.completions.create({ ...chat, stream: true })
    for await (const chunk of stream) {
      expect(chunk.object).toBeDefined()
      break
    }
    expect((await client().chat.completions.create(chat)).object).toBe('chat.completion')
  })
})

describe('errors', () => {
  it('a wrong key is an AuthenticationError', async () => {
    await expect(azure('wrong').chat.completions.create(chat)).rejects.toThrow(AuthenticationError)
    await expect(azure('wrong').chat.completions.create(chat)).rejects.toThrow(/Access denied due to invalid/)
  })

  it('an unknown path is a NotFoundError', async () => {
    await expect(plain('/openai').chat.completions.create(chat)).rejects.toThrow(NotFoundError)
  })

  it('a model that cannot chat is a BadRequestError', async () => {
    await expect(azure().chat.completions.create({ ...chat, model: 'embedding' })).rejects.toMatchObject({
      status: 400,
      code: 'OperationNotSupported',
    })
  })

  it('an error before a stream is thrown by the request', async () => {
    await expect(azure().chat.completions.create({ ...chat, stream: true, n: 0 })).rejects.toMatchObject({
      param: 'n',
    })
  })

  it('a failing stream helper rejects', async () => {
    const stream = azure('wrong').chat.completions.stream({ ...chat, stream: true })
    await expect(stream.finalChatCompletion()).rejects.toThrow(AuthenticationError)
  })
})

describe('unknown deployments', () => {
  it('are a NotFoundError with the code of the service when they are refused', async () => {
    await using strict = await startInProcess({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    const client = new AzureOpenAI({
      endpoint: strict.url,
      apiKey: strict.key,
      apiVersion: '2024-10-21',
      maxRetries: 0,
    })
    const request = client.chat.completions.create({ ...chat, model: 'unknown' })
    await expect(request).rejects.toThrow(NotFoundError)
    await expect(request).rejects.toMatchObject({
      code: 'DeploymentNotFound',
      type: 'invalid_request_error',
    })
  })
})

describe('limits', () => {
  const small = { small: { model: 'gpt-4o', tokensPerMinute: 100_000, requestsPerMinute: 6 } }

  it('are a RateLimitError with retry-after to a client that does not retry', async () => {
    await using limited = await startInProcess({ deployments: small })
    const client = new AzureOpenAI({
      endpoint: limited.url,
      apiKey: limited.key,
      apiVersion: '2024-10-21',
      maxRetries: 0,
    })
    await client.chat.completions.create({ ...chat, model: 'small' })
    const error: unknown = await client.chat.completions
      .create({ ...chat, model: 'small' })
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(RateLimitError)
    const { headers, code } = error as RateLimitError
    expect(code).toBe('RateLimitReached')
    expect(Number(headers?.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers?.get('retry-after-ms'))).toBeGreaterThan(0)
    expect(headers?.get('x-ratelimit-type')).toBe('Requests')
  })

  it('make a client that retries wait for the retry-after time and succeed', async () => {
    await using limited = await startInProcess({ deployments: small })
    const attempts: number[] = []
    const client = new AzureOpenAI({
      endpoint: limited.url,
      apiKey: limited.key,
      apiVersion: '2024-10-21',
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        attempts.push(response.status)
        return response
      },
    })
    const startedAt = Date.now()
    await client.chat.completions.create({ ...chat, model: 'small' })
    const answer = await client.chat.completions.create({ ...chat, model: 'small' })
    expect(answer.choices).toHaveLength(1)
    expect(attempts).toEqual([200, 429, 200])
    // One request in ten seconds: the wait is the one that the 429 named, not the client's own half second.
    expect(Date.now() - startedAt).toBeGreaterThan(9_000)
    expect(Date.now() - startedAt).toBeLessThan(30_000)
  })
})
