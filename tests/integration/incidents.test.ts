import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseIncidentFile } from '../../src/config/incident-file.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 11 }
const phases = [
  { name: 'normal', minutes: 2 },
  { name: 'slow', minutes: 1, latency: { firstTokenFactor: 3, perTokenFactor: 2 } },
  { name: 'refused', minutes: 1, faults: [{ probability: 0.3, fault: 'tokenRateLimit' }] },
  { name: 'recovered' },
]

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    env: { LATENCY_TIME_SCALE: '1' },
    deployments: {
      chat: { model: 'gpt-4o', latency: { firstToken: 100, perToken: 10 } },
      other: { model: 'gpt-4o', latency: { firstToken: 100, perToken: 10 } },
    },
    ...settings,
  })
  const { post, clock, app } = simulator
  const ask = (deployment = 'chat') => post(deploymentPath(deployment, 'chat/completions'), hello)
  /** Sends a request, and advances the clock until it is answered. */
  const time = async (deployment = 'chat'): Promise<number> => {
    const startMs = clock.nowMs()
    const asked = ask(deployment).then(() => clock.nowMs() - startMs)
    await clock.advance(1_000)
    return asked
  }
  const metric = async (name: string): Promise<string[]> =>
    (await simulator.simulator.metrics.render()).split('\n').filter((line) => line.startsWith(name))
  const admin = (method: string, path: string, body?: string, key = testKey) =>
    app.request(`/++/incidents${path}`, {
      method,
      headers: { 'api-key': key },
      ...(body !== undefined && { body }),
    })
  return { ...simulator, ask, time, metric, admin }
}

describe('an incident timetable', () => {
  it('changes the latency during a phase', async () => {
    const { time, clock } = setUp({ incidents: { phases } })
    expect(await time()).toBe(200)
    await clock.advance(120_000 - clock.nowMs())
    expect(await time()).toBe(500)
    await clock.advance(240_000 - clock.nowMs())
    expect(await time()).toBe(200)
  })

  it('refuses the configured share of requests during a phase, and the same requests for the same seed', async () => {
    const run = async (): Promise<number[]> => {
      const { ask, clock } = setUp({ env: { LATENCY_TIME_SCALE: '0' }, incidents: { phases } })
      const statuses: number[] = []
      for (let second = 0; second < 300; second++) {
        statuses.push((await ask()).status)
        await clock.advance(1_000)
      }
      return statuses
    }
    const statuses = await run()
    expect(new Set(statuses.slice(0, 180))).toEqual(new Set([200]))
    expect(new Set(statuses.slice(240))).toEqual(new Set([200]))
    const refused = statuses.slice(180, 240).filter((status) => status === 429).length
    expect(refused).toBeGreaterThan(9)
    expect(refused).toBeLessThan(28)
    expect(await run()).toEqual(statuses)
  })

  it('lowers the limits, including those in the headers, and restores them', async () => {
    const { post, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '0' },
      deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 10_000, requestsPerMinute: 600 } },
      incidents: { phases: [{ name: 'squeeze', seconds: 30, limits: { factor: 0.1 } }] },
    })
    const ask = async () => {
      const { status, headers } = await post(deploymentPath('chat', 'chat/completions'), hello)
      return [status, headers.get('x-ratelimit-limit-tokens')]
    }
    expect(await ask()).toEqual([200, '1000'])
    for (let i = 0; i < 9; i++) await ask()
    expect(await ask(), '60 requests a minute are 10 in 10 seconds').toEqual([429, '1000'])
    await clock.advance(30_000)
    expect(await ask()).toEqual([200, '10000'])
  })

  it('does not affect other deployments', async () => {
    const { time } = setUp({
      incidents: {
        phases: [{ name: 'slow', deployment: 'chat', latency: { firstTokenFactor: 3, perTokenFactor: 2 } }],
      },
    })
    expect(await time('chat')).toBe(500)
    expect(await time('other')).toBe(200)
  })

  it('shows each phase in the metrics and logs its start', async () => {
    const { clock, metric, log } = setUp({ incidents: { phases: phases.slice(0, 2) } })
    const row = (phase: string, value: number): string => `aoai_incident_phase{phase="${phase}"} ${value}`
    expect(await metric('aoai_incident_phase')).toEqual([row('normal', 1), row('slow', 0)])
    await clock.advance(120_000)
    expect(await metric('aoai_incident_phase')).toEqual([row('normal', 0), row('slow', 1)])
    await clock.advance(60_000)
    expect(await metric('aoai_incident_phase')).toEqual([row('normal', 0), row('slow', 0)])
    expect(log).toEqual([
      {
        level: 'info',
        fields: { phase: 'normal', round: 1, deployment: undefined, seconds: 120 },
        message: 'An incident phase has started.',
      },
      {
        level: 'info',
        fields: { phase: 'slow', round: 1, deployment: undefined, seconds: 60 },
        message: 'An incident phase has started.',
      },
      { level: 'info', fields: { rounds: 1 }, message: 'The incident timetable has ended.' },
    ])
  })
})

