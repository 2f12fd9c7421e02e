import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const long = { role: 'user', content: 'There was a king. '.repeat(400) }

function clientOf(): OpenAI {
  const { app } = createTestSimulator()
  return new OpenAI({
    baseURL: 'http://simulator/openai/v1',
    apiKey: testKey,
    fetch: (input, init) => Promise.resolve(app.request(new Request(input, init))),
  })
}

describe('context_management', () => {
  const compacting = [{ type: 'compaction', compact_threshold: 1_000 }] as const

  it('replaces the conversation by a summary above the threshold', async () => {
    const { post } = createTestSimulator()
    const request = { model: 'gpt-5.2', input: [long], context_management: compacting, max_output_tokens: 64 }
    const first = (await (await post(path, request)).json()) as {
      readonly id: string
      readonly output: readonly { readonly type: string }[]
      readonly usage: { readonly input_tokens: number }
    }
    expect(first.output[0]?.type).toBe('compaction')
    const next = { model: 'gpt-5.2', input: 'Go on', previous_response_id: first.id, max_output_tokens: 64 }
    const second = (await (await post(path, next)).json()) as typeof first
    expect(second.usage.input_tokens).toBeLessThan(first.usage.input_tokens)
  })

  it('changes nothing below the threshold', async () => {
    const { post } = createTestSimulator()
    const request = {
      model: 'gpt-5.2',
      input: 'Hello',
      context_management: compacting,
      max_output_tokens: 64,
    }
    expect(await (await post(path, request)).text()).not.toContain('"compaction"')
  })

  it('streams the summary as the first item', async () => {
    const request = { model: 'gpt-5.2', input: [long], context_management: compacting, max_output_tokens: 64 }
    const stream = clientOf().responses.stream(request as never)
    const types: string[] = []
    for await (const event of stream) {
      if (event.type === 'response.output_item.done') types.push(event.item.type)
    }
    expect(types[0]).toBe('compaction')
  })

  it.each([[[{ type: 'other' }]], [[{ type: 'compaction', compact_threshold: 10 }]], ['compaction']])(
    'refuses %j',
    async (entries) => {
      const { post } = createTestSimulator()
      const response = await post(path, { model: 'gpt-5.2', input: 'Hello', context_management: entries })
      expect(response.status).toBe(400)
    },
  )
})

describe('message.output_text.logprobs', () => {
  const request = {
    model: 'gpt-4.1',
    input: 'Hello',
    max_output_tokens: 16,
    top_logprobs: 2,
    include: ['message.output_text.logprobs'],
  } as const

  it('adds the log probability of each token to the text', async () => {
    const { output } = await clientOf().responses.create(request as never)
    const [message] = output
    const part = message?.type === 'message' ? message.content[0] : undefined
    if (part?.type !== 'output_text') throw new Error('The answer has no text.')
    expect(part.logprobs?.map(({ token }) => token).join('')).toBe(part.text)
    expect(part.logprobs?.every(({ top_logprobs: top }) => top.length === 2)).toBe(true)
  })

  it('streams the log probability of each delta', async () => {
    const deltas: { readonly delta: string; readonly logprobs: readonly { readonly token: string }[] }[] = []
    for await (const event of clientOf().responses.stream(request as never)) {
      if (event.type === 'response.output_text.delta') deltas.push(event)
    }
    expect(deltas.length).toBeGreaterThan(1)
    for (const { delta, logprobs } of deltas) expect(logprobs.map(({ token }) => token)).toEqual([delta])
  })
})

describe('moderation', () => {
  const moderation = { model: 'omni-moderation-latest' }

  it('adds results for input and output to a response', async () => {
    const { post } = createTestSimulator()
    const request = { model: 'gpt-4.1', input: 'Hello', max_output_tokens: 16, moderation }
    expect(await (await post(path, request)).json()).toMatchObject({
      moderation: {
        input: { type: 'moderation_result', flagged: false, model: moderation.model },
        output: { type: 'moderation_result', flagged: false },
      },
    })
  })

  it.each([false, true])('adds results to a chat answer, streamed: %s', async (stream) => {
    const { post } = createTestSimulator()
    const request = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }], moderation, stream }
    const text = await (await post('/openai/v1/chat/completions', request)).text()
    expect(text).toContain('"moderation":{"input":{"model":"omni-moderation-latest","results":[')
    expect(text.match(/"moderation":/g)).toHaveLength(1)
  })

  it('flags harm that the content filter reports', async () => {
    const { post } = createTestSimulator()
    const headers = { 'x-sim-fault': 'contentFilter;finds=completion;category=violence' }
    const request = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }], moderation }
    const text = await (await post('/openai/v1/chat/completions', request, headers)).text()
    expect(text).toContain('"violence":true')
  })
})

describe('seed', () => {
  const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20 }
  const legacy = { model: 'gpt-35-turbo-instruct', prompt: 'Hello', max_tokens: 20 }

  it.each([
    ['/openai/v1/chat/completions', chat],
    ['/openai/v1/completions', legacy],
  ])('gives equal texts to equal requests to %s', async (target, request) => {
    const textOf = async (seed?: number): Promise<unknown> => {
      const { post } = createTestSimulator()
      // Draws from the random numbers of the simulator, so that its seed does not decide.
      if (seed === 7) await post(target, request)
      const { choices } = (await (await post(target, { ...request, seed })).json()) as {
        choices: readonly { readonly text?: string; readonly message?: { readonly content: string } }[]
      }
      return choices[0]?.text ?? choices[0]?.message?.content
    }
    expect(await textOf(7)).toBe(await textOf(7))
    expect(await textOf(7)).not.toBe(await textOf(8))
  })
})
