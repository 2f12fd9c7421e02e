import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../support/test-simulator.ts'
import { basic } from '../support/twin-api.ts'
import { createTwin } from '../support/twin-simulator.ts'

const uuid4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

describe('a tenant', () => {
  it('is created with a secret that no other answer, log line or metric has', async () => {
    const { ask, log, simulator, tenant } = createTwin()
    const { status, body } = await ask('POST', '/_twin/tenants', 'anonymous', { friendly_name: 'Dev' })
    expect(status).toBe(201)
    expect(body).toEqual({
      tenant_id: expect.stringMatching(uuid4),
      tenant_secret: expect.stringMatching(/^[\w-]{32,}$/),
      friendly_name: 'Dev',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    const secret: string = body.tenant_secret
    const other = await tenant()
    for (const path of ['/_twin/tenants', '/_twin/logs', '/_twin/resources', '/_twin/settings'])
      for (const as of ['admin', body, other]) expect((await ask('GET', path, as)).text).not.toContain(secret)
    expect(JSON.stringify(log)).not.toContain(secret)
    expect(await simulator.metrics.render()).not.toContain(secret)
    expect(JSON.stringify(simulator.live.patches)).not.toContain(secret)
  })

  it('needs no body and no name', async () => {
    const { ask } = createTwin()
    const { status, body } = await ask('POST', '/_twin/tenants')
    expect([status, body.friendly_name]).toEqual([201, ''])
  })

  it('is created for each of many clients at the same time, while others send requests', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    const created = Promise.all(Array.from({ length: 24 }, () => ask('POST', '/_twin/tenants')))
    const order = created.then(() => 'created')
    expect(await Promise.race([order, ask('GET', '/_twin/logs', own)])).toMatchObject({ status: 200 })
    const answers = await created
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body.tenant_id)).size).toBe(24)
    expect((await ask('GET', '/_twin/tenants', 'admin')).body.tenants).toHaveLength(25)
  })

  it('is refused when there are 10,000', async () => {
    const { ask, simulator } = createTwin()
    const secret = { salt: 'AAAA', hash: 'AAAA' }
    const tenants = Object.fromEntries(
      Array.from({ length: 9_999 }, (_, index) => [
        `tenant-${index}`,
        { friendlyName: '', secret, createdAt: '' },
      ]),
    )
    await simulator.live.update((patches) => ({ patches: { ...patches, tenants }, result: undefined }))
    expect((await ask('POST', '/_twin/tenants')).status).toBe(201)
    const { status, body } = await ask('POST', '/_twin/tenants')
    expect([status, body.error]).toEqual([409, expect.stringContaining('DELETE /_twin/tenants/')])
    await ask('DELETE', '/_twin/tenants/tenant-7', 'admin')
    expect((await ask('POST', '/_twin/tenants')).status).toBe(201)
  })

  it('is deleted with its resources, feedback and records, by itself or by the administrator', async () => {
    const { ask, resource, simulator, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    await resource('acme', own)
    await ask('POST', '/_twin/feedback', own, { body: 'x' })
    expect((await ask('DELETE', `/_twin/tenants/${own.tenant_id}`, other)).status).toBe(404)
    const { status, body } = await ask('DELETE', `/_twin/tenants/${own.tenant_id}`, own)
    expect([status, body]).toEqual([200, { deleted: true, tenant_id: own.tenant_id }])
    expect((await ask('GET', '/_twin/logs', own)).status).toBe(401)
    expect([...simulator.config.resources.keys()]).toEqual(['default'])
    expect((await ask('GET', '/_twin/feedback', 'admin')).body.feedback).toEqual([])
    expect((await ask('DELETE', `/_twin/tenants/${other.tenant_id}`, 'admin')).status).toBe(200)
    expect((await ask('GET', '/_twin/tenants', 'admin')).body.tenants).toEqual([])
  })
})

describe('a reset of the simulator', () => {
  it('deletes all tenants, their resources and records', async () => {
    const { app, ask, resource, simulator, tenant } = createTwin()
    const own = await tenant()
    await resource('acme', own)
    const headers = { 'api-key': 'test-key' }
    expect((await app.request('/++/reset', { method: 'POST', headers })).status).toBe(200)
    expect((await ask('GET', '/_twin/logs', own)).status).toBe(401)
    expect((await ask('GET', '/_twin/logs', 'admin')).body.logs).toEqual([])
    expect([...simulator.config.resources.keys()]).toEqual(['default'])
  })
})

