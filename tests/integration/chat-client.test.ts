import { AzureOpenAI } from 'openai'
import { makeParseableResponseFormat } from 'openai/lib/parser'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

function createClient(env: Record<string, string> = {}): AzureOpenAI {
  const { app } = createTestSimulator({ env })
  return new AzureOpenAI({
    endpoint: 'http://simulator.test',
    apiKey: testKey,
    apiVersion: '2024-10-21',
    maxRetries: 0,
    fetch: async (url, init) => app.request(url, init),
  })
}

const messages = [{ role: 'user' as const, content: 'Who is there?' }]
const model = 'gpt-4o-mini'

describe('the official client', () => {
  it('creates whole and streamed answers', async () => {
    const client = createClient()
    const whole = await client.chat.completions.create({ model, messages, max_tokens: 8, n: 2 })
    expect(whole.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length'])
    let text = ''
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text).toMatch(/^[A-Z].*\.$/)
  })

  it('assembles a stream with .stream()', async () => {
    const stream = createClient().chat.completions.stream({
      model,
      messages,
      n: 2,
      logprobs: true,
      max_tokens: 10,
      stream_options: { include_usage: true },
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices).toHaveLength(2)
    for (const { message, logprobs } of final.choices) {
      expect(logprobs?.content?.map((entry) => entry.token).join('')).toBe(message.content)
    }
    expect(final.usage?.completion_tokens).toBe(20)
  })

  it('assembles streamed tool calls', async () => {
    const client = createClient()
    const parameters = { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] }
    for (let i = 0; i < 12; i++) {
      const stream = client.chat.completions.stream({
        model,
        messages,
        tools: [{ type: 'function', function: { name: 'search', parameters } }],
        tool_choice: 'required',
      })
      const [choice] = (await stream.finalChatCompletion()).choices
      expect(choice?.finish_reason).toBe('tool_calls')
      for (const call of choice?.message.tool_calls ?? []) {
        expect(JSON.parse(call.function.arguments)).toEqual({ q: expect.any(String) })
      }
    }
  })

  it('parses an answer that follows a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { door: { type: 'integer' }, open: { type: 'boolean' } },
      required: ['door', 'open'],
      additionalProperties: false,
    }
    const format = makeParseableResponseFormat<{ door: number; open: boolean }>(
      { type: 'json_schema', json_schema: { name: 'visitor', strict: true, schema } },
      (content) => JSON.parse(content) as { door: number; open: boolean },
    )
    const client = createClient()
    const answer = await client.chat.completions.parse({ model, messages, response_format: format })
    expect(answer.choices[0]?.message.parsed).toEqual({ door: expect.any(Number), open: expect.any(Boolean) })
  })

  it('runs tools in a loop until the final answer', async () => {
    const calls: string[] = []
    const runner = createClient({ TOOL_CALL_PROBABILITY: '1' }).chat.completions.runTools({
      model,
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'open_door',
            description: 'Opens a door',
            parameters: { type: 'object', properties: { door: { type: 'string' } }, required: ['door'] },
            parse: (input: string) => JSON.parse(input) as { door: string },
            function: ({ door }: { door: string }) => {
              calls.push(door)
              return 'open'
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toMatch(/\.$/)
    expect(calls.length).toBeGreaterThan(0)
    expect(runner.messages.map((message) => message.role).slice(0, 3)).toEqual(['user', 'assistant', 'tool'])
  })

  it('gets a blocked answer as a finish reason, and a refused prompt as an error', async () => {
    const client = createClient({ CONTENT_FILTER_LATE: 'who', CONTENT_FILTER_PROMPT: 'never' })
    const stream = client.chat.completions.stream({ model, messages, max_tokens: 30 })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.finish_reason).toBe('content_filter')
    const refused = client.chat.completions.create({ model, messages: [{ role: 'user', content: 'never' }] })
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'content_filter' })
  })
})
