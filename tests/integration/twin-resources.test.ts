import { describe, expect, it } from 'vitest'
import { createTwin } from '../support/twin-simulator.ts'

describe('a resource of a tenant', () => {
  it('is created, listed and deleted', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    const given = { resource_id: 'acme', friendly_name: 'Acme' }
    const host = { host: 'twin.test:9', 'x-forwarded-proto': 'https' }
    const made = await ask('POST', '/_twin/resources', own, given)
    expect([made.status, made.body]).toEqual([
      201,
      { ...given, tenant_id: own.tenant_id, base_url: expect.stringMatching(/^http:\/\/[^/]+\/acme$/) },
    ])
    const listed = await ask('GET', '/_twin/resources', { ...host, 'x-twin-admin-token': 'adm' })
    expect(listed.body.resources).toEqual([{ ...made.body, base_url: 'https://twin.test:9/acme' }])
    expect((await ask('GET', '/_twin/resources', own)).body.resources).toEqual([made.body])
    const deleted = await ask('DELETE', '/_twin/resources/acme', own)
    expect([deleted.status, deleted.body]).toEqual([200, { deleted: true, resource_id: 'acme' }])
    const again = await ask('DELETE', '/_twin/resources/acme', own)
    expect([again.status, again.body]).toEqual([404, { error: 'Resource not found' }])
  })

  it('has the public address of the simulator', async () => {
    const { ask, tenant } = createTwin({ env: { PUBLIC_URL: 'https://sim.test' } })
    const { body } = await ask('POST', '/_twin/resources', await tenant(), { resource_id: 'acme' })
    expect(body.base_url).toBe('https://sim.test/acme')
    expect((await ask('GET', '/_twin/settings', { host: 'other' })).body.base_url).toBe('https://sim.test')
    expect((await ask('GET', '/_twin/agent-instructions')).text).toContain('https://sim.test/acme')
  })

  it('gets a name unless one is given', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    for (const body of [{}, { resource_id: null }, undefined]) {
      const { status, body: made } = await ask('POST', '/_twin/resources', own, body)
      expect([status, made]).toEqual([
        201,
        {
          resource_id: expect.stringMatching(/^r-[a-z0-9]{11}$/),
          tenant_id: own.tenant_id,
          friendly_name: '',
          base_url: expect.stringMatching(/\/r-[a-z0-9]{11}$/),
        },
      ])
    }
  })

  it('is created once, when 20 create it at the same time, and refused afterwards', async () => {
    const { ask, tenant } = createTwin()
    const tenants = [await tenant(), await tenant()]
    const create = (index: number) =>
      ask('POST', '/_twin/resources', tenants[index % 2], { resource_id: 'race' })
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => (await create(index)).status),
    )
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(19)
    expect((await create(0)).body).toEqual({ error: expect.stringContaining("'race' already exists") })
  })

  it.each([
    ['_twin'],
    ['a/b'],
    ['openai'],
    ['v1'],
    ['anthropic'],
    ['models'],
    ['admin'],
    ['++'],
    ['metrics'],
    ['healthz'],
    ['images'],
    ['default'],
    ['..'],
    ['-a'],
    ['ACME'],
    ['a.b'],
    ['\u00e4'],
    ['a\n'],
    ['a'.repeat(65)],
    [''],
    ['A B'],
    [5],
    [true],
    [[]],
    [{}],
  ])('cannot have the name %j', async (resource_id) => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    const { status, body } = await ask('POST', '/_twin/resources', own, { resource_id })
    expect([status, body]).toEqual([400, { error: expect.stringContaining('resource_id') }])
    expect((await ask('GET', '/_twin/resources', own)).body.resources).toEqual([])
  })

  it('has no deployments of others, and is always generated', async () => {
    const { app, ask, simulator, tenant } = createTwin({
      env: {
        ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'true',
        SIMULATOR_MODE: 'forward',
        AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:1',
        AZURE_OPENAI_KEY: 'real',
      },
    })
    await ask('POST', '/_twin/resources', await tenant(), { resource_id: 'acme' })
    const view = simulator.config.resources.get('acme')
    expect([view?.mode, view?.sources, view?.deployments.size, view?.entra.tokens]).toEqual([
      'generate',
      ['generate'],
      0,
      'own',
    ])
    const path = '/acme/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
    const answer = await app.request(path, {
      method: 'POST',
      headers: { 'api-key': view?.apiKey ?? '' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'x' }] }),
    })
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('DeploymentNotFound')])
  })

  it('of another tenant is answered like one that does not exist', async () => {
    const { ask, resource, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    const { keyId } = await resource('acme', own)
    const bodies = [undefined, {}, { model: 'gpt-4o' }, { model: 'wrong' }, { friendly_name: 5 }, '[]', '{']
    const posted = (name: string) =>
      bodies.flatMap((body) => [
        ['POST', `/_twin/resources/${name}/api_keys`, body] as const,
        ['POST', `/_twin/resources/${name}/deployments`, body] as const,
      ])
    const requestsOf = (name: string) => [
      ['DELETE', `/_twin/resources/${name}`, undefined] as const,
      ['GET', `/_twin/resources/${name}/api_keys`, undefined] as const,
      ['DELETE', `/_twin/resources/${name}/api_keys/${keyId}`, undefined] as const,
      ['GET', `/_twin/resources/${name}/deployments`, undefined] as const,
      ['DELETE', `/_twin/resources/${name}/deployments/chat`, undefined] as const,
      ...posted(name),
    ]
    const answersOf = (name: string) =>
      Promise.all(
        requestsOf(name).map(async ([method, path, body]) => {
          const { status, text, headers } = await ask(method, path, other, body)
          return { status, text, headers: [...headers].filter(([header]) => header !== 'x-request-id') }
        }),
      )
    const foreign = await answersOf('acme')
    const unknown = await answersOf('nowhere')
    expect(foreign).toEqual(unknown)
    expect(new Set(foreign.map(({ status }) => status))).toEqual(new Set([404, 400]))
    expect((await ask('GET', '/_twin/resources', other)).body.resources).toEqual([])
    expect((await ask('GET', '/_twin/logs?limit=1000', other)).text).not.toContain(own.tenant_id)
    expect((await ask('GET', '/_twin/resources/acme/api_keys', own)).body.api_keys).toHaveLength(1)
  })

  it('is never the default resource', async () => {
    const { ask } = createTwin()
    for (const [method, path] of [
      ['DELETE', '/_twin/resources/default'],
      ['GET', '/_twin/resources/default/api_keys'],
      ['POST', '/_twin/resources/default/api_keys'],
      ['POST', '/_twin/resources/default/deployments'],
    ] as const)
      expect((await ask(method, path, 'admin', method === 'POST' ? {} : undefined)).status).toBe(404)
  })

  it('has nothing of an earlier one with its name', async () => {
    const { ask, resource, simulator, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    await resource('acme', own)
    const before = simulator.config.resources.get('acme')
    await ask('DELETE', '/_twin/resources/acme', own)
    expect((await ask('POST', '/_twin/resources', other, { resource_id: 'acme' })).status).toBe(201)
    const path = '/_twin/resources/acme'
    expect((await ask('GET', `${path}/api_keys`, other)).body.api_keys).toEqual([])
    expect((await ask('GET', `${path}/deployments`, other)).body.deployments).toEqual([])
    expect((await ask('GET', '/_twin/resources', other)).body.resources[0].friendly_name).toBe('')
    const after = simulator.config.resources.get('acme')
    expect([after?.id === before?.id, after?.apiKey === before?.apiKey]).toEqual([false, false])
  })
})

