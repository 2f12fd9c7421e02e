import { createAzure } from '@ai-sdk/azure'
import { AzureChatOpenAI, AzureOpenAIEmbeddings } from '@langchain/openai'
import { embed, embedMany, generateText, streamText } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

let program: RunningProgram
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_SEED: 'other clients' } })
})
afterAll(() => program.stop())

describe('the Vercel AI SDK', () => {
  const azure = () =>
    createAzure({
      baseURL: `${program.url}/openai`,
      apiKey: program.key,
      apiVersion: '2024-10-21',
      useDeploymentBasedUrls: true,
    })

  it('generates text', async () => {
    const result = await generateText({
      model: azure().chat('gpt-4o'),
      prompt: 'Hello',
      maxOutputTokens: 9,
      maxRetries: 0,
    })
    expect(result.text).toMatch(/\w/)
    expect(result.finishReason).toBe('length')
    expect(result.usage).toMatchObject({ outputTokens: 9 })
  })

  it('streams text', async () => {
    const result = streamText({
      model: azure().chat('gpt-4o'),
      prompt: 'Hello',
      maxOutputTokens: 9,
      maxRetries: 0,
    })
    const parts: string[] = []
    for await (const part of result.textStream) parts.push(part)
    expect(parts.join('')).toBe(await result.text)
    expect(parts).toHaveLength(9)
    expect(await result.usage).toMatchObject({ outputTokens: 9 })
  })

  it('generates text at /openai/v1, where no api-version is needed', async () => {
    const provider = createAzure({ baseURL: `${program.url}/openai/v1`, apiKey: program.key })
    const result = await generateText({
      model: provider.chat('gpt-4o'),
      prompt: 'Hello',
      maxOutputTokens: 3,
      maxRetries: 0,
    })
    expect(result.usage).toMatchObject({ outputTokens: 3 })
  })

  it('embeds one text and many', async () => {
    const model = azure().embedding('text-embedding-3-small')
    const one = await embed({ model, value: 'a text', maxRetries: 0 })
    expect(Math.hypot(...one.embedding)).toBeCloseTo(1, 5)
    const many = await embedMany({ model, values: ['a text', 'b text'], maxRetries: 0 })
    expect(many.embeddings[0]).toEqual(one.embedding)
    expect(many.embeddings[1]).not.toEqual(one.embedding)
  })
})

describe('LangChain.js', () => {
  const settings = () => ({
    azureOpenAIApiKey: program.key,
    azureOpenAIEndpoint: program.url,
    azureOpenAIApiVersion: '2024-10-21',
    maxRetries: 0,
  })
  const chat = () =>
    new AzureChatOpenAI({ ...settings(), azureOpenAIApiDeploymentName: 'gpt-4o', maxTokens: 9 })

  it('invokes a chat model', async () => {
    const message = await chat().invoke('Hello')
    expect(message.text).toMatch(/\w/)
    expect(message.usage_metadata).toMatchObject({ output_tokens: 9 })
    expect(message.response_metadata).toMatchObject({ finish_reason: 'length' })
  })

  it('streams a chat model', async () => {
    const parts: string[] = []
    for await (const part of await chat().stream('Hello')) if (part.text) parts.push(part.text)
    expect(parts).toHaveLength(9)
  })

  it('embeds a query and documents', async () => {
    // Its embeddings take the address in this form only.
    const embeddings = new AzureOpenAIEmbeddings({
      ...settings(),
      azureOpenAIBasePath: `${program.url}/openai/deployments`,
      azureOpenAIApiEmbeddingsDeploymentName: 'text-embedding-3-small',
    })
    const query = await embeddings.embedQuery('a text')
    const [first, second] = await embeddings.embedDocuments(['a text', 'b text'])
    expect(Math.hypot(...query)).toBeCloseTo(1, 5)
    expect(first).toEqual(query)
    expect(second).not.toEqual(query)
  })
})
