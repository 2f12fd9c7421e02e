import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 12 }

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    deployments: {
      chat: { model: 'gpt-4o', tokensPerMinute: 100, requestsPerMinute: 60 },
      free: { model: 'gpt-4o' },
    },
    ...settings,
  })
  const api = createAdminApi(simulator.app)
  const chat = (deployment = 'chat', body: object = hello) =>
    simulator.post(deploymentPath(deployment, 'chat/completions'), body)
  const live = async (name = 'chat') => (await api.ask('GET', `/++/deployments/${name}`)).body.live
  return { ...simulator, ...api, chat, live }
}

describe('GET /++/deployments', () => {
  it('shows each deployment as configured, with its current state', async () => {
    const { ask, chat } = setUp()
    await chat()
    const { status, body } = await ask('GET', '/++/deployments')
    expect(status).toBe(200)
    expect(body.deployments).toEqual({
      chat: {
        model: 'gpt-4o',
        tokens_per_minute: 100,
        requests_per_minute: 60,
        live: {
          limits: {
            kind: 'pay-as-you-go',
            tokens: {
              limit: 100,
              used: 20,
              remaining: 80,
              window_seconds: 60,
              free_in_seconds: 0,
              empty_in_seconds: 60,
            },
            requests: {
              limit: 10,
              used: 1,
              remaining: 9,
              window_seconds: 10,
              free_in_seconds: 0,
              empty_in_seconds: 10,
            },
            requests_in_minute: {
              limit: 60,
              used: 1,
              remaining: 59,
              window_seconds: 60,
              free_in_seconds: 0,
              empty_in_seconds: 60,
            },
          },
          slots: null,
        },
      },
      free: { model: 'gpt-4o', live: { limits: null, slots: null } },
    })
  })

  it('does not count against the limits', async () => {
    const { ask, chat, live } = setUp()
    await chat()
    for (let times = 0; times < 20; times++) await ask('GET', '/++/deployments')
    expect((await live()).limits.requests.used).toBe(1)
    expect((await live()).limits.tokens.used).toBe(20)
  })

  it('reports when the next request is admitted, and it is admitted then', async () => {
    const { chat, live, clock } = setUp()
    for (let times = 0; times < 5; times++) await chat()
    expect((await chat()).status).toBe(429)
    const wait = (await live()).limits.tokens.free_in_seconds
    expect(wait).toBeGreaterThan(59)
    await clock.advance(wait * 1_000 - 200)
    expect((await chat()).status).toBe(429)
    await clock.advance(200)
    expect((await live()).limits.tokens.free_in_seconds).toBe(0)
    expect((await chat()).status).toBe(200)
  })

  it('reports the limits of the current incident phase', async () => {
    const { live } = setUp({
      incidents: { phases: [{ name: 'scarce', limits: { factor: 0.5 }, deployment: 'chat' }] },
    })
    expect((await live()).limits.tokens.limit).toBe(50)
  })

  it('reports the utilisation of provisioned deployments, and when the next request is admitted', async () => {
    const { chat, live, clock, ask } = setUp({
      deployments: { ptu: { model: 'gpt-4o', provisionedThroughputUnits: 1 } },
    })
    expect((await live('ptu')).limits).toEqual({
      kind: 'provisioned',
      utilization: 0,
      free_in_seconds: 0,
      empty_in_seconds: 0,
    })
    while ((await chat('ptu', { ...hello, max_tokens: 400 })).status === 200);
    const { limits } = await live('ptu')
    expect(limits.utilization).toBeGreaterThanOrEqual(1)
    await ask('PATCH', '/++/config', { openai_deployments: { ptu: { provisioned_throughput_units: 2 } } })
    expect((await live('ptu')).limits.utilization).toBeCloseTo(limits.utilization / 2, 3)
    await ask('PATCH', '/++/config', { openai_deployments: { ptu: { provisioned_throughput_units: 1 } } })
    await clock.advance(limits.free_in_seconds * 1_000)
    expect((await live('ptu')).limits.free_in_seconds).toBe(0)
    expect((await chat('ptu')).status).toBe(200)
  })

  it('reports how many slots are used and how many requests wait', async () => {
    const { chat, live, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '1', LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0' },
      deployments: { chat: { model: 'gpt-4o', latency: { concurrency: { slots: 2 } } } },
    })
    expect((await live()).slots).toEqual({ slots: 2, working: 0, waiting: 0, free: 2 })
    const answers = Promise.all([chat(), chat(), chat()])
    await clock.advance(10)
    expect((await live()).slots).toEqual({ slots: 2, working: 2, waiting: 1, free: 0 })
    await clock.advance(1_000)
    for (const answer of await answers) expect(answer.status).toBe(200)
    expect((await live()).slots).toEqual({ slots: 2, working: 0, waiting: 0, free: 2 })
  })

  it('lists the known deployments in the 404 for an unknown one', async () => {
    const { ask } = setUp()
    for (const name of ['nothing', 'constructor', '__proto__', '%zz', 'a%2Fb']) {
      const { status, body } = await ask('GET', `/++/deployments/${name}`)
      expect(status).toBe(404)
      expect(body.error.message).toContain('Known deployments: chat, free.')
    }
  })
})

