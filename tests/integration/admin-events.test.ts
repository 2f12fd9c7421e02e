import { describe, expect, it, onTestFinished } from 'vitest'
import type { Live, LiveStats } from '../../src/server/admin/live-stats.ts'
import { LiveFeed } from '../../src/server/admin/live-feed.ts'
import { eventStream } from '../../src/server/event-stream.ts'
import { listen } from '../../src/server/listen.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { eventsOf } from '../support/event-reader.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')

/** A simulator, and readers of its events in virtual real time. A reading costs `costMs` of CPU time. */
const setUp = (settings: TestSettings = {}, costMs = 0) => {
  const started = createTestSimulator({
    deployments: { chat: { model: 'gpt-4o' }, idle: { model: 'gpt-4o' } },
    resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    ...settings,
  })
  const { simulator } = started
  const real = createVirtualClock()
  const readings: number[] = []
  let cpuMs = 0
  const feed = new LiveFeed({
    simulator,
    metrics: {
      async toJson(names) {
        readings.push(real.nowMs())
        const json = await simulator.metrics.toJson(names)
        cpuMs += costMs
        return { ...json, tookMs: costMs }
      },
    },
    startedMs: 0,
    clock: real,
    cpuMs: () => cpuMs,
  })
  const follow = (resource?: string) => {
    const events = eventsOf(eventStream(feed.open(resource)))
    onTestFinished(async () => events.cancel())
    /** The next event with this name. Skips others. */
    const nextOf = async <T = Record<string, unknown>>(name: string): Promise<T> => {
      for (;;) {
        const sent = await events.next()
        if (sent === undefined) throw new Error('The stream has ended.')
        if (sent.event === name) return sent.data as T
      }
    }
    return { ...events, nextOf, stats: async () => nextOf<LiveStats>('stats') }
  }
  return { ...started, ...createAdminApi(started.app), real, readings, follow }
}

const deploymentIn = (stats: LiveStats, name: string, resource = 'default'): Live => {
  const live = stats.resources[resource]?.deployments[name]
  if (!live) throw new Error(`The event has no deployment ${name}.`)
  return live
}

