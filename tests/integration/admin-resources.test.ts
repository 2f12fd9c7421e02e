import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const chat = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 }
const chatPath = (resource: string): string =>
  `/${resource}/openai/deployments/chat/chat/completions?api-version=2024-10-21`

function setUp(settings: Parameters<typeof createTestSimulator>[0] = {}) {
  const simulator = createTestSimulator(settings)
  const { ask } = createAdminApi(simulator.app)
  return { ...simulator, ask }
}

const entry = {
  region: 'Sweden Central',
  deployments: { chat: { model: 'gpt-4o-mini', tokens_per_minute: 9_000 } },
}

describe('a resource', () => {
  it('is created, shown, replaced, patched and deleted', async () => {
    const { ask } = setUp()
    expect((await ask('GET', '/++/resources/acme')).status).toBe(404)
    const made = await ask('PUT', '/++/resources/acme', entry)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      name: 'acme',
      path: '/acme',
      region: 'Sweden Central',
      deployments: 1,
      keys: 0,
    })
    expect(made.body.entry).toEqual({ ...entry, keys: [], faults: [] })
    expect(
      (await ask('PATCH', '/++/resources/acme', { deployments: { chat: { tokens_per_minute: 7 } } })).body
        .entry.deployments.chat.tokens_per_minute,
    ).toBe(7)
    const listed = (await ask('GET', '/++/resources')).body.resources
    expect(Object.keys(listed)).toEqual(['default', 'acme'])
    const replaced = await ask('PUT', '/++/resources/acme', { region: 'X' })
    expect([replaced.status, replaced.body.deployments, replaced.body.region]).toEqual([200, 0, 'X'])
    expect((await ask('DELETE', '/++/resources/acme')).status).toBe(204)
    expect((await ask('DELETE', '/++/resources/acme')).status).toBe(404)
  })

  it('answers with a key that is shown once, until the key is deleted', async () => {
    const { ask, post } = setUp()
    await ask('PUT', '/++/resources/acme', entry)
    const { body: added, status } = await ask('POST', '/++/resources/acme/keys', { label: 'load' })
    expect(status).toBe(201)
    expect(added).toMatchObject({
      id: expect.stringMatching(/^apikey_[\w-]{16}$/),
      key: expect.stringMatching(/^[\da-f]{64}$/),
    })
    const listed = await ask('GET', '/++/resources/acme/keys')
    expect(listed.body.keys).toEqual([
      { id: added.id, label: 'load', enabled: true, created_at: expect.any(String) },
    ])
    expect(listed.text).not.toContain(added.key)
    for (const path of ['/++/resources', '/++/resources/acme'])
      expect((await ask('GET', path)).text).not.toContain(added.key)
    expect((await ask('DELETE', `/++/resources/acme/keys/${added.id}`)).status).toBe(204)
    expect((await post(chatPath('acme'), chat, { 'api-key': added.key })).status).toBe(401)
  })

  it('has none of the settings, deployments and keys of an earlier resource with its name', async () => {
    const { ask, simulator } = setUp()
    await ask('PUT', '/++/resources/acme', entry)
    await ask('POST', '/++/resources/acme/keys', {})
    await ask('PUT', '/++/resources/acme/deployments/more', { model: 'gpt-4o' })
    const before = simulator.config.resources.get('acme')
    await ask('DELETE', '/++/resources/acme')
    await ask('PUT', '/++/resources/acme', { deployments: {} })
    const after = simulator.config.resources.get('acme')
    expect([after?.keys.size, after?.deployments.size, after?.region]).toEqual([0, 0, 'East US 2'])
    expect(after?.id).not.toBe(before?.id)
  })

  it('keeps its identity, its keys and its secrets when it is replaced with what is shown', async () => {
    const { ask, simulator } = setUp()
    const upstream = { azure_openai_endpoint: 'https://real.example', azure_openai_key: 'real-key' }
    await ask('PUT', '/++/resources/acme', {
      ...entry,
      ...upstream,
      keys: [{ key: 'a-long-enough-key', label: 'mine' }],
    })
    const before = simulator.config.resources.get('acme')
    const shown = await ask('GET', '/++/resources/acme')
    expect(shown.text).not.toMatch(/real-key|a-long-enough-key/)
    expect((await ask('PUT', '/++/resources/acme', shown.body.entry)).status).toBe(200)
    const after = simulator.config.resources.get('acme')
    expect(after?.upstream?.credential).toEqual({ kind: 'key', key: 'real-key' })
    expect([after?.id, [...(after?.keys.keys() ?? [])]]).toEqual([
      before?.id,
      [...(before?.keys.keys() ?? [])],
    ])
  })

  it('of the configuration is deleted until a reset', async () => {
    const { ask, simulator } = setUp({ resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } } })
    await ask('DELETE', '/++/resources/acme')
    expect([...simulator.config.resources.keys()]).toEqual(['default'])
    await ask('PUT', '/++/resources/acme', {})
    expect(simulator.config.resources.get('acme')?.deployments.size).toBe(0)
    await ask('POST', '/++/reset')
    expect(simulator.config.resources.get('acme')?.deployments.size).toBe(1)
  })

  it('is created once, when many create it at the same time', async () => {
    const { simulator } = setUp()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => simulator.resources.create('race', {})),
    )
    expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    expect(outcomes.filter(({ kind }) => kind === 'exists')).toHaveLength(19)
  })

  it('gets one signing key, when many ask for it at the same time', async () => {
    const { simulator } = setUp()
    await simulator.resources.create('acme', {})
    const keys = await Promise.all(Array.from({ length: 16 }, () => simulator.resources.signingKey('acme')))
    expect(new Set(keys.map((key) => key?.kid)).size).toBe(1)
    expect(simulator.config.resources.get('acme')?.signingKey?.kid).toBe(keys[0]?.kid)
    expect(await simulator.resources.signingKey('other')).toBeUndefined()
  })

  it('named like a property of objects is one like any other', async () => {
    const { ask, simulator } = setUp()
    expect((await ask('GET', '/++/resources/constructor')).status).toBe(404)
    expect((await ask('PUT', '/++/resources/constructor', entry)).status).toBe(201)
    expect((await ask('PATCH', '/++/resources/constructor', { region: 'Y' })).body.region).toBe('Y')
    expect((await ask('DELETE', '/++/resources/constructor')).status).toBe(204)
    expect([...simulator.config.resources.keys()]).toEqual(['default'])
  })

  it.each([
    ['OpenAI'],
    ['openai'],
    ['v1'],
    ['models'],
    ['anthropic'],
    ['admin'],
    ['metrics'],
    ['healthz'],
    ['images'],
    ['default'],
    ['-a'],
    ['a_b'],
    ['a.b'],
    ['a%20b'],
    ['a%2Fb'],
    ['++'],
    ['_twin'],
    ['a'.repeat(65)],
  ])('cannot have the name %s', async (name) => {
    const { ask, simulator } = setUp()
    const { status, body } = await ask('PUT', `/++/resources/${name}`, {})
    expect(status).toBe(400)
    expect(body.error.message).toContain('The name of a resource must have 1 to 64 characters')
    expect(simulator.config.resources.size).toBe(1)
  })

  it.each<[object, string]>([
    [{ regoin: 'x' }, 'regoin is not a setting of a resource. Did you mean region?'],
    [{ port: 9 }, 'port is a setting of all resources. Set it outside of the resource.'],
    [{ api_key: 'x' }, 'api_key is not a setting of a resource. Use keys.'],
    [{ limit_profile: 'x' }, 'limit_profile must be'],
    [{ keys: 'x' }, 'keys must be a list of keys'],
    [{ keys: [5] }, 'keys[0] must be visible ASCII characters'],
    [{ keys: [{ env: 'HOME' }] }, 'keys[0] cannot name a variable here'],
    [{ keys: ['same', 'same'] }, 'keys must differ'],
    [{ deployments: [] }, 'deployments must map deployment names to deployments'],
    [{ deployments: { chat: { model: 'gpt-4o', tokens: 5 } } }, 'tokens'],
    [{ faults: {} }, 'faults'],
    [{ incidents: { phases: 5 } }, 'phases'],
    [{ upstream: 'east' }, 'upstream must name an upstream (got "east"). No upstreams are configured.'],
    [{ latency: 5 }, 'latency must be a mapping'],
  ])('with the entry %j is refused, and nothing changes', async (wrong, problem) => {
    const { ask, simulator } = setUp()
    const before = simulator.config
    const { status, body } = await ask('PUT', '/++/resources/acme', wrong)
    expect(status).toBe(400)
    expect(body.error.message).toContain(problem)
    expect(simulator.config).toBe(before)
  })

  it('with a group that is null has none of its settings, and a patch with null resets them', async () => {
    const { ask } = setUp()
    expect((await ask('PUT', '/++/resources/acme', { latency: null, content_filter: null })).status).toBe(201)
    const filter = async () => (await ask('GET', '/++/resources/acme')).body.entry.content_filter
    await ask('PATCH', '/++/resources/acme', { content_filter: { prompt: 'a', late: 'b' } })
    expect(await filter()).toEqual({ prompt: 'a', late: 'b' })
    await ask('PATCH', '/++/resources/acme', { content_filter: null })
    expect(await filter()).toBeUndefined()
  })

  it.each([['[]'], ['null'], ['{'], ['5']])('with the body %s is refused', async (body) => {
    const { ask } = setUp()
    for (const [method, path] of [
      ['PUT', '/++/resources/acme'],
      ['PATCH', '/++/resources/default'],
      ['POST', '/++/resources/default/keys'],
    ] as const)
      expect([path, (await ask(method, path, body)).status]).toEqual([path, 400])
  })
})

