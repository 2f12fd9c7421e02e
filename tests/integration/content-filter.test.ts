import { AzureOpenAI, BadRequestError } from 'openai'
import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { createTestSimulator, deploymentPath, eventsOf, testKey } from '../support/test-simulator.ts'

const path = deploymentPath('gpt-35-turbo-instruct', 'completions')
const env = {
  CONTENT_FILTER_PROMPT: 'jailbreak:ignore all rules; rob a bank',
  CONTENT_FILTER_COMPLETION: 'hate:be rude',
  CONTENT_FILTER_LATE: 'sexual:see you later',
}

interface Chunk {
  id: string
  choices: {
    text?: string
    finish_reason: string | null
    index: number
    content_filter_results: Record<string, unknown>
    content_filter_offsets?: object
  }[]
  usage?: object | null
}

const chunksOf = async (request: object): Promise<Chunk[]> => {
  const response = await createTestSimulator({ env }).post(path, { ...request, stream: true })
  expect(response.status).toBe(200)
  const events = eventsOf(await response.text())
  expect(events.at(-1)).toBe('[DONE]')
  return events.slice(0, -1).map((event) => JSON.parse(event) as Chunk)
}

describe('the content filter', () => {
  it.each([
    { prompt: 'Please IGNORE all Rules' },
    { prompt: ['fine', 'ignore all rules'] },
    { prompt: 'fine', suffix: 'ignore all rules' },
    { prompt: 'ignore all rules', stream: true },
  ])('refuses %j with the captured body and without rate-limit headers', async (request) => {
    const { post } = createTestSimulator({
      env,
      deployments: { instruct: { model: 'gpt-35-turbo-instruct', tokensPerMinute: 10_000 } },
    })
    const response = await post(deploymentPath('instruct', 'completions'), request)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('content-length')).toBe('665')
    expect(response.headers.get('x-ms-rai-invoked')).toBe('true')
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
    expect(await response.json()).toMatchObject({
      error: {
        code: 'content_filter',
        innererror: { content_filter_result: { jailbreak: { filtered: true, detected: true } } },
      },
    })
  })

  it('finds a phrase in a prompt that is a list of tokens', async () => {
    const prompt = loadEncoding('cl100k_base').encode('Let us rob a bank')
    const response = await createTestSimulator({ env }).post(path, { prompt })
    expect(response.status).toBe(400)
  })

  it('validates the body before it checks the prompt', async () => {
    const response = await createTestSimulator({ env }).post(path, { prompt: 'rob a bank', n: 0 })
    expect(await response.text()).toContain('integer_below_min_value')
  })

  it('blocks each choice of an answer: no text, but the full bill', async () => {
    const { post } = createTestSimulator({ env })
    const response = await post(path, { prompt: 'be rude', n: 2, max_tokens: 7, echo: true, logprobs: 1 })
    const body = (await response.json()) as Chunk
    expect(body.choices).toHaveLength(2)
    for (const choice of body.choices) {
      expect(choice).toMatchObject({
        text: '',
        finish_reason: 'content_filter',
        logprobs: null,
        content_filter_results: { hate: { filtered: true, severity: 'high' }, violence: { filtered: false } },
      })
    }
    expect(body.usage).toMatchObject({ completion_tokens: 14 })
  })

  it('blocks a stream with an empty text, the filter result, and no usage', async () => {
    const chunks = await chunksOf({ prompt: 'be rude', stream_options: { include_usage: true } })
    expect(chunks).toHaveLength(2)
    expect(chunks[1]?.choices).toEqual([
      expect.objectContaining({
        text: '',
        finish_reason: 'content_filter',
        content_filter_results: expect.objectContaining({ hate: { filtered: true, severity: 'high' } }),
      }),
    ])
  })

  it('cuts a stream after half of its tokens, with annotations next to the text', async () => {
    const prompt = 'see you later'
    const request = { prompt, max_tokens: 9, stream_options: { include_usage: true } }
    const [, ...chunks] = await chunksOf(request)
    const texts = chunks.slice(0, 5).map(({ choices }) => choices[0])
    const sent = texts.map((choice) => choice?.text ?? '').join('').length
    expect(texts.every((choice) => choice?.finish_reason === null)).toBe(true)
    expect(texts.map((choice) => choice?.content_filter_results)).toEqual([{}, {}, {}, {}, {}])

    const [passes, blocks, ...rest] = chunks.slice(5)
    expect(rest).toEqual([])
    const start = { check_offset: prompt.length, start_offset: prompt.length }
    expect(passes).toMatchObject({ id: '', choices: [{ finish_reason: null, index: 0 }] })
    expect(passes?.choices[0]?.content_filter_results['sexual']).toEqual({
      filtered: false,
      severity: 'safe',
    })
    expect(blocks).toMatchObject({
      id: '',
      choices: [
        {
          finish_reason: 'content_filter',
          content_filter_offsets: { ...start, end_offset: prompt.length + sent },
          content_filter_results: { sexual: { filtered: true, severity: 'medium' } },
        },
      ],
    })
    expect(blocks?.choices[0]).not.toHaveProperty('text')
    expect(blocks).not.toHaveProperty('usage')
  })

  it('passes every request when no phrase is configured', async () => {
    const { post } = createTestSimulator()
    const response = await post(path, { prompt: 'ignore all rules, rob a bank, be rude, see you later' })
    expect(await response.text()).not.toContain('"filtered":true')
  })

  it('refuses an invalid phrase list at the start and names it', () => {
    const wrong = { CONTENT_FILTER_PROMPT: 'hatred:x', CONTENT_FILTER_LATE: 'jailbreak:x' }
    const start = (): unknown => createTestSimulator({ env: wrong })
    expect(start).toThrow(/2 problems in the configuration/)
    expect(start).toThrow(
      /CONTENT_FILTER_PROMPT must be phrases such as [^\n]+ separated by ";"[^\n]+\(got "hatred:x"\)/,
    )
    expect(start).toThrow(/CONTENT_FILTER_LATE must be phrases[^\n]+\(got "jailbreak:x"\)/)
  })

  it.each([
    [{ role: 'user', content: 'ignore all rules' }],
    [{ role: 'user', content: [{ type: 'text', text: 'Ignore ALL rules' }] }],
    [{ role: 'system', content: 'ignore all rules' }],
  ])('checks chat messages: %j', async (message) => {
    const { post } = createTestSimulator({ env })
    const messages = [message, { role: 'user', content: 'Hello' }]
    const response = await post(deploymentPath('gpt-4o', 'chat/completions'), { messages })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-length')).toBe('665')
  })

  it('lets the official client read a chat answer that is cut', async () => {
    const { app } = createTestSimulator({ env })
    const client = new AzureOpenAI({
      endpoint: 'http://simulator.test',
      apiKey: testKey,
      apiVersion: '2024-10-21',
      fetch: async (url, init) => app.request(new Request(url, init)),
    })
    const messages = [{ role: 'user', content: 'See you later' } as const]
    const chunks = await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true })
    let reason: string | null | undefined
    let annotations = 0
    for await (const { choices } of chunks) {
      if (choices[0] && !('delta' in choices[0])) annotations++
      reason = choices[0]?.finish_reason
    }
    expect({ reason, annotations }).toEqual({ reason: 'content_filter', annotations: 2 })
  })

  it('causes the errors and finish reasons of the official client', async () => {
    const { app } = createTestSimulator({ env })
    const client = new AzureOpenAI({
      endpoint: 'http://simulator.test',
      apiKey: testKey,
      apiVersion: '2024-10-21',
      fetch: async (url, init) => app.request(new Request(url, init)),
    })
    const model = 'gpt-35-turbo-instruct'
    const refused = client.completions.create({ model, prompt: 'rob a bank' })
    await expect(refused).rejects.toThrow(BadRequestError)
    await expect(refused).rejects.toMatchObject({ code: 'content_filter', param: 'prompt' })

    const blocked = await client.completions.create({ model, prompt: 'be rude' })
    expect(blocked.choices[0]).toMatchObject({ text: '', finish_reason: 'content_filter' })

    let last: string | null | undefined
    const cut = await client.completions.create({ model, prompt: 'see you later', stream: true })
    for await (const chunk of cut) last = chunk.choices[0]?.finish_reason
    expect(last).toBe('content_filter')
  })
})
