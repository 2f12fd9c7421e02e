import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3 }
const path = deploymentPath('gpt-4o-mini', 'chat/completions')

describe('access', () => {
  it.each([
    ['api-key', { 'api-key': testKey }],
    ['a bearer token', { 'api-key': '', authorization: `Bearer ${testKey}` }],
    ['a bearer token in any case', { 'api-key': '', authorization: `bearer ${testKey}` }],
  ])('accepts the key as %s', async (_, headers) => {
    const { post } = createTestSimulator()
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
    const response = await post(path, hello, given)
    expect(response.status).toBe(200)
  })

  it.each(['', 'wrong', `${testKey}x`, testKey.slice(1), 'x'.repeat(5_000)])(
    'refuses the key %j with the real 401',
    async (key) => {
      const { post } = createTestSimulator()
      const response = await post(path, hello, { 'api-key': key })
      expect(response.status).toBe(401)
      expect(response.statusText).toBe('PermissionDenied')
      expect([...response.headers.keys()].toSorted()).toEqual([
        'apim-request-id',
        'content-length',
        'content-type',
        'date',
      ])
      expect(response.headers.get('content-length')).toBe('224')
    },
  )

  it('answers an unknown path with the 404 of the service, with and without a key', async () => {
    const { post } = createTestSimulator()
    for (const key of [testKey, 'wrong']) {
      const response = await post('/chat/completions', hello, { 'api-key': key })
      expect(response.status).toBe(404)
      expect(await response.text()).toBe('{"error":{"code":"404","message": "Resource not found"}}')
    }
  })

  it('answers a dated path without api-version with the same 404', async () => {
    const { post } = createTestSimulator()
    const response = await post('/openai/deployments/gpt-4o-mini/chat/completions', hello)
    expect(response.status).toBe(404)
  })

  it('does not require api-version under /openai/v1', async () => {
    const { post } = createTestSimulator()
    const response = await post('/openai/v1/chat/completions', { ...hello, model: 'gpt-4o-mini' })
    expect(response.status).toBe(200)
  })

  it('treats several slashes as one', async () => {
    const { post } = createTestSimulator()
    expect((await post(`/${path}`, hello)).status).toBe(200)
  })
})

describe('deployments', () => {
  const deployments = { known: { model: 'gpt-4o' } }

  it('any deployment name answers without limits by default', async () => {
    const { post } = createTestSimulator({ deployments })
    const response = await post(deploymentPath('my-gpt-4.1-mini', 'chat/completions'), hello)
    expect(await response.json()).toMatchObject({ model: 'gpt-4.1-mini-2025-04-14' })
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBeNull()
  })

  it('an unknown deployment answers the 404 of the service when only known ones are allowed', async () => {
    const { post } = createTestSimulator({
      deployments,
      env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    })
    const response = await post(path, hello)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBeNull()
    expect(await response.text()).toContain('"code": "DeploymentNotFound"')
  })

  it('an operation that the model does not support is refused', async () => {
    const { post } = createTestSimulator({ deployments: { vectors: { model: 'text-embedding-3-small' } } })
    const response = await post(deploymentPath('vectors', 'chat/completions'), hello)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(
      'The chatCompletion operation does not work with the specified model',
    )
  })

  it('the model is required in the body when the path does not name it', async () => {
    const { post } = createTestSimulator()
    const response = await post('/openai/v1/chat/completions', hello)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('you must provide a model parameter')
  })
})

describe('the admin key', () => {
  const adminKey = 'admin-key-0123456789'
  const status = async (
    { app }: ReturnType<typeof createTestSimulator>,
    url: string,
    headers: Record<string, string>,
    method = 'GET',
  ): Promise<number> =>
    (await app.request(url, { method, headers, ...(method === 'POST' && { body: '{}' }) })).status
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

  it('opens the admin API only, and the data key opens the data plane only', async () => {
    const simulator = createTestSimulator({ env: { ADMIN_API_KEY: adminKey } })
    for (const url of ['/++/config', '//++/config', '/++/deployments', '/++/openapi.json']) {
      expect(await status(simulator, url, { 'api-key': adminKey })).toBe(200)
      expect(await status(simulator, url, bearer(adminKey))).toBe(200)
      expect(await status(simulator, url, { 'api-key': testKey })).toBe(401)
      expect(await status(simulator, url, bearer(testKey))).toBe(401)
      expect(await status(simulator, url, {})).toBe(401)
    }
    expect((await simulator.post(path, hello)).status).toBe(200)
    expect((await simulator.post(path, hello, { 'api-key': adminKey })).status).toBe(401)
    expect(await status(simulator, '/++/reset', { 'api-key': testKey }, 'POST')).toBe(401)
    expect(await status(simulator, '/++/reset', { 'api-key': adminKey }, 'POST')).toBeLessThan(300)
    const shown = await simulator.app.request('/++/config', { headers: { 'api-key': adminKey } })
    expect(await shown.text()).not.toContain(adminKey)
  })

  it('defaults to the data key', async () => {
    const simulator = createTestSimulator()
    expect(await status(simulator, '/++/config', { 'api-key': testKey })).toBe(200)
    expect(await status(simulator, '/++/config', { 'api-key': adminKey })).toBe(401)
  })

  it('does not appear in the journal', async () => {
    const simulator = createTestSimulator({ env: { ADMIN_API_KEY: adminKey, JOURNAL_SIZE: '5' } })
    await simulator.post(`${path}&x=${adminKey}`, { ...hello, user: adminKey }, { 'x-note': adminKey })
    const journal = await simulator.app.request('/++/requests', { headers: { 'api-key': adminKey } })
    const text = await journal.text()
    expect(text).toContain('chatCompletions')
    expect(text).not.toContain(adminKey)
  })

  it('is required for /metrics with METRICS_AUTH=key; without it /metrics is open', async () => {
    expect(await status(createTestSimulator(), '/metrics', {})).toBe(200)
    const own = createTestSimulator({ env: { METRICS_AUTH: 'key' } })
    const apart = createTestSimulator({ env: { METRICS_AUTH: 'key', ADMIN_API_KEY: adminKey } })
    expect(await status(own, '/metrics', bearer(testKey))).toBe(200)
    expect(await status(apart, '/metrics', bearer(adminKey))).toBe(200)
    expect(await status(apart, '/metrics', { 'api-key': adminKey })).toBe(200)
    for (const headers of [{}, bearer(testKey), { 'api-key': 'wrong' }]) {
      expect(await status(apart, '/metrics', headers)).toBe(401)
      expect(await status(apart, '/healthz', headers)).toBe(200)
    }
  })
})
