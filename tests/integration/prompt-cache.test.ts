import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'

const MINUTE = 60_000
/** About 1,500 tokens. */
const long = (start = 'a'): string =>
  `${start} ${'The quick brown fox jumps over the lazy dog. '.repeat(150)}`

interface Used {
  readonly prompt: number
  readonly cached: number
  readonly written: number | undefined
}

const apis = ['chat', 'responses'] as const
type Api = (typeof apis)[number]

const setUp = (settings: TestSettings = {}) => {
  const deployments = {
    luna: { model: 'gpt-5.6-luna' },
    nano: { model: 'gpt-5-nano' },
    old: { model: 'gpt-4o' },
    rare: { model: 'gpt-4o', promptCacheHitProbability: 0.3 },
    never: { model: 'gpt-4o', promptCacheHitProbability: 0 },
    reserved: { model: 'gpt-5.4', provisionedThroughputUnits: 1_000 },
  }
  const simulator = createTestSimulator({ deployments, ...settings })
  const post = async (api: Api, model: string, text: string, fields: object = {}) => {
    const message = { role: 'user', content: text }
    const response =
      api === 'chat'
        ? await simulator.post('/openai/v1/chat/completions', { model, messages: [message], ...fields })
        : await simulator.post('/openai/v1/responses', { model, input: [message], ...fields })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  /** The tokens of a prompt. */
  const ask = async (api: Api, model: string, text: string, fields: object = {}): Promise<Used> => {
    const { status, body } = await post(api, model, text, fields)
    expect(status).toBe(200)
    const usage = body['usage'] as Record<string, number> & {
      readonly prompt_tokens_details?: Record<string, number>
      readonly input_tokens_details?: Record<string, number>
    }
    const details = usage.prompt_tokens_details ?? usage.input_tokens_details ?? {}
    return {
      prompt: usage['prompt_tokens'] ?? usage['input_tokens'] ?? 0,
      cached: details['cached_tokens'] ?? 0,
      written: details['cache_write_tokens'],
    }
  }
  return { ...simulator, ask, send: post }
}

describe.each(apis)('the prompt cache of %s', (api) => {
  it('separates keys', async () => {
    const { ask } = setUp()
    await ask(api, 'luna', long(), { prompt_cache_key: 'a' })
    expect((await ask(api, 'luna', long(), { prompt_cache_key: 'b' })).cached).toBe(0)
    expect((await ask(api, 'luna', long(), { prompt_cache_key: 'a' })).cached).toBeGreaterThan(1_024)
  })

  it('forgets prompts in memory after ten minutes, and keeps others for a day', async () => {
    const { ask, clock } = setUp()
    const day = { prompt_cache_retention: '24h' }
    const cases = [
      ['old', {}],
      ['nano', {}],
      ['reserved', {}],
      ['reserved', day],
      ['luna', {}],
    ] as const
    const read = (): Promise<number[]> =>
      Promise.all(
        cases.map(
          async ([model, fields], index) => (await ask(api, model, long(String(index)), fields)).cached,
        ),
      )
    await read()
    await clock.advance(4 * MINUTE)
    expect((await read()).every((tokens) => tokens >= 1_024 && tokens % 128 === 0)).toBe(true)
    await clock.advance(11 * MINUTE)
    expect((await read()).map((tokens) => tokens > 0)).toEqual([false, false, false, true, true])
    await clock.advance(23 * 60 * MINUTE)
    expect((await read()).map((tokens) => tokens > 0)).toEqual([false, false, false, true, true])
  })

  it('reports written tokens on gpt-5.6 and later', async () => {
    const { ask } = setUp()
    const cold = await ask(api, 'luna', long())
    expect(cold).toMatchObject({ cached: 0, written: cold.prompt - 3 })
    const warm = await ask(api, 'luna', long())
    expect(warm.cached).toBeGreaterThan(1_024)
    expect(warm.written ?? 0).toBe(0)
    expect((await ask(api, 'luna', 'short')).written ?? 0).toBe(0)
    expect((await ask(api, 'old', long('b'))).written ?? 0).toBe(0)
  })

  it('caches nothing in explicit mode without a breakpoint', async () => {
    const { ask } = setUp()
    const fields = { prompt_cache_options: { mode: 'explicit', ttl: '30m' } }
    for (const _ of [1, 2]) {
      const { cached, written } = await ask(api, 'luna', long(), fields)
      expect([cached, written ?? 0]).toEqual([0, 0])
    }
  })

  it('ends a prefix at a breakpoint in explicit mode', async () => {
    const { ask } = setUp()
    const type = api === 'chat' ? 'text' : 'input_text'
    const part = { type, text: long(), prompt_cache_breakpoint: { mode: 'explicit' } }
    const asked = (question: string): Promise<Used> => {
      const messages = [
        { role: 'developer', content: [part] },
        { role: 'user', content: question },
      ]
      return ask(api, 'luna', '', {
        ...(api === 'chat' ? { messages } : { input: messages }),
        prompt_cache_options: { mode: 'explicit' },
      })
    }
    const first = await asked('one')
    expect(first.cached).toBe(0)
    expect(first.written).toBeGreaterThan(1_024)
    expect(first.written).toBeLessThan(first.prompt - 3)
    const second = await asked('another question')
    expect(second.cached).toBe(first.written)
    expect(second.written ?? 0).toBe(0)
  })

  it('hits with the probability of the deployment', async () => {
    const { ask } = setUp({ env: { SIMULATOR_SEED: 'cache' } })
    const share = async (model: string): Promise<number> => {
      let hits = 0
      for (let index = 0; index < 10; index++) {
        const text = long(`${model} ${index}`)
        await ask(api, model, text)
        for (let again = 0; again < 10; again++) if ((await ask(api, model, text)).cached > 0) hits++
      }
      return hits / 100
    }
    expect(await share('old')).toBe(1)
    expect(await share('never')).toBe(0)
    const rare = await share('rare')
    expect(rare).toBeGreaterThan(0.15)
    expect(rare).toBeLessThan(0.45)
  })

  it.each([
    ['old', { prompt_cache_retention: '24h' }, 'prompt_cache_retention'],
    ['nano', { prompt_cache_retention: '24h' }, 'prompt_cache_retention'],
    ['luna', { prompt_cache_retention: 'in_memory' }, 'prompt_cache_retention'],
    ['reserved', { prompt_cache_options: { mode: 'explicit' } }, 'prompt_cache_options'],
    ['old', { prompt_cache_options: {} }, 'prompt_cache_options'],
  ])('refuses on %s %j', async (model, fields, param) => {
    const { status, body } = await setUp().send(api, model, 'x', fields)
    expect(status).toBe(400)
    const message = `${param} is not supported on this model`
    expect(body['error']).toMatchObject({
      message,
      type: 'invalid_request_error',
      param,
      code: 'invalid_parameter',
    })
  })

  it('refuses a request for the reason of a miss', async () => {
    const { status, body } = await setUp().send(api, 'luna', 'x', {
      prompt_cache_options: { comparison_response_id: 'resp_1' },
    })
    expect(status).toBe(400)
    expect(body['error']).toMatchObject({ param: 'prompt_cache_options.comparison_response_id' })
  })

  it('refuses a breakpoint before gpt-5.6', async () => {
    const type = api === 'chat' ? 'text' : 'input_text'
    const content = [{ type, text: 'x', prompt_cache_breakpoint: { mode: 'explicit' } }]
    const messages = [{ role: 'user', content }]
    const fields = api === 'chat' ? { messages } : { input: messages }
    const { status, body } = await setUp().send(api, 'nano', '', fields)
    expect(status).toBe(400)
    expect(body['error']).toMatchObject({ param: 'prompt_cache_breakpoint', code: 'invalid_parameter' })
    expect((await setUp().send(api, 'luna', '', fields)).status).toBe(200)
  })
})

describe('a continued conversation', () => {
  it('is cached while the previous response is retained, with the same key', async () => {
    const { ask, send, clock } = setUp()
    const first = await send('responses', 'nano', long(), { prompt_cache_key: 'a' })
    const previous = { previous_response_id: first.body['id'] }
    const cached = async (fields: object): Promise<number> =>
      (await ask('responses', 'nano', 'more', { ...previous, ...fields })).cached
    expect(await cached({ prompt_cache_key: 'a' })).toBeGreaterThan(1_024)
    expect(await cached({ prompt_cache_key: 'b' })).toBe(0)
    await clock.advance(11 * MINUTE)
    expect(await cached({ prompt_cache_key: 'a' })).toBe(0)
  })
})

describe('a cached prompt', () => {
  it('shortens the time to the first token', async () => {
    const latency = { firstToken: 100, perToken: 0, promptMsPerToken: 1 }
    const { post, clock } = createTestSimulator({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { chat: { model: 'gpt-4o', latency } },
    })
    const times: number[] = []
    for (const _ of [1, 2]) {
      const startMs = clock.nowMs()
      const messages = [{ role: 'user', content: long() }]
      const asked = post(deploymentPath('chat', 'chat/completions'), {
        messages,
        max_tokens: 1,
        stream: true,
      }).then(() => times.push(clock.nowMs() - startMs))
      await clock.advance(10_000)
      await asked
    }
    expect(times[0]).toBeGreaterThan(1_500)
    expect(times[1]).toBeLessThan(300)
  })
})
