import { createAzure } from '@ai-sdk/azure'
import { generateText, streamText } from 'ai'
import OpenAI, { AzureOpenAI, BadRequestError, NotFoundError } from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

let program: RunningProgram
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_SEED: 'responses', TOOL_CALL_PROBABILITY: '1' } })
})
afterAll(() => program.stop())

const dated = (): OpenAI =>
  new AzureOpenAI({
    endpoint: program.url,
    apiKey: program.key,
    apiVersion: '2025-04-01-preview',
    maxRetries: 0,
  })
const v1 = (): OpenAI =>
  new OpenAI({ baseURL: `${program.url}/openai/v1`, apiKey: program.key, maxRetries: 0 })

const request = { model: 'gpt-4o', input: 'Hello', max_output_tokens: 20 }

describe.each([
  ['AzureOpenAI', dated],
  ['OpenAI at /openai/v1', v1],
] as const)('the Responses API, %s', (_, client) => {
  it('creates a response with text and usage', async () => {
    const response = await client().responses.create(request)
    expect(response.output_text).toMatch(/\w/)
    expect(response.object).toBe('response')
    expect(response.model).toBe('gpt-4o')
    expect(response.usage?.output_tokens).toBeLessThanOrEqual(20)
  })

  it('streams the events in order, with the text of the final response', async () => {
    const stream = client().responses.stream(request)
    const types: string[] = []
    const numbers: number[] = []
    let text = ''
    for await (const event of stream) {
      types.push(event.type)
      numbers.push(event.sequence_number)
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress'])
    expect(types.at(-1)).toMatch(/^response\.(completed|incomplete)$/)
    expect(numbers).toEqual(numbers.map((_, index) => index))
    expect(text).toMatch(/\w/)
  })

  it('continues a response, and reads, lists and deletes it', async () => {
    const first = await client().responses.create(request)
    const second = await client().responses.create({ ...request, previous_response_id: first.id })
    expect(second.previous_response_id).toBe(first.id)
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? Infinity)
    expect((await client().responses.retrieve(second.id)).output_text).toBe(second.output_text)
    const items = await client().responses.inputItems.list(second.id)
    expect(items.data.length).toBeGreaterThan(0)
    await client().responses.delete(second.id)
    await expect(client().responses.retrieve(second.id)).rejects.toThrow(NotFoundError)
  })

  it('names the response that it cannot continue', async () => {
    const request = client().responses.create({ model: 'gpt-4o', input: 'x', previous_response_id: 'resp_0' })
    await expect(request).rejects.toThrow(BadRequestError)
    await expect(request).rejects.toMatchObject({ code: 'previous_response_not_found' })
  })

  it('parses an answer with a schema', async () => {
    const person = z.object({ name: z.string(), age: z.int() })
    const response = await client().responses.parse({
      model: 'gpt-4o',
      input: 'Invent a person',
      text: { format: zodTextFormat(person, 'person') },
    })
    expect(() => person.parse(response.output_parsed)).not.toThrow()
  })

  it('calls a tool', async () => {
    const response = await client().responses.create({
      model: 'gpt-4o',
      input: 'How warm is it?',
      tools: [
        {
          type: 'function',
          name: 'get_weather',
          strict: true,
          parameters: {
            type: 'object',
            properties: { city: { type: 'string' } },
            required: ['city'],
            additionalProperties: false,
          },
        },
      ],
    })
    const call = response.output.find((item) => item.type === 'function_call')
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ city: expect.any(String) })
  })
})

describe('the Responses API, Vercel AI SDK', () => {
  const model = () =>
    createAzure({ baseURL: `${program.url}/openai/v1`, apiKey: program.key }).responses('gpt-4o')

  it('generates text', async () => {
    const result = await generateText({ model: model(), prompt: 'Hello', maxOutputTokens: 20, maxRetries: 0 })
    expect(result.text).toMatch(/\w/)
  })

  it('streams text', async () => {
    const result = streamText({ model: model(), prompt: 'Hello', maxOutputTokens: 20, maxRetries: 0 })
    const parts: string[] = []
    for await (const part of result.textStream) parts.push(part)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.join('')).toBe(await result.text)
  })
})
