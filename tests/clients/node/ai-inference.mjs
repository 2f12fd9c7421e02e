// The client of the Azure AI model inference API.
import ModelClient, { isUnexpected } from '@azure-rest/ai-inference'
import { AzureKeyCredential } from '@azure/core-auth'
import { apiKey, assert, run, url } from './checks.mjs'

const client = ModelClient(`${url}/models`, new AzureKeyCredential(apiKey), { allowInsecureConnection: true })
const messages = [{ role: 'user', content: 'Hello' }]
const post = (body) => client.path('/chat/completions').post({ body })

await run({
  async 'chat with models of OpenAI and of xAI'() {
    for (const model of ['gpt-4.1-mini', 'grok-3']) {
      const answer = await post({ model, messages, max_tokens: 5 })
      assert.ok(!isUnexpected(answer), JSON.stringify(answer.body))
      assert.equal(answer.body.usage.completion_tokens, 5)
    }
  },
  async embeddings() {
    const answer = await client
      .path('/embeddings')
      .post({ body: { model: 'text-embedding-3-small', input: ['a'] } })
    assert.ok(!isUnexpected(answer), JSON.stringify(answer.body))
    assert.equal(answer.body.data.length, 1)
  },
  async 'an error with its code'() {
    const answer = await post({ messages })
    assert.ok(isUnexpected(answer))
    assert.equal(answer.body.error.code, 'no_model_name')
  },
})
