import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')

interface Durations {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

interface Planned {
  readonly planned: Durations | null
  readonly achieved: Durations | null
}

interface Requests {
  readonly streams: number
  readonly queue: number
  readonly faults: Record<string, number>
  readonly limits: unknown
  readonly slots: unknown
  readonly timing: { readonly first_token: Planned; readonly between_tokens: Planned }
  readonly requests: number
  readonly errors: number
  readonly by_status: Record<string, number>
  readonly active: number
  readonly tokens: Record<string, number>
  readonly rate_limited: Record<string, number>
  readonly client_disconnects: number
  readonly latency_ms: Durations | null
  readonly first_token_ms: Durations | null
}

interface Stats {
  readonly started_at: string
  readonly uptime_seconds: number
  readonly totals: Requests
  readonly resources: Record<string, Requests & { readonly deployments: Record<string, Requests> }>
  readonly upstreams: Record<string, unknown>
  readonly simulator: Record<string, unknown>
  readonly incidents: Record<string, unknown>
}

const setUp = (settings: TestSettings = {}) => {
  const started = createTestSimulator({
    deployments: {
      chat: { model: 'gpt-4o' },
      small: { model: 'gpt-4o', tokensPerMinute: 1_000_000, requestsPerMinute: 1, requestsSliceSeconds: 60 },
    },
    resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    ...settings,
  })
  const { ask } = createAdminApi(started.app)
  const stats = async (query = ''): Promise<Stats> => (await ask('GET', `/++/stats${query}`)).body as Stats
  return { ...started, ask, stats }
}

/** The sum of the lines of a metric with all of these labels. */
const sumOf = (text: string, name: string, ...labels: string[]): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)

