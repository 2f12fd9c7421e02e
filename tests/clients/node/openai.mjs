// The official client of OpenAI, with the paths of Azure and of v1.
import OpenAI, { AzureOpenAI } from 'openai'
import { apiKey, assert, collect, run, url } from './checks.mjs'

const azure = new AzureOpenAI({ endpoint: url, apiKey, apiVersion: '2024-10-21', maxRetries: 0 })
const v1 = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, maxRetries: 0 })
const messages = [{ role: 'user', content: 'Hello' }]
const weather = {
  name: 'get_weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
}

await run({
  async 'chat at both paths'() {
    for (const client of [azure, v1]) {
      const answer = await client.chat.completions.create({ model: 'gpt-4o', messages, max_tokens: 5 })
      assert.equal(answer.usage.completion_tokens, 5)
      assert.equal(answer.choices[0].finish_reason, 'length')
    }
  },
  async 'streamed chat with usage'() {
    const stream = v1.chat.completions.stream({
      model: 'gpt-4o',
      messages,
      max_tokens: 5,
      stream_options: { include_usage: true },
    })
    const { choices, usage } = await stream.finalChatCompletion()
    assert.ok(choices[0].message.content.length > 0)
    assert.equal(usage.completion_tokens, 5)
  },
  async 'a chat that runs tools'() {
    const called = []
    const runner = v1.chat.completions.runTools(
      {
        model: 'gpt-4o',
        messages,
        tool_choice: 'required',
        tools: [
          {
            type: 'function',
            function: {
              ...weather,
              parse: JSON.parse,
              function: ({ city }) => called.push(city) && 'sunny',
            },
          },
        ],
      },
      { maxChatCompletions: 2 },
    )
    await runner.done()
    assert.ok(called.length >= 1)
  },
  async 'a response, its stream and the next turn'() {
    const first = await v1.responses.create({ model: 'gpt-4.1', input: 'Hello', max_output_tokens: 16 })
    assert.ok(first.output_text.length > 0)
    const stream = v1.responses.stream({
      model: 'gpt-4.1',
      input: 'Go on',
      previous_response_id: first.id,
      max_output_tokens: 16,
    })
    const events = await collect(stream)
    assert.equal(events[0].type, 'response.created')
    assert.ok(['response.completed', 'response.incomplete'].includes(events.at(-1).type))
    const kept = await v1.responses.retrieve(first.id)
    assert.equal(kept.id, first.id)
  },
  async 'input tokens and a compacted conversation'() {
    const { input_tokens: tokens } = await v1.responses.inputTokens.count({
      model: 'gpt-4.1',
      input: 'Hello',
    })
    assert.ok(tokens > 0)
    const compacted = await v1.responses.compact({ model: 'gpt-4.1', input: 'Hello' })
    assert.equal(compacted.output.at(-1).type, 'compaction')
  },
  async embeddings() {
    const { data } = await azure.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] })
    assert.equal(data.length, 2)
    assert.equal(data[0].embedding.length, 1_536)
  },
  async 'errors by class'() {
    await assert.rejects(
      v1.chat.completions.create({ model: 'gpt-4o', messages, temperature: 3 }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature',
    )
    const stranger = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'wrong', maxRetries: 0 })
    await assert.rejects(
      stranger.chat.completions.create({ model: 'gpt-4o', messages }),
      OpenAI.AuthenticationError,
    )
  },
})
