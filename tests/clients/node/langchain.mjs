// LangChain.js with its classes for Azure.
import { AzureChatOpenAI, AzureOpenAIEmbeddings } from '@langchain/openai'
import { tool } from '@langchain/core/tools'
import { z } from 'zod'
import { apiKey, assert, collect, run, url } from './checks.mjs'

const settings = {
  azureOpenAIApiKey: apiKey,
  azureOpenAIEndpoint: url,
  azureOpenAIApiVersion: '2024-10-21',
  maxRetries: 0,
}
const chat = new AzureChatOpenAI({ ...settings, azureOpenAIApiDeploymentName: 'gpt-4o', maxTokens: 64 })
const City = z.object({ city: z.string(), degrees: z.number() })

await run({
  async 'a message and its stream'() {
    const message = await chat.invoke('Hello')
    assert.ok(message.content.length > 0)
    assert.ok(message.usage_metadata.output_tokens > 0)
    const chunks = await collect(await chat.stream('Hello'))
    assert.ok(chunks.length > 1)
  },
  async 'tool calls'() {
    const weather = tool(() => 'sunny', { name: 'weather', description: 'Tells the weather', schema: City })
    const bound = chat.bindTools([weather], { tool_choice: 'required' })
    const message = await bound.invoke('What is the weather?')
    assert.equal(message.tool_calls[0].name, 'weather')
    City.parse(message.tool_calls[0].args)
  },
  async 'structured output'() {
    const unlimited = new AzureChatOpenAI({
      ...settings,
      azureOpenAIApiDeploymentName: 'gpt-4o',
      model: 'gpt-4o',
    })
    const structured = unlimited.withStructuredOutput(City, { method: 'jsonSchema', strict: true })
    City.parse(await structured.invoke('Paris'))
  },
  async embeddings() {
    const { azureOpenAIEndpoint: _, ...others } = settings
    const embeddings = new AzureOpenAIEmbeddings({
      ...others,
      azureOpenAIBasePath: `${url}/openai/deployments`,
      azureOpenAIApiEmbeddingsDeploymentName: 'text-embedding-3-small',
    })
    assert.equal((await embeddings.embedDocuments(['a', 'b'])).length, 2)
  },
})
