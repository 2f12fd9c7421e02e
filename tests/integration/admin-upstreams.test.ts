import { describe, expect, it, onTestFinished } from 'vitest'
import { recordingFolder } from '../support/recording-folder.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { chatCompletion, type FakeUpstream, json, startFakeUpstream } from '../support/fake-upstream.ts'
import { refusingUrl } from '../support/refusing-url.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const chat = { messages: [{ role: 'user', content: 'Hello' }] }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')

const setUp = (settings: Parameters<typeof createTestSimulator>[0] = {}) => {
  const simulator = createTestSimulator(settings)
  return { ...simulator, ...createAdminApi(simulator.app) }
}

const startUpstream = async (): Promise<FakeUpstream> => {
  const upstream = await startFakeUpstream(json(chatCompletion('hi')))
  onTestFinished(() => upstream.close())
  return upstream
}

const east = { endpoint: 'https://east.openai.azure.com', key: 'east-key-0123', retries: 1 }

describe('the default upstream', () => {
  it('shows the numbers of variables as numbers', async () => {
    const { ask } = setUp({
      env: { AZURE_OPENAI_ENDPOINT: east.endpoint, AZURE_OPENAI_KEY: east.key, UPSTREAM_RETRIES: '1' },
    })
    const shown = { ...east, key: '[redacted]' }
    expect((await ask('GET', '/++/upstreams/default')).body).toEqual(shown)
    expect((await ask('PUT', '/++/upstreams/default', shown)).body).toEqual(shown)
  })
})

