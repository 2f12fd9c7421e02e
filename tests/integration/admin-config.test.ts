import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }
const deployments = {
  chat: { model: 'gpt-4o', tokensPerMinute: 100, requestsPerMinute: 600 },
  other: { model: 'gpt-4o', tokensPerMinute: 100 },
}

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({ deployments, ...settings })
  const api = createAdminApi(simulator.app)
  const patch = (body: unknown) => api.ask('PATCH', '/++/config', body)
  const chat = (deployment = 'chat', body: object = hello) =>
    simulator.post(deploymentPath(deployment, 'chat/completions'), body)
  return { ...simulator, ...api, patch, chat }
}

/** A completion of 20 tokens, prompt included. */
const twenty = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 12 }

describe('GET /++/config', () => {
  it('has the fields of the Python simulator and more', async () => {
    const { ask } = setUp({ deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 100 } } })
    const { body } = await ask('GET', '/++/config')
    expect(body).toMatchObject({
      simulator_mode: 'generate',
      latency: {
        open_ai_embeddings: { mean: 100, std_dev: 30 },
        open_ai_completions: { mean: 15, std_dev: 2 },
        open_ai_chat_completions: { mean: 19, std_dev: 6 },
        open_ai_translations: { mean: 15_000, std_dev: 1_000 },
        time_scale: 0,
      },
      openai_deployments: { chat: { tokens_per_minute: 100, model: 'gpt-4o' } },
      allow_undefined_openai_deployments: true,
      faults: [],
    })
  })

  it('returns a document that can be sent back and then changes nothing', async () => {
    const latency = { firstToken: { distribution: 'normal', meanMs: 100, stdDevMs: 10 } }
    const faults = [{ probability: 0.1, fault: { kind: 'stall', ms: 100, afterEvents: 2 } }]
    const { ask, patch, simulator } = setUp({
      env: { CONTENT_FILTER_PROMPT: 'hate: bad word; worse' },
      deployments: { chat: { model: 'gpt-4o', latency, faults } },
      faults,
    })
    const { body } = await ask('GET', '/++/config')
    expect(body.openai_deployments.chat.latency.first_token.mean_ms).toBe(100)
    expect(body.faults[0].fault.after_events).toBe(2)
    const before = simulator.config
    expect((await patch(body)).body).toEqual(body)
    expect(simulator.config).toEqual(before)
    expect(simulator.config.defaultResource.deployments.get('chat')).toBe(
      before.defaultResource.deployments.get('chat'),
    )
  })
})

