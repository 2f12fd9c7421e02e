import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const path = '/openai/v1/responses/compact'
const question = { role: 'user', content: 'Create a page. '.repeat(300) }
const answer = { role: 'assistant', content: 'Here it is. '.repeat(300) }

interface Compacted {
  readonly output: readonly { readonly type: string; readonly encrypted_content?: string }[]
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number }
}

describe('POST /openai/v1/responses/compact', () => {
  it('keeps the messages of the user and replaces the rest by a summary', async () => {
    const { post } = createTestSimulator()
    const response = await post(path, { model: 'gpt-5.2', input: [question, answer] })
    expect(response.status).toBe(200)
    const body = (await response.json()) as Compacted
    expect(body).toMatchObject({
      object: 'response.compaction',
      output: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: question.content }] },
        { type: 'compaction', encrypted_content: expect.stringMatching(/^gAAAA/) as string },
      ],
    })
  })

  it.each(['gpt-4.1', 'gpt-5.2'])('bills the summary in the next request to %s', async (model) => {
    const { post } = createTestSimulator()
    const compacted = (await (await post(path, { model, input: [question, answer] })).json()) as Compacted
    const count = async (input: readonly unknown[]): Promise<number> => {
      const counted = await post('/openai/v1/responses/input_tokens', { model, input })
      return ((await counted.json()) as { input_tokens: number }).input_tokens
    }
    const withSummary = await count(compacted.output)
    const withoutSummary = await count(compacted.output.slice(0, -1))
    expect(Math.abs(withSummary - withoutSummary - compacted.usage.output_tokens)).toBeLessThanOrEqual(1)
    expect(withSummary).toBeLessThan(await count([question, answer]))
  })

  it('compacts the conversation of an earlier response', async () => {
    const { post } = createTestSimulator()
    const first = { model: 'gpt-4.1', input: [question], max_output_tokens: 50 }
    const { id } = (await (await post('/openai/v1/responses', first)).json()) as { id: string }
    const response = await post(path, { model: 'gpt-4.1', previous_response_id: id })
    const { usage } = (await response.json()) as Compacted
    expect(usage.input_tokens).toBeGreaterThan(900)
  })

  it.each([
    [{ model: 'gpt-4.1' }, 'input', 'missing_required_parameter'],
    [{ model: 'gpt-4.1', input: 'Hello', temperature: 1 }, 'temperature', 'unknown_parameter'],
    [
      { model: 'gpt-5.6-sol', input: 'Hello', prompt_cache_options: { mode: 'none' } },
      'prompt_cache_options.mode',
      'invalid_value',
    ],
    [
      { model: 'gpt-4.1', previous_response_id: 'resp_1' },
      'previous_response_id',
      'previous_response_not_found',
    ],
  ])('rejects %j', async (request, param, code) => {
    const { post } = createTestSimulator()
    const response = await post(path, request)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, code } })
  })

  it('works with the official client', async () => {
    const { app } = createTestSimulator()
    const client = new OpenAI({
      baseURL: 'http://simulator/openai/v1',
      apiKey: testKey,
      fetch: (input, init) => Promise.resolve(app.request(new Request(input, init))),
    })
    const compacted = await client.responses.compact({ model: 'gpt-5.2', input: 'Hello' })
    const next = await client.responses.create({
      model: 'gpt-5.2',
      input: [
        ...(compacted.output as OpenAI.Responses.ResponseInputItem[]),
        { role: 'user', content: 'Go on' },
      ],
      max_output_tokens: 32,
    })
    expect(next.object).toBe('response')
  })
})