describe('a key of a tenant', () => {
  it('is shown once', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    const path = '/_twin/resources/acme/api_keys'
    const { status, body } = await ask('POST', path, own, { friendly_name: 'CI' })
    expect([status, body]).toEqual([
      201,
      {
        key_id: expect.stringMatching(/^apikey_[\w-]{16}$/),
        api_key: expect.stringMatching(/^[\da-f]{64}$/),
        resource_id: 'acme',
        friendly_name: 'CI',
      },
    ])
    const listed = await ask('GET', path, own)
    expect(listed.body.api_keys).toEqual([
      { key_id: body.key_id, resource_id: 'acme', friendly_name: 'CI', date_created: expect.any(String) },
    ])
    expect(listed.text).not.toMatch(/[\da-f]{64}/)
    const deleted = await ask('DELETE', `${path}/${body.key_id}`, own)
    expect([deleted.status, deleted.body]).toEqual([200, { deleted: true, key_id: body.key_id }])
    const again = await ask('DELETE', `${path}/${body.key_id}`, own)
    expect([again.status, again.body]).toEqual([404, { error: 'API key not found' }])
  })

  it('needs no body', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    expect((await ask('POST', '/_twin/resources/acme/api_keys', own)).status).toBe(201)
  })
})

describe('requests with a key of a tenant', () => {
  const path = '/acme/openai/deployments/chat/chat/completions?api-version=2024-10-21'
  const body = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

  it('are answered by the deployment, until the key is deleted', async () => {
    const { ask, post, resource, tenant } = createTwin()
    const own = await tenant()
    const { key, keyId } = await resource('acme', own)
    const answer = await post(path, body, { 'api-key': key })
    const { model, usage } = JSON.parse(await answer.text())
    expect([answer.status, model]).toEqual([200, 'gpt-4o-mini-2024-07-18'])
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens)
    expect(answer.headers.get('x-ms-deployment-name')).toBe('chat')
    expect((await post(path, body, { 'api-key': '', authorization: `Bearer ${key}` })).status).toBe(200)
    await ask('DELETE', `/_twin/resources/acme/api_keys/${keyId}`, own)
    expect((await post(path, body, { 'api-key': key })).status).toBe(401)
  })

  it('are refused with the same answer for each wrong key, and at a resource that does not exist', async () => {
    const { app, ask, resource, tenant } = createTwin()
    const own = await tenant()
    await resource('acme', own)
    const { key: otherKey } = await resource('beta', own)
    const deleted = await resource('gone', own)
    await ask('DELETE', '/_twin/resources/gone', own)
    const send = async (headers: Record<string, string>, at = path) => {
      const answer = await app.request(at, { method: 'POST', headers, body: JSON.stringify(body) })
      return [answer.status, await answer.text()]
    }
    const answers = [
      await send({}),
      await send({ 'api-key': 'wrong' }),
      await send({ 'api-key': otherKey }),
      await send({ 'api-key': deleted.key }),
      await send({ 'api-key': 'test-key' }),
      await send({ 'api-key': deleted.key }, path.replace('acme', 'gone')),
      await send({ 'api-key': otherKey }, path.replace('acme', 'nowhere')),
    ]
    expect(answers[0]?.[0]).toBe(401)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })

  it('never open /_twin, the admin API or another resource', async () => {
    const { app, ask, resource, tenant } = createTwin()
    const { key } = await resource('acme', await tenant())
    expect((await ask('GET', '/_twin/logs', { 'api-key': key })).status).toBe(401)
    expect((await ask('GET', '/_twin/logs', { authorization: `Bearer ${key}` })).status).toBe(401)
    expect((await app.request('/++/resources', { headers: { 'api-key': key } })).status).toBe(401)
    expect((await app.request('/openai/v1/models', { headers: { 'api-key': key } })).status).toBe(401)
  })
})

