import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const { post } = createTestSimulator({
  deployments: { chat: { model: 'gpt-4o' } },
  env: { COMPLETION_LENGTH: 'natural' },
})
const path = deploymentPath('chat', 'chat/completions')
const messages = [{ role: 'user', content: 'Who is DRI?' }]
const parameters = {
  endpoint: 'https://example.search.windows.net',
  index_name: 'handbook',
  authentication: { type: 'system_assigned_managed_identity' },
}
const source = (more: object = {}) => ({ type: 'azure_search', parameters: { ...parameters, ...more } })
const withSource = (more: object = {}) => ({ messages, data_sources: [source(more)] })

interface Citation {
  readonly content: string
  readonly title: string
}
interface Answer {
  readonly object: string
  readonly choices: readonly {
    readonly message: {
      readonly content: string
      readonly end_turn: boolean
      readonly context: { readonly citations: readonly Citation[]; readonly intent: string }
    }
  }[]
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

async function answerTo(body: object): Promise<Answer> {
  const response = await post(path, body)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

describe('chat with data sources', () => {
  it('has citations and the intent in the context of the message', async () => {
    const { object, choices, usage } = await answerTo(withSource())
    expect(object).toBe('extensions.chat.completion')
    const { content, context, end_turn: ended } = choices[0]!.message
    expect(ended).toBe(true)
    expect(content).toMatch(/ \[doc1\]$/)
    expect(context.intent).toBe('["Who is DRI?"]')
    expect(context.citations).toHaveLength(5)
    expect(context.citations[0]).toEqual({
      content: expect.any(String) as string,
      title: 'handbook 1',
      url: 'https://example.search.windows.net/handbook-1.md',
      filepath: 'handbook-1.md',
      chunk_id: '0',
    })
    // The documents are part of the prompt.
    expect(usage.prompt_tokens).toBeGreaterThan(300)
  })

  it('returns the requested number of documents and contexts', async () => {
    const { choices } = await answerTo(
      withSource({ top_n_documents: 2, include_contexts: ['all_retrieved_documents', 'citations'] }),
    )
    const { context } = choices[0]!.message
    expect(Object.keys(context)).toEqual(['citations', 'all_retrieved_documents'])
    expect(context.citations).toHaveLength(2)
  })

  it('counts the role information', async () => {
    const plain = await answerTo(withSource())
    const more = await answerTo(withSource({ role_information: 'You are an expert. '.repeat(100) }))
    expect(more.usage.prompt_tokens - plain.usage.prompt_tokens).toBeGreaterThan(100)
  })

  it('has the context in the first event of a stream', async () => {
    const response = await post(path, { ...withSource(), stream: true })
    const events = (await response.text()).trim().split('\n\n')
    const parsed = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)) as Answer)
    expect(parsed[0]).toMatchObject({
      object: 'extensions.chat.completion.chunk',
      choices: [
        {
          index: 0,
          delta: {
            role: 'assistant',
            context: { citations: expect.any(Array) as [], intent: '["Who is DRI?"]' },
          },
          end_turn: false,
          finish_reason: null,
        },
      ],
    })
    expect(parsed[1]).toMatchObject({ choices: [{ delta: { content: expect.any(String) as string } }] })
    expect(parsed.at(-1)).toMatchObject({ choices: [{ delta: {}, end_turn: true, finish_reason: 'stop' }] })
    expect(events.at(-1)).toBe('data: [DONE]')
  })

