import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 12 }

const setUp = async (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    env: { JOURNAL_SIZE: '2000' },
    deployments: {
      chat: { model: 'gpt-4o', tokensPerMinute: 30, requestsPerMinute: 600 },
      embedding: { model: 'text-embedding-3-small' },
    },
    ...settings,
  })
  const api = createAdminApi(simulator.app)
  const chat = (headers?: Record<string, string>) =>
    simulator.post(deploymentPath('chat', 'chat/completions'), hello, headers)
  const ids = async (query: string) =>
    ((await api.ask('GET', `/++/requests${query}`)).body.requests as { id: number }[]).map(({ id }) => id)
  return { ...simulator, ...api, chat, ids }
}

describe('GET /++/requests', () => {
  it('filters requests by the query', async () => {
    const { chat, post, ids, app } = await setUp()
    const first = await chat({ 'x-test-id': 'first' })
    await chat()
    await chat()
    await post(deploymentPath('embedding', 'embeddings'), { input: 'Hi' })
    await app.request('/openai/nothing')
    expect(await ids('')).toEqual([1, 2, 3, 4, 5])
    expect(await ids('?operation=chatCompletions')).toEqual([1, 2, 3])
    expect(await ids('?deployment=embedding')).toEqual([4])
    expect(await ids('?status=429')).toEqual([3])
    expect(await ids('?status=4xx')).toEqual([3, 5])
    expect(await ids('?limited_by=tokens')).toEqual([3])
    expect(await ids('?method=get')).toEqual([5])
    expect(await ids('?path=/openai/nothing')).toEqual([5])
    expect(await ids('?since=3')).toEqual([4, 5])
    expect(await ids('?limit=2')).toEqual([4, 5])
    expect(await ids('?status=2xx&limit=1')).toEqual([4])
    expect(await ids('?client=unknown')).toEqual([])
    expect(await ids(`?request_id=${first.headers.get('apim-request-id')?.toUpperCase()}`)).toEqual([1])
    expect(await ids('?request_id=1')).toEqual([])
    await chat()
    expect(await ids('?retries=true')).toEqual([6])
    expect(await ids('?retries=false&since=4')).toEqual([5, 6])
  })

  it('returns 100 requests by default and up to 1,000 by limit', async () => {
    const { app, ids } = await setUp()
    for (let count = 0; count < 1_100; count++) await app.request('/openai/nothing')
    expect(await ids('')).toHaveLength(100)
    const most = await ids('?limit=1000')
    expect(most).toHaveLength(1_000)
    expect(most.at(-1)).toBe(1_100)
  })

  it('refuses invalid filter values', async () => {
    const { ask } = await setUp()
    for (const query of [
      'status=6xx',
      'status=abc',
      'operation=chat',
      'limited_by=luck',
      'retries=yes',
      'since=-1',
      'limit=0',
      'limit=1e2',
    ]) {
      const { status, body } = await ask('GET', `/++/requests?${query}`)
      expect(status).toBe(400)
      expect(body.error.problems[0]).toContain(`${query.split('=')[0]} must be`)
    }
  })

  it('is cleared by DELETE', async () => {
    const { ask, chat, ids } = await setUp()
    await chat()
    expect((await ask('DELETE', '/++/requests')).status).toBe(204)
    expect(await ids('')).toEqual([])
    await chat()
    expect(await ids('')).toEqual([2])
  })
})