describe('a deployment of a tenant', () => {
  const path = '/_twin/resources/acme/deployments'

  it('is created, listed and deleted', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    const given = { model: 'gpt-4o-mini', deployment_id: 'chat', friendly_name: 'Chat' }
    const made = await ask('POST', path, own, given)
    expect([made.status, made.body]).toEqual([201, { ...given, resource_id: 'acme' }])
    const again = await ask('POST', path, own, { model: 'gpt-4o', deployment_id: 'chat' })
    expect([again.status, again.body]).toEqual([
      409,
      { error: expect.stringContaining("'chat' already exists") },
    ])
    expect((await ask('GET', path, own)).body.deployments).toEqual([made.body])
    const unnamed = await ask('POST', path, own, { model: 'gpt-4o' })
    expect(unnamed.body).toEqual({
      resource_id: 'acme',
      deployment_id: expect.stringMatching(/^dep-[a-z0-9]{11}$/),
      model: 'gpt-4o',
      friendly_name: '',
    })
    const deleted = await ask('DELETE', `${path}/chat`, own)
    expect([deleted.status, deleted.body]).toEqual([200, { deleted: true, deployment_id: 'chat' }])
    expect((await ask('DELETE', `${path}/chat`, own)).body).toEqual({ error: 'Deployment not found' })
    await ask('POST', path, own, { model: 'gpt-4o', deployment_id: 'chat' })
    const listed = (await ask('GET', path, own)).body.deployments
    expect(listed.find((one: { deployment_id: string }) => one.deployment_id === 'chat').friendly_name).toBe(
      '',
    )
  })

  it.each([['GPT-4o-Mini'], ['gpt-4o-2024-08-06'], ['gpt-35-turbo'], ['text-embedding-3-small']])(
    'keeps the spelling of its model, such as %s',
    async (model) => {
      const { ask, tenant } = createTwin()
      const own = await tenant()
      await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
      const made = await ask('POST', path, own, { model })
      expect([made.status, made.body.model]).toEqual([201, model])
      expect((await ask('GET', path, own)).body.deployments).toEqual([made.body])
    },
  )

  it.each<[unknown, string | RegExp]>([
    [{}, /^'model' is required$/],
    [undefined, /^'model' is required$/],
    [{ model: '' }, /^'model' is required$/],
    [{ model: null }, /^'model' is required$/],
    [{ model: 'gpt-4o-mimi' }, /gpt-4o-mini/],
    [{ model: 5 }, "'model' must be the name of a model"],
    [{ model: ['gpt-4o'] }, "'model' must be the name of a model"],
    [{ model: 'constructor' }, "'model' must be the name of a model"],
    [{ model: 'gpt-4o', deployment_id: '' }, 'deployment_id'],
    [{ model: 'gpt-4o', deployment_id: 5 }, 'deployment_id'],
    [{ model: 'gpt-4o', deployment_id: 'a'.repeat(257) }, 'deployment_id'],
    [{ model: 'gpt-4o', deployment_id: 'a\nb' }, 'deployment_id'],
    [{ model: 'gpt-4o', friendly_name: 5 }, 'friendly_name'],
    [{ model: 'gpt-4o', friendly_name: 'x'.repeat(101) }, 'friendly_name'],
    [{ model: 'gpt-4o', deploymnt_id: 'x' }, 'Did you mean deployment_id?'],
    [{ model: 'gpt-4o', source: 'forward' }, '"source" is not a member of this body'],
  ])('with the body %j is refused', async (body, error) => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    const answer = await ask('POST', path, own, body)
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatch(error)
    expect((await ask('GET', path, own)).body.deployments).toEqual([])
  })

  it.each([['constructor'], ['__proto__'], ['a b/c?d']])('can have the name %s', async (deployment_id) => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    const given = { model: 'gpt-4o', deployment_id, friendly_name: 'x' }
    expect((await ask('POST', path, own, given)).status).toBe(201)
    expect((await ask('GET', path, own)).body.deployments).toEqual([{ resource_id: 'acme', ...given }])
    expect((await ask('POST', path, own, given)).status).toBe(409)
    expect((await ask('DELETE', `${path}/${encodeURIComponent(deployment_id)}`, own)).status).toBe(200)
    expect((await ask('GET', path, own)).body.deployments).toEqual([])
  })

  it('is created once, when 20 create it at the same time', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })
    const statuses = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await ask('POST', path, own, { model: 'gpt-4o', deployment_id: 'x' })).status,
      ),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array(19).fill(409)])
  })
})