describe('an upstream', () => {
  it('is created, shown, replaced and deleted, and its secrets are never shown', async () => {
    const { ask, simulator } = setUp()
    expect((await ask('GET', '/++/upstreams')).body).toEqual({ upstreams: {} })
    expect((await ask('GET', '/++/upstreams/east')).status).toBe(404)
    const made = await ask('PUT', '/++/upstreams/east', east)
    expect([made.status, made.body]).toEqual([201, { ...east, key: '[redacted]' }])
    const entra = {
      endpoint: 'https://f.services.ai.azure.com/',
      credential: 'entra',
      tenantId: 'contoso.com',
      client_id: 'app',
      clientSecret: 'very-secret-text',
      api_version: { responses: 'v1', chat_completions: '2024-10-21', default: 'by-model' },
    }
    expect((await ask('PUT', '/++/upstreams/foundry', entra)).status).toBe(201)
    expect((await ask('GET', '/++/upstreams')).body.upstreams).toEqual({
      east: {
        endpoint: 'https://east.openai.azure.com',
        kind: 'azure',
        credential: 'key',
        complete: true,
        used_by: [],
      },
      foundry: {
        endpoint: 'https://f.services.ai.azure.com',
        kind: 'azure',
        credential: 'entra',
        complete: true,
        used_by: [],
      },
    })
    const shown = await ask('GET', '/++/upstreams/foundry')
    expect(shown.body).toEqual({
      endpoint: entra.endpoint,
      credential: 'entra',
      tenant_id: 'contoso.com',
      client_id: 'app',
      client_secret: '[redacted]',
      api_version: entra.api_version,
    })
    for (const name of ['east', 'foundry']) {
      const before = simulator.config.upstreams.get(name)
      const { body } = await ask('GET', `/++/upstreams/${name}`)
      expect((await ask('PUT', `/++/upstreams/${name}`, body)).status).toBe(200)
      expect(simulator.config.upstreams.get(name)).toBe(before)
    }
    expect((await ask('DELETE', '/++/upstreams/east')).status).toBe(204)
    expect((await ask('DELETE', '/++/upstreams/east')).status).toBe(404)
    expect((await ask('POST', '/++/reset')).status).toBe(200)
    expect((await ask('GET', '/++/upstreams')).body).toEqual({ upstreams: {} })
  })

  it.each<readonly [entry: unknown, ...problems: string[]]>([
    [
      {},
      'upstreams.x.endpoint is missing. Set it to the address of the service.',
      'upstreams.x.key is missing.',
    ],
    [[], 'The body must be a mapping (got []).'],
    [{ ...east, retires: 3 }, 'upstreams.x.retires is not a key of an upstream. Did you mean retries?'],
    [
      { ...east, kind: 'aws' },
      'upstreams.x.kind must be azure, openai, anthropic or serverless (got "aws").',
    ],
    [{ ...east, endpoint: 'ftp://x' }, 'upstreams.x.endpoint must be an http or https address'],
    [
      { ...east, endpoint: 'https://me:pass-word@x' },
      'upstreams.x.endpoint must be an http or https address',
    ],
    [{ ...east, key: 5 }, 'upstreams.x.key must be text (got [redacted]). Put the value in quotes.'],
    [{ ...east, key: { env: 'HOME' } }, 'upstreams.x.key cannot name a variable here (got "HOME").'],
    [{ ...east, key: '[redacted]' }, 'upstreams.x.key is [redacted], and the upstream has no value to keep.'],
    [
      { ...east, connectTimeoutMs: 0 },
      'upstreams.x.connectTimeoutMs must be an integer from 1 to 86400000 (got 0).',
    ],
    [
      { ...east, connect_timeout_ms: 1, connectTimeoutMs: 1 },
      'upstreams.x.connectTimeoutMs is the same key as',
    ],
    [
      { ...east, credential: 'entra' },
      'upstreams.x.key has no effect, because upstreams.x.credential is entra.',
    ],
    [
      { ...east, tenant_id: 't' },
      'upstreams.x.tenant_id has no effect, because upstreams.x.credential is key.',
    ],
    [
      { endpoint: 'https://x', credential: 'entra', client_secret: 's' },
      'upstreams.x.client_secret needs upstreams.x.tenant_id. Set both or neither.',
      'upstreams.x.client_secret needs upstreams.x.client_id.',
    ],
    [
      { ...east, api_version: '2024-13-01' },
      'upstreams.x.api_version must be as-asked, v1, by-model or a date',
    ],
    [
      { ...east, api_version: { chatCompletion: 'v1', responses: 'latest', 'gpt-5*': 7 } },
      'upstreams.x.api_version.chatCompletion is not an operation, default, or a model prefix that ends with "*". Did you mean chatCompletions?',
      'upstreams.x.api_version.responses must be as-asked, v1, by-model or a date such as 2024-10-21 or 2025-04-01-preview (got "latest").',
      'upstreams.x.api_version.gpt-5* must be as-asked',
    ],
    [
      { ...east, api_version: 'responses=v1,respones=v1,responses=by-model' },
      'upstreams.x.api_version has the rule "respones", which is not an operation',
      'upstreams.x.api_version has the rule "responses", which is given twice.',
    ],
    [
      { ...east, api_version: 'responses=v1,2024-10-21,gpt-5*' },
      'upstreams.x.api_version has the rule "2024-10-21", which lacks "=". Write default=2024-10-21, for example.',
      'upstreams.x.api_version has the rule "gpt-5*", which lacks "=". Write gpt-5*=v1, for example.',
    ],
    [
      { ...east, endpoint: 'https://api.openai.com/v1', api_version: 'v1' },
      'upstreams.x.api_version has no effect, because only Azure has API versions and the kind of the upstream is openai.',
    ],
  ])('is refused with all problems: %j', async (entry, ...problems) => {
    const { ask, simulator, log } = setUp()
    const before = simulator.config
    const { status, body, text } = await ask('PUT', '/++/upstreams/x', entry)
    expect(status).toBe(400)
    for (const problem of problems) expect(body.error.message).toContain(problem)
    expect(body.error.problems ?? [problems[0]]).toHaveLength(problems.length)
    expect(text + JSON.stringify(log)).not.toMatch(/pass-word|east-key-0123/)
    expect(simulator.config).toBe(before)
  })

  it('must have a valid name', async () => {
    const { ask } = setUp()
    for (const name of ['a%20b', 'a%2Fb', 'x'.repeat(65), '%C3%A9']) {
      const { status, body } = await ask('PUT', `/++/upstreams/${name}`, east)
      expect([status, body.error.code]).toEqual([400, 'InvalidUpstream'])
    }
  })

  it('is not deleted while deployments or resources use it', async () => {
    const { ask, simulator } = setUp({ deployments: {} })
    await ask('PUT', '/++/upstreams/east', east)
    expect((await ask('PUT', '/++/deployments/a', { upstream: 'east/b' })).status).toBe(201)
    expect((await ask('PUT', '/++/resources/acme', { upstream: 'east' })).status).toBe(201)
    expect((await ask('PUT', '/++/resources/acme/deployments/c d', { upstream: 'east' })).status).toBe(201)
    const used = ['deployments.a', 'resources.acme.deployments."c d"', 'resources.acme']
    expect((await ask('GET', '/++/upstreams')).body.upstreams.east.used_by).toEqual(used)
    const refused = await ask('DELETE', '/++/upstreams/east')
    expect([refused.status, refused.body.error.problems]).toEqual([
      409,
      used.map((user) => `${user} uses it. Change ${user} first.`),
    ])
    expect(simulator.config.upstreams.has('east')).toBe(true)
    await ask('DELETE', '/++/resources/acme')
    await ask('DELETE', '/++/deployments/a')
    expect((await ask('DELETE', '/++/upstreams/east')).status).toBe(204)
  })

  it('of the variables can be replaced, and is not deleted while the mode needs it', async () => {
    const upstream = await startUpstream()
    const env = { AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9', AZURE_OPENAI_KEY: 'old-key-0123' }
    const { ask, post, simulator } = setUp({ env: { ...env, SIMULATOR_MODE: 'forward' } })
    expect((await ask('GET', '/++/upstreams/default')).body).toEqual({
      endpoint: 'http://127.0.0.1:9',
      key: '[redacted]',
    })
    expect((await ask('PUT', '/++/upstreams/default', { key: 'new-key-0123' })).status).toBe(400)
    expect((await post(chatOf('a'), chat)).status).toBe(502)
    const entry = { endpoint: upstream.url, key: '[redacted]' }
    expect((await ask('PUT', '/++/upstreams/default', entry)).status).toBe(200)
    expect((await post(chatOf('a'), chat)).status).toBe(200)
    expect(upstream.received[0]?.headers['api-key']).toBe('old-key-0123')
    const refused = await ask('DELETE', '/++/upstreams/default')
    expect([refused.status, refused.body.error.code]).toEqual([409, 'UpstreamNeeded'])
    await ask('PATCH', '/++/config', { simulator_mode: 'generate' })
    expect((await ask('DELETE', '/++/upstreams/default')).status).toBe(204)
    expect(simulator.config.defaultResource.upstream).toBeUndefined()
    expect((await ask('PATCH', '/++/config', { simulator_mode: 'forward' })).status).toBe(400)
  })

  it('that changes is used by the next request, also by a resource that names it', async () => {
    const [first, second] = [await startUpstream(), await startUpstream()]
    const { ask, post, app } = setUp({
      config: {
        upstreams: { east: { endpoint: first.url, key: 'first-key' } },
        deployments: { a: { upstream: 'east' } },
        resources: { acme: { upstream: 'east', simulator_mode: 'forward', keys: ['acme-key'] } },
      },
    })
    const askBoth = async () => {
      expect((await post(chatOf('a'), chat)).status).toBe(200)
      const headers = { 'api-key': 'acme-key', 'content-type': 'application/json' }
      const body = JSON.stringify(chat)
      const answer = await app.request(`/acme${chatOf('any')}`, { method: 'POST', headers, body })
      expect(answer.status).toBe(200)
    }
    await askBoth()
    expect((await ask('PUT', '/++/upstreams/east', { endpoint: second.url, key: 'second-key' })).status).toBe(
      200,
    )
    await askBoth()
    const keys = (upstream: FakeUpstream) => upstream.received.map(({ headers }) => headers['api-key'])
    expect([keys(first), keys(second)]).toEqual([
      ['first-key', 'first-key'],
      ['second-key', 'second-key'],
    ])
    await ask('POST', '/++/reset')
    await askBoth()
    expect(keys(first)).toHaveLength(4)
  })
})

describe('a deployment with an upstream', () => {
  const config = { upstreams: { east: { endpoint: 'https://e', key: 'k' } }, deployments: {} }

  it.each<readonly [entry: object, problem: string]>([
    [{ upstream: 'esat' }, '"a".upstream must name an upstream (got "esat"). Did you mean east?'],
    [
      { upstream: 'default' },
      '"a".upstream must name an upstream (got "default"). Set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_KEY, or name another upstream.',
    ],
    [
      { upstream: 'east/' },
      '"a".upstream must be the name of an upstream, such as east or east/gpt-4o (got "east/").',
    ],
    [{ upstream: '/x' }, '"a".upstream must be the name of an upstream'],
    [{ upstream: 5 }, '"a".upstream must be the name of an upstream, such as east or east/gpt-4o (got 5).'],
    [{ upstream: 'east', source: 'generate' }, '"a".upstream has no effect, because source is generate.'],
    [{ upstream: 'east', mode: 'generate' }, '"a".upstream has no effect, because source is generate.'],
    [
      { upstream: 'east', mode: 'record', source: 'record' },
      '"a".mode is another name of source. Remove one of them.',
    ],
    [
      { upstream: 'east', form: 'chats' },
      '"a".form must be one of asked, chat, responses, messages (got "chats").',
    ],
    [{ upstream: 'east', drop: 'seed' }, '"a".drop must be a list (got "seed").'],
    [{ upstream: 'east', drop: ['se ed'] }, '"a".drop[0] must be the name of a parameter (got "se ed").'],
    [{ upstream: 'east', normalize: ['role'] }, '"a".normalize[0] must be one of max-tokens, roles'],
    [
      { upstream: 'east', on_miss: 'ask' },
      '"a".onMiss must be one of error, generate, record, forward (got "ask").',
    ],
    [
      { upstream: 'east', source: 'record', on_miss: 'error' },
      '"a".onMiss has no effect, because source is "record".',
    ],
    [{ model: 'gpt-4o', form: 'chat' }, '"a".form has no effect without upstream.'],
    [{}, '"a".model must be the name of a model (got nothing).'],
  ])('is refused: %j', async (entry, problem) => {
    const { ask, simulator } = setUp({ config })
    const before = simulator.config
    const put = await ask('PUT', '/++/deployments/a', entry)
    expect(put.status).toBe(400)
    expect(put.body.error.message).toContain(problem)
    const patched = await ask('PATCH', '/++/config', { openai_deployments: { a: entry } })
    expect(patched.status).toBe(400)
    const ofResource = await ask('PUT', '/++/resources/acme', { deployments: { a: entry } })
    expect(ofResource.status).toBe(400)
    expect(ofResource.body.error.message).toContain(problem)
    expect(simulator.config).toBe(before)
  })

  it('has all that its entry says, and is shown as it was put', async () => {
    const { ask, simulator } = setUp({ config, env: { RECORDING_DIR: recordingFolder({}) } })
    const entry = {
      upstream: 'east/team a/gpt-4o:prod',
      mode: 'replay',
      form: 'responses',
      drop: ['seed', 'logit_bias'],
      normalize: [],
      on_miss: 'forward',
    }
    const { mode, ...others } = entry
    const made = await ask('PUT', '/++/deployments/a', entry)
    expect(made.body).toMatchObject({ ...others, source: mode })
    const { to, source, onMiss, model } = simulator.config.defaultResource.deployments.get('a') ?? {}
    expect({ to, source, onMiss, model: model?.name }).toEqual({
      to: {
        upstream: 'east',
        name: 'team a/gpt-4o:prod',
        form: 'responses',
        drop: new Set(['seed', 'logit_bias']),
        normalize: new Set(),
      },
      source: 'replay',
      onMiss: 'forward',
      model: 'gpt-4o',
    })
    await ask('PATCH', '/++/config', { openai_deployments: { a: { mode: 'forward', on_miss: null } } })
    await ask('PATCH', '/++/config', { openai_deployments: { a: { source: 'record' } } })
    await ask('PATCH', '/++/config', { openai_deployments: { a: { mode: null, form: null } } })
    const patched = simulator.config.defaultResource.deployments.get('a')
    expect([patched?.source, patched?.to?.form]).toEqual([undefined, undefined])
  })

  it('needs no model: an unknown one is asked in the API of the request', async () => {
    const { ask, simulator, log } = setUp({ config, env: { MODELS_STRICT: 'true' } })
    for (const [name, upstream] of [
      ['mistral', 'east/Mistral-large-3'],
      ['chat', 'east'],
      ['gpt-5-mini', 'east'],
      ['x', 'east/my-gpt-4.1'],
    ] as const)
      expect((await ask('PUT', `/++/deployments/${name}`, { upstream })).status).toBe(201)
    const found = [...simulator.config.defaultResource.deployments.values()]
    expect(found.map(({ to, model }) => [to?.form, model.operations.includes('chatCompletions')])).toEqual([
      ['asked', true],
      ['asked', true],
      [undefined, true],
      [undefined, true],
    ])
    expect(log.filter(({ level }) => level !== 'info')).toEqual([])
  })
})

describe('POST /++/upstreams/{upstream}/verify', () => {
  const key = 'key-of-the-upstream-0123456789'
  const verify = async (entry: object) => {
    const { ask } = setUp()
    await ask('PUT', '/++/upstreams/east', { key, ...entry })
    const { status, body } = await ask('POST', '/++/upstreams/east/verify')
    expect(JSON.stringify(body)).not.toContain(key.slice(0, 5))
    expect([status, typeof body.ms]).toEqual([200, 'number'])
    return body
  }

  it.each([
    ['azure', '/openai/v1/models', 'api-key'],
    ['openai', '/v1/models', 'authorization'],
    ['serverless', '/info?api-version=2024-05-01-preview', 'authorization'],
    ['anthropic', '/v1/models', 'x-api-key'],
  ])('sends one request with the credential to the kind %s', async (kind, path, header) => {
    const upstream = await startUpstream()
    expect(await verify({ endpoint: upstream.url, kind, retries: 3 })).toMatchObject({
      ok: true,
      status: 200,
    })
    expect(upstream.received.map(({ method, url }) => [method, url])).toEqual([['GET', path]])
    expect(upstream.received[0]?.headers[header]).toContain(key)
  })

  it.each([
    [401, 'Check upstreams.east.key.'],
    [403, 'Check upstreams.east.key.'],
    [404, 'Check upstreams.east.endpoint'],
    [500, 'Try again later'],
  ])('names the problem of status %d, and sends no second request', async (status, advice) => {
    const upstream = await startUpstream()
    upstream.answer = json({ error: { message: key } }, status)
    const body = await verify({ endpoint: upstream.url, retries: 3 })
    expect(body).toMatchObject({ ok: false, status, problem: expect.stringContaining(advice) })
    expect(upstream.received).toHaveLength(1)
  })

  it('names the problem of an upstream without an answer', async () => {
    const body = await verify({ endpoint: await refusingUrl() })
    expect(body).toMatchObject({
      ok: false,
      problem: expect.stringContaining('Start it, or correct upstreams.east.endpoint'),
    })
    expect(body).not.toHaveProperty('status')
  })

  it('needs no credential for an upstream with that of the client', async () => {
    const upstream = await startUpstream()
    upstream.answer = json({}, 401)
    const { ask } = setUp()
    await ask('PUT', '/++/upstreams/east', { endpoint: upstream.url, credential: 'caller' })
    expect((await ask('POST', '/++/upstreams/east/verify')).body).toMatchObject({ ok: true, status: 401 })
    expect(upstream.received[0]?.headers).not.toHaveProperty('api-key')
  })

  it('is 404 for an unknown upstream', async () => {
    const { ask } = setUp()
    expect((await ask('POST', '/++/upstreams/west/verify')).status).toBe(404)
  })
})
