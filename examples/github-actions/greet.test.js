import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AzureOpenAI } from 'openai'

// Reads AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY from the environment.
const client = new AzureOpenAI({ apiVersion: '2024-10-21', maxRetries: 0 })
const request = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }

test('returns the recorded response', async () => {
  const { choices, model } = await client.chat.completions.create(request)
  assert.equal(model, 'gpt-4o-mini-2024-07-18')
  assert.equal(choices[0].finish_reason, 'length')
})

test('returns the recorded stream', async () => {
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  assert.notEqual(text, '')
})
