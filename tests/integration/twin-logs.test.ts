import { describe, expect, it } from 'vitest'
import { type AuditEntry as Log, AuditLog, type AuditRecord } from '../../src/server/twin/audit-log.ts'
import { auditRequests } from '../../src/server/twin/audit-requests.ts'
import { textReply } from '../../src/pipeline/make-reply.ts'
import { testExchange } from '../support/test-exchange.ts'
import { createTwin } from '../support/twin-simulator.ts'

const fields = [
  'correlation_id',
  'details',
  'id',
  'operation',
  'outcome',
  'plane',
  'reason',
  'resource',
  'tenant_id',
  'timestamp',
  'twin',
]

describe('/_twin/logs', () => {
  it('lists operations, newest first, with all fields', async () => {
    const { ask, resource, tenant } = createTwin()
    const own = await tenant()
    const { keyId } = await resource('acme', own)
    await ask('POST', '/_twin/resources/acme/deployments', own, { model: 'gpt-4o', deployment_id: 'chat' })
    const deleted = await ask('DELETE', `/_twin/resources/acme/api_keys/${keyId}`, own)
    const { body } = await ask('GET', '/_twin/logs', own)
    expect([body.limit, body.offset]).toEqual([100, 0])
    const logs: readonly Log[] = body.logs
    for (const log of logs) {
      expect(Object.keys(log).toSorted()).toEqual(fields)
      expect([log.twin, log.tenant_id, log.plane]).toEqual(['aoai', own.tenant_id, 'twin'])
      expect(log.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect([log.outcome, (log.reason ?? '') === '']).toEqual([log.outcome, log.outcome === 'success'])
    }
    expect(logs.map(({ id }) => id)).toEqual([6, 5, 4, 3, 2, 1])
    expect(logs.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
      'twin.api_key.delete success',
      'twin.deployment.create failure',
      'twin.api_key.create success',
      'twin.deployment.create success',
      'twin.resource.create success',
      'twin.tenant.create success',
    ])
    expect(logs[0]).toMatchObject({
      correlation_id: deleted.headers.get('x-request-id'),
      resource: { type: 'api_key', id: keyId },
      details: { resource_id: 'acme' },
    })
    expect(logs[1]?.reason).toContain("'chat' already exists")
    expect(logs[3]?.details).toEqual({ resource_id: 'acme', model: 'gpt-4o-mini' })
  })

  it('shows a tenant its own records, and the administrator all', async () => {
    const { ask, resource, tenant } = createTwin()
    const [own, other] = [await tenant(), await tenant()]
    await resource('acme', own)
    await resource('beta', other)
    await ask('DELETE', '/_twin/resources/beta', 'admin')
    const list = async (as: Parameters<typeof ask>[2]): Promise<Log[]> =>
      (await ask('GET', '/_twin/logs', as)).body.logs
    expect(new Set((await list(own)).map((log) => log.tenant_id))).toEqual(new Set([own.tenant_id]))
    const all = await list('admin')
    expect(new Set(all.map((log) => log.tenant_id))).toEqual(
      new Set([own.tenant_id, other.tenant_id, '__operator_admin__']),
    )
    expect(all).toHaveLength(9)
  })

  it('is read page by page', async () => {
    const { ask, tenant } = createTwin()
    const own = await tenant()
    for (const resource_id of ['a', 'b', 'c', 'd'])
      await ask('POST', '/_twin/resources', own, { resource_id })
    const page = async (query: string): Promise<number[]> =>
      (await ask('GET', `/_twin/logs?${query}`, own)).body.logs.map(({ id }: Log) => id)
    expect(await page('limit=2')).toEqual([5, 4])
    expect(await page('limit=2&offset=2')).toEqual([3, 2])
    expect(await page('limit=2&offset=4')).toEqual([1])
    expect(await page('offset=1000000')).toEqual([])
    expect(await page('limit=1000')).toHaveLength(5)
  })

  it.each([
    'limit=-1',
    'limit=0',
    'limit=1001',
    'limit=1000000000',
    'limit=x',
    'limit=',
    'limit=1.5',
    'limit=1e2',
    'offset=-1',
    'offset=x',
    'offset=99999999999',
    'limt=5',
  ])('with %s is refused', async (query) => {
    const { ask, tenant } = createTwin()
    const { status, body } = await ask('GET', `/_twin/logs?${query}`, await tenant())
    expect([status, body]).toEqual([400, { error: expect.stringContaining(query.split('=')[0] ?? '') }])
  })
})

