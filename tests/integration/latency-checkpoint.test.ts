import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, eventsOf } from '../support/test-simulator.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const constant = (ms: number) => ({ distribution: 'constant', ms })
const steady = { firstToken: constant(500), perToken: constant(20) }

type Times = Readonly<Record<string, number>>

interface Sent {
  readonly usage?: { readonly completion_tokens: number; readonly latency_checkpoint?: Times }
  readonly latency_checkpoint?: Times
}

interface Options {
  readonly model?: string
  readonly latency?: object
  readonly wireProfile?: string
  readonly timeScale?: string
  readonly headers?: Record<string, string>
}

/** Sends a request on a virtual clock. Returns the last object of the answer, and when the client had it. */
const ask = async (body: object, options: Options = {}) => {
  const { model = 'gpt-4o', latency = steady, wireProfile, timeScale = '1', headers } = options
  const { post, clock } = createTestSimulator({
    env: { LATENCY_TIME_SCALE: timeScale },
    deployments: { chat: { model, latency, ...(wireProfile !== undefined && { wireProfile }) } },
  })
  const startMs = clock.nowMs()
  const read = async () => {
    const response = await post(path, { ...hello, ...body }, headers)
    const firstMs = clock.nowMs() - startMs
    const text = await response.text()
    return { text, firstMs, endMs: clock.nowMs() - startMs }
  }
  const pending = read()
  await clock.advance(300_000)
  const { text, firstMs, endMs } = await pending
  const json = text.startsWith('data:') ? (eventsOf(text).at(-2) ?? '') : text
  return { sent: JSON.parse(json) as Sent, firstMs, endMs }
}

const streamed = { stream: true, stream_options: { include_usage: true } }

describe('latency_checkpoint of chat', () => {
  it('has the planned times of a whole answer in the usage', async () => {
    const { sent, endMs } = await ask({ max_tokens: 11 })
    expect(endMs).toBe(700)
    expect(sent.usage?.latency_checkpoint).toEqual({
      engine_tbt_ms: 18,
      engine_ttft_ms: 65,
      engine_ttlt_ms: 265,
      pre_inference_ms: 130,
      service_tbt_ms: 18,
      service_ttft_ms: 500,
      service_ttlt_ms: 700,
      user_visible_ttft_ms: 370,
    })
    expect(sent).not.toHaveProperty('latency_checkpoint')
  })

  it('has the times at which the client receives a stream, at the top level of the usage chunk', async () => {
    const { sent, firstMs, endMs } = await ask({ max_tokens: 11, ...streamed })
    expect(sent.usage).not.toHaveProperty('latency_checkpoint')
    expect(sent.latency_checkpoint).toMatchObject({ service_ttft_ms: firstMs, service_ttlt_ms: endMs })
    expect([firstMs, endMs]).toEqual([500, 700])
  })

  it('starts with the first hidden token of a reasoning model', async () => {
    const latency = { ...steady, reasoningMsPerToken: 10 }
    const { sent, endMs } = await ask({ reasoning_effort: 'high' }, { model: 'gpt-5-mini', latency })
    expect(endMs).toBeGreaterThan(1_000)
    expect(sent.usage?.latency_checkpoint).toMatchObject({ service_ttft_ms: 500, service_ttlt_ms: endMs })
  })

  it('does not include the time that the content filter holds a text', async () => {
    const latency = { ...steady, burst: { interval: constant(2_000) } }
    const { sent, endMs } = await ask({ max_tokens: 11, ...streamed }, { latency })
    expect(endMs).toBe(700)
    expect(sent.latency_checkpoint).toMatchObject({ service_ttft_ms: 500, service_ttlt_ms: 700 })
  })

  it('includes the delay of a fault', async () => {
    const headers = { 'x-sim-fault': 'delay;ms=1000' }
    const { sent, endMs } = await ask({ max_tokens: 11, ...streamed }, { headers })
    expect(endMs).toBe(1_700)
    expect(sent.latency_checkpoint).toMatchObject({ service_ttft_ms: 1_500, service_ttlt_ms: 1_700 })
  })

  it('counts the wait for a slot as time before the inference', async () => {
    const latency = { ...steady, concurrency: { slots: 1, queueLength: 1 } }
    const { post, clock } = createTestSimulator({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { chat: { model: 'gpt-4o', latency } },
    })
    const body = { ...hello, max_tokens: 11 }
    const pending = Promise.all([post(path, body), post(path, body)].map(async (one) => (await one).json()))
    await clock.advance(10_000)
    const times = (await pending).map((one) => (one as Sent).usage?.latency_checkpoint)
    expect(times[0]).toMatchObject({ pre_inference_ms: 130, service_ttft_ms: 500 })
    expect(times[1]).toMatchObject({ pre_inference_ms: 830, service_ttft_ms: 1_200, service_ttlt_ms: 1_400 })
  })

  it('is 0 without latency', async () => {
    const { sent } = await ask({ max_tokens: 11 }, { timeScale: '0' })
    expect(new Set(Object.values(sent.usage?.latency_checkpoint ?? {}))).toEqual(new Set([0]))
  })

  it.each(['2026-04', '2026-06', '2026-08', '2026-09'])('has the members of %s', async (wireProfile) => {
    const answers = [await ask({ max_tokens: 5 }, { wireProfile }), await ask(streamed, { wireProfile })]
    for (const { sent } of answers) {
      const times = sent.latency_checkpoint ?? sent.usage?.latency_checkpoint
      expect(times !== undefined).toBe(wireProfile !== '2026-04')
      const total = times && times['service_ttlt_ms']! - times['pre_inference_ms']!
      const hasTotal = wireProfile === '2026-06' || wireProfile === '2026-08'
      expect(times?.['total_duration_ms']).toBe(hasTotal ? total : undefined)
    }
  })

  it('is consistent for any latency', async () => {
    const latency = { profile: 'gpt-4o' }
    for (const tokens of [1, 2, 40]) {
      const { sent } = await ask({ max_tokens: tokens, n: 2 }, { latency })
      const times = sent.usage?.latency_checkpoint ?? {}
      const of = (name: string): number => times[name] ?? NaN
      expect(Object.values(times).every((ms) => Number.isInteger(ms) && ms >= 0)).toBe(true)
      expect(of('service_ttft_ms')).toBeLessThanOrEqual(of('service_ttlt_ms'))
      expect(of('user_visible_ttft_ms') + of('pre_inference_ms')).toBe(of('service_ttft_ms'))
      expect(of('engine_ttlt_ms') - of('engine_ttft_ms')).toBe(of('service_ttlt_ms') - of('service_ttft_ms'))
      expect(of('engine_ttft_ms')).toBeLessThan(of('user_visible_ttft_ms'))
      const perChoice = (sent.usage?.completion_tokens ?? NaN) / 2
      const meanMs = (of('service_ttlt_ms') - of('service_ttft_ms')) / perChoice
      expect(Math.abs(of('service_tbt_ms') - meanMs)).toBeLessThanOrEqual(0.5)
    }
  })
})