describe('PUT /++/deployments/{name}', () => {
  it('answers 201 for a new deployment and 200 for a replaced one', async () => {
    const { ask, chat } = setUp({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    const made = await ask('PUT', '/++/deployments/fresh', { model: 'gpt-4o', tokens_per_minute: 20_000 })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ model: 'gpt-4o', tokens_per_minute: 20_000 })
    expect((await chat('fresh')).headers.get('x-ratelimit-limit-tokens')).toBe('20000')
    const replaced = await ask('PUT', '/++/deployments/fresh', { model: 'gpt-4o-mini', requestsPerMinute: 5 })
    expect(replaced.status).toBe(200)
    expect(replaced.body).toMatchObject({ model: 'gpt-4o-mini', requests_per_minute: 5 })
    expect(replaced.body).not.toHaveProperty('tokens_per_minute')
  })

  it('answers 201 once when several concurrent requests create the same deployment', async () => {
    const { ask } = setUp()
    const puts = [1, 2, 3].map((limit) =>
      ask('PUT', '/++/deployments/fresh', { model: 'gpt-4o', tokens_per_minute: limit }),
    )
    expect((await Promise.all(puts)).map(({ status }) => status)).toEqual([201, 200, 200])
  })

  it('keeps limit usage and drops patches of the replaced deployment', async () => {
    const { ask, chat, live } = setUp()
    await chat()
    await ask('PATCH', '/++/config', { openai_deployments: { chat: { requests_per_minute: 6 } } })
    const { body } = await ask('PUT', '/++/deployments/chat', { model: 'gpt-4o', tokens_per_minute: 1_000 })
    expect(body).not.toHaveProperty('requests_per_minute')
    expect((await live()).limits.tokens).toMatchObject({ used: 20, remaining: 980 })
  })

  it('accepts any name that fits into a URL', async () => {
    const { ask } = setUp()
    for (const name of ['team a/chat', '__proto__', 'constructor', 'ünïcode', '100%']) {
      const path = `/++/deployments/${encodeURIComponent(name)}`
      expect((await ask('PUT', path, { model: 'gpt-4o' })).status).toBe(201)
      expect((await ask('GET', path)).body.model).toBe('gpt-4o')
      expect(Object.keys((await ask('GET', '/++/config')).body.openai_deployments)).toContain(name)
      expect((await ask('DELETE', path)).status).toBe(204)
      expect((await ask('GET', path)).status).toBe(404)
    }
  })

  it('accepts every key of an entry in both spellings', async () => {
    const { ask } = setUp()
    const entry = {
      model: 'text-embedding-3-small',
      tokens_per_minute: 100,
      requests_per_minute: 10,
      requests_slice_seconds: 1,
      limit_profile: '2025-08',
      embedding_size: 256,
      latency: { per_request: { distribution: 'constant', ms: 5 } },
      faults: [{ probability: 0, fault: { kind: 'error', error: 'serverError', retry_after_seconds: 2 } }],
    }
    const { body } = await ask('PUT', '/++/deployments/all', entry)
    expect(body).toMatchObject(entry)
    const { tokens_per_minute: tokensPerMinute, ...rest } = entry
    expect((await ask('PUT', '/++/deployments/all', { ...rest, tokensPerMinute })).body).toMatchObject(entry)
    const ptu = { model: 'gpt-4o', provisioned_throughput_units: 15, spillover_to: 'chat' }
    expect((await ask('PUT', '/++/deployments/ptu', ptu)).body).toMatchObject(ptu)
  })

  it('treats an unknown model as the nearest known one, and logs which', async () => {
    const { ask, log, chat } = setUp()
    const { status, body } = await ask('PUT', '/++/deployments/fresh', { model: 'gpt-4.1-micro' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ model: 'gpt-4.1-micro' })
    expect(log.at(-1)).toMatchObject({
      level: 'warn',
      message: expect.stringContaining(' as gpt-4.1,'),
    })
    expect(await (await chat('fresh')).json()).toMatchObject({ model: 'gpt-4.1-micro' })
  })

  it('refuses a wrong entry and lists every problem', async () => {
    const { ask } = setUp({ env: { MODELS_STRICT: 'true' } })
    const { status, body } = await ask('PUT', '/++/deployments/fresh', { model: 'gpt-9', tpm: 1 })
    expect(status).toBe(400)
    expect(body.error.code).toBe('InvalidDeployment')
    expect(body.error.problems).toHaveLength(2)
    for (const wrong of ['null', '[]', '"gpt-4o"', '{}', '{"model": null}']) {
      expect((await ask('PUT', '/++/deployments/fresh', wrong)).status).toBe(400)
    }
    expect((await ask('GET', '/++/deployments/fresh')).status).toBe(404)
  })
})