describe('requests to a resource of a tenant', () => {
  const setUp = async () => {
    const twin = createTwin({
      deployments: { chat: { model: 'gpt-4o', requestsPerMinute: 1 } },
      resources: { fixed: {} },
    })
    const own = await twin.tenant()
    const { key } = await twin.resource('acme', own)
    await twin.ask('POST', '/_twin/resources/acme/deployments', own, {
      model: 'text-embedding-3-small',
      deployment_id: 'embed',
    })
    await twin.ask('POST', '/_twin/resources/acme/deployments', own, {
      model: 'gpt-4.1',
      deployment_id: 'new',
    })
    const post = (path: string, body: unknown) => twin.post(path, body, { 'api-key': key })
    const newest = async (): Promise<Log> => (await twin.ask('GET', '/_twin/logs?limit=1', own)).body.logs[0]
    return { ...twin, own, key, post, newest }
  }
  const chatPath = '/acme/openai/deployments/chat/chat/completions?api-version=2024-10-21'
  const messages = [{ role: 'user', content: 'secret prompt' }]

  it('are recorded with their operation and the id of the request', async () => {
    const { post, newest, own } = await setUp()
    for (const stream of [false, true]) {
      const answer = await post(chatPath, { messages, stream, max_tokens: 5 })
      expect(answer.status).toBe(200)
      expect(await newest()).toEqual({
        id: expect.any(Number),
        timestamp: expect.any(String),
        twin: 'aoai',
        tenant_id: own.tenant_id,
        correlation_id: answer.headers.get('apim-request-id'),
        plane: 'data',
        operation: 'data.chat.completion',
        resource: { type: 'deployment', id: 'chat' },
        outcome: 'success',
        reason: null,
        details: { resource_id: 'acme', model: 'gpt-4o-mini', stream, api_version: '2024-10-21' },
      })
    }
  })

  it.each<[string, object, string, object]>([
    [
      '/acme/openai/deployments/embed/embeddings?api-version=2024-10-21',
      { input: ['a', 'b', 'c'] },
      'data.embeddings.create',
      { model: 'text-embedding-3-small', n_inputs: 3 },
    ],
    [
      '/acme/openai/deployments/embed/embeddings?api-version=2024-10-21',
      { input: [1, 2, 3] },
      'data.embeddings.create',
      { model: 'text-embedding-3-small', n_inputs: 1 },
    ],
    [
      '/acme/openai/v1/responses',
      { model: 'new', input: 'hi', max_output_tokens: 20 },
      'data.responses.create',
      { model: 'gpt-4.1', stream: false, api_version: '' },
    ],
  ])('to %s with %j are recorded', async (path, body, operation, details) => {
    const { post, newest } = await setUp()
    expect((await post(path, body)).status).toBe(200)
    expect(await newest()).toMatchObject({
      operation,
      outcome: 'success',
      details: { resource_id: 'acme', ...details },
    })
  })

  it('are recorded as failures when a limit or a fault answers', async () => {
    const { ask, post, newest, simulator } = await setUp()
    await simulator.resources.put('acme', {
      simulator_mode: 'generate',
      deployments: { chat: { model: 'gpt-4o-mini', requests_per_minute: 1 } },
    })
    const statuses = [await post(chatPath, { messages }), await post(chatPath, { messages })].map(
      ({ status }) => status,
    )
    expect(statuses).toEqual([200, 429])
    expect(await newest()).toMatchObject({
      operation: 'data.chat.completion',
      outcome: 'failure',
      reason: expect.stringMatching(/limit/i),
    })
    expect((await ask('GET', '/_twin/logs', 'admin')).text).not.toContain('secret prompt')
  })

  it.each<[Record<string, string>, string]>([
    [{ 'x-sim-fault': 'overloaded503' }, 'The answer has status 503.'],
    [{ 'x-sim-fault': 'cut' }, 'The connection was cut.'],
  ])('are recorded as failures with the headers %j', async (headers, reason) => {
    const { app, key, newest } = await setUp()
    const body = JSON.stringify({ messages, stream: true, max_tokens: 20 })
    const answer = await app.request(chatPath, {
      method: 'POST',
      headers: { 'api-key': key, ...headers },
      body,
    })
    await answer.text().catch(() => {})
    expect(await newest()).toMatchObject({ operation: 'data.chat.completion', outcome: 'failure', reason })
  })

  it('are not recorded if they are invalid, or go to a resource without a tenant', async () => {
    const { post, newest, simulator, app } = await setUp()
    const { id } = await newest()
    expect((await post(chatPath, { messages: 5 })).status).toBe(400)
    expect((await post(chatPath.replace('chat/', 'none/'), { messages })).status).toBe(404)
    await app.request('/openai/deployments/chat/chat/completions?api-version=2024-10-21', {
      method: 'POST',
      headers: { 'api-key': 'test-key' },
      body: JSON.stringify({ messages }),
    })
    await app.request('/fixed/nowhere/x')
    await app.request('/unknown/nowhere/x')
    await app.request('/nowhere')
    expect((await newest()).id).toBe(id)
    expect(simulator.audit?.read({ tenant: undefined, limit: 1, offset: 0 })[0]?.id).toBe(id)
  })

  it.each<[string, Record<string, string>, string, string]>([
    ['no key', { 'api-key': '' }, 'auth.api_key.validate', 'missing-credentials'],
    ['an unknown key', { 'api-key': 'wrong' }, 'auth.api_key.validate', 'unknown-key'],
    ['the key of the simulator', { 'api-key': 'test-key' }, 'auth.api_key.validate', 'key-of-other-resource'],
    [
      'an invalid token',
      { 'api-key': '', authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
      'auth.aad.token.validate',
      'unsupported-alg',
    ],
  ])('are recorded with the reason of a refusal if they have %s', async (_, headers, operation, reason) => {
    const { newest, own, app } = await setUp()
    const body = JSON.stringify({ messages })
    const answer = await app.request(chatPath, { method: 'POST', headers, body })
    expect(answer.status).toBe(401)
    expect(await newest()).toMatchObject({
      tenant_id: own.tenant_id,
      correlation_id: answer.headers.get('apim-request-id'),
      plane: 'data',
      operation,
      resource: { type: 'resource', id: 'acme' },
      outcome: 'failure',
      reason,
    })
  })

  it('are recorded when their path is unknown', async () => {
    const { newest, own, app, key } = await setUp()
    const answer = await app.request(`/acme/openai/nowhere/${key}?api-key=${key}`, { method: 'PUT' })
    expect(answer.status).toBe(404)
    const log = await newest()
    expect(log).toMatchObject({
      tenant_id: own.tenant_id,
      operation: 'data.unknown.path',
      outcome: 'failure',
      reason: 'The path does not exist.',
      details: { method: 'PUT', path: expect.stringMatching(/^\/acme\/openai\/nowhere\//) },
    })
    expect(JSON.stringify(log)).not.toContain(key)
  })
})

describe('the records of requests', () => {
  it('add no promise to a request', () => {
    const reply = textReply('x')
    const { simulator } = createTwin()
    const deps = { audit: new AuditLog(), config: () => simulator.config, secrets: () => [] }
    expect(auditRequests(() => reply, deps)(testExchange({}, { config: simulator.config }))).toBe(reply)
  })
})

describe('the log', () => {
  const record = (tenant: string): AuditRecord => ({
    timestamp: '',
    tenant_id: tenant,
    correlation_id: '',
    plane: 'twin',
    operation: 'x',
    resource: null,
    outcome: 'success',
    reason: null,
    details: {},
  })
  const idsOf = (log: AuditLog, tenant?: string): number[] =>
    log.read({ tenant, limit: 100, offset: 0 }).map(({ id }) => id)

  it('keeps the newest records', () => {
    const log = new AuditLog(3)
    for (const tenant of ['a', 'b', 'a', 'b', 'a']) log.add(record(tenant))
    expect(idsOf(log)).toEqual([5, 4, 3])
    expect(idsOf(log, 'a')).toEqual([3, 2])
  })

  it('gives a tenant ids without gaps, which would show the activity of others', () => {
    const log = new AuditLog()
    for (const tenant of ['a', 'b', 'b', 'a', 'c', 'a']) log.add(record(tenant))
    expect(['a', 'b', 'c'].map((tenant) => idsOf(log, tenant))).toEqual([[3, 2, 1], [2, 1], [1]])
    log.clear('a')
    log.add(record('a'))
    expect(idsOf(log, 'a')).toEqual([4])
  })

  it('forgets the records of one tenant, and goes on counting', () => {
    const log = new AuditLog(3)
    for (const tenant of ['a', 'b', 'a']) log.add(record(tenant))
    log.clear('a')
    expect(idsOf(log)).toEqual([2])
    log.clear()
    log.add(record('b'))
    expect(idsOf(log)).toEqual([4])
  })
})
