// The official client of Anthropic. A simulator in replay mode answers its requests from recordings.
import Anthropic from '@anthropic-ai/sdk'
import { apiKey, assert, run, url } from './checks.mjs'

const client = new Anthropic({
  baseURL: `${url}/anthropic`,
  apiKey,
  defaultHeaders: { 'api-key': apiKey },
  maxRetries: 0,
})
const request = {
  model: 'claude-sonnet-5-5',
  max_tokens: 16,
  messages: [{ role: 'user', content: 'Say hello.' }],
}

await run({
  async 'a recorded message'() {
    const message = await client.messages.create(request)
    assert.equal(message.content[0].text, 'Hello!')
    assert.equal(message.usage.output_tokens, 5)
  },
  async 'a recorded stream'() {
    const message = await client.messages.stream(request).finalMessage()
    assert.equal(message.content[0].text, 'Hello!')
    assert.equal(message.stop_reason, 'end_turn')
  },
})