describe('DELETE /++/deployments/{name}', () => {
  it('removes a deployment with 204, and answers 404 for a removed one', async () => {
    const { ask } = setUp()
    const removed = await ask('DELETE', '/++/deployments/chat')
    expect([removed.status, removed.text]).toEqual([204, ''])
    expect((await ask('DELETE', '/++/deployments/chat')).status).toBe(404)
    expect((await ask('PUT', '/++/deployments/chat', { model: 'gpt-4o' })).status).toBe(201)
  })

  it('refuses to remove a deployment that is a spillover target or named by a fault', async () => {
    const { ask } = setUp({
      deployments: {
        chat: { model: 'gpt-4o' },
        ptu: { model: 'gpt-4o', provisionedThroughputUnits: 15, spilloverTo: 'chat' },
        faulty: { model: 'gpt-4o' },
      },
      faults: [{ probability: 0, fault: 'serverError', deployment: 'faulty' }],
    })
    const { status, body } = await ask('DELETE', '/++/deployments/chat')
    expect(status).toBe(400)
    expect(body.error).toEqual({
      code: 'DeploymentNeeded',
      message: 'Could not remove the deployment "chat": "ptu" spills over to it. Change "ptu" first.',
      problems: ['"ptu" spills over to it. Change "ptu" first.'],
    })
    expect((await ask('DELETE', '/++/deployments/faulty')).body.error.message).toContain(
      'faults[0].deployment',
    )
    expect((await ask('GET', '/++/deployments/chat')).status).toBe(200)
    expect((await ask('DELETE', '/++/deployments/ptu')).status).toBe(204)
    expect((await ask('DELETE', '/++/deployments/chat')).status).toBe(204)
  })
})