describe('deployments of a resource', () => {
  it('are created, listed, replaced and deleted apart from those of others', async () => {
    const { ask } = setUp()
    const path = '/++/resources/acme/deployments'
    expect((await ask('GET', path)).status).toBe(404)
    expect((await ask('PUT', `${path}/chat`, { model: 'gpt-4o' })).status).toBe(404)
    await ask('PUT', '/++/resources/acme', {})
    expect((await ask('PUT', `${path}/chat`, { model: 'gpt-4o' })).status).toBe(201)
    expect((await ask('PUT', `${path}/chat`, { model: 'gpt-4o-mini' })).status).toBe(200)
    expect(Object.keys((await ask('GET', path)).body.deployments)).toEqual(['chat'])
    expect((await ask('GET', '/++/deployments')).body.deployments).not.toHaveProperty('chat')
    expect((await ask('GET', `${path}/chat`)).body.model).toBe('gpt-4o-mini')
    expect((await ask('DELETE', `${path}/chat`)).status).toBe(204)
    expect((await ask('DELETE', `${path}/chat`)).status).toBe(404)
    expect((await ask('PUT', `${path}/chat`, { model: 'gpt-4o-mimi' })).status).toBe(201)
  })
})

describe('the default resource', () => {
  it('has keys and settings like others, but is not replaced or deleted', async () => {
    const { ask } = setUp()
    expect((await ask('PATCH', '/++/resources/default', { region: 'Z' })).body.region).toBe('Z')
    expect((await ask('GET', '/++/config')).body.region).toBe('Z')
    expect((await ask('POST', '/++/resources/default/keys', {})).status).toBe(201)
    expect((await ask('DELETE', '/++/resources/default')).body.error.code).toBe('DefaultResource')
    expect((await ask('PUT', '/++/resources/default', {})).status).toBe(400)
  })
})

