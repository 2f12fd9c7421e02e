import { describe, expect, it, vi } from 'vitest'
import { KeyJudge } from '../../src/access/credentials.ts'
import { hashOfKey, type ResourceKey } from '../../src/config/access-settings.ts'
import { LiveConfig } from '../../src/config/live-config.ts'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import { testConfig } from '../support/test-config.ts'
import { silentLogger } from '../support/test-logger.ts'
import { createTestSimulator, type TestSettings, testKey } from '../support/test-simulator.ts'

const body = { model: 'chat', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const chat = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
const deployments = { chat: { model: 'gpt-4o' } }

/** A key as a file, the admin API or another process stores it: only its hash. */
const stored = (id: string, text: string, more: Partial<ResourceKey> = {}): ResourceKey => ({
  id,
  hash: hashOfKey(text),
  ...more,
})
const secrets = {
  ci: 'ci-key-0123456789abcdef',
  off: 'off-key-0123456789abcdef',
  beta: 'beta-key-0123456789abc',
}

const settings: TestSettings = {
  env: { JOURNAL_SIZE: '100' },
  deployments,
  resources: {
    acme: { deployments, keys: [stored('ci', secrets.ci), stored('off', secrets.off, { enabled: false })] },
    beta: { deployments, keys: [stored('ci', secrets.beta)] },
  },
}

function setUp(more: TestSettings = {}) {
  const own = createTestSimulator({ ...settings, ...more })
  const send = async (path: string, headers: Record<string, string>): Promise<Response> =>
    own.app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const journal = async (query = ''): Promise<Record<string, unknown>[]> => {
    const answer = await own.app.request(`/++/requests${query}`, { headers: { 'api-key': testKey } })
    return ((await answer.json()) as { requests: Record<string, unknown>[] }).requests
  }
  return { ...own, send, journal }
}

describe('a key', () => {
  it.each([
    ['api-key', { 'api-key': secrets.ci }],
    ['x-api-key', { 'x-api-key': secrets.ci }],
    ['ocp-apim-subscription-key', { 'Ocp-Apim-Subscription-Key': secrets.ci }],
    ['a bearer token', { authorization: `Bearer ${secrets.ci}` }],
    ['a bearer token in lower case', { authorization: `bearer  ${secrets.ci}` }],
    [
      'a bearer token beside empty key headers',
      { 'api-key': '', 'x-api-key': '', authorization: `BEARER ${secrets.ci}` },
    ],
    ['x-api-key beside an empty api-key', { 'api-key': '', 'x-api-key': secrets.ci }],
  ])('is accepted as %s', async (_, headers) => {
    const { send, journal } = setUp()
    expect((await send(`/acme${chat}`, headers)).status).toBe(200)
    expect((await send(`/acme/openai/v1/chat/completions`, headers)).status).toBe(200)
    expect(await journal()).toMatchObject([{ caller: 'key:ci', client: 'key:ci', refusal: null }, {}])
  })

  it('in the first header that is not empty decides alone', async () => {
    const { send } = setUp()
    const good = { authorization: `Bearer ${secrets.ci}`, 'ocp-apim-subscription-key': secrets.ci }
    expect((await send(`/acme${chat}`, { 'api-key': 'wrong', ...good })).status).toBe(401)
    expect((await send(`/acme${chat}`, { 'x-api-key': 'wrong', ...good })).status).toBe(401)
    expect((await send(`/acme${chat}`, { 'api-key': secrets.ci, 'x-api-key': 'wrong' })).status).toBe(200)
  })

  it('that is refused gets the same bytes for every reason, and the reason is in journal and metrics', async () => {
    const { send, journal, simulator } = setUp()
    const cases: [string, Record<string, string>][] = [
      ['missing-credentials', {}],
      ['missing-credentials', { 'api-key': '' }],
      ['missing-credentials', { authorization: 'Bearer ' }],
      ['missing-credentials', { authorization: 'Basic YTpi' }],
      ['unknown-key', { 'api-key': 'wrong' }],
      ['unknown-key', { authorization: 'Bearer wrong' }],
      ['key-of-other-resource', { 'x-api-key': secrets.beta }],
      ['key-of-other-resource', { 'api-key': testKey }],
      ['key-disabled', { authorization: `Bearer ${secrets.off}` }],
    ]
    const bytes = new Set<string>()
    for (const [, headers] of cases) {
      const answer = await send(`/acme${chat}`, headers)
      expect(answer.status).toBe(401)
      const names = [...answer.headers.keys()].filter((name) => name !== 'apim-request-id')
      bytes.add(`${answer.statusText} ${names.join()} ${await answer.text()}`)
    }
    expect([...bytes]).toHaveLength(1)
    const reasons = (await journal()).map(({ refusal }) => refusal)
    expect(reasons).toEqual(cases.map(([reason]) => reason))
    expect(await journal('?refusal=key-disabled')).toHaveLength(1)
    const metrics = await simulator.metrics.render()
    expect(metrics).toContain('aoai_access_refused_total{resource="acme",reason="key-of-other-resource"} 2\n')
    expect(metrics).toContain('aoai_access_refused_total{resource="acme",reason="unknown-key"} 2\n')
    expect(metrics).toContain('aoai_access_refused_total{reason="unknown-key"} 0\n')
  })

  it('is hashed once, and again when the keys of its resource change', () => {
    const keys = new Map([[hashOfKey(secrets.ci), stored('ci', secrets.ci)]])
    const lookUp = vi.spyOn(keys, 'get')
    const proven: string[] = []
    const judge = new KeyJudge(undefined, (key) => proven.push(key))
    const view = testConfig({ keys }).defaultResource
    const callers = [1, 2, 3].map(() => judge.callerOf(secrets.ci, view))
    expect(callers).toEqual(['key:ci', 'key:ci', 'key:ci'])
    expect(lookUp).toHaveBeenCalledTimes(1)
    expect(proven).toEqual([secrets.ci])
    expect(judge.callerOf(secrets.ci, { ...view, keys: new Map(keys) })).toBe('key:ci')
    expect(judge.callerOf(secrets.ci, { ...view, keys: new Map() })).toBeUndefined()
  })

  it('that is stored as a hash never appears in the request log or the journal', async () => {
    const { simulator, clock } = setUp()
    const lines: string[] = []
    const requestLog = { format: 'json', hasColor: false, write: (line: string) => lines.push(line) } as const
    const live = new LiveConfig(simulator.live.inputs)
    const app = createApp(assembleSimulator(live, { clock, logger: silentLogger, requestLog }))
    for (const key of Object.values(secrets)) {
      const headers = { 'x-api-key': key, 'x-note': key, 'content-type': 'application/json' }
      const path = `/acme/openai/deployments/${key}/chat/completions?api-version=2024-10-21&note=${key}`
      await app.request(path, { method: 'POST', headers, body: JSON.stringify({ ...body, user: key }) })
    }
    const journal = await (await app.request('/++/requests', { headers: { 'api-key': testKey } })).text()
    expect(lines).toHaveLength(3)
    for (const key of Object.values(secrets)) expect(`${lines.join('')}${journal}`).not.toContain(key)
  })
})

describe('a resource that does not exist', () => {
  const paths = [
    chat,
    '/openai/deployments/chat/chat/completions',
    '/openai/deployments/chat/chat/completions?api-version=1999-01-01',
    '/openai/v1/responses',
    '/openai/v1/nothing',
    '/models/chat/completions?api-version=2024-05-01-preview',
    '/v1/embeddings',
  ]
  const credentials: Record<string, string>[] = [
    {},
    { 'api-key': 'wrong' },
    { 'x-api-key': secrets.beta },
    { authorization: 'Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln' },
  ]

  it.each(paths)('answers %s like one that exists, without a valid key', async (path) => {
    const { send, journal } = setUp()
    for (const headers of credentials) {
      const [known, unknown] = await Promise.all([
        send(`/acme${path}`, headers),
        send(`/absent${path}`, headers),
      ])
      const withoutId = (answer: Response) =>
        [...answer.headers].filter(([name]) => name !== 'apim-request-id')
      expect([unknown.status, unknown.statusText]).toEqual([known.status, known.statusText])
      expect(withoutId(unknown)).toEqual(withoutId(known))
      expect(await unknown.text()).toBe(await known.text())
    }
    const reasons = (await journal('?resource=default')).map(({ refusal }) => refusal)
    expect(new Set(reasons)).toEqual(
      new Set([path === chat || /v1\/(resp|emb)|models/.test(path) ? 'unknown-resource' : null]),
    )
  })
})
