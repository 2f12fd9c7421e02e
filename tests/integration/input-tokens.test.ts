import { describe, expect, it } from 'vitest'
import OpenAI from 'openai'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const path = '/openai/v1/responses/input_tokens'
const tool = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
}

describe('POST /openai/v1/responses/input_tokens', () => {
  it.each([
    [{ model: 'gpt-4o', input: 'Hello' }],
    [
      {
        model: 'gpt-5.4',
        input: [{ role: 'user', content: 'Hello' }],
        instructions: 'Be brief.',
        tools: [tool],
      },
    ],
    [{ model: 'o4-mini', input: 'word '.repeat(100_000) }],
  ])('returns the input tokens that the response is billed', async (request) => {
    const { post } = createTestSimulator()
    const counted = await post(path, request)
    expect(counted.status).toBe(200)
    const billed = (await (
      await post('/openai/v1/responses', { ...request, max_output_tokens: 16 })
    ).json()) as {
      usage: { input_tokens: number }
    }
    const expected = billed.usage.input_tokens
    expect(await counted.json()).toEqual({ object: 'response.input_tokens', input_tokens: expected })
  })

  it('counts the conversation before the input', async () => {
    const { post } = createTestSimulator()
    const first = { model: 'gpt-4o', input: 'Hello', max_output_tokens: 16 }
    const { id } = (await (await post('/openai/v1/responses', first)).json()) as { id: string }
    const next = { model: 'gpt-4o', input: 'Again', previous_response_id: id }
    const { usage } = (await (await post('/openai/v1/responses', next)).json()) as {
      usage: { input_tokens: number }
    }
    expect(await (await post(path, next)).json()).toMatchObject({ input_tokens: usage.input_tokens })
  })

  it('accepts a request without input', async () => {
    const { post } = createTestSimulator()
    expect((await post(path, { model: 'gpt-4o', tools: [tool] })).status).toBe(200)
  })

  it.each([
    [{ input: 'Hello' }, 400],
    [{ model: 'gpt-4o', input: 5 }, 400],
    [{ model: 'gpt-4', input: 'Hello' }, 400],
    [{ model: 'gpt-4o', input: 'Hello', previous_response_id: 'resp_unknown' }, 400],
  ])('rejects what the Responses API rejects: %j', async (request, status) => {
    const { post } = createTestSimulator()
    const [counted, answered] = [await post(path, request), await post('/openai/v1/responses', request)]
    expect(counted.status).toBe(status)
    expect(await counted.json()).toEqual(await answered.json())
  })

  it('serves the official client', async () => {
    const { app } = createTestSimulator()
    const fetch = (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
      Promise.resolve(app.request(url as string, init))
    const client = new OpenAI({
      apiKey: testKey,
      baseURL: 'http://simulator/openai/v1',
      defaultHeaders: { 'api-key': testKey },
      fetch,
    })
    const { input_tokens: tokens } = await client.responses.inputTokens.count({
      model: 'gpt-4o',
      input: 'Hello',
    })
    expect(tokens).toBe(8)
  })
})
