import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/models/chat/completions?api-version=2024-05-01-preview'
const messages = [{ role: 'user', content: 'Hello' }]
const grok = 'grok-4-1-fast-non-reasoning'
const tool = { type: 'function', function: { name: 'roll', parameters: { type: 'object', properties: {} } } }

interface Chunk {
  readonly choices: readonly { readonly delta: object; readonly finish_reason?: string }[]
  readonly usage?: object
}

const chunksOf = (text: string): Chunk[] =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)) as Chunk)

describe('POST /models/chat/completions', () => {
  it('refuses json_schema in an older version for models of OpenAI only', async () => {
    const { post } = createTestSimulator()
    const format = {
      type: 'json_schema',
      json_schema: { name: 'x', schema: { type: 'object', properties: {} } },
    }
    const request = { messages, max_tokens: 20, response_format: format }
    const refused = await post(path, { ...request, model: 'gpt-4o' })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('is enabled only for api versions 2024-08-01-preview and later')
    expect((await post(path, { ...request, model: grok })).status).toBe(200)
    const newer = path.replace('2024-05-01-preview', '2025-05-15-preview')
    expect((await post(newer, { ...request, model: 'gpt-4o' })).status).toBe(200)
  })

  it('answers a model of OpenAI like chat, with the headers of the model inference API', async () => {
    const { post } = createTestSimulator()
    const answer = await post(path, { model: 'gpt-4.1-mini', messages, max_tokens: 3 })
    expect(answer.status).toBe(200)
    expect([...answer.headers.keys()].sort()).toEqual([
      'apim-request-id',
      'azureai-fe-is-streaming',
      'azureai-fe-offer-type',
      'content-length',
      'content-type',
      'date',
      'skip-error-remapping',
      'strict-transport-security',
      'x-content-type-options',
      'x-ms-region',
    ])
    expect(await answer.json()).toMatchObject({ object: 'chat.completion', usage: { completion_tokens: 3 } })
  })

  it('answers a model of xAI with its members in their order, and without a length', async () => {
    const { post } = createTestSimulator()
    const answer = await post(path, { model: grok, messages, max_tokens: 3 })
    expect(answer.headers.get('azureai-processed-tier')).toBe('default')
    expect(answer.headers.has('content-length')).toBe(false)
    const body = (await answer.json()) as Record<string, object>
    expect(Object.keys(body).join()).toBe('id,model,choices,usage,created,object,prompt_filter_results')
    expect(body['choices']).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: expect.any(String) as string },
        finish_reason: 'length',
      },
    ])
    expect(Object.keys(body['usage'] ?? {}).join()).toBe(
      'prompt_tokens,completion_tokens,total_tokens,audio_prompt_tokens,prompt_tokens_details,completion_tokens_details,num_sources_used',
    )
  })

  it('streams a model of xAI with the role in the first chunk and the usage last', async () => {
    const { post } = createTestSimulator()
    const request = { model: grok, messages, max_tokens: 3, stream: true }
    const answer = await post(path, { ...request, stream_options: { include_usage: true } })
    expect(answer.headers.get('azureai-fe-is-streaming')).toBe('True')
    const text = await answer.text()
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    const chunks = chunksOf(text)
    expect(chunks.map(({ choices: [choice] }) => Object.keys(choice?.delta ?? {}).join())).toEqual([
      'content,role',
      'content',
      'content',
      '',
      '',
    ])
    expect(chunks[3]?.choices[0]?.finish_reason).toBe('length')
    expect(chunks[4]?.usage).toMatchObject({ completion_tokens: 3, num_sources_used: 0 })
  })

  it('streams a call of a model of xAI in one chunk', async () => {
    const { post } = createTestSimulator()
    const request = { model: grok, messages, tools: [tool], tool_choice: 'required', stream: true }
    const [called, finish] = chunksOf(await (await post(path, request)).text())
    expect(called?.choices[0]?.delta).toEqual({
      role: 'assistant',
      tool_calls: [
        {
          id: expect.stringMatching(/^call_\d{8}$/) as string,
          function: { name: 'roll', arguments: expect.any(String) as string },
          index: 0,
          type: 'function',
        },
      ],
    })
    expect(finish?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('takes the model from a header', async () => {
    const { post } = createTestSimulator()
    const answer = await post(path, { messages }, { 'x-ms-model-mesh-model-name': 'gpt-4o' })
    expect(await answer.json()).toMatchObject({ model: 'gpt-4o-2024-11-20' })
  })

  it.each([
    ['without a model', { messages }, 400, 'no_model_name'],
    ['for an unknown model', { model: 'nope', messages }, 404, 'unknown_model'],
  ])('rejects a request %s with its own error', async (_, request, status, code) => {
    const { post } = createTestSimulator({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    const answer = await post(path, request)
    expect(answer.status).toBe(status)
    const { error } = (await answer.json()) as { error: Record<string, string> }
    expect(error['code']).toBe(code)
    expect(error['details']).toBe(error['message'])
  })

  it('rejects a request over the limit with its own error', async () => {
    const deployments = { [grok]: { model: grok, requestsPerMinute: 1 } }
    const { post } = createTestSimulator({ deployments, env: { SIMULATOR_REGION: 'West Europe' } })
    await post(path, { model: grok, messages })
    const answer = await post(path, { model: grok, messages })
    expect(answer.status).toBe(429)
    const message = `Your requests to ${grok} for ${grok} in westeurope have exceeded rate limit.`
    expect(await answer.json()).toEqual({ error: { code: 'RateLimitReached', message, details: message } })
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(answer.headers.has('x-ratelimit-type')).toBe(false)
  })

  it('drops unknown parameters only on request', async () => {
    const { post } = createTestSimulator()
    const request = { model: 'gpt-4o', messages, safe_prompt: true }
    expect((await post(path, request)).status).toBe(400)
    expect((await post(path, request, { 'extra-parameters': 'drop' })).status).toBe(200)
    expect((await post(path, request, { 'extra-parameters': 'pass-through' })).status).toBe(400)
  })

  it.each(['', '?api-version=preview'])('needs an api-version: %j is unknown', async (query) => {
    const { post } = createTestSimulator()
    const answer = await post(`/models/chat/completions${query}`, { model: 'gpt-4o', messages })
    expect(answer.status).toBe(404)
  })
})
