import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import {
  createExtendedSimulator,
  createTestSimulator,
  type TestSettings,
  testKey,
} from '../support/test-simulator.ts'

interface Entry {
  readonly id: number
  readonly level: string
  readonly message: string
}

const setUp = (env: Record<string, string> = {}, settings: TestSettings = {}) => {
  const started = createTestSimulator({ ...settings, env })
  const { ask } = createAdminApi(started.app)
  const logs = async (query = ''): Promise<Entry[]> =>
    (await ask('GET', `/++/logs${query}`)).body.logs as Entry[]
  return { ...started, ask, logs }
}

describe('GET /++/logs', () => {
  it('has the last lines of the log, newest first', async () => {
    const { simulator, ask, logs } = setUp({ LOG_RING: '3' })
    for (let i = 1; i <= 5; i++) simulator.logger.info({ number: i }, `Line ${i}.`)
    expect((await logs()).map(({ message }) => message)).toEqual(['Line 5.', 'Line 4.', 'Line 3.'])
    const { body } = await ask('GET', '/++/logs?limit=1&text=line')
    const last = (body.logs as Entry[])[0]
    expect(body).toMatchObject({
      total: 3,
      last_id: last?.id,
      logs: [{ event: 'log', fields: { number: 5 } }],
    })
    expect((await logs(`?since=${last!.id - 1}`)).map(({ id }) => id)).toEqual([last!.id])
  })

  it('filters by several levels', async () => {
    const { simulator, logs } = setUp()
    for (const level of ['info', 'warn', 'error'] as const) simulator.logger[level]({ marked: true }, level)
    const levels = async (query: string): Promise<string[]> =>
      (await logs(`?text=marked&${query}`)).map(({ level }) => level)
    expect(await levels('level=warn')).toEqual(['warn'])
    expect(await levels('level=error,info')).toEqual(['error', 'info'])
  })

  it.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'limit=1&limit=2',
    'level=loud',
    'level=',
    'level=warn,,info',
    'since=-1',
    'since=1.5',
    'unknown=1',
  ])('refuses %s with 400', async (query) => {
    const { status, body } = await setUp().ask('GET', `/++/logs?${query}`)
    expect([status, body.error.code]).toEqual([400, 'InvalidQuery'])
  })

  it('refuses a request without the admin key, and any request with LOG_RING=0', async () => {
    const { app, ask } = setUp({ LOG_RING: '0' })
    expect((await app.request('/++/logs')).status).toBe(401)
    const { status, body } = await ask('GET', '/++/logs')
    expect([status, body.error.code]).toEqual([400, 'LogRingOff'])
  })

  it('contains no key', async () => {
    const { simulator, ask } = setUp()
    simulator.logger.warn(
      { header: `api-key: ${testKey}`, inner: { [testKey]: [testKey] } },
      `With ${testKey}.`,
    )
    const { body } = await ask('GET', '/++/logs')
    expect(JSON.stringify(body)).not.toContain(testKey)
    expect((body.logs as Entry[])[0]?.message).toBe('With [redacted].')
  })

  it('has no entry for generated requests without a request log', async () => {
    const { post, logs } = setUp()
    await post('/openai/v1/chat/completions', {
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(await logs('?event=request')).toEqual([])
    expect(await logs('?event=upstream')).toEqual([])
  })

  it('has the lines of extensions', async () => {
    const { app } = await createExtendedSimulator([
      ({ logger }) => {
        logger.info({}, 'An extension has started.')
        return { name: 'logging' }
      },
    ])
    const { body } = await createAdminApi(app).ask('GET', '/++/logs?text=An%20extension')
    expect((body.logs as Entry[]).map(({ message }) => message)).toEqual(['An extension has started.'])
  })
})