describe('feedback', () => {
  it('is sent, listed by tenant and status, updated by the administrator and deleted', async () => {
    const { ask, clock, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    const given = { body: '  more models ', category: 'wish', context: { model: 'x' } }
    const { status, body } = await ask('POST', '/_twin/feedback', own, given)
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^fb_/),
        tenant_id: own.tenant_id,
        ...given,
        body: 'more models',
        status: 'pending',
        date_created: expect.any(String),
        date_updated: body.date_created,
      },
    ])
    const second = await ask('POST', '/_twin/feedback', own, { body: 'x' })
    expect([second.body.category, second.body.context]).toEqual(['', {}])
    const list = async (as: Parameters<typeof ask>[2], query = '') =>
      (await ask('GET', `/_twin/feedback${query}`, as)).body.feedback
    expect(await list(own)).toEqual([second.body, body])
    expect(await list(other)).toEqual([])
    expect(await list('admin')).toHaveLength(2)
    await clock.advance(1_000)
    const path = `/_twin/feedback/${body.id}`
    expect((await ask('PATCH', path, own, { status: 'resolved' })).status).toBe(403)
    const updated = await ask('PATCH', path, 'admin', { status: 'resolved' })
    expect(updated.body).toEqual({
      ...body,
      status: 'resolved',
      date_updated: expect.not.stringMatching(body.date_created),
    })
    expect(await list(own, '?status=resolved')).toEqual([updated.body])
    expect(await list(own, '?status=pending')).toEqual([second.body])
    expect((await ask('GET', '/_twin/feedback?status=x', own)).status).toBe(400)
    expect((await ask('PATCH', path, 'admin', { status: 'x' })).status).toBe(400)
    expect((await ask('PATCH', '/_twin/feedback/x', 'admin', { status: 'resolved' })).status).toBe(404)
    expect((await ask('DELETE', path, other)).status).toBe(404)
    expect((await ask('DELETE', path, own)).body).toEqual({ deleted: true, id: body.id })
    expect(await list('admin')).toEqual([second.body])
  })

  it.each([
    [{}],
    [{ body: '  ' }],
    [{ body: 5 }],
    [{ body: 'x'.repeat(4_001) }],
    [{ body: 'x', context: 'y'.repeat(4_000) }],
    [{ body: 'x', category: {} }],
  ])('with the body %j is refused', async (given) => {
    const { ask, tenant } = createTwin()
    expect((await ask('POST', '/_twin/feedback', await tenant(), given)).status).toBe(400)
  })

  it('of a tenant is refused when there are 100', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    for (let count = 0; count < 100; count++)
      expect((await ask('POST', '/_twin/feedback', own, { body: 'x' })).status).toBe(201)
    const { status, body } = await ask('POST', '/_twin/feedback', own, { body: 'x' })
    expect([status, body.error]).toEqual([409, expect.stringContaining('DELETE /_twin/feedback/')])
    expect((await ask('POST', '/_twin/feedback', await tenant(), { body: 'x' })).status).toBe(201)
  })
})

