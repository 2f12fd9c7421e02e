import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

describe('limits of a Claude deployment', () => {
  const create = (limits: object) => {
    const simulator = createTestSimulator({
      deployments: { claude: { model: 'claude-sonnet-4-5', ...limits } },
    })
    const post = (path: string, body: object, headers: Record<string, string> = {}) =>
      simulator.post(path, body, { 'anthropic-version': '2023-06-01', ...headers })
    return { ...simulator, post }
  }
  const long = { model: 'claude', messages: [{ role: 'user', content: 'A question. '.repeat(700) }] }

  it('count input tokens that were not read from the cache', async () => {
    const { post, clock } = create({ inputTokensPerMinute: 3_000, requestsPerMinute: 1_000 })
    const cached = { ...long, max_tokens: 50, cache_control: { type: 'ephemeral' } }
    for (let request = 0; request < 3; request++) {
      expect((await post('/anthropic/v1/messages', cached)).status).toBe(200)
    }
    const plain = { ...long, max_tokens: 50 }
    expect((await post('/anthropic/v1/messages', plain)).status).toBe(200)
    const refused = await post('/anthropic/v1/messages', plain)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
    expect(refused.headers.get('x-ratelimit-limit-tokens')).toBeNull()
    await clock.advance(1_000 * Number(refused.headers.get('retry-after')))
    expect((await post('/anthropic/v1/messages', plain)).status).toBe(200)
  })

  it('count output tokens apart, and do not limit counts', async () => {
    const { post } = create({ outputTokensPerMinute: 30, requestsPerMinute: 1_000 })
    const short = { model: 'claude', max_tokens: 40, messages: [{ role: 'user', content: 'Hi' }] }
    const forced = { 'x-sim-tokens': '35' }
    expect((await post('/anthropic/v1/messages', short, forced)).status).toBe(200)
    expect((await post('/anthropic/v1/messages', short)).status).toBe(429)
    const counted = { model: 'claude', messages: short.messages }
    expect((await post('/anthropic/v1/messages/count_tokens', counted)).status).toBe(200)
  })

  it('count requests', async () => {
    const { post } = create({ requestsPerMinute: 2 })
    const short = { model: 'claude', max_tokens: 40, messages: [{ role: 'user', content: 'Hi' }] }
    const statuses: number[] = []
    for (let request = 0; request < 3; request++) {
      statuses.push((await post('/anthropic/v1/messages', short)).status)
    }
    expect(statuses).toEqual([200, 200, 429])
  })

  it.each([{ inputTokensPerMinute: 3_000 }, { outputTokensPerMinute: 3_000 }])(
    'do not limit requests without requestsPerMinute: %j',
    async (limits) => {
      const { post, app } = create(limits)
      const short = { model: 'claude', max_tokens: 2, messages: [{ role: 'user', content: 'Hi' }] }
      const statuses = new Set<number>()
      for (let request = 0; request < 30; request++) {
        statuses.add((await post('/anthropic/v1/messages', short)).status)
      }
      expect([...statuses]).toEqual([200])
      expect(await (await app.request('/metrics')).text()).not.toContain('type="requests"')
      expect((await createAdminApi(app).ask('GET', '/++/deployments/claude')).body).toMatchObject({
        live: { limits: { requests: null, requests_in_minute: null } },
      })
    },
  )

  it('are part of metrics and of the state of the deployment', async () => {
    const { post, app } = create({
      inputTokensPerMinute: 40_000,
      outputTokensPerMinute: 8_000,
      requestsPerMinute: 40,
    })
    const short = { model: 'claude', max_tokens: 40, messages: [{ role: 'user', content: 'Hi' }] }
    const answer = await post('/anthropic/v1/messages', short, { 'x-sim-tokens': '30' })
    const { usage } = (await answer.json()) as { usage: Record<string, number> }
    const metrics = await (await app.request('/metrics')).text()
    const used = 'aoai_deployment_used_per_minute{deployment="claude",type='
    expect(metrics).toContain(`${used}"tokens"} ${usage['input_tokens']}\n`)
    expect(metrics).toContain(`${used}"output_tokens"} ${usage['output_tokens']}\n`)
    expect((await createAdminApi(app).ask('GET', '/++/deployments/claude')).body).toMatchObject({
      live: {
        limits: {
          tokens: { limit: 40_000, used: usage['input_tokens'] },
          output_tokens: { limit: 8_000, used: usage['output_tokens'] },
          requests_in_minute: { limit: 40, used: 1 },
        },
      },
    })
  })

  it.each([
    [{ tokensPerMinute: 1_000 }, 'Set inputTokensPerMinute and outputTokensPerMinute instead.'],
    [{ limitProfile: '2026-08' }, 'Remove it.'],
    [{ serviceTier: 'priority' }, 'Remove it.'],
    [{ provisionedThroughputUnits: 15 }, 'throughput per unit is unknown'],
    [{ model: 'gpt-4o', outputTokensPerMinute: 10 }, 'Set tokensPerMinute instead.'],
  ])('refuse %j', (limits, hint) => {
    expect(() => create(limits)).toThrow(hint)
  })
})
