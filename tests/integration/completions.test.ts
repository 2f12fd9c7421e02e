import { AzureOpenAI } from 'openai'
import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import {
  createTestSimulator,
  deploymentPath,
  eventsOf,
  testKey,
  type TestSettings,
} from '../support/test-simulator.ts'

const path = deploymentPath('gpt-35-turbo-instruct', 'completions')
const encoding = loadEncoding('cl100k_base')

interface Logprobs {
  tokens: string[]
  token_logprobs: (number | null)[]
  top_logprobs: (Record<string, number> | null)[] | null
  text_offset: number[]
}

interface Body {
  choices: { text: string; index: number; finish_reason: string | null; logprobs: Logprobs | null }[]
  prompt_filter_results: { prompt_index: number }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

const complete = async (request: object, settings?: TestSettings): Promise<Body> => {
  const response = await createTestSimulator(settings).post(path, request)
  expect(response.status).toBe(200)
  return (await response.json()) as Body
}

const stream = async (request: object): Promise<Body[]> => {
  const response = await createTestSimulator().post(path, { ...request, stream: true })
  const events = eventsOf(await response.text())
  expect(events.at(-1)).toBe('[DONE]')
  return events.slice(0, -1).map((event) => JSON.parse(event) as Body)
}

const refusal = async (request: object): Promise<{ status: number; message: string }> => {
  const response = await createTestSimulator().post(path, request)
  const { error } = (await response.json()) as { error: { message: string } }
  return { status: response.status, message: error.message }
}

describe('a legacy completion with very many tokens', () => {
  it('has the requested number of choices and tokens, whole and streamed', async () => {
    const request = { prompt: ['one', 'two'], n: 20, best_of: 20, max_tokens: 3_000, temperature: 1 }
    const { choices, usage } = await complete(request)
    expect(choices.map(({ index }) => index)).toEqual(Array.from({ length: 40 }, (_, index) => index))
    expect(usage.completion_tokens).toBe(40 * 3_000)
    for (const { text } of choices) expect(encoding.count(text)).toBe(3_000)
    const events = await stream({ ...request, stream_options: { include_usage: true } })
    expect(events.at(-1)?.usage.completion_tokens).toBe(40 * 3_000)
  })
})

describe('legacy completions', () => {
  it('returns the bytes of captured answers, in the order of OpenAI', async () => {
    const { post } = createTestSimulator()
    const response = await post(path, { prompt: 'Say this is a test' })
    expect(response.headers.get('content-type')).toBe('application/json')
    const text = (await response.text())
      .replace(/"id":"cmpl-[A-Za-z0-9]{29}"/, '"id":"ID"')
      .replace(/"text":"[^"]+"/, '"text":"TEXT"')
    expect(text).toBe(
      '{"id":"ID","object":"text_completion","created":1767225600,"model":"gpt-35-turbo-instruct","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}],"choices":[{"text":"TEXT","index":0,"finish_reason":"length","logprobs":null,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"detected":false,"filtered":false},"protected_material_text":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}],"usage":{"prompt_tokens":5,"completion_tokens":16,"total_tokens":21}}\n',
    )
  })

  it('writes 16 tokens by default', async () => {
    const { choices, usage } = await complete({ prompt: 'x' })
    expect(encoding.count(choices[0]?.text ?? '')).toBe(16)
    expect(usage).toEqual({ prompt_tokens: 1, completion_tokens: 16, total_tokens: 17 })
  })

  it('returns n choices per prompt, numbered prompt by prompt', async () => {
    const body = await complete({ prompt: ['A', 'B', 'C'], n: 2, max_tokens: 3, echo: true })
    expect(body.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
    expect(body.choices.map(({ text }) => text[0])).toEqual(['A', 'A', 'B', 'B', 'C', 'C'])
    expect(new Set(body.choices.map(({ text }) => text)).size).toBe(6)
    expect(body.prompt_filter_results.map((result) => result.prompt_index)).toEqual([0, 1, 2])
    expect(body.usage).toEqual({ prompt_tokens: 3, completion_tokens: 18, total_tokens: 21 })
  })

  it('each prompt can use the whole context of the model', async () => {
    const prompt = Array<string>(4).fill('word '.repeat(2_000).trim())
    const { choices } = await complete({ prompt, max_tokens: 1_000 })
    expect(choices.map(({ text }) => encoding.count(text))).toEqual([1_000, 1_000, 1_000, 1_000])
  })

  it('returns n of best_of candidates and bills all of them', async () => {
    const body = await complete({ prompt: 'x', n: 2, best_of: 5, max_tokens: 4 })
    expect(body.choices).toHaveLength(2)
    expect(body.usage.completion_tokens).toBe(20)
  })

  it.each([
    ['a text', 'Hello 龘🦙'],
    ['texts', ['Hello 龘🦙']],
    ['tokens', encoding.encode('Hello 龘🦙')],
    ['lists of tokens', [encoding.encode('Hello 龘🦙')]],
  ])('echoes a prompt that is %s', async (_, prompt) => {
    const { choices, usage } = await complete({ prompt, echo: true, max_tokens: 2 })
    expect(choices[0]?.text.startsWith('Hello 龘🦙')).toBe(true)
    expect(usage.prompt_tokens).toBe(encoding.count('Hello 龘🦙'))
  })

  it('returns only the prompt for max_tokens 0 with echo', async () => {
    const { choices, usage } = await complete({ prompt: 'Only me', echo: true, max_tokens: 0 })
    expect(choices[0]).toMatchObject({ text: 'Only me', finish_reason: 'length' })
    expect(usage.completion_tokens).toBe(0)
  })

  it('accepts a suffix and does not echo it', async () => {
    const { choices } = await complete({ prompt: 'A', suffix: 'SUFFIX', echo: true })
    expect(choices[0]?.text).toMatch(/^A(?!.*SUFFIX)/)
  })

  it.each([
    ['a prompt', 'A', 1],
    ['no prompt', undefined, 1],
    ['two prompts', ['A', 'A'], 2],
  ])('counts the suffix for each prompt, as billed in 2026: %s', async (_, prompt, count) => {
    const suffix = '\nprint(fib(10))'
    const { usage } = await complete({ prompt, suffix })
    // Each prompt is one token.
    expect(usage.prompt_tokens).toBe(count * (1 + encoding.count(suffix)))
  })

  it('ends before a stop text', async () => {
    const { choices } = await complete({ prompt: 'x', max_tokens: 60, stop: ['.', 'never'] })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop' })
    expect(choices[0]?.text).not.toContain('.')
  })

  it('returns log probabilities of each token, with offsets from the start of the prompt', async () => {
    const { choices } = await complete({ prompt: 'Say 🦙', max_tokens: 3, logprobs: 2 })
    const logprobs = choices[0]?.logprobs
    expect(logprobs?.tokens.join('')).toBe(choices[0]?.text)
    expect(logprobs?.tokens).toHaveLength(3)
    expect(logprobs?.token_logprobs.every((value) => value !== null && value <= 0)).toBe(true)
    expect(logprobs?.text_offset[0]).toBe(5)
    expect(logprobs?.text_offset[1]).toBe(5 + (logprobs?.tokens[0]?.length ?? 0))
    logprobs?.top_logprobs?.forEach((list, index) => {
      expect(Object.keys(list ?? {})).toHaveLength(2)
      expect(list?.[logprobs.tokens[index] ?? '']).toBe(logprobs.token_logprobs[index])
    })
  })

  it('returns log probabilities for an echoed prompt, except for its first token', async () => {
    const { choices } = await complete({ prompt: 'Say this', max_tokens: 1, logprobs: 5, echo: true })
    const logprobs = choices[0]?.logprobs
    expect(logprobs?.tokens.slice(0, 2)).toEqual(['Say', ' this'])
    expect(logprobs?.token_logprobs[0]).toBeNull()
    expect(logprobs?.top_logprobs?.[0]).toBeNull()
    expect(Object.keys(logprobs?.top_logprobs?.[1] ?? {})).toHaveLength(5)
    expect(logprobs?.text_offset).toEqual([0, 3, 8])
  })

  it('returns no alternatives for logprobs 0', async () => {
    const { choices } = await complete({ prompt: 'x', max_tokens: 2, logprobs: 0 })
    expect(choices[0]?.logprobs).toMatchObject({ top_logprobs: null })
    expect(choices[0]?.logprobs?.token_logprobs).toHaveLength(2)
  })

  it('streams filter results, one token per event, the end, the usage and [DONE]', async () => {
    const chunks = await stream({ prompt: 'x', max_tokens: 3, stream_options: { include_usage: true } })
    const [filters, ...rest] = chunks
    expect(filters).toMatchObject({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] })
    expect(filters).not.toHaveProperty('usage')
    const tokens = rest.slice(0, 3).map((chunk) => chunk.choices[0]?.text ?? '')
    for (const token of tokens) expect(encoding.count(token)).toBe(1)
    expect(rest[3]?.choices[0]).toMatchObject({ text: '', finish_reason: 'length', logprobs: null })
    expect(rest.slice(0, 4).every(({ usage }) => usage === null)).toBe(true)
    expect(rest[4]).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
    })
    expect(rest).toHaveLength(5)
  })