describe('PATCH /++/config', () => {
  it('accepts what clients of the Python simulator send, and returns the new configuration', async () => {
    const { patch } = setUp()
    expect(
      (await patch({ latency: { open_ai_chat_completions: { mean: 10, std_dev: 0.5 } } })).body.latency
        .open_ai_chat_completions,
    ).toEqual({ mean: 10, std_dev: 0.5, first_token: { mean: 0, std_dev: 0 } })
    const { body } = await patch({
      latency: {
        open_ai_chat_completions: { mean: 0, std_dev: 0 },
        open_ai_completions: { mean: 0, std_dev: 0 },
        open_ai_embeddings: { mean: 0, std_dev: 0 },
      },
    })
    expect(body.latency.open_ai_embeddings).toEqual({ mean: 0, std_dev: 0 })
    expect(body.latency.open_ai_translations).toEqual({ mean: 15_000, std_dev: 1_000 })
    expect((await patch({ latency: { open_ai_completions: { mean: 0.1 } } })).body.latency).toMatchObject({
      open_ai_completions: { mean: 0.1, std_dev: 0 },
    })
    expect((await patch({ simulator_mode: 'generate' })).body.simulator_mode).toBe('generate')
    expect(
      (await patch({ allow_undefined_openai_deployments: false })).body.allow_undefined_openai_deployments,
    ).toBe(false)
    const limits = { openai_deployments: { chat: { tokens_per_minute: 200 } } }
    expect((await patch(limits)).body.openai_deployments.chat).toMatchObject({
      model: 'gpt-4o',
      tokens_per_minute: 200,
    })
  })

  it('resets all settings of a group with null, and a later patch of one of them restores no other', async () => {
    const { patch } = setUp({ env: { LATENCY_OPENAI_EMBEDDINGS_MEAN: '7' } })
    await patch({ latency: { open_ai_completions: { mean: 3 } } })
    const { status, body } = await patch({ latency: null })
    expect(status).toBe(200)
    expect(body.latency).toMatchObject({
      open_ai_completions: { mean: 15 },
      open_ai_embeddings: { mean: 100 },
    })
    const later = await patch({ latency: { open_ai_embeddings: { std_dev: 1 } } })
    expect(later.body.latency.open_ai_embeddings).toEqual({ mean: 100, std_dev: 1 })
  })

  it('applies to requests that start after the change, not to running ones', async () => {
    const { patch, chat, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '1', LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0' },
    })
    const timed = async () => {
      const startMs = clock.nowMs()
      await chat()
      return clock.nowMs() - startMs
    }
    const running = timed()
    await clock.advance(50)
    await patch({ latency: { open_ai_chat_completions: { mean: 1 } } })
    await clock.advance(1_000)
    expect(await running).toBe(190)
    const next = timed()
    await clock.advance(1_000)
    expect(await next).toBe(10)
  })

  it('refuses a wrong change, lists every problem, and changes nothing', async () => {
    const { patch, ask } = setUp({ env: { MODELS_STRICT: 'true' } })
    const before = (await ask('GET', '/++/config')).text
    const { status, body } = await patch({
      region: 'West US',
      simulator_mode: 'dream',
      latncy: { time_scale: 1 },
      latency: { open_ai_embeddings: { mean: -1 } },
      host: '0.0.0.0',
      openai_deployments: { chat: { tokens_per_minute: 0 }, fresh: { model: 'gpt-9' } },
    })
    expect(status).toBe(400)
    expect(body.error.code).toBe('InvalidConfig')
    const problems = body.error.problems.join('\n')
    for (const part of [
      'simulator_mode must be',
      'latncy is not part',
      'mean must be',
      'host cannot change',
    ]) {
      expect(problems).toContain(part)
    }
    expect(problems).toContain('"chat".tokensPerMinute must be an integer of at least 1 (got 0)')
    expect(problems).toContain('"fresh".model must be a known model')
    expect((await ask('GET', '/++/config')).text).toBe(before)
    for (const wrong of ['[]', '5', 'null', '"text"', '{"openai_deployments": [1]}', '{"faults": {}}']) {
      expect((await patch(wrong)).status).toBe(400)
    }
    expect((await ask('GET', '/++/config')).text).toBe(before)
  })

  it('treats an unknown model as a known one and logs one warning', async () => {
    const { patch, log, chat } = setUp()
    const change = { openai_deployments: { fresh: { model: 'ft:gpt-4o:team::1', tokens_per_minute: '100' } } }
    for (let times = 0; times < 3; times++) expect((await patch(change)).status).toBe(200)
    const { body } = await patch({ region: 'West US' })
    expect(body.openai_deployments.fresh).toEqual({ model: 'ft:gpt-4o:team::1', tokens_per_minute: 100 })
    const warnings = log.filter(({ level }) => level === 'warn')
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /"fresh"\.model is unknown: .*"ft:gpt-4o:team::1" as gpt-4o, .*MODEL_CATALOGUE_PATH/,
      ),
    ])
    expect(await (await chat('fresh')).json()).toMatchObject({ model: 'ft:gpt-4o:team::1' })
  })

  it('logs a bounded number of warnings for many unknown models', async () => {
    const { patch, log } = setUp()
    const entries = Array.from({ length: 500 }, (_, index) => [`d${index}`, { model: `new-${index}` }])
    expect((await patch({ openai_deployments: Object.fromEntries(entries) })).status).toBe(200)
    const warnings = log.filter(({ level }) => level === 'warn')
    expect(warnings).toHaveLength(21)
    expect(warnings.at(-1)?.message).toMatch(/: 480 more deployments have such warnings\.$/)
  })

  it('loses none of several concurrent changes', async () => {
    const { patch, ask } = setUp()
    const names = Array.from({ length: 15 }, (_, index) => `extra-${index}`)
    await Promise.all(
      names.map((name) =>
        patch({ openai_deployments: { [name]: { model: 'gpt-4o', tokens_per_minute: 10 } } }),
      ),
    )
    const { body } = await ask('GET', '/++/config')
    expect(Object.keys(body.openai_deployments)).toEqual(['chat', 'other', ...names])
  })

  it('replaces the faults that apply to all deployments', async () => {
    const { patch, chat } = setUp()
    const faults = [{ probability: 1, fault: 'overloaded503' }]
    expect((await patch({ faults })).body.faults).toEqual(faults)
    expect((await chat()).status).toBe(503)
    await patch({ faults: null })
    expect((await chat()).status).toBe(200)
  })

  it('adds and removes deployments', async () => {
    const { patch, chat } = setUp({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    expect((await chat('fresh')).status).toBe(404)
    await patch({ openai_deployments: { fresh: { model: 'gpt-4o' }, other: null } })
    expect((await chat('fresh')).status).toBe(200)
    expect((await chat('other')).status).toBe(404)
  })
})

