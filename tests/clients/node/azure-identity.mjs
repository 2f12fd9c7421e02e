// The official credentials of Azure for applications, which accept only HTTPS, with the client of OpenAI.
import { ClientSecretCredential, getBearerTokenProvider } from '@azure/identity'
import { AzureOpenAI } from 'openai'
import { assert, collect, run, url } from './checks.mjs'

const resource = process.env.SIMULATOR_RESOURCE ?? 'acme'
const options = { authorityHost: url, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } }
const credential = (secret) => new ClientSecretCredential(resource, 'app', secret, options)
const scope = 'https://cognitiveservices.azure.com/.default'
const messages = [{ role: 'user', content: 'Hello' }]

const azureADTokenProvider = getBearerTokenProvider(
  credential(process.env.SIMULATOR_API_KEY ?? 'secret'),
  scope,
)
const client = (apiVersion) =>
  new AzureOpenAI({ endpoint: `${url}/${resource}`, azureADTokenProvider, apiVersion, maxRetries: 0 })
const azure = client('2024-10-21')

await run({
  async 'chat with a token'() {
    const answer = await azure.chat.completions.create({ model: 'chat', messages, max_tokens: 5 })
    assert.equal(answer.usage.completion_tokens, 5)
  },
  async 'streamed chat'() {
    const events = await collect(
      await azure.chat.completions.create({ model: 'chat', messages, max_tokens: 5, stream: true }),
    )
    assert.equal(events.at(-1).choices[0].finish_reason, 'length')
  },
  async embeddings() {
    const { data } = await azure.embeddings.create({ model: 'embed', input: ['a', 'b'] })
    for (const { embedding } of data) assert.ok(embedding.some((value) => value !== 0))
  },
  async 'a streamed response'() {
    const events = await collect(
      client('2025-04-01-preview').responses.stream({ model: 'chat', input: 'Hello', max_output_tokens: 16 }),
    )
    assert.ok(events.every(({ type }) => type.startsWith('response.')))
  },
  async 'a wrong secret is refused with the error of Entra'() {
    await assert.rejects(credential('wrong').getToken(scope), /AADSTS7000215/)
  },
})
