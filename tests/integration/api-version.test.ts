import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const deployments = {
  chat: { model: 'gpt-4o' },
  thinker: { model: 'o3-mini' },
  pictures: { model: 'gpt-image-1' },
}
const { app, post } = createTestSimulator({ deployments })
const body = { messages: [{ role: 'user', content: 'hi' }], model: 'chat', max_tokens: 1 }
const chat = (query: string, deployment = 'chat', send = post) =>
  send(`/openai/deployments/${deployment}/chat/completions${query}`, {
    messages: body.messages,
    ...(deployment === 'thinker' ? { max_completion_tokens: 500 } : { max_tokens: 1 }),
  })

const notFound = '{"error":{"code":"404","message": "Resource not found"}}'
const notSupported = '{"error":{"code":"BadRequest","message":"API version not supported"}}'

describe('api-version', () => {
  it.each([
    '?api-version=2024-02-01',
    '?x=1&api-version=2025-04-01-preview',
    '?api-version=2023-03-15-preview',
  ])('is accepted if the service has it: %s', async (query) => {
    expect((await chat(query)).status).toBe(200)
  })

  it.each(['', '?', '?api-version=', '?api-version=latest', '?api-version=2022-12-01'])(
    'leads to the 404 of an unknown path where it is absent, malformed or older than the operation: %j',
    async (query) => {
      const response = await chat(query)
      expect(response.status).toBe(404)
      expect(await response.text()).toBe(notFound)
    },
  )

  it('is refused if it is well-formed and unknown', async () => {
    const response = await chat('?api-version=2031-01-01')
    expect(response.status).toBe(400)
    expect(await response.text()).toBe(notSupported)
  })

  it('is refused if it is older than the model requires, with the literal braces of the service', async () => {
    const response = await chat('?api-version=2024-10-21', 'thinker')
    expect(response.status).toBe(400)
    expect(await response.text()).toBe(
      '{"error":{"code":"BadRequest","message":"Model {modelName} is enabled only for api versions 2024-12-01-preview and later"}}',
    )
    expect((await chat('?api-version=2024-12-01-preview', 'thinker')).status).toBe(200)
  })

  it('may be older than gpt-image-1 for generated images', async () => {
    const path = '/openai/deployments/pictures/images/generations?api-version=2024-02-01'
    expect((await post(path, { prompt: 'a cat', quality: 'low', size: '1024x1024' })).status).toBe(200)
  })

  const format = {
    type: 'json_schema',
    json_schema: { name: 'x', schema: { type: 'object', properties: {} } },
  }
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const prediction = { type: 'content', content: 'x' }
  it.each([
    [{ response_format: format }, '2024-07-01-preview', '2024-08-01-preview'],
    [{ response_format: format }, '2024-06-01', '2024-08-01-preview'],
    [{ tools, tool_choice: 'required' }, '2024-05-01-preview', '2024-06-01'],
    [{ prediction }, '2024-10-21', '2025-01-01-preview'],
  ])('is refused if it is older than the feature %j: %s before %s', async (feature, old, first) => {
    const send = async (version: string) => {
      const path = `/openai/deployments/chat/chat/completions?api-version=${version}`
      return post(path, { ...body, ...feature })
    }
    const refused = await send(old)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain(`is enabled only for api versions ${first} and later"}}`)
    expect((await send(first)).status).toBe(200)
    expect((await post('/openai/v1/chat/completions', { ...body, ...feature })).status).toBe(200)
  })

  it.each([
    { response_format: { type: 'json_object' }, messages: [{ role: 'user', content: 'json' }] },
    { tools },
    {},
  ])('may be older than features that the request does not use: %j', async (fields) => {
    const path = '/openai/deployments/chat/chat/completions?api-version=2024-02-01'
    expect((await post(path, { ...body, ...fields })).status).toBe(200)
  })

  it.each([
    ['POST', '/openai/responses'],
    ['GET', '/openai/responses/resp_1'],
    ['DELETE', '/openai/responses/resp_1'],
    ['POST', '/openai/responses/resp_1/cancel'],
    ['GET', '/openai/responses/resp_1/input_items'],
  ])('is refused by name if it is older than the Responses API: %s %s', async (method, path) => {
    const response = await app.request(`${path}?api-version=2024-12-01-preview`, {
      method,
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: JSON.stringify({ model: 'chat', input: 'hi' }) }),
    })
    expect(response.status).toBe(400)
    expect(await response.text()).toBe(
      '{"error":{"code":"BadRequest","message":"Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later"}}',
    )
  })

  it('is checked before the key; the version of the model is checked after the deployment is found', async () => {
    const noKey = { 'api-key': '' }
    const unknown = await post('/openai/deployments/chat/chat/completions?api-version=1', body, noKey)
    expect(unknown.status).toBe(404)
    const tooOld = await post(
      '/openai/deployments/thinker/chat/completions?api-version=2024-10-21',
      body,
      noKey,
    )
    expect(tooOld.status).toBe(401)
  })

  it.each(['', '?api-version=preview', '?api-version=v1', '?api-version=latest'])(
    'may be left out or be a word on v1 paths: %j',
    async (query) => {
      expect((await post(`/openai/v1/chat/completions${query}`, body)).status).toBe(200)
    },
  )

  it('must not be a date on v1 paths', async () => {
    expect(await (await post('/openai/v1/chat/completions?api-version=2024-10-21', body)).text()).toBe(
      notSupported,
    )
  })

  it('is not checked with API_VERSION_CHECK=off', async () => {
    const off = createTestSimulator({ deployments, env: { API_VERSION_CHECK: 'off' } })
    for (const query of ['', '?api-version=1', '?api-version=2031-01-01', '?api-version=2024-10-21']) {
      expect((await chat(query, 'thinker', off.post)).status).toBe(200)
    }
    expect((await off.post('/openai/v1/chat/completions?api-version=2024-10-21', body)).status).toBe(200)
  })
})