  it('streams the same choices, echo, log probabilities and finish reasons as a whole answer', async () => {
    const request = { prompt: ['Say 好', 'b'], n: 2, best_of: 3, echo: true, logprobs: 1, max_tokens: 4 }
    const whole = await complete(request)
    const texts = ['', '', '', '']
    const tokens: string[][] = [[], [], [], []]
    const offsets: number[][] = [[], [], [], []]
    const ends: (string | null)[] = []
    for (const { choices } of await stream(request)) {
      for (const { text, index, finish_reason: end, logprobs } of choices) {
        texts[index] += text
        tokens[index]?.push(...(logprobs?.tokens ?? []))
        offsets[index]?.push(...(logprobs?.text_offset ?? []))
        if (end !== null) ends[index] = end
      }
    }
    expect(texts).toEqual(whole.choices.map(({ text }) => text))
    expect(tokens).toEqual(whole.choices.map(({ logprobs }) => logprobs?.tokens))
    expect(offsets).toEqual(whole.choices.map(({ logprobs }) => logprobs?.text_offset))
    expect(ends).toEqual(whole.choices.map((choice) => choice.finish_reason))
  })

  it('refuses a request that exceeds the context', async () => {
    expect(await refusal({ prompt: ['a', 'word '.repeat(4_000)], max_tokens: 200 })).toEqual({
      status: 400,
      message:
        "This model's maximum context length is 4097 tokens, however you requested 4201 tokens (4001 in your prompt; 200 for the completion). Please reduce your prompt; or completion length.",
    })
  })

