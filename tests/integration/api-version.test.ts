import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../support/test-simulator.ts'

const deployments = {
  chat: { model: 'gpt-4o' },
  thinker: { model: 'o3-mini' },
  pictures: { model: 'gpt-image-1' },
}
const { post } = createTestSimulator({ deployments })
const body = { messages: [{ role: 'user', content: 'hi' }], model: 'chat', max_completion_tokens: 1 }
const chat = (query: string, deployment = 'chat', send = post) =>
  send(`/openai/deployments/${deployment}/chat/completions${query}`, body)

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
    const images = await post('/openai/deployments/pictures/images/generations?api-version=2024-10-21', {})
    expect(await images.text()).toContain('only for api versions 2025-04-01-preview and later')
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