describe('the number', () => {
  it('of resources of a tenant is limited to 1,000, and others still create some', async () => {
    const { ask, resource, simulator, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    await resource('acme', own)
    await simulator.live.update((patches) => {
      const { acme = null } = patches.made ?? {}
      const copies = Array.from({ length: 999 }, (_, index) => [
        `a${index}`,
        acme && { ...acme, id: `a${index}` },
      ])
      return { patches: { ...patches, made: { ...patches.made, ...Object.fromEntries(copies) } }, result: 0 }
    })
    const { status, body } = await ask('POST', '/_twin/resources', own, {})
    expect([status, body.error]).toEqual([409, 'A tenant can have at most 1000 resources. Delete one first.'])
    expect((await ask('POST', '/_twin/resources', other, {})).status).toBe(201)
    await ask('DELETE', '/_twin/resources/a7', own)
    expect((await ask('POST', '/_twin/resources', own, {})).status).toBe(201)
  })

  it('of deployments of a resource is limited to 1,000', async () => {
    const { ask, resource, simulator, tenant } = createTwin()
    const own = await tenant()
    await resource('acme', own)
    const deployments = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`d${index}`, { model: 'gpt-4o' }]),
    )
    expect(await simulator.resources.put('acme', { deployments })).toMatchObject({ kind: 'done' })
    const path = '/_twin/resources/acme/deployments'
    const { status, body } = await ask('POST', path, own, { model: 'gpt-4o' })
    expect([status, body.error]).toEqual([
      409,
      'A resource can have at most 1000 deployments. Delete one first.',
    ])
    expect((await ask('POST', path, own, { model: 'gpt-4o', deployment_id: 'd1' })).status).toBe(409)
    await ask('DELETE', `${path}/d1`, own)
    expect((await ask('POST', path, own, { model: 'gpt-4o' })).status).toBe(201)
  })

  it('of keys of a resource is limited to 100', async () => {
    const { ask, resource, tenant } = createTwin()
    const own = await tenant()
    const { keyId } = await resource('acme', own)
    const path = '/_twin/resources/acme/api_keys'
    const statuses = await Promise.all(
      Array.from({ length: 105 }, async () => (await ask('POST', path, own, {})).status),
    )
    expect(statuses.filter((status) => status === 201)).toHaveLength(99)
    const { status, body } = await ask('POST', path, own, {})
    expect([status, body.error]).toEqual([409, 'A resource can have at most 100 keys. Delete one first.'])
    await ask('DELETE', `${path}/${keyId}`, own)
    expect((await ask('POST', path, own, {})).status).toBe(201)
  })
})

