// The AI SDK with its provider for Azure.
import { createAzure } from '@ai-sdk/azure'
import { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { apiKey, assert, run, url } from './checks.mjs'

const azure = createAzure({ baseURL: `${url}/openai/v1`, apiKey })
const weather = tool({
  description: 'Tells the weather',
  inputSchema: jsonSchema({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  }),
  execute: async ({ city }) => ({ city, degrees: 21 }),
})

await run({
  async 'text by chat and by Responses'() {
    for (const model of [azure.chat('gpt-4o'), azure.responses('gpt-4o')]) {
      const { text, usage } = await generateText({
        model,
        prompt: 'Hello',
        maxOutputTokens: 16,
        maxRetries: 0,
      })
      assert.ok(text.length > 0)
      assert.equal(usage.outputTokens, 16)
    }
  },
  async 'streamed text'() {
    const result = streamText({
      model: azure.responses('gpt-4o'),
      prompt: 'Hello',
      maxOutputTokens: 16,
      maxRetries: 0,
    })
    let text = ''
    for await (const part of result.textStream) text += part
    assert.equal(text, await result.text)
  },
  async 'a tool, then text'() {
    const { steps } = await generateText({
      model: azure.chat('gpt-4o'),
      prompt: 'What is the weather?',
      tools: { weather },
      prepareStep: ({ stepNumber }) => (stepNumber === 0 ? { toolChoice: 'required' } : {}),
      stopWhen: stepCountIs(2),
      maxRetries: 0,
    })
    assert.equal(steps.length, 2)
    assert.ok(steps[0].toolResults.length > 0)
  },
  async embeddings() {
    const { embeddings } = await embedMany({
      model: azure.embedding('text-embedding-3-small'),
      values: ['a', 'b'],
    })
    assert.equal(embeddings.length, 2)
  },
})