describe('limit usage', () => {
  it('is unchanged by a patch that does not change the deployment', async () => {
    const { patch, ask, chat } = setUp()
    for (let used = 0; used < 3; used++) await chat('chat', twenty)
    const used = async () => (await ask('GET', '/++/deployments/chat')).body.live.limits.tokens.used
    expect(await used()).toBe(60)
    await patch({ openai_deployments: { other: { tokens_per_minute: 500 } } })
    await patch({ limit_profile: '2025-08' })
    expect(await used()).toBe(60)
    await chat('chat', twenty)
    expect(await used()).toBe(80)
  })

  it('is unchanged by a patch that changes the limits', async () => {
    const { patch, ask, chat } = setUp()
    for (let used = 0; used < 3; used++) await chat('chat', twenty)
    const limits = async () => (await ask('GET', '/++/deployments/chat')).body.live.limits
    expect((await limits()).tokens).toMatchObject({ limit: 100, used: 60, remaining: 40 })
    await patch({ latency: { open_ai_chat_completions: { mean: 1 } } })
    expect((await limits()).tokens).toMatchObject({ limit: 100, used: 60, remaining: 40 })
    await patch({ openai_deployments: { chat: { tokens_per_minute: 1_000 } } })
    expect((await limits()).tokens).toMatchObject({ limit: 1_000, used: 60, remaining: 940 })
    const response = await chat('chat', twenty)
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('1000')
    expect((await limits()).tokens.used).toBe(80)
  })
})

describe('a mode change', () => {
  const recordings = `interactions:
  - request: { method: POST, uri: 'https://example.test/openai/deployments/chat/chat/completions', headers: {}, body: '${JSON.stringify(hello)}' }
    response: { status: { code: 200 }, headers: { content-type: [application/json] }, body: { string: '{"from":"recording"}' } }
version: 1
`

  it('switches to replay and back', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'aoai-admin-'))
    try {
      writeFileSync(join(dir, 'chat.yaml'), recordings)
      const { patch, chat, ask, app } = setUp({ env: { RECORDING_DIR: dir } })
      expect(await (await chat()).text()).toContain('chat.completion')
      expect((await patch({ simulator_mode: 'replay' })).body.simulator_mode).toBe('replay')
      expect(await (await chat()).text()).toBe('{"from":"recording"}')
      expect(await (await app.request('/healthz')).json()).toEqual({ status: 'ok', mode: 'replay' })
      await patch({ simulator_mode: 'generate' })
      expect(await (await chat()).text()).toContain('chat.completion')
      rmSync(dir, { recursive: true })
      // The recordings were loaded at the start and are still in memory.
      await patch({ simulator_mode: 'replay' })
      expect(await (await chat()).text()).toBe('{"from":"recording"}')
      expect((await ask('POST', '/++/reset')).body.simulator_mode).toBe('generate')
      expect(await (await chat()).text()).toContain('chat.completion')
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('is refused when the new mode lacks a setting, and nothing changes', async () => {
    const { patch, chat, simulator } = setUp({ env: { RECORDING_DIR: '/nowhere/at/all' } })
    const before = simulator.config
    const record = await patch({ simulator_mode: 'record', region: 'X' })
    expect(record.status).toBe(400)
    expect(record.body.error.problems.join()).toContain('needs AZURE_OPENAI_ENDPOINT')
    const replay = await patch({ simulator_mode: 'replay', region: 'X' })
    expect(replay.status).toBe(400)
    expect(replay.body.error.code).toBe('RECORDINGS_UNREADABLE')
    expect(replay.body.error.message).toContain('/nowhere/at/all')
    expect(simulator.config).toBe(before)
    expect((await chat()).status).toBe(200)
    expect((await patch({ region: 'X' })).status).toBe(200)
  })
})

describe('POST /++/reset', () => {
  it('reverts all changes, and clears limit usage and the journal', async () => {
    const { ask, patch, chat } = setUp({ env: { JOURNAL_SIZE: '10' } })
    const before = (await ask('GET', '/++/config')).text
    await patch({ region: 'X', openai_deployments: { chat: { model: 'gpt-4o-mini' }, other: null } })
    await ask('PUT', '/++/deployments/fresh', { model: 'gpt-4o' })
    await chat('chat', twenty)
    const { status, text } = await ask('POST', '/++/reset')
    expect(status).toBe(200)
    expect(text).toBe(before)
    const { body } = await ask('GET', '/++/deployments/chat')
    expect(body.live.limits.tokens.used).toBe(0)
    expect((await ask('GET', '/++/requests')).body.requests).toEqual([])
  })
})