describe('the admin API of incidents', () => {
  it('requires the key', async () => {
    const { admin } = setUp({ incidents: { phases } })
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/start'],
      ['POST', '/stop'],
    ] as const) {
      const response = await admin(method, path, undefined, 'wrong')
      expect(response.status).toBe(401)
      expect(await response.text()).toContain('invalid subscription key')
    }
  })

  it('reports the current state of the timetable', async () => {
    const { admin, clock } = setUp({ incidents: { phases, startAfter: '30s' } })
    const more = {
      ends_in_seconds: null,
      started_at: '2026-01-01T00:00:00.000Z',
      phases: [
        { name: 'normal', deployment: null, start_seconds: 0, end_seconds: 120 },
        { name: 'slow', deployment: null, start_seconds: 120, end_seconds: 180 },
        { name: 'refused', deployment: null, start_seconds: 180, end_seconds: 240 },
        { name: 'recovered', deployment: null, start_seconds: 240, end_seconds: null },
      ],
      timetable: { phases, startAfter: '30s' },
    }
    expect(await (await admin('GET', '')).json()).toEqual({
      running: true,
      round: 0,
      rounds: 1,
      elapsed_seconds: 0,
      phase: null,
      next: 'normal',
      next_change_in_seconds: 30,
      start_after_seconds: 30,
      ...more,
    })
    await clock.advance(160_000)
    expect(await (await admin('GET', '')).json()).toEqual({
      running: true,
      round: 1,
      rounds: 1,
      elapsed_seconds: 160,
      phase: { name: 'slow', deployment: null, elapsed_seconds: 10 },
      next: 'refused',
      next_change_in_seconds: 50,
      start_after_seconds: 30,
      ...more,
    })
  })

  it('reports the time until the end of all rounds', async () => {
    const { admin, clock } = setUp({
      incidents: { phases: phases.slice(0, 2), repeat: 2, start_after: '10s' },
    })
    await clock.advance(200_000)
    expect(await (await admin('GET', '')).json()).toMatchObject({
      round: 2,
      rounds: 2,
      ends_in_seconds: 170,
      started_at: '2026-01-01T00:00:00.000Z',
      timetable: { repeat: 2, startAfter: '10s' },
    })
  })

  it('starts the timetable of a state again', async () => {
    const { admin } = setUp({ incidents: { phases } })
    const before = (await (await admin('GET', '')).json()) as { timetable: object }
    await admin('POST', '/stop')
    const started = await admin('POST', '/start', JSON.stringify(before.timetable))
    expect(await started.json()).toEqual(before)
  })

  it('stops a timetable, and restarts the one of the configuration', async () => {
    const { admin, clock, time } = setUp({ incidents: { phases } })
    await clock.advance(130_000)
    expect(await (await admin('POST', '/stop')).json()).toEqual({ running: false })
    expect(await time()).toBe(200)
    const started = (await (await admin('POST', '/start')).json()) as { phase: { name: string } }
    expect(started.phase.name).toBe('normal')
  })

  it('starts a timetable from a JSON or YAML body', async () => {
    const { admin, ask } = setUp({ env: { LATENCY_TIME_SCALE: '0' } })
    const yaml = 'phases:\n  - name: down\n    faults: [{ probability: 1, fault: overloaded503 }]\n'
    expect((await admin('POST', '/start', yaml)).status).toBe(200)
    expect((await ask()).status).toBe(503)
    expect((await admin('POST', '/start', '{"phases":[{"name":"up"}]}')).status).toBe(200)
    expect((await ask()).status).toBe(200)
  })

  it('refuses an invalid timetable with its JSON path, and keeps the current one', async () => {
    const { admin, ask } = setUp({ env: { LATENCY_TIME_SCALE: '0' } })
    expect(await (await admin('POST', '/start')).text()).toContain('there is no timetable')
    await admin(
      'POST',
      '/start',
      '{"phases":[{"name":"down","faults":[{"probability":1,"fault":"overloaded503"}]}]}',
    )
    const response = await admin('POST', '/start', '{"phases":[{"name":"a","minutes":-1}]}')
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error.message).toContain('body: phases[0].minutes must be a number from')
    expect((await ask()).status).toBe(503)
    expect((await admin('POST', '/start', ' '.repeat(2_000_000))).status).toBe(400)
  })
})

