import { describe, expect, it } from 'vitest'
import { createTestSimulator, type TestSettings } from '../support/test-simulator.ts'

const deployments = {
  sol: { model: 'gpt-5.6-sol' },
  fast: { model: 'gpt-5.6-sol', serviceTier: 'priority' },
  luna: { model: 'gpt-5.6-luna' },
  old: { model: 'gpt-4o' },
  nano: { model: 'gpt-4.1' },
  reserved: { model: 'gpt-5.4', provisionedThroughputUnits: 1_000 },
}

const apis = ['chat', 'responses'] as const
type Api = (typeof apis)[number]
interface Asked {
  readonly body?: string
  readonly header?: string
}

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    deployments,
    ...settings,
    env: { JOURNAL_SIZE: '100', ...settings.env },
  })
  const ask = (api: Api, model: string, { body, header }: Asked, fields: object = {}): Promise<Response> => {
    const headers: Record<string, string> = header === undefined ? {} : { 'x-ms-service-tier': header }
    const tier = body === undefined ? {} : { service_tier: body }
    const messages = [{ role: 'user', content: 'Hello' }]
    return api === 'chat'
      ? simulator.post('/openai/v1/chat/completions', { model, messages, ...tier, ...fields }, headers)
      : simulator.post('/openai/v1/responses', { model, input: 'Hello', ...tier, ...fields }, headers)
  }
  const tierOf = async (api: Api, model: string, asked: Asked): Promise<unknown> => {
    const response = await ask(api, model, asked)
    expect(response.status).toBe(200)
    return ((await response.json()) as { service_tier?: unknown }).service_tier
  }
  return { ...simulator, ask, tierOf }
}

describe.each(apis)('the service tier of %s', (api) => {
  it.each([
    ['sol', {}, 'default'],
    ['sol', { body: 'auto' }, 'default'],
    ['sol', { body: 'default' }, 'default'],
    ['sol', { body: 'priority' }, 'priority'],
    ['sol', { body: 'fast' }, 'priority'],
    ['sol', { body: 'flex' }, 'flex'],
    ['fast', {}, 'priority'],
    ['fast', { body: 'auto' }, 'priority'],
    ['fast', { body: 'priority' }, 'priority'],
    ['fast', { body: 'default' }, 'default'],
    ['fast', { body: 'flex' }, 'flex'],
    ['sol', { header: 'auto' }, 'priority'],
    ['sol', { header: 'flex', body: 'default' }, 'flex'],
    ['fast', { header: 'default', body: 'priority' }, 'default'],
    ['luna', { body: 'flex' }, 'flex'],
    ['luna', { body: 'priority' }, 'default'],
    ['old', { body: 'priority' }, 'default'],
    ['reserved', { body: 'priority' }, 'default'],
  ] as const)('on %s with %j is %s', async (model, asked, tier) => {
    expect(await setUp().tierOf(api, model, asked)).toBe(tier)
  })

  it.each([
    ['old', { body: 'flex' }, 'service_tier', 'Unsupported service_tier: flex'],
    ['old', { header: 'flex', body: 'default' }, 'x-ms-service-tier', 'Unsupported service_tier: flex'],
    ['old', { header: 'priority' }, 'x-ms-service-tier', 'Unsupported service_tier: priority'],
    ['reserved', { body: 'flex' }, 'service_tier', 'Unsupported service_tier: flex'],
    [
      'sol',
      { header: 'scale', body: 'flex' },
      'x-ms-service-tier',
      "Invalid value: 'scale'. Supported values are: 'auto', 'default', 'flex', and 'priority'.",
    ],
  ] as const)('is refused on %s with %j', async (model, asked, param, message) => {
    const response = await setUp().ask(api, model, asked)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: object }
    expect(error).toMatchObject({ type: 'invalid_request_error', param, message })
  })

  it('is refused in the body for an unknown value', async () => {
    expect((await setUp().ask(api, 'sol', { body: 'scale' })).status).toBe(400)
  })

  it('is in the chunks of a stream', async () => {
    const text = await (await setUp().ask(api, 'sol', { body: 'flex' }, { stream: true })).text()
    expect(text).toContain('"service_tier":"flex"')
    expect(text).not.toContain('"service_tier":"default"')
  })

  it('is downgraded by a fault, and flex can be unavailable', async () => {
    const faults = [
      { probability: 1, serviceTier: 'flex', fault: 'flexUnavailable' },
      { probability: 1, serviceTier: 'priority', fault: 'tierDowngrade' },
    ]
    const { ask, tierOf } = setUp({ faults })
    expect(await tierOf(api, 'sol', { body: 'priority' })).toBe('default')
    expect(await tierOf(api, 'sol', {})).toBe('default')
    const refused = await ask(api, 'sol', { header: 'flex' })
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ error: { code: 'resource_unavailable' } })
  })
})

describe('service tiers', () => {
  it('downgrade long prompts of some models', async () => {
    const { post } = setUp()
    const tier = async (model: string): Promise<unknown> => {
      const messages = [{ role: 'user', content: 'lorem ipsum dolor sit amet '.repeat(26_000) }]
      const fields = { model, messages, service_tier: 'priority', max_completion_tokens: 100 }
      const response = await post('/openai/v1/chat/completions', fields)
      return ((await response.json()) as { service_tier?: unknown }).service_tier
    }
    expect(await tier('nano')).toBe('default')
    expect(await tier('sol')).toBe('priority')
  })

  it('are counted by the tier of the request and of the answer, and are in the journal', async () => {
    const { ask, app } = setUp()
    await (await ask('chat', 'sol', { body: 'flex' })).text()
    await (await ask('chat', 'luna', { body: 'priority' })).text()
    await (await ask('responses', 'old', { body: 'flex' })).text()
    const metrics = await (await app.request('/metrics')).text()
    const count = (deployment: string, operation: string, request: string, response: string): boolean =>
      metrics.includes(
        `aoai_service_tier_requests_total{deployment="${deployment}",operation="${operation}",request_tier="${request}",response_tier="${response}"} 1`,
      )
    expect(count('sol', 'chatCompletions', 'flex', 'flex')).toBe(true)
    expect(count('luna', 'chatCompletions', 'priority', 'default')).toBe(true)
    expect(count('old', 'responses', 'flex', 'none')).toBe(true)
    const journal = await app.request('/++/requests', { headers: { 'api-key': 'test-key' } })
    const { requests } = (await journal.json()) as { requests: { service_tier: unknown }[] }
    expect(requests.map(({ service_tier: tier }) => tier)).toEqual([
      { request: 'flex', response: 'flex' },
      { request: 'priority', response: 'default' },
      { request: 'flex', response: null },
    ])
  })

  it('change the latency by the factors of the deployment', async () => {
    const latency = {
      firstToken: 1_000,
      perToken: 100,
      burst: 'off',
      tiers: { flex: { firstToken: 3, perToken: 2 } },
    }
    const { ask, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { sol: { model: 'gpt-5.6-sol', latency } },
    })
    const endMs = async (asked: Asked): Promise<number> => {
      const startMs = clock.nowMs()
      const fields = { max_completion_tokens: 11, reasoning_effort: 'none' }
      const end = ask('chat', 'sol', asked, fields).then(async (response) => {
        await response.text()
        return clock.nowMs() - startMs
      })
      await clock.advance(20_000)
      return Math.round(await end)
    }
    const standard = await endMs({})
    const tokens = (standard - 1_000) / 100
    expect(await endMs({ body: 'flex' })).toBe(3_000 + 200 * tokens)
    expect(await endMs({ body: 'priority' })).toBe(750 + 90 * tokens)
  })
})