  it('can call a tool instead', async () => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    const { choices } = await answerTo({ ...withSource(), tools, tool_choice: 'required' })
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ type: 'function' }] },
    })
  })

  it('is available on v1 paths', async () => {
    const response = await post('/openai/v1/chat/completions', { model: 'chat', ...withSource() })
    expect(await response.json()).toMatchObject({ object: 'extensions.chat.completion' })
  })

  it.each<[object, string]>([
    [{ parallel_tool_calls: false }, '#/parallel_tool_calls: Extra inputs are not permitted'],
    [{ logprobs: true }, '#/logprobs: Extra inputs are not permitted'],
    [
      { stream: true, stream_options: { include_usage: true } },
      '#/stream_options: Extra inputs are not permitted',
    ],
    [{ data_sources: [] }, '#/data_sources: List should have at least 1 item after validation, not 0'],
    [
      { data_sources: [source(), source()] },
      '#/data_sources: List should have at most 1 item after validation, not 2',
    ],
    [{ data_sources: {} }, '#/data_sources: Input should be a valid list'],
    [{ data_sources: [{}] }, "#/data_sources/0: Unable to extract tag using discriminator 'type'"],
    [
      { data_sources: [{ type: 'AzureCognitiveSearch', parameters }] },
      "#/data_sources/0: Input tag 'AzureCognitiveSearch' found using 'type' does not match any of the expected tags: 'azure_search', 'azure_cosmos_db', 'elasticsearch', 'pinecone', 'mongo_db'",
    ],
    [
      { data_sources: [source({ indexName: 'x' })] },
      '#/data_sources/0/azure_search/parameters/indexName: Extra inputs are not permitted',
    ],
    [
      { data_sources: [{ type: 'azure_search', parameters: { authentication: { type: 'api_key' } } }] },
      '#/data_sources/0/azure_search/parameters/endpoint: Field required\nValidation error at #/data_sources/0/azure_search/parameters/index_name: Field required\nValidation error at #/data_sources/0/azure_search/parameters/authentication/api_key/key: Field required',
    ],
    [
      { data_sources: [source({ strictness: 9, in_scope: 'yes' })] },
      '#/data_sources/0/azure_search/parameters/in_scope: Input should be a valid boolean\nValidation error at #/data_sources/0/azure_search/parameters/strictness: Input should be less than or equal to 5',
    ],
    [
      {
        data_sources: [
          {
            type: 'elasticsearch',
            parameters: { ...parameters, authentication: { type: 'api_key', key: 'x' } },
          },
        ],
      },
      "#/data_sources/0/elasticsearch/parameters/authentication: Input tag 'api_key' found using 'type' does not match any of the expected tags: 'key_and_key_id', 'encoded_api_key'",
    ],
  ])('is refused with %j', async (more, message) => {
    const response = await post(path, { ...withSource(), ...more })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json; charset=UTF-8')
    expect(await response.json()).toEqual({
      error: {
        requestid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        code: 400,
        message: `Validation error at ${message}`,
      },
    })
  })

  it.each([
    {
      type: 'azure_cosmos_db',
      parameters: {
        authentication: { type: 'connection_string', connection_string: 'c' },
        database_name: 'd',
        container_name: 'c',
        index_name: 'i',
        fields_mapping: { content_fields: ['content'], vector_fields: ['v'] },
        embedding_dependency: { type: 'deployment_name', deployment_name: 'ada' },
      },
    },
    {
      type: 'elasticsearch',
      parameters: {
        endpoint: 'https://e',
        index_name: 'i',
        authentication: { type: 'key_and_key_id', key: 'k', key_id: 'i' },
      },
    },
    {
      type: 'pinecone',
      parameters: {
        environment: 'e',
        authentication: { type: 'api_key', key: 'k' },
        index_name: 'i',
        fields_mapping: { content_fields: ['content'] },
        embedding_dependency: { type: 'deployment_name', deployment_name: 'ada' },
      },
    },
    {
      type: 'mongo_db',
      parameters: {
        authentication: { type: 'username_and_password', username: 'u', password: 'p' },
        endpoint: 'e',
        app_name: 'a',
        database_name: 'd',
        collection_name: 'c',
        index_name: 'i',
        embedding_dependency: { type: 'deployment_name', deployment_name: 'ada' },
        fields_mapping: { content_fields: ['content'], vector_fields: ['v'] },
      },
    },
  ])('accepts the documented example of $type', async (documented) => {
    const { choices } = await answerTo({ messages, data_sources: [documented] })
    expect(choices[0]?.message.context.citations).toHaveLength(5)
  })
})