describe('examples/incidents', () => {
  const folder = new URL('../../examples/incidents/', import.meta.url)
  it.each(readdirSync(folder))('%s is a valid timetable for the default deployments', (file) => {
    const source = readFileSync(new URL(file, folder), 'utf8')
    const { simulator } = createTestSimulator()
    const known = new Set(simulator.config.defaultResource.deployments.keys())
    expect(parseIncidentFile(source, file, known).problems).toEqual([])
  })
})

describe('an incident timetable of a resource', () => {
  it('applies to the resource that the query names', async () => {
    const down = {
      phases: [{ name: 'down', seconds: 60, faults: [{ probability: 1, fault: 'overloaded503' }] }],
    }
    const own = { chat: { model: 'gpt-4o' } }
    const { ask, admin, post, metric, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '0' },
      resources: { acme: { deployments: own, incidents: down }, beta: { deployments: own } },
    })
    const path = deploymentPath('chat', 'chat/completions')
    const statuses = async (): Promise<number[]> => [
      (await ask()).status,
      (await post(`/acme${path}`, hello, { 'api-key': 'acme-key' })).status,
      (await post(`/beta${path}`, hello, { 'api-key': 'beta-key' })).status,
    ]
    const phaseOf = async (answer: Response | Promise<Response>): Promise<unknown> => {
      const { running, phase } = (await (await answer).json()) as {
        running: boolean
        phase?: { name: string }
      }
      return running ? phase?.name : undefined
    }
    expect(await statuses()).toEqual([200, 503, 200])
    expect(await phaseOf(admin('GET', '?resource=acme'))).toBe('down')
    expect(await phaseOf(admin('GET', '?resource=default'))).toBeUndefined()
    expect(await phaseOf(admin('POST', '/stop?resource=acme'))).toBeUndefined()
    expect(await statuses()).toEqual([200, 200, 200])
    expect(await phaseOf(admin('POST', '/start?resource=beta', JSON.stringify(down)))).toBe('down')
    expect(await statuses()).toEqual([200, 200, 503])
    expect(await metric('aoai_incident_phase{resource="beta"')).toHaveLength(1)
    // Without a body, the timetable of the resource.
    expect(await phaseOf(admin('POST', '/start?resource=acme'))).toBe('down')
    await clock.advance(60_000)
    expect(await statuses()).toEqual([200, 200, 200])
    const missing = await admin('POST', '/start?resource=beta')
    expect([missing.status, await missing.text()]).toEqual([
      400,
      expect.stringContaining('set incidents of the resource beta'),
    ])
  })

  it.each([
    ['GET', ''],
    ['POST', '/start'],
    ['POST', '/stop'],
  ])('of an unknown resource gets a 404 from %s %s', async (method, path) => {
    const { admin, ask } = setUp({
      env: { LATENCY_TIME_SCALE: '0' },
      resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    })
    for (const name of ['acne', '', 'ACME', '__proto__', 'acme%2F']) {
      const answer = await admin(
        method,
        `${path}?resource=${name}`,
        method === 'GET' ? undefined : '{"phases":[]}',
      )
      expect([name, answer.status]).toEqual([name, 404])
      expect(await answer.json()).toMatchObject({ error: { code: 'ResourceNotFound' } })
    }
    const unknown = await admin(method, `${path}?resorce=acme`)
    expect(unknown.status).toBe(400)
    expect((await ask()).status).toBe(200)
  })
})
