import {
  createRemoteJWKSet,
  jwtVerify,
  decodeJwt,
  decodeProtectedHeader,
  calculateJwkThumbprint,
  customFetch,
} from 'jose'
import { AzureOpenAI } from 'openai'
import { describe, expect, it } from 'vitest'
import { hashOfKey } from '../../src/config/access-settings.ts'
import { createTwin } from '../support/twin-simulator.ts'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const deployments = { chat: { model: 'gpt-4o' } }
const secret = 'ci-key-0123456789abcdef'
const keys = [
  { id: 'ci', hash: hashOfKey(secret) },
  { id: 'off', hash: hashOfKey('off-key'), enabled: false },
]
const own = { env: { ENTRA_TOKENS: 'own' }, deployments, keys }
const chat = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
const request = { model: 'chat', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 } as const
const good = { grant_type: 'client_credentials', client_id: 'ci', client_secret: secret }

function setUp(settings: TestSettings = {}) {
  const simulator = createTestSimulator({
    deployments,
    resources: { acme: own, beta: own, off: { deployments, keys } },
    ...settings,
  })
  const { app } = simulator
  const ask = async (
    form: Record<string, string> | string,
    path = '/acme',
    headers = {},
  ): Promise<Response> =>
    app.request(`${path}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    })
  const tokenOf = async (answer: Response): Promise<string> =>
    ((await answer.json()) as { access_token: string }).access_token
  const get = async (path: string): Promise<Record<string, never>> =>
    (await (await app.request(path)).json()) as Record<string, never>
  return { ...simulator, ask, get, tokenOf }
}

describe('the token endpoint of a resource', () => {
  it('issues a token that its public key verifies, with the claims of Entra', async () => {
    const { ask, app, clock } = setUp()
    const answer = await ask({ ...good, scope: 'https://ai.azure.com/.default' })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store, no-cache'])
    const { access_token: token, ...rest } = (await answer.json()) as { access_token: string }
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3_600, ext_expires_in: 3_600 })
    const keySet = createRemoteJWKSet(new URL('http://localhost/acme/.well-known/jwks.json'), {
      [customFetch]: async (url) => app.request(url),
    })
    const { payload, protectedHeader } = await jwtVerify(token, keySet, {
      issuer: 'http://127.0.0.1:8000/acme/v2.0',
      audience: 'https://ai.azure.com',
      currentDate: new Date(clock.epochMs()),
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) as string })
    const now = clock.epochMs() / 1_000
    const guid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) as string
    expect(payload).toEqual({
      aud: 'https://ai.azure.com',
      iss: 'http://127.0.0.1:8000/acme/v2.0',
      iat: now,
      nbf: now,
      exp: now + 3_600,
      appid: 'ci',
      appidacr: '1',
      azp: 'ci',
      idtyp: 'app',
      oid: guid,
      sub: 'ci',
      tid: guid,
      uti: expect.stringMatching(/^[\w-]{22}$/) as string,
      ver: '1.0',
    })
  })

  it('issues tokens that the resource accepts, and no other resource', async () => {
    const { ask, tokenOf, post } = setUp()
    const token = await tokenOf(await ask(good))
    const headers = { 'api-key': '', authorization: `Bearer ${token}` }
    expect((await post(`/acme${chat}`, request, headers)).status).toBe(200)
    for (const path of [`/beta${chat}`, `/off${chat}`, chat]) {
      expect((await post(path, request, headers)).status).toBe(401)
    }
  })

  it('accepts the client as Basic authentication, percent-encoded', async () => {
    const key = 'a:b %&+é'
    const { ask } = setUp({ resources: { acme: { ...own, keys: [{ id: 'c i', hash: hashOfKey(key) }] } } })
    const basic = Buffer.from(`c+i:${encodeURIComponent(key)}`).toString('base64')
    const authorization = `Basic ${basic}`
    const form = { grant_type: 'client_credentials' }
    expect((await ask(form, '/acme', { authorization })).status).toBe(200)
    const twice = await ask({ ...form, client_secret: key }, '/acme', { authorization })
    expect([twice.status, await twice.json()]).toMatchObject([400, { error: 'invalid_request' }])
    const wrong = await ask(form, '/acme', {
      authorization: `Basic ${Buffer.from('c+i:x').toString('base64')}`,
    })
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="token endpoint"',
    ])
  })

  it('is that of the default resource under /default, with the id key for SIMULATOR_API_KEY', async () => {
    const { ask, tokenOf, post, simulator } = setUp({ env: { ENTRA_TOKENS: 'own' } })
    const token = await tokenOf(await ask({ ...good, client_id: 'key', client_secret: testKey }, '/default'))
    const headers = { 'api-key': '', authorization: `Bearer ${token}` }
    expect((await post(chat, request, headers)).status).toBe(200)
    expect((await post(`/default${chat}`, request, headers)).status).toBe(200)
    const { defaultResource: config } = simulator.config
    expect(await simulator.judge({ headers, resource: 'default', config })).toBe('app:key')
    const changed = { ...config, apiKey: 'other' }
    expect(await simulator.judge({ headers, resource: 'default', config: changed })).toEqual({
      reason: 'key-deleted',
    })
  })

  const errors: [name: string, form: Record<string, string> | string, status: number, error: string][] = [
    ['another grant', { ...good, grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['no grant', { client_id: 'ci', client_secret: secret }, 400, 'unsupported_grant_type'],
    ['no body', '', 400, 'unsupported_grant_type'],
    ['JSON', JSON.stringify(good), 400, 'unsupported_grant_type'],
    ['a parameter twice', `${new URLSearchParams(good).toString()}&client_id=off`, 400, 'invalid_request'],
    ['a wrong secret', { ...good, client_secret: 'wrong' }, 401, 'invalid_client'],
    ['an unknown client', { ...good, client_id: 'other' }, 401, 'invalid_client'],
    ['a disabled client', { ...good, client_id: 'off', client_secret: 'off-key' }, 401, 'invalid_client'],
    ['no secret', { grant_type: good.grant_type, client_id: 'ci' }, 401, 'invalid_client'],
    ['no client', { grant_type: good.grant_type, client_secret: secret }, 401, 'invalid_client'],
    [
      'the key of the default resource',
      { ...good, client_id: 'key', client_secret: testKey },
      401,
      'invalid_client',
    ],
    ['another scope', { ...good, scope: 'https://graph.microsoft.com/.default' }, 400, 'invalid_scope'],
    ['a scope without /.default', { ...good, scope: 'https://ai.azure.com' }, 400, 'invalid_scope'],
    [
      'two audiences',
      { ...good, scope: 'https://ai.azure.com/.default https://cognitiveservices.azure.com/.default' },
      400,
      'invalid_scope',
    ],
    ['64 KB', { ...good, scope: 'x'.repeat(70_000) }, 413, 'invalid_request'],
  ]

  it.each(errors)('refuses %s like Entra, with the id of its log line', async (_, form, status, error) => {
    const { ask, log } = setUp()
    const answer = await ask(form)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/json'])
    const body = (await answer.json()) as Record<string, unknown>
    const guid = expect.stringMatching(/^[\da-f-]{36}$/) as string
    expect(body).toEqual({
      error,
      error_description: expect.stringMatching(/^AADSTS\d+: /) as string,
      error_codes: [expect.any(Number) as number],
      timestamp: '2026-01-01 00:00:00Z',
      trace_id: guid,
      correlation_id: guid,
    })
    const lines = log.filter(
      ({ fields }) => (fields as Record<string, unknown>)['requestId'] === body['correlation_id'],
    )
    expect(lines).toHaveLength(1)
    for (const text of [JSON.stringify(log), JSON.stringify(body)]) expect(text).not.toContain(secret)
  })

  it('does not exist for an unknown resource and for one without such tokens', async () => {
    const { ask, app } = setUp()
    for (const name of ['/nothing', '/off', '/default', '/acme/x']) {
      const answer = await ask(good, name)
      expect([answer.status, await answer.text()]).toEqual([
        404,
        '{"error":{"code":"404","message": "Resource not found"}}',
      ])
      for (const path of [
        '.well-known/openid-configuration',
        'v2.0/.well-known/openid-configuration',
        '.well-known/jwks.json',
      ]) {
        const page = await app.request(`${name}/${path}`)
        expect([page.status, page.headers.get('content-type')]).toEqual([404, 'application/json'])
      }
    }
  })

  it('issues tokens of the tenant of a resource, and records them in its logs', async () => {
    const twin = createTwin({ deployments })
    const tenant = await twin.tenant()
    const { key, keyId } = await twin.resource('acme', tenant)
    const ask = async (clientSecret: string): Promise<Record<string, string>> => {
      const form = new URLSearchParams({ ...good, client_id: keyId, client_secret: clientSecret })
      const answer = await twin.app.request('/acme/oauth2/v2.0/token', { method: 'POST', body: form })
      return (await answer.json()) as Record<string, string>
    }
    const { access_token: token = '' } = await ask(key)
    const { correlation_id: refusedId } = await ask('wrong')
    expect(decodeJwt(token)).toMatchObject({ tid: tenant.tenant_id, appid: keyId, sub: keyId })
    const { body } = await twin.ask('GET', '/_twin/logs?limit=2', tenant)
    const record = { plane: 'control', operation: 'control.token.issue', tenant_id: tenant.tenant_id }
    expect(body.logs).toMatchObject([
      { ...record, outcome: 'failure', reason: 'invalid_client', correlation_id: refusedId },
      { ...record, outcome: 'success', reason: null, details: { key_id: keyId } },
    ])
    const headers = { 'api-key': '', authorization: `Bearer ${token}` }
    expect((await twin.post(`/acme${chat}`, request, headers)).status).toBe(200)
    await twin.ask('DELETE', `/_twin/resources/acme/api_keys/${keyId}`, tenant)
    expect((await twin.post(`/acme${chat}`, request, headers)).status).toBe(401)
    await twin.ask('DELETE', '/_twin/resources/acme', tenant)
    const again = await twin.resource('acme', tenant)
    expect((await twin.post(`/acme${chat}`, request, headers)).status).toBe(401)
    expect((await twin.post(`/acme${chat}`, request, { 'api-key': key })).status).toBe(401)
    expect((await twin.post(`/acme${chat}`, request, { 'api-key': again.key })).status).toBe(200)
  })

  it('answers other methods with 405', async () => {
    const { app } = setUp()
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await app.request('/acme/oauth2/v2.0/token', { method })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    }
    const page = await app.request('/acme/.well-known/jwks.json', { method: 'POST' })
    expect([page.status, page.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('uses one signing key for simultaneous first tokens, with its thumbprint as the id, and another in each resource', async () => {
    const { ask, get, tokenOf } = setUp()
    const tokens = await Promise.all(Array.from({ length: 16 }, async () => tokenOf(await ask(good))))
    const kids = new Set(tokens.map((token) => decodeProtectedHeader(token).kid))
    expect(new Set(tokens).size).toBe(16)
    const { keys: listed } = (await get('/acme/.well-known/jwks.json')) as unknown as {
      keys: Record<string, string>[]
    }
    expect(listed).toEqual([
      { kty: 'RSA', use: 'sig', alg: 'RS256', kid: [...kids][0], n: expect.any(String) as string, e: 'AQAB' },
    ])
    expect([...kids]).toEqual([await calculateJwkThumbprint({ ...listed[0] })])
    expect(await get('/acme/discovery/v2.0/keys')).toEqual({ keys: listed })
    expect(await get('/beta/.well-known/jwks.json')).not.toEqual({ keys: listed })
  })

  it('describes itself on both discovery paths, at the address of the client or PUBLIC_URL', async () => {
    const { app, get } = setUp()
    const found = await get('/acme/.well-known/openid-configuration')
    expect(await get('/acme/v2.0/.well-known/openid-configuration')).toEqual(found)
    const base = 'http://127.0.0.1:8000/acme'
    expect(found).toMatchObject({
      issuer: `${base}/v2.0`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
    })
    const issuerAt = async (headers: Record<string, string>, from = app) => {
      const answer = await from.request('/acme/.well-known/openid-configuration', { headers })
      return ((await answer.json()) as { issuer: string }).issuer
    }
    expect(await issuerAt({ host: 'sim:8000' })).toBe('http://sim:8000/acme/v2.0')
    expect(await issuerAt({ host: 'sim', 'x-forwarded-proto': 'https' })).toBe('https://sim/acme/v2.0')
    expect(await issuerAt({ host: 'sim', 'x-forwarded-proto': 'HTTPS, http' })).toBe('https://sim/acme/v2.0')
    expect(await issuerAt({ host: 'sim', 'x-forwarded-proto': 'ftp' })).toBe('http://sim/acme/v2.0')
    expect(await issuerAt({ host: 'SIM.Example:80' })).toBe('http://sim.example/acme/v2.0')
    expect(await issuerAt({ host: 'sim', 'x-forwarded-host': 'evil.example' })).toBe('http://sim/acme/v2.0')
    const fixed = setUp({ env: { PUBLIC_URL: 'https://sim.example.com/twin' } })
    expect(await issuerAt({ host: 'sim:8000' }, fixed.app)).toBe('https://sim.example.com/twin/acme/v2.0')
    const token = await fixed.tokenOf(await fixed.ask(good))
    const headers = { 'api-key': '', authorization: `Bearer ${token}`, host: 'anything' }
    expect((await fixed.post(`/acme${chat}`, request, headers)).status).toBe(200)
  })

  it.each([
    ['SIM.example', 'sim.example'],
    ['SIM.example', 'SIM.example'],
    ['sim.example:80', 'sim.example:80'],
    ['sim.example:80', 'sim.example'],
    ['sim.example', 'sim.example:80'],
  ])('issues a token at the host %s that is accepted at %s', async (issuedAt, usedAt) => {
    const { ask, post, tokenOf } = setUp()
    const token = await tokenOf(await ask(good, '/acme', { host: issuedAt }))
    const headers = { 'api-key': '', authorization: `Bearer ${token}`, host: usedAt }
    expect((await post(`/acme${chat}`, request, headers)).status).toBe(200)
  })

  it('refuses two clients, and the parameter of version 1.0', async () => {
    const { ask } = setUp()
    const basic = { authorization: `Basic ${Buffer.from(`ci:${secret}`).toString('base64')}` }
    const form = { grant_type: 'client_credentials' }
    expect((await ask({ ...form, client_id: 'ci' }, '/acme', basic)).status).toBe(200)
    const two = await ask({ ...form, client_id: 'off' }, '/acme', basic)
    expect([two.status, await two.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_request', error_codes: [90_002] }),
    ])
    const old = await ask({ ...good, resource: 'https://ai.azure.com' })
    expect([old.status, await old.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_request', error_codes: [901_002] }),
    ])
  })

  it('gives tokens to the official client through azureADTokenProvider', async () => {
    const { app, ask, tokenOf } = setUp()
    const client = new AzureOpenAI({
      endpoint: 'http://localhost/acme',
      apiVersion: '2024-10-21',
      deployment: 'chat',
      azureADTokenProvider: async () =>
        tokenOf(await ask({ ...good, scope: 'https://cognitiveservices.azure.com/.default' })),
      fetch: async (url, init) => app.request(url, init),
      maxRetries: 0,
    })
    const answer = await client.chat.completions.create({ ...request, messages: [...request.messages] })
    expect(answer.model).toContain('gpt-4o')
  })
})