describe('GET /++/retry-report', () => {
  it('reports how clients retry failed requests', async () => {
    const { ask, chat, clock } = await setUp()
    for (let count = 0; count < 4; count++) {
      await chat()
      await clock.advance(100)
    }
    const { status, body } = await ask('GET', '/++/retry-report')
    expect(status).toBe(200)
    expect(body.totals).toMatchObject({ requests: 4, failures: 2, retries: 1, early: 1 })
  })

  it('and the journal show no key in names that a request chooses', async () => {
    const { ask, post } = await setUp({
      env: { JOURNAL_SIZE: '10', ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    })
    for (let count = 0; count < 2; count++) {
      await post(deploymentPath(testKey, 'chat/completions'), hello, { 'x-sim-test': `of ${testKey}` })
    }
    const { body: report } = await ask('GET', '/++/retry-report')
    expect(report.clients).toMatchObject([
      { client: 'of [redacted]', forbidden: { count: 1, examples: [{ deployment: '[redacted]' }] } },
    ])
    const { body: journal } = await ask('GET', '/++/requests')
    expect(journal.requests).toMatchObject([{ client: 'of [redacted]' }, { client: 'of [redacted]' }])
    expect(JSON.stringify([report, journal])).not.toContain(testKey)
  })
})

describe('a key that was made at run time', () => {
  it('is removed from the journal before its first use', async () => {
    const { ask, post } = await setUp()
    await ask('PUT', '/++/resources/acme', {})
    const { key } = (await ask('POST', '/++/resources/acme/keys', {})).body
    await post(deploymentPath('chat', 'chat/completions'), { ...hello, user: key }, { 'x-note': key })
    const { text } = await ask('GET', '/++/requests')
    expect(key).toMatch(/^[\da-f]{64}$/)
    expect(text).not.toContain(key)
  })
})

describe('without a journal', () => {
  it('the answer says how to enable it', async () => {
    const { ask } = await setUp({ env: {} })
    for (const [method, path] of [
      ['GET', '/++/requests'],
      ['DELETE', '/++/requests'],
      ['GET', '/++/retry-report'],
    ] as const) {
      const { status, body } = await ask(method, path)
      expect(status).toBe(400)
      expect(body.error.code).toBe('JournalOff')
      expect(body.error.message).toContain('JOURNAL_SIZE')
    }
  })
})

describe('POST /++/clock/advance', () => {
  it('advances the clock and runs everything that is due', async () => {
    const { ask, chat, clock } = await setUp()
    for (let count = 0; count < 3; count++) await chat()
    expect((await chat()).status).toBe(429)
    const startMs = clock.nowMs()
    const { status, body } = await ask('POST', '/++/clock/advance', { seconds: 60 })
    expect(status).toBe(200)
    expect(body).toEqual({ now: '2026-01-01T00:01:00.000Z', now_ms: startMs + 60_000 })
    expect((await chat()).status).toBe(200)
    expect((await ask('POST', '/++/clock/advance', { ms: 0.5 })).body.now_ms).toBe(startMs + 60_000.5)
  })

  it('runs concurrent calls one after another', async () => {
    const { ask, clock } = await setUp()
    const times = await Promise.all([1_000, 10, 500].map((ms) => ask('POST', '/++/clock/advance', { ms })))
    expect(times.map(({ body }) => body.now_ms)).toEqual([1_000, 1_010, 1_510])
    expect(clock.nowMs()).toBe(1_510)
  })

  it('refuses an invalid duration', async () => {
    const { ask, clock } = await setUp()
    for (const wrong of [
      {},
      [],
      null,
      { ms: 0 },
      { ms: -1 },
      { ms: '5' },
      { seconds: 31_536_001 },
      { ms: 1, seconds: 1 },
      { minutes: 1 },
    ]) {
      const { status, body } = await ask('POST', '/++/clock/advance', wrong)
      expect(status).toBe(400)
      expect(body.error.code).toBe('InvalidAdvance')
    }
    expect(clock.nowMs()).toBe(0)
  })

  it('names the setting for a virtual clock when the clock is the system clock', async () => {
    const { ask, simulator } = await setUp()
    Reflect.deleteProperty(simulator.clock, 'advance')
    const { status, body } = await ask('POST', '/++/clock/advance', { ms: 1 })
    expect(status).toBe(400)
    expect(body.error.code).toBe('VirtualClockOff')
    expect(body.error.message).toContain('SIMULATOR_CLOCK=virtual')
  })
})
