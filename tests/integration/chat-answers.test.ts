import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { chat, chatStream } from '../support/chat-wire.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Say hello in JSON' }] }
const count = (text: string): number => loadEncoding('o200k_base').count(text)
const contentOf = (chunks: { choices: { delta?: { content?: string | null } }[] }[]): string =>
  chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('')

describe('stop', () => {
  it.each([['.'], [[' dolor', '.']], ['. ']])('ends the answer before %j', async (stop) => {
    const simulator = createTestSimulator()
    const body = await chat(simulator, { ...hello, stop, max_tokens: 400 })
    const content = body.choices[0]?.message.content ?? ''
    for (const text of [stop].flat()) expect(content).not.toContain(text)
    expect(body.choices[0]?.finish_reason).toBe('stop')
    expect(body.usage.completion_tokens).toBeLessThan(400)
    expect(body.usage.completion_tokens).toBeGreaterThan(count(content))

    const chunks = await chatStream(simulator, { ...hello, stop, max_tokens: 400 })
    for (const text of [stop].flat()) expect(contentOf(chunks)).not.toContain(text)
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
  })

  it('has no effect if the text does not occur', async () => {
    const body = await chat(createTestSimulator(), { ...hello, stop: ['\n', 'END'], max_tokens: 50 })
    expect(body.choices[0]?.finish_reason).toBe('length')
    expect(body.usage.completion_tokens).toBe(50)
  })
})

describe('response_format', () => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  }
  const person = { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } }

  it('json_object returns an object, whole and streamed token by token', async () => {
    const simulator = createTestSimulator()
    const format = { ...hello, response_format: { type: 'json_object' } }
    const body = await chat(simulator, format)
    const content = body.choices[0]?.message.content ?? ''
    expect(Object.keys(JSON.parse(content) as object).length).toBeGreaterThan(0)
    expect(body.choices[0]?.finish_reason).toBe('stop')
    expect(body.usage.completion_tokens).toBe(count(content))

    const chunks = await chatStream(simulator, format)
    expect(typeof JSON.parse(contentOf(chunks))).toBe('object')
    for (const chunk of chunks.slice(1, -1)) expect(count(chunk.choices[0]?.delta.content ?? '')).toBe(1)
  })

  it('json_schema returns a value that matches the schema and ends by itself', async () => {
    const simulator = createTestSimulator()
    const body = await chat(simulator, { ...hello, response_format: person, max_tokens: 5_000, n: 20 })
    for (const { message, finish_reason } of body.choices) {
      const value = JSON.parse(message.content ?? '') as { name: unknown; age: unknown }
      expect(Object.keys(value).toSorted()).toEqual(['age', 'name'])
      expect(typeof value.name).toBe('string')
      expect(Number.isInteger(value.age)).toBe(true)
      expect(finish_reason).toBe('stop')
    }
  })

  it('is cut by max_tokens', async () => {
    const body = await chat(createTestSimulator(), { ...hello, response_format: person, max_tokens: 3 })
    expect(body.choices[0]?.finish_reason).toBe('length')
    expect(body.usage.completion_tokens).toBe(3)
    expect(() => JSON.parse(body.choices[0]?.message.content ?? '') as unknown).toThrow(SyntaxError)
  })

  it('splits non-ASCII text into complete characters', async () => {
    const greeting = { type: 'object', properties: { text: { const: 'žluť 😀' } }, required: ['text'] }
    const format = { type: 'json_schema', json_schema: { name: 'greeting', schema: greeting } }
    const chunks = await chatStream(createTestSimulator(), { ...hello, response_format: format })
    for (const chunk of chunks.slice(1, -1)) expect(chunk.choices[0]?.delta.content).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(contentOf(chunks))).toEqual({ text: 'žluť 😀' })
  })
})

describe('logprobs', () => {
  const asked = { ...hello, logprobs: true, top_logprobs: 3, max_tokens: 12 }

  it('are returned for every token of a whole answer', async () => {
    const { choices } = await chat(createTestSimulator(), asked)
    const tokens = choices[0]?.logprobs?.content.map((entry) => entry.token) ?? []
    expect(tokens.join('')).toBe(choices[0]?.message.content)
    expect(tokens).toHaveLength(12)
    expect(choices[0]?.logprobs).toMatchObject({ refusal: null })
    expect(choices[0]?.logprobs?.content[0]?.top_logprobs).toHaveLength(3)
  })

  it('are returned for the token of each chunk, and not in the first and the last chunk', async () => {
    const chunks = await chatStream(createTestSimulator(), asked)
    expect(chunks[0]?.choices[0]?.logprobs).toBeNull()
    expect(chunks.at(-1)?.choices[0]?.logprobs).toBeNull()
    for (const chunk of chunks.slice(1, -1)) {
      const [choice] = chunk.choices
      expect(choice?.logprobs?.content.map((entry) => entry.token)).toEqual([choice?.delta.content])
    }
  })
})

