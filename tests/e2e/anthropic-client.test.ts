import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk'
import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

const deployments = {
  sonnet: { model: 'claude-sonnet-4-5' },
  opus: { model: 'claude-opus-5-5' },
  limited: { model: 'claude-haiku-4-5', requestsPerMinute: 1 },
  chat: { model: 'gpt-4o' },
}

let program: RunningProgram
beforeAll(async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'claude-')), 'deployments.json')
  writeFileSync(path, JSON.stringify(deployments))
  program = await startInProcess({
    env: { SIMULATOR_SEED: 'claude', TOOL_CALL_PROBABILITY: '1', OPENAI_DEPLOYMENT_CONFIG_PATH: path },
  })
})
afterAll(() => program.stop())

/** What both packages have. */
interface Client {
  readonly messages: Pick<Anthropic['messages'], 'create' | 'stream' | 'countTokens'>
  readonly beta: { readonly messages: Pick<Anthropic['beta']['messages'], 'toolRunner'> }
}

const foundry = (apiKey = program.key): AnthropicFoundry =>
  new AnthropicFoundry({ baseURL: `${program.url}/anthropic/`, apiKey, maxRetries: 0 })

const entra = (): AnthropicFoundry =>
  new AnthropicFoundry({
    baseURL: `${program.url}/anthropic/`,
    azureADTokenProvider: async () => program.key,
    maxRetries: 0,
  })

const anthropic = (): Anthropic =>
  new Anthropic({ baseURL: `${program.url}/anthropic`, apiKey: program.key, maxRetries: 0 })

/** The ways in which the official packages can be pointed at a resource. */
const ways: readonly (readonly [string, () => Client])[] = [
  ['AnthropicFoundry', () => foundry()],
  ['AnthropicFoundry with a token', entra],
  ['Anthropic', anthropic],
]

const question: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'sonnet',
  max_tokens: 20,
  messages: [{ role: 'user', content: 'Tell me a joke about opentelemetry' }],
}

const weather = {
  name: 'weather',
  description: 'Tells the weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
} as const satisfies Anthropic.Tool