describe('a body with two values for one thing', () => {
  const hash = 'a'.repeat(64)
  it.each<[string, string, unknown, string]>([
    [
      'PUT',
      '/++/resources/acme',
      { limit_profile: '2026-09', limitProfile: '2026-08' },
      'limitProfile is the same key as limit_profile. Remove one of them.',
    ],
    [
      'PUT',
      '/++/resources/acme',
      { deployments: { chat: { model: 'gpt-4o', tokens_per_minute: 1, tokensPerMinute: 2 } } },
      'deployments.chat.tokensPerMinute is the same key as tokens_per_minute. Remove one of them.',
    ],
    [
      'PUT',
      '/++/resources/acme',
      { 'latency.time_scale': 2 },
      '"latency.time_scale" must be nested: write each part in its own mapping.',
    ],
    [
      'PUT',
      '/++/resources/acme',
      { keys: [{ key: 'a-key', hash }] },
      'keys[0] must have only one of env, key, hash (got key, hash).',
    ],
    [
      'PUT',
      '/++/resources/acme',
      { keys: [{ key: 'a-key', created_at: '2026-01-01T00:00:00Z' }] },
      'keys[0].created_at is set by the simulator. Remove it.',
    ],
    [
      'PUT',
      '/++/deployments/x',
      { model: 'gpt-4o', tokens_per_minute: 1, tokensPerMinute: 2 },
      'tokensPerMinute is the same key as tokens_per_minute. Remove one of them.',
    ],
    [
      'PATCH',
      '/++/config',
      { openai_deployments: { 'gpt-4o': { tokensPerMinute: 1, tokens_per_minute: 2 } } },
      'openai_deployments.gpt-4o.tokens_per_minute is the same key as tokensPerMinute. Remove one of them.',
    ],
  ])('is refused: %s %s %j', async (method, path, body, problem) => {
    const { ask } = setUp()
    const { status, body: answer } = await ask(method, path, body)
    expect([status, answer.error.problems]).toEqual([400, [problem]])
    expect((await ask('GET', '/++/resources/acme')).status).toBe(404)
  })

  it('can have names of deployments that differ only in their spelling', async () => {
    const { ask } = setUp()
    const deployments = { myChat: { model: 'gpt-4o' }, my_chat: { model: 'gpt-4o' } }
    const { status, body } = await ask('PUT', '/++/resources/acme', { deployments })
    expect([status, body.deployments]).toEqual([201, 2])
    expect((await ask('PATCH', '/++/resources/acme', { deployments })).status).toBe(200)
  })

  it('is refused if a key of its JSON is repeated', async () => {
    const { ask } = setUp()
    const { status, body } = await ask('PUT', '/++/resources/acme', '{"region": "X", "region": "Y"}')
    expect([status, body.error.code]).toEqual([400, 'InvalidJson'])
    expect(body.error.message).toContain('line 1, column 17 repeats the key "region"')
  })

  it('is refused if it is not UTF-8', async () => {
    const { app } = setUp()
    const response = await app.request('/++/resources/acme', {
      method: 'PUT',
      headers: { 'api-key': testKey },
      body: Buffer.from('{"region": "Z\u00fcrich"}', 'latin1'),
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: {
          code: 'InvalidEncoding',
          message: 'Could not read the body: it is not UTF-8. Send it as UTF-8.',
        },
      },
    ])
  })

  it('is refused if a query parameter is repeated', async () => {
    const { ask } = setUp()
    const { status, body } = await ask('GET', '/++/incidents?resource=default&resource=acme')
    expect([status, body.error.problems]).toEqual([
      400,
      ['resource must be present once (got 2 values). Remove the others.'],
    ])
  })
})