describe('GET /++/stats', () => {
  it('counts requests by resource, deployment and status, as /metrics does', async () => {
    const { app, post, stats, clock } = setUp()
    for (let i = 0; i < 10; i++) await (await post(chatOf('chat'), { ...hello, stream: i % 2 === 0 })).text()
    for (let i = 0; i < 3; i++) await (await post(chatOf('small'), hello)).text()
    for (let i = 0; i < 2; i++)
      await (await post(`/acme${chatOf('chat')}`, hello, { 'api-key': 'acme-key' })).text()
    await post(chatOf('chat'), hello, { 'api-key': 'wrong' })
    await clock.advance(90_000)
    const text = await (await app.request('/metrics')).text()
    const { totals, resources, uptime_seconds: uptime, started_at: startedAt } = await stats()
    expect([uptime, startedAt]).toEqual([90, '2026-01-01T00:00:00.000Z'])

    const { chat, small, '': none } = resources['default']!.deployments
    expect([chat?.by_status, small?.by_status, none?.by_status]).toEqual([
      { 200: 10 },
      { 200: 1, 429: 2 },
      { 401: 1 },
    ])
    expect([small?.errors, small?.rate_limited]).toEqual([2, { tokens: 0, requests: 2, capacity: 0 }])
    expect(resources['acme']!.deployments).toMatchObject({ chat: { requests: 2, active: 0 } })
    expect(totals).toMatchObject({ requests: 16, errors: 3, active: 0 })

    for (const [resource, { deployments }] of Object.entries(resources)) {
      for (const [deployment, counts] of Object.entries(deployments)) {
        const labels = [
          `deployment="${deployment}"`,
          ...(resource === 'default' ? [] : [`resource="${resource}"`]),
        ]
        const ofDefault = (name: string, ...more: string[]): number =>
          resource === 'default'
            ? sumOf(text, name, ...labels, ...more) - sumOf(text, name, 'resource="acme"', ...labels, ...more)
            : sumOf(text, name, ...labels, ...more)
        expect(counts.requests).toBe(ofDefault('aoai_requests_total'))
        for (const [status, count] of Object.entries(counts.by_status)) {
          expect(count).toBe(ofDefault('aoai_requests_total', `status="${status}"`))
        }
        for (const [type, count] of Object.entries(counts.tokens)) {
          expect(count).toBe(ofDefault('aoai_tokens_total', `type="${type}"`))
        }
        expect(counts.latency_ms?.count ?? 0).toBe(
          ofDefault('aoai_request_duration_seconds_count', 'status="2'),
        )
        expect(counts.first_token_ms?.count ?? 0).toBe(
          ofDefault('aoai_time_to_first_token_seconds_count', 'status="2'),
        )
      }
    }
    expect(totals.tokens['completion']).toBeGreaterThan(0)
  })

  it('has quantiles within their bucket, and counts a stream to its last byte', async () => {
    const { post, stats, clock } = setUp()
    const answers = Array.from({ length: 100 }, (_, index) =>
      post(
        chatOf('chat'),
        { ...hello, stream: index % 2 === 0 },
        { 'x-sim-delay-ms': String(10 * (index + 1)) },
      ),
    ).map(async (answer) => (await answer).text())
    await clock.advance(2_000)
    await Promise.all(answers)
    const { latency_ms: latency, first_token_ms: first } = (await stats()).totals
    expect(latency?.count).toBe(100)
    expect(first?.count).toBe(50)
    for (const [quantile, low, high] of [
      ['p50', 250, 500],
      ['p95', 500, 1_000],
      ['p99', 500, 1_000],
    ] as const) {
      expect(latency![quantile]).toBeGreaterThan(low)
      expect(latency![quantile]).toBeLessThanOrEqual(high)
    }
  })

  it('counts active requests by deployment, until their answers end', async () => {
    const { post, stats, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const slow = post(chatOf('chat'), hello, { 'x-sim-delay-ms': '1000' })
    await expect
      .poll(async () => {
        const { totals, resources } = await stats()
        return [totals.active, resources['default']?.deployments['chat']?.active]
      })
      .toEqual([1, 1])
    await clock.advance(60_000)
    await (await slow).text()
    expect((await stats()).totals.active).toBe(0)
  })

  it('has planned and achieved times of streams, as latency settings and headers say', async () => {
    const { post, stats, clock, ask } = setUp({
      env: {
        LATENCY_TIME_SCALE: '1',
        LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '20',
        LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
        LATENCY_OPENAI_CHAT_COMPLETIONS_FIRST_TOKEN_MEAN: '300',
      },
    })
    const stream = async (more: Record<string, string> = {}): Promise<void> => {
      const answer = post(chatOf('chat'), { ...hello, stream: true, max_tokens: 11 }, more).then(
        async (response) => response.text(),
      )
      await clock.advance(5_000)
      await answer
    }
    const timing = async () => (await stats()).resources['default']!.deployments['chat']!.timing
    await stream()
    const { first_token: first, between_tokens: between } = await timing()
    for (const { planned, achieved } of [first, between]) expect(achieved).toEqual(planned)
    // The first token takes the time of a token as well.
    expect([first.planned?.count, first.planned?.mean]).toEqual([1, 320])
    expect(Math.abs(first.planned!.p50 - 320)).toBeLessThan(5)
    expect([between.planned?.count, between.planned?.mean]).toEqual([10, 20])
    expect(Math.abs(between.planned!.p50 - 20)).toBeLessThan(0.4)

    await stream({ 'x-sim-delay-ms': '1000' })
    const delayed = await timing()
    expect([delayed.first_token.planned?.mean, delayed.first_token.achieved?.mean]).toEqual([820, 820])
    expect(delayed.between_tokens.achieved?.mean).toBe(20)

    await ask('PATCH', '/++/config', { latency: { time_scale: 0 } })
    await stream()
    const instant = await timing()
    expect([instant.first_token.planned?.count, instant.first_token.planned?.mean]).toEqual([3, 546.667])
    expect([instant.between_tokens.planned?.count, instant.between_tokens.planned?.mean]).toEqual([
      30, 13.333,
    ])
  })

  it('has limits, slots, faults, the state of the simulator and timetables', async () => {
    const { post, stats, ask } = setUp()
    await post(chatOf('small'), hello)
    await post(chatOf('chat'), hello, { 'x-sim-fault': 'overloaded503' })
    await ask('POST', '/++/incidents/start', { phases: [{ name: 'slow', seconds: 60 }, { name: 'down' }] })
    const { simulator, incidents, resources, totals } = await stats()
    const { chat, small } = resources['default']!.deployments
    expect([chat?.limits, chat?.faults]).toEqual([null, { overloaded503: 1 }])
    expect(small?.limits).toMatchObject({ kind: 'pay-as-you-go', requests: { used: 1, limit: 1 } })
    expect([totals.limits, totals.slots, totals.streams, totals.queue]).toEqual([null, null, 0, 0])
    expect(simulator).toMatchObject({ mode: 'generate', clock: 'virtual', workers: 1, keeps_up: true })
    expect(incidents).toEqual({
      default: {
        running: true,
        phase: 'slow',
        round: 1,
        rounds: 1,
        started_at: '2026-01-01T00:00:00.000Z',
        round_started_at: '2026-01-01T00:00:00.000Z',
        ends_at: null,
        phases: [
          { name: 'slow', deployment: null, starts_at_seconds: 0, ends_at_seconds: 60 },
          { name: 'down', deployment: null, starts_at_seconds: 60, ends_at_seconds: null },
        ],
      },
    })
  })

  it('has one resource with ?resource, and refuses an unknown one', async () => {
    const { post, stats, ask } = setUp()
    await post(chatOf('chat'), hello)
    const acme = await stats('?resource=acme')
    expect([Object.keys(acme.resources), acme.totals.requests, acme.resources['acme']?.deployments]).toEqual([
      ['acme'],
      0,
      {},
    ])
    expect((await stats('?resource=default')).totals.requests).toBe(1)
    expect((await ask('GET', '/++/stats?resource=none')).status).toBe(404)
    expect((await ask('GET', '/++/stats?other=1')).status).toBe(400)
  })

  it('contains no key that a client sends as the name of a deployment', async () => {
    const { app, post } = setUp({ env: { SIMULATOR_API_KEY: 'a-key-in-the-path' } })
    const headers = { 'api-key': 'a-key-in-the-path' }
    for (const name of ['a-key-in-the-path', 'x-a-key-in-the-path', 'unknown'])
      await post(chatOf(name), hello, headers)
    const texts = await Promise.all(
      ['/++/stats', '/metrics'].map(async (path) => (await app.request(path, { headers })).text()),
    )
    for (const text of texts) {
      expect(text).not.toContain('a-key-in-the-path')
      expect(text).toContain('unknown')
    }
  })

  it('needs the admin key', async () => {
    expect((await setUp().app.request('/++/stats')).status).toBe(401)
  })
})