  it.each([
    [{ prompt: Array<string>(65).fill('a'), n: 2 }, 130, 128],
    [{ prompt: ['a', 'b'], best_of: 65 }, 130, 128],
    [{ prompt: Array<string>(1_025).fill('a'), n: 2, max_tokens: 0 }, 2_050, 2_048],
    [
      { prompt: Array<string>(100).fill('word '.repeat(2_000)), max_tokens: 0, echo: true, logprobs: 5 },
      100,
      65,
    ],
  ])('refuses more completions than a request may have (%#)', async (request, submitted, max) => {
    const { status, message } = await refusal(request)
    expect(status).toBe(400)
    expect(message).toContain(
      `You submitted ${submitted} prompts, but you can currently request up to at most a total of ${max}).`,
    )
  })

  it('works with the official client, whole and streamed', async () => {
    const { app } = createTestSimulator()
    const client = new AzureOpenAI({
      endpoint: 'http://simulator.test',
      apiKey: testKey,
      apiVersion: '2024-10-21',
      fetch: async (url, init) => app.request(new Request(url, init)),
    })
    const request = { model: 'gpt-35-turbo-instruct', prompt: 'Hello', max_tokens: 5 }
    const whole = await client.completions.create(request)
    expect(whole.usage?.completion_tokens).toBe(5)
    let text = ''
    for await (const chunk of await client.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.text ?? ''
    }
    expect(encoding.count(text)).toBe(5)
  })
})