describe('GET /++/events', () => {
  it('sends hello and a complete reading first', async () => {
    const { app } = setUp()
    const response = await app.request('/++/events', { headers: { 'api-key': testKey } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const events = eventsOf(response.body)
    expect(await events.begin()).toBe(': open')
    expect(await events.next()).toMatchObject({
      event: 'hello',
      data: { mode: 'generate', clock: 'virtual', interval_ms: 1_000 },
    })
    const { event, data } = (await events.next()) ?? {}
    expect([event, data.full, data.window_ms]).toEqual(['stats', true, 0])
    expect(Object.keys(data.resources)).toEqual(['default', 'acme'])
    expect(data.simulator).toMatchObject({ keeps_up: true, bottleneck: null, workers: 1, clock: 'virtual' })
    await events.cancel()
  })

  it('refuses a wrong key and an unknown resource', async () => {
    const { ask, app } = setUp()
    expect((await app.request('/++/events')).status).toBe(401)
    expect((await ask('GET', '/++/events?resource=none')).status).toBe(404)
    expect((await ask('GET', '/++/events?other=1')).status).toBe(400)
  })

  it('sends only what has changed, with rates by real time', async () => {
    const { follow, post, real } = setUp()
    const events = follow()
    await events.stats()
    for (let i = 0; i < 4; i++) await (await post(chatOf('chat'), hello)).text()
    await real.advance(1_000)
    const first = await events.stats()
    expect([first.full, first.window_ms, first.incidents, first.upstreams]).toEqual([
      false,
      1_000,
      undefined,
      undefined,
    ])
    expect(Object.keys(first.resources)).toEqual(['default'])
    expect(Object.keys(first.resources['default']!.deployments)).toEqual(['chat'])
    expect(deploymentIn(first, 'chat')).toMatchObject({
      requests: 4,
      by_status: { 200: 4 },
      window: { requests_per_second: 4, completion_tokens_per_second: 20 },
    })
    expect(first.totals).toMatchObject({ requests: 4, window: { requests_per_second: 4 } })
    await real.advance(1_000)
    expect((await events.stats()).totals?.window.requests_per_second).toBe(0)
  })

  it('sends a few hundred bytes for 200 idle deployments in 3 resources', async () => {
    const many = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `deployment-${index}`,
          { model: 'gpt-4o', tokensPerMinute: 1_000 },
        ]),
      )
    const { follow, real } = setUp({
      deployments: many(200),
      resources: { one: { deployments: many(200) }, two: { deployments: many(200) } },
    })
    const events = follow()
    expect(Object.keys((await events.stats()).resources['two']!.deployments)).toHaveLength(200)
    await real.advance(1_000)
    expect(JSON.stringify(await events.stats()).length).toBeLessThan(600)
  })

  it('gives a slow reader the newest state, without a backlog', async () => {
    const { follow, post, real, ask } = setUp()
    const [slow, fast] = [follow(), follow()]
    await slow.stats()
    await fast.stats()
    for (let second = 0; second < 10; second++) {
      await (await post(chatOf('chat'), hello)).text()
      await real.advance(1_000)
      expect(deploymentIn(await fast.stats(), 'chat').requests).toBe(second + 1)
    }
    await ask('DELETE', '/++/deployments/idle')
    await real.advance(1_000)
    await fast.stats()
    const caughtUp = await slow.stats()
    expect(deploymentIn(caughtUp, 'chat').requests).toBe(10)
    expect(caughtUp.resources['default']!.deployments['idle']).toBeNull()
  })

  it('reports deployments and resources that are created and deleted', async () => {
    const { follow, real, ask } = setUp()
    const events = follow()
    await events.stats()
    await ask('PUT', '/++/deployments/__proto__', { model: 'gpt-4o' })
    await ask('PUT', '/++/resources/extra', { deployments: { one: { model: 'gpt-4o' } } })
    await ask('DELETE', '/++/resources/acme')
    await real.advance(1_000)
    const { resources } = await events.stats()
    expect(Object.hasOwn(resources['default']!.deployments, '__proto__')).toBe(true)
    expect(resources['extra']?.deployments['one']).toMatchObject({ requests: 0 })
    expect(resources['acme']).toBeNull()
    await ask('DELETE', '/++/resources/extra')
    await ask('PUT', '/++/resources/extra', { deployments: { two: { model: 'gpt-4o' } } })
    await real.advance(1_000)
    const again = (await events.stats()).resources['extra']?.deployments
    expect([again?.['one'], again?.['two']?.requests]).toEqual([null, 0])
  })

  it('has one resource with ?resource', async () => {
    const { follow, post, real } = setUp()
    const events = follow('acme')
    expect(Object.keys((await events.stats()).resources)).toEqual(['acme'])
    await (await post(chatOf('chat'), hello)).text()
    await (await post(`/acme${chatOf('chat')}`, hello, { 'api-key': 'acme-key' })).text()
    await real.advance(1_000)
    const { resources, totals } = await events.stats()
    expect([Object.keys(resources), totals?.requests]).toEqual([['acme'], 1])
  })

  it('reads once a second for all readers, and only while there is one', async () => {
    const { follow, real, readings } = setUp()
    expect(readings).toEqual([])
    const readers = Array.from({ length: 50 }, () => follow())
    for (const reader of readers) await reader.stats()
    expect(readings).toEqual([0])
    await real.advance(2_500)
    for (const reader of readers) await reader.stats()
    expect(readings).toEqual([0, 1_000, 2_000])
    for (const reader of readers) await reader.cancel()
    await real.advance(5_000)
    expect(readings).toEqual([0, 1_000, 2_000])
    const late = follow()
    expect([(await late.stats()).window_ms, readings.at(-1)]).toEqual([0, 7_500])
  })

  it('reads less often if a reading takes more than 1 % of the time', async () => {
    const { follow, real, readings } = setUp({}, 30)
    const events = follow()
    await events.stats()
    await real.advance(3_000)
    expect((await events.stats()).window_ms).toBe(3_000)
    expect(readings).toEqual([0, 3_000])
  })

  it('sends changes of the configuration, with the newest one for a slow reader', async () => {
    const { follow, ask, real } = setUp()
    const [events, slow] = [follow(), follow()]
    await events.stats()
    await slow.stats()
    await ask('PATCH', '/++/config', { latency: { time_scale: 2 } })
    expect(await events.nextOf('config')).toEqual({ at: '2026-01-01T00:00:00.000Z', what: 'patch' })
    await ask('PATCH', '/++/config', { latency: { time_scale: -1 } })
    await real.advance(1_000)
    await ask('POST', '/++/reset')
    expect(await events.nextOf('config')).toEqual({ at: '2026-01-01T00:00:01.000Z', what: 'reset' })
    expect(await slow.nextOf('config')).toMatchObject({ what: 'reset' })
  })

  it('sends starts, phases, pauses and ends of incident timetables', async () => {
    const { follow, ask, clock } = setUp()
    const [events, ofAcme] = [follow(), follow('acme')]
    await events.stats()
    await ofAcme.stats()
    const next = async () => {
      const { resource, running, phase, round } = await events.nextOf('incident')
      return [resource, running, phase, round]
    }
    await ask('POST', '/++/incidents/start', {
      phases: [
        { name: 'slow', seconds: 10 },
        { name: 'down', at: '20s', seconds: 10 },
      ],
    })
    expect(await next()).toEqual(['default', true, 'slow', 1])
    await clock.advance(10_000)
    expect(await next()).toEqual(['default', true, null, 1])
    await clock.advance(10_000)
    expect(await next()).toEqual(['default', true, 'down', 1])
    await ask('POST', '/++/incidents/stop')
    expect(await next()).toEqual(['default', false, null, 0])
    await ask('POST', '/++/incidents/start?resource=acme', { phases: [{ name: 'brief', seconds: 1 }] })
    expect(await next()).toEqual(['acme', true, 'brief', 1])
    await clock.advance(1_000)
    expect(await next()).toEqual(['acme', false, null, 0])
    expect(await ofAcme.nextOf('incident')).toMatchObject({ resource: 'acme' })
  })

  it('sends log entries without secrets, at most 20 a second, and counts the others', async () => {
    const { follow, simulator, real } = setUp()
    const { logger } = simulator
    logger.info({}, 'Before the reader.')
    const events = follow()
    await events.stats()
    logger.warn({ requestId: 'r-1', note: testKey }, `A client sent ${testKey}.`)
    await real.advance(100)
    const first = await events.nextOf('log')
    expect(first).toMatchObject({ level: 'warn', request: 'r-1' })
    expect(JSON.stringify(first)).not.toContain(testKey)
    for (let line = 1; line <= 50; line++) logger.info({ line }, 'Many lines.')
    await real.advance(100)
    for (let line = 30; line <= 49; line++)
      expect(await events.nextOf('log')).toMatchObject({ fields: { line: line + 1 } })
    await real.advance(800)
    expect(await events.nextOf('dropped')).toEqual({ event: 'log', count: 30 })
    for (let line = 51; line <= 60; line++) logger.info({ line }, 'More lines.')
    await real.advance(100)
    expect(await events.nextOf('log')).toMatchObject({ fields: { line: 51 } })
  })

  it('counts log entries that the ring has forgotten as dropped', async () => {
    const { follow, simulator, real } = setUp({ env: { LOG_RING: '10' } })
    const events = follow()
    await events.stats()
    for (let line = 1; line <= 100; line++) simulator.logger.info({ line }, 'Many lines.')
    await real.advance(100)
    expect(await events.nextOf('log')).toMatchObject({ fields: { line: 91 } })
    await real.advance(900)
    expect(await events.nextOf('dropped')).toEqual({ event: 'log', count: 90 })
  })

  it('sends requests when they arrive and when they end, at most 20 a second', async () => {
    const { follow, simulator, post, real, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const [events, ofAcme] = [follow(), follow('acme')]
    await events.stats()
    await ofAcme.stats()
    const slow = post(chatOf('chat'), hello, { 'x-sim-delay-ms': '1000' })
    await expect.poll(() => simulator.traces?.lastId).toBe(1)
    await real.advance(100)
    const opened = await events.nextOf('request')
    expect(opened).toMatchObject({ deployment: 'chat', open: true })
    await clock.advance(60_000)
    await (await slow).text()
    await real.advance(100)
    const ended = await events.nextOf('request')
    expect(ended).toMatchObject({ id: opened['id'], open: false, status: 200, resource: 'default' })
    expect(JSON.stringify(ended)).not.toContain(testKey)
    await real.advance(1_000)
    await ofAcme.stats()
    for (let request = 0; request < 30; request++)
      await post(`/acme${chatOf('chat')}`, {}, { 'api-key': 'acme-key', 'x-sim-trace': 'on' })
    await real.advance(100)
    const ids = new Set()
    for (let sent = 0; sent < 20; sent++) {
      const { id, resource, status } = await ofAcme.nextOf('request')
      expect([resource, status]).toEqual(['acme', 400])
      ids.add(id)
    }
    expect([ids.size, Math.max(...(ids as Set<number>))]).toEqual([20, 31])
    await real.advance(900)
    expect(await ofAcme.nextOf('dropped')).toEqual({ event: 'request', count: 10 })
  })

  it('sends log entries of one resource, and those of none', async () => {
    const { follow, simulator, real } = setUp()
    const events = follow('acme')
    await events.stats()
    for (const resource of ['default', 'acme', undefined]) {
      simulator.logger.info({ ...(resource && { resource }) }, `Of ${resource}.`)
    }
    await real.advance(100)
    expect((await events.nextOf('log'))['message']).toBe('Of acme.')
    expect((await events.nextOf('log'))['message']).toBe('Of undefined.')
  })

  it('continues after a reading that failed', async () => {
    const { follow, simulator, post, real, log } = setUp({
      deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 1_000 } },
    })
    const events = follow()
    await events.stats()
    const { limits } = simulator.poolState
    const own = limits.status.bind(limits)
    limits.status = () => Promise.reject(new Error('The state is away.'))
    await (await post(chatOf('chat'), hello)).text()
    await real.advance(3_000)
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)
    limits.status = own
    await real.advance(1_000)
    const { window_ms: windowMs, totals } = await events.stats()
    expect([windowMs, totals?.window.requests_per_second]).toEqual([4_000, 0.25])
  })
})

describe('a stream of live events over a socket', () => {
  it('ends normally when the server stops, also for a client that does not read', async () => {
    const { app, simulator } = setUp()
    const listener = await listen(app, '127.0.0.1', 0)
    const headers = { 'api-key': testKey }
    const [read, unread] = await Promise.all([
      fetch(`${listener.url}/++/events`, { headers }),
      fetch(`${listener.url}/++/events`, { headers }),
    ])
    const events = eventsOf(read.body)
    expect((await events.next())?.event).toBe('hello')
    const rest = (async () => {
      while ((await events.next()) !== undefined);
    })()
    await listener.close(60_000)
    await rest
    await unread.text()
    await simulator.close()
  })
})