describe.each(ways)('%s', (_, client) => {
  it('gets a message', async () => {
    const { data, request_id } = await client().messages.create(question).withResponse()
    expect(data).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'max_tokens' })
    expect(data.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/\w/) })
    expect(data.usage.output_tokens).toBe(20)
    expect(request_id).toMatch(/^req_/)
  })

  it('accumulates a stream to the message that its usage is about', async () => {
    const stream = client().messages.stream({ ...question, model: 'opus', max_tokens: 2_000 })
    const texts: string[] = []
    stream.on('text', (text) => texts.push(text))
    const message = await stream.finalMessage()
    expect(message.stop_reason).toBe('end_turn')
    expect(texts.length).toBeGreaterThan(1)
    expect(await stream.finalText()).toBe(texts.join(''))
    expect(message.usage.output_tokens).toBeGreaterThan(texts.length)
  })

  it('gets a tool call, and a text for its result', async () => {
    const tools = [weather]
    const called = await client().messages.create({
      ...question,
      max_tokens: 200,
      tools,
      tool_choice: { type: 'any' },
    })
    const call = called.content.find((block) => block.type === 'tool_use')
    expect(call).toMatchObject({ name: 'weather', input: { city: expect.any(String) } })
    expect(called.stop_reason).toBe('tool_use')
    const result = { type: 'tool_result', tool_use_id: call?.id ?? '', content: '12 degrees' } as const
    const answer = await client().messages.create({
      ...question,
      max_tokens: 2_000,
      tools,
      messages: [
        ...question.messages,
        { role: 'assistant', content: called.content },
        { role: 'user', content: [result] },
      ],
    })
    expect(answer.stop_reason).toBe('end_turn')
  })

  it('runs tools until the answer is a text', async () => {
    const cities: unknown[] = []
    const tool = betaTool({
      ...weather,
      inputSchema: weather.input_schema,
      run: (input) => {
        cities.push(input)
        return '12 degrees'
      },
    })
    const runner = client().beta.messages.toolRunner({
      ...question,
      max_tokens: 2_000,
      tools: [tool],
      stream: true,
    })
    for await (const stream of runner) await stream.finalMessage()
    const message = await runner.done()
    expect(message.stop_reason).toBe('end_turn')
    expect(cities).toEqual([{ city: expect.any(String) }])
  })

  it('sends thinking back with its signature', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1_024 } as const
    const first = await client().messages.create({ ...question, max_tokens: 4_000, thinking })
    expect(first.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    const messages: Anthropic.MessageParam[] = [
      ...question.messages,
      { role: 'assistant', content: first.content },
      { role: 'user', content: 'Go on.' },
    ]
    const next = await client().messages.create({ ...question, max_tokens: 4_000, thinking, messages })
    expect(next.usage.output_tokens).toBeGreaterThan(0)
  })

  it('counts tokens as messages are billed', async () => {
    const { model, messages } = question
    const { input_tokens } = await client().messages.countTokens({ model, messages })
    expect((await client().messages.create(question)).usage.input_tokens).toBe(input_tokens)
  })

  it('throws the error classes of the package', async () => {
    const wrong = client().messages.create({ ...question, max_tokens: 0, stop_sequences: [' '] })
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError)
    const absent = client().messages.create({ ...question, model: 'chat' })
    await expect(absent).rejects.toBeInstanceOf(NotFoundError)
  })

  it('ends a stream that the caller aborts', async () => {
    const stream = client().messages.stream(question)
    stream.on('text', () => stream.abort())
    await expect(stream.done()).rejects.toBeInstanceOf(APIUserAbortError)
  })

  it('throws an error in the middle of a stream', async () => {
    const headers = { 'x-sim-fault': 'errorEvent;afterEvents=4' }
    const stream = client().messages.stream({ ...question }, { headers })
    const error: unknown = await stream.done().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ type: 'overloaded_error' })
  })
})

describe('the packages of Anthropic', () => {
  it('throw AuthenticationError for a wrong key', async () => {
    await expect(foundry('wrong').messages.create(question)).rejects.toBeInstanceOf(AuthenticationError)
  })

  it('throw RateLimitError with the time to wait', async () => {
    const ask = () => foundry().messages.create({ ...question, model: 'limited' })
    await ask()
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RateLimitError)
    expect(Number((error as RateLimitError).headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('list and get models', async () => {
    const ids: string[] = []
    for await (const { id } of anthropic().models.list({ limit: 5 })) ids.push(id)
    expect(ids).toContain('claude-sonnet-4-5-20250929')
    expect(await anthropic().models.retrieve('claude-sonnet-4-5')).toMatchObject({ type: 'model' })
    await expect(anthropic().models.retrieve('gpt-4o')).rejects.toBeInstanceOf(NotFoundError)
  })

  it('get the recorded answers, whole and streamed', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'claude-recordings-'))
    const env = { RECORDING_DIR: dir }
    const ask = async ({ url, key }: RunningProgram): Promise<unknown[]> => {
      const client = new AnthropicFoundry({ baseURL: `${url}/anthropic/`, apiKey: key, maxRetries: 0 })
      const { model, messages } = question
      return [
        await client.messages.create(question),
        await client.messages.stream(question).finalMessage(),
        await client.messages.countTokens({ model, messages }),
      ]
    }
    const recording = await startInProcess({
      env: {
        ...env,
        SIMULATOR_MODE: 'record',
        AZURE_OPENAI_ENDPOINT: program.url,
        AZURE_OPENAI_KEY: program.key,
      },
    })
    const recorded = await ask(recording)
    await recording.stop()
    const replaying = await startInProcess({ env: { ...env, SIMULATOR_MODE: 'replay' } })
    const replayed = await ask(replaying)
    await replaying.stop()
    expect(JSON.parse(JSON.stringify(replayed))).toEqual(JSON.parse(JSON.stringify(recorded)))
  })
})