describe('credentials of a tenant', () => {
  it.each<[string, Record<string, string>]>([
    ['none', {}],
    ['a wrong secret', basic({ tenant_id: 'x', tenant_secret: 'y' })],
    ['Basic without base64', { authorization: 'Basic %%%' }],
    ['Basic without a colon', { authorization: 'Basic YWJj' }],
    ['another scheme', { authorization: 'Digest abc' }],
    ['an api-key', { 'api-key': 'test-key' }],
    ['the key of the simulator as bearer', { authorization: 'Bearer test-key' }],
    ['a name of object members', basic({ tenant_id: 'constructor', tenant_secret: 'y' })],
  ])('that are %s are refused on every path that needs some', async (_, headers) => {
    const { ask } = createTwin()
    for (const [method, path] of protectedPaths) {
      const { status, headers: answered, body } = await ask(method, path, headers)
      expect([path, status, body]).toEqual([path, 401, { error: expect.any(String) }])
      expect(answered.get('www-authenticate')).toMatch(/^Basic/)
    }
  })

  it('of one tenant with the secret of another are refused', async () => {
    const { ask, tenant } = createTwin()
    const [one, two] = [await tenant(), await tenant()]
    const mixed = { tenant_id: one.tenant_id, tenant_secret: two.tenant_secret }
    expect((await ask('GET', '/_twin/logs', mixed)).status).toBe(401)
    expect((await ask('GET', '/_twin/logs', mixed)).status).toBe(401)
    expect((await ask('GET', '/_twin/logs', one)).status).toBe(200)
  })

  it('are checked without delay while many wrong secrets are sent', async () => {
    const { ask, simulator, tenant } = createTwin()
    const [one, victim] = [await tenant(), await tenant()]
    const wrong = Array.from({ length: 200 }, (_, index) =>
      ask('GET', '/_twin/logs', { ...victim, tenant_secret: String(index).padStart(43, 'A') }),
    )
    const order: string[] = []
    void Promise.all(wrong).then(() => order.push('wrong'))
    expect((await ask('GET', '/_twin/logs', one)).status).toBe(200)
    expect((await ask('GET', '/_twin/logs', victim)).status).toBe(200)
    order.push('right')
    const statuses = new Set((await Promise.all(wrong)).map(({ status }) => status))
    expect(order[0]).toBe('right')
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([401, 429])
    expect(simulator.audit?.read({ tenant: undefined, limit: 1_000, offset: 0 })).toHaveLength(2)
  })

  it('are checked by their hash after a restart', async () => {
    const first = createTwin()
    const credentials = await first.tenant()
    const second = createTwin()
    await second.simulator.live.follow(structuredClone(first.simulator.live.patches))
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => second.ask('GET', '/_twin/logs', credentials)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const wrong = { ...credentials, tenant_secret: `${credentials.tenant_secret.slice(0, -1)}-` }
    expect((await second.ask('GET', '/_twin/logs', wrong)).status).toBe(401)
  })
})

describe('the administrator', () => {
  it.each([
    ['a bearer token', { authorization: 'Bearer adm' }],
    ['a header', { 'x-twin-admin-token': 'adm' }],
  ])('is recognised by %s, and lists and deletes everything', async (_, admin) => {
    const { ask, resource, tenant } = createTwin()
    const [one, two] = [await tenant(), await tenant()]
    const { keyId } = await resource('acme', one)
    await resource('beta', two)
    const listed = (await ask('GET', '/_twin/resources', admin)).body.resources
    expect(listed.map((one: { resource_id: string }) => one.resource_id)).toEqual(['acme', 'beta'])
    expect((await ask('GET', '/_twin/tenants', admin)).body.tenants).toHaveLength(2)
    const path = '/_twin/resources/acme'
    expect((await ask('GET', `${path}/api_keys`, admin)).body.api_keys).toHaveLength(1)
    expect((await ask('POST', `${path}/api_keys`, admin, {})).status).toBe(201)
    expect((await ask('DELETE', `${path}/api_keys/${keyId}`, admin)).status).toBe(200)
    expect((await ask('DELETE', `${path}/deployments/chat`, admin)).status).toBe(200)
    expect((await ask('DELETE', path, admin)).status).toBe(200)
    expect((await ask('DELETE', '/_twin/resources/beta', admin)).status).toBe(200)
  })

  it.each([
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer adm2' },
    { 'x-twin-admin-token': 'wrong' },
    { 'x-twin-admin-token': '' },
  ])('is not who sends %j', async (headers) => {
    const { ask, tenant } = createTwin()
    expect((await ask('GET', '/_twin/resources', headers)).status).toBe(401)
    const both = { ...basic(await tenant()), 'x-twin-admin-token': 'wrong' }
    expect((await ask('GET', '/_twin/resources', both)).status).toBe(401)
  })

  it('does not exist when no token is configured', async () => {
    const { ask } = createTwin({ env: { TWIN_ADMIN_TOKEN: '' } })
    for (const headers of [
      { authorization: 'Bearer x' },
      { 'x-twin-admin-token': '' },
      { 'x-twin-admin-token': 'undefined' },
    ])
      expect((await ask('GET', '/_twin/resources', headers)).status).toBe(401)
  })

  it('creates resources for a tenant, or without one', async () => {
    const { ask, tenant } = createTwin()
    const { tenant_id } = await tenant()
    const post = (body: object) => ask('POST', '/_twin/resources', 'admin', body)
    expect((await post({ resource_id: 'acme', tenant_id })).body.tenant_id).toBe(tenant_id)
    expect((await post({ resource_id: 'beta' })).body.tenant_id).toBeNull()
    expect((await post({ resource_id: 'gamma', tenant_id: 'x' })).status).toBe(400)
  })
})