describe('reasoning', () => {
  it('is hidden, billed in multiples of 64, and delays the first token', async () => {
    const simulator = createTestSimulator()
    const body = await chat(simulator, { ...hello, reasoning_effort: 'high' }, 'gpt-5-nano')
    const { reasoning_tokens: thought } = body.usage.completion_tokens_details
    expect(thought).toBeGreaterThan(0)
    expect(thought % 64).toBe(0)
    const visible = count(body.choices[0]?.message.content ?? '')
    expect(body.usage.completion_tokens).toBe(thought + 9 + visible)
  })

  it('shares max_completion_tokens with the visible text', async () => {
    const simulator = createTestSimulator()
    for (let i = 0; i < 20; i++) {
      const limit = { ...hello, reasoning_effort: 'low', max_completion_tokens: 2_000 }
      expect((await chat(simulator, limit, 'gpt-5')).usage.completion_tokens).toBe(2_000)
    }
    const tiny = { ...hello, reasoning_effort: 'high', max_completion_tokens: 100 }
    const body = await chat(simulator, tiny, 'gpt-5')
    expect(body.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } })
    expect(body.usage.completion_tokens).toBe(100)
    expect(body.usage.completion_tokens_details.reasoning_tokens).toBe(64)
  })

  it('is billed for every choice', async () => {
    const body = await chat(createTestSimulator(), { ...hello, n: 8, max_completion_tokens: 64 }, 'gpt-5')
    expect(body.usage.completion_tokens).toBe(8 * 64)
    expect(body.usage.completion_tokens_details.reasoning_tokens).toBe(8 * 64)
  })
})

describe('the prompt cache', () => {
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(150)
  const asked = { messages: [{ role: 'system', content: long }, ...hello.messages], max_tokens: 1 }

  it('is reported in the usage when a long prefix is repeated on the same deployment', async () => {
    const simulator = createTestSimulator()
    expect((await chat(simulator, asked)).usage.prompt_tokens_details.cached_tokens).toBe(0)
    const other = { ...asked, messages: [asked.messages[0], { role: 'user', content: 'Another question?' }] }
    const { cached_tokens: cached } = (await chat(simulator, other)).usage.prompt_tokens_details
    expect(cached).toBeGreaterThanOrEqual(1_024)
    expect(cached).toBeLessThanOrEqual(count(long) + 10)
    expect(cached % 128).toBe(0)
    expect((await chat(simulator, asked, 'gpt-4o')).usage.prompt_tokens_details.cached_tokens).toBe(0)
    await simulator.clock.advance(600_001)
    expect((await chat(simulator, asked)).usage.prompt_tokens_details.cached_tokens).toBe(0)
  })
})

describe('the service tier', () => {
  it('is returned by all models, and until 2026-04 only by the newest or when the request names one', async () => {
    expect((await chat(createTestSimulator(), hello)).service_tier).toBe('default')
    const simulator = createTestSimulator({ env: { WIRE_PROFILE: '2026-04' } })
    const one = { ...hello, max_tokens: 1 }
    expect(await chat(simulator, one)).not.toHaveProperty('service_tier')
    expect((await chat(simulator, { ...one, service_tier: 'auto' })).service_tier).toBe('default')
    expect((await chat(simulator, { ...one, service_tier: 'fast' })).service_tier).toBe('default')
    expect((await chat(simulator, hello, 'gpt-5.2')).service_tier).toBe('default')
    const response = await simulator.post(deploymentPath('gpt-5.2-chat', 'chat/completions'), hello)
    expect(await response.text()).toMatch(/\]?,"service_tier":"default","system_fingerprint":null,"usage":/)
    expect((await chatStream(simulator, hello, 'gpt-5.2'))[0]?.service_tier).toBe('default')
  })
})

describe('a small completion of a reasoning model', () => {
  it.each(['gpt-5.5', 'gpt-5.6-sol', 'gpt-5.6-luna', 'gpt-6-luna', 'gpt-6.1-sol'])(
    'has text without reasoning for a short prompt: %s',
    async (name) => {
      const messages = [
        { role: 'system', content: 'You are a terse assistant.' },
        { role: 'user', content: 'Say hello.' },
      ]
      for (let seed = 0; seed < 20; seed++) {
        const simulator = createTestSimulator({ env: { SIMULATOR_SEED: String(seed) } })
        const { choices, usage } = await chat(simulator, { messages, max_completion_tokens: 64 }, name)
        expect(choices[0]?.finish_reason).toBe('stop')
        expect(choices[0]?.message.content).not.toBe('')
        expect(usage.completion_tokens_details).toMatchObject({ reasoning_tokens: 0 })
        expect(usage.completion_tokens).toBeLessThanOrEqual(64)
      }
    },
  )

  it('has only reasoning on a model that always reasons', async () => {
    const { choices, usage } = await chat(
      createTestSimulator(),
      { messages: [{ role: 'user', content: 'Prove it. '.repeat(300) }], max_completion_tokens: 64 },
      'gpt-5-nano',
    )
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } })
    expect(usage.completion_tokens).toBe(64)
  })
})

describe('parameters without effect', () => {
  it('store, metadata and images are accepted', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.png', detail: 'low' } },
    ]
    const body = { messages: [{ role: 'user', content }], store: true, metadata: { run: '1' }, max_tokens: 3 }
    expect((await chat(createTestSimulator(), body)).usage.completion_tokens).toBe(3)
  })
})