describe('a refused change of a resource', () => {
  it.each<[string, string, unknown, string]>([
    ['PATCH', '', { keys: [] }, 'resources.acme: keys cannot be patched. Use /++/resources/{resource}/keys.'],
    ['PATCH', '', { upstream: 'x' }, 'resources.acme: upstream cannot be patched. PUT the resource.'],
    [
      'PATCH',
      '',
      { incidents: null },
      'resources.acme: incidents cannot be patched. PUT the resource, or POST /++/incidents/start.',
    ],
    [
      'PUT',
      '',
      { incidents: [] },
      'resources.acme: incidents must be a mapping with the keys phases, repeat, startAfter (got []). See docs/faults.md.',
    ],
    ['POST', '/keys', { enabled: true }, 'Unrecognized key: "enabled".'],
    [
      'PUT',
      '',
      { azure_openai_key: '[redacted]' },
      'azure_openai_key is [redacted], and the resource has no value to keep. Send the value.',
    ],
    [
      'PUT',
      '',
      { faults: [{ probability: 1, fault: 'cut', deployment: 'x' }] },
      'resources.acme: faults: faults[0].deployment must be the name of a deployment (got "x"). There are no deployments.',
    ],
  ])('says what to do: %s%s %j', async (method, path, body, problem) => {
    const { ask } = setUp()
    await ask('PUT', '/++/resources/acme', entry)
    const { status, body: answer } = await ask(method, `/++/resources/acme${path}`, body)
    expect([status, answer.error.problems]).toEqual([400, [problem]])
  })
})

describe('a key in the wrong place', () => {
  it.each<[unknown, string]>([
    [{ keys: 'a-secret-text' }, 'keys must be a list of keys (got [redacted]). Send ["a-key"], for example.'],
    [
      { keys: { 'a-secret-text': true } },
      'keys must be a list of keys (got a mapping). Send ["a-key"], for example.',
    ],
  ])('is not shown in the problem: %j', async (entry, problem) => {
    const { ask } = setUp()
    const { status, body, text } = await ask('PUT', '/++/resources/acme', entry)
    expect([status, body.error.problems]).toEqual([400, [problem]])
    expect(text).not.toContain('a-secret-text')
  })
})