describe('/_twin', () => {
  it('does not exist unless it is turned on', async () => {
    const { app } = createTestSimulator()
    for (const path of ['/_twin', '/_twin/health', '/_twin/tenants', '/_twin/x/y', '/_twin/logs/']) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const answer = await app.request(path, { method })
        const unknown = await app.request('/nowhere', { method })
        expect([answer.status, await answer.text()]).toEqual([unknown.status, await unknown.text()])
        expect(answer.status).toBe(404)
      }
    }
  })

  it('describes itself without credentials', async () => {
    const { ask } = createTwin()
    const { version } = (await ask('GET', '/_twin/health')).body
    expect((await ask('GET', '/_twin/health')).body).toEqual({ status: 'ok', twin: 'aoai', version })
    const settings = await ask('GET', '/_twin/settings', { host: 'twin.test:9' })
    expect(settings.body).toEqual({ twin: 'aoai', version, base_url: 'http://twin.test:9' })
    const { scenarios } = (await ask('GET', '/_twin/scenarios')).body
    const names = scenarios.map(({ name }: { name: string }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['chat-completions', 'embeddings', 'dual-auth', 'responses']),
    )
    for (const scenario of scenarios)
      expect(scenario).toEqual({
        name: expect.any(String),
        status: 'supported',
        description: expect.any(String),
        capabilities: expect.arrayContaining([expect.any(String)]),
      })
    const { references } = (await ask('GET', '/_twin/references')).body
    expect(references.length).toBeGreaterThan(3)
    for (const { title, url, retrieved } of references) {
      expect(title).not.toBe('')
      expect(URL.canParse(url)).toBe(true)
      expect(retrieved).toMatch(/^\d{4}-\d\d-\d\d$/)
    }
    const { text, headers } = await ask('GET', '/_twin/agent-instructions')
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
    expect(text).toContain('api-key')
    expect([text.length < 3_000, text.split('\n').length < 80]).toEqual([true, true])
  })

  it('answers HEAD like GET, and OPTIONS with the methods', async () => {
    const { ask } = createTwin()
    const head = await ask('HEAD', '/_twin/health')
    expect([head.status, head.text]).toEqual([200, ''])
    expect((await ask('HEAD', '/_twin/logs')).status).toBe(401)
    const options = await ask('OPTIONS', '/_twin/resources')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, GET, HEAD, OPTIONS'])
    expect((await ask('GET', '/_twin/health/')).status).toBe(200)
  })
})

/** Paths with credentials, each with a method. */
const protectedPaths = [
  ['GET', '/_twin/tenants'],
  ['DELETE', '/_twin/tenants/x'],
  ['GET', '/_twin/logs'],
  ['POST', '/_twin/reset'],
  ['POST', '/_twin/resources'],
  ['GET', '/_twin/resources'],
  ['DELETE', '/_twin/resources/x'],
  ['POST', '/_twin/resources/x/api_keys'],
  ['GET', '/_twin/resources/x/api_keys'],
  ['DELETE', '/_twin/resources/x/api_keys/y'],
  ['POST', '/_twin/resources/x/deployments'],
  ['GET', '/_twin/resources/x/deployments'],
  ['DELETE', '/_twin/resources/x/deployments/y'],
  ['POST', '/_twin/feedback'],
  ['GET', '/_twin/feedback'],
  ['PATCH', '/_twin/feedback/x'],
  ['DELETE', '/_twin/feedback/x'],
] as const