describe('a reset', () => {
  it('of a tenant deletes its resources, feedback and records only', async () => {
    const { ask, resource, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    await resource('acme', own)
    await resource('beta', other)
    await ask('POST', '/_twin/feedback', own, { body: 'x' })
    const { status, body } = await ask('POST', '/_twin/reset', own)
    expect([status, body]).toEqual([200, { reset: true, deleted: { tenants: 0, resources: 1, feedback: 1 } }])
    expect((await ask('GET', '/_twin/resources', 'admin')).body.resources).toHaveLength(1)
    expect(
      (await ask('GET', '/_twin/logs', own)).body.logs.map((one: { operation: string }) => one.operation),
    ).toEqual(['twin.state.reset'])
    expect((await ask('GET', '/_twin/logs', other)).body.logs.length).toBeGreaterThan(3)
  })

  it('by the administrator deletes all tenants, but no resources without a tenant', async () => {
    const { ask, resource, tenant } = createTwin({ resources: { fixed: {} } })
    const own = await tenant()
    await resource('acme', own)
    await ask('POST', '/_twin/resources', 'admin', { resource_id: 'beta' })
    const { body } = await ask('POST', '/_twin/reset', 'admin')
    expect(body.deleted).toEqual({ tenants: 1, resources: 1, feedback: 0 })
    const { resources } = (await ask('GET', '/_twin/resources', 'admin')).body
    expect(resources.map((one: { resource_id: string }) => one.resource_id)).toEqual(['fixed', 'beta'])
    expect((await ask('GET', '/_twin/resources', own)).status).toBe(401)
  })
})
