import OpenAI, { AzureOpenAI, BadRequestError, NotFoundError } from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const model = 'gpt-4o'

/** The official clients, connected to the same simulator. */
function startClients() {
  const { app } = createTestSimulator()
  const fetch: typeof globalThis.fetch = async (url, init) => app.request(new Request(url, init))
  const common = { apiKey: testKey, fetch, maxRetries: 0 }
  const endpoint = 'https://example.openai.azure.com'
  return {
    azure: new AzureOpenAI({ ...common, endpoint, apiVersion: '2025-04-01-preview' }),
    v1: new OpenAI({ ...common, baseURL: `${endpoint}/openai/v1` }),
  }
}

describe.each(['azure', 'v1'] as const)('the official client (%s)', (kind) => {
  const client = (): OpenAI => startClients()[kind]

  it('creates a response, retrieves it, lists its input and deletes it', async () => {
    const { responses } = client()
    const made = await responses.create({ model, input: 'Hello', max_output_tokens: 20 })
    expect(made.output_text.length).toBeGreaterThan(0)
    expect(made.usage?.output_tokens).toBe(20)
    expect((await responses.retrieve(made.id)).output_text).toBe(made.output_text)
    const items = await responses.inputItems.list(made.id)
    expect(items.data).toMatchObject([{ type: 'message', content: [{ type: 'input_text', text: 'Hello' }] }])
    await responses.delete(made.id)
    await expect(responses.retrieve(made.id)).rejects.toThrow(NotFoundError)
  })

  it('streams a response', async () => {
    const stream = client().responses.stream({ model, input: 'Hello' })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => (text += delta))
    const final = await stream.finalResponse()
    expect(final.status).toBe('completed')
    expect(final.output_text).toBe(text)
  })

  it('streams function calls', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const stream = client().responses.stream({
      model,
      input: 'Weather?',
      tools: [{ type: 'function', name: 'weather', parameters, strict: false }],
      tool_choice: { type: 'function', name: 'weather' },
    })
    const final = await stream.finalResponse()
    expect(final.output).toMatchObject([{ type: 'function_call', name: 'weather', status: 'completed' }])
  })

  it('iterates over the events of a reasoning model', async () => {
    const stream = await client().responses.create({
      model: 'gpt-5',
      input: 'Hello',
      reasoning: { effort: 'high', summary: 'detailed' },
      stream: true,
    })
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    expect(types.at(-1)).toBe('response.completed')
    expect(types).toContain('response.reasoning_summary_text.delta')
    expect(types.indexOf('response.reasoning_summary_part.done')).toBeLessThan(
      types.indexOf('response.output_text.delta'),
    )
  })

  it('parses an answer in the requested format', async () => {
    const person = z.object({ name: z.string(), age: z.int() })
    const parsed = await client().responses.parse({
      model,
      input: 'Extract: Bob is 42 years old.',
      text: { format: zodTextFormat(person, 'person') },
    })
    expect(person.safeParse(parsed.output_parsed).success).toBe(true)
  })

  it('runs a response in the background, polls and cancels it', async () => {
    const { responses } = client()
    const queued = await responses.create({ model, input: 'Hello', background: true })
    expect(queued.status).toBe('queued')
    expect((await responses.retrieve(queued.id)).status).toBe('completed')
    expect((await responses.cancel(queued.id)).status).toBe('completed')
  })

  it('continues a conversation, and gets an error for an unknown one', async () => {
    const { responses } = client()
    const first = await responses.create({ model, input: 'Hello' })
    const second = await responses.create({ model, input: 'Go on', previous_response_id: first.id })
    expect(second.previous_response_id).toBe(first.id)
    const lost = responses.create({ model, input: 'x', previous_response_id: `resp_${'0'.repeat(50)}` })
    await expect(lost).rejects.toThrow(BadRequestError)
    await expect(lost).rejects.toMatchObject({ code: 'previous_response_not_found' })
  })
})
