import { describe, expect, it } from 'vitest'
import { findModel } from '../wire/models/model-catalogue.ts'
import type { Outcome } from '../pipeline/exchange.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { textBody } from '../answer/body.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { type LimitUse, payAsYouGoUse } from '../limits/rate-limiter.ts'
import { createMetrics } from './metrics.ts'
import { MAX_UNKNOWN_DEPLOYMENTS } from './series-table.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const usage = { promptTokens: 10, cachedTokens: 4, completionTokens: 20, reasoningTokens: 8 }
const ok = (part: Partial<Reply> = {}): Reply => ({
  status: 200,
  headers: new HeaderList(),
  body: textBody(''),
  ...part,
})
const events = { kind: 'events', count: 1, stepOf: () => 0, render: () => '' } as const

interface RequestOptions {
  readonly deployment?: string | undefined
  readonly path?: string
  readonly reply?: Reply
  readonly queuedMs?: number
  /** Undefined leaves the request open. */
  readonly outcome?: Partial<Outcome> | undefined
}

const payAsYouGo = (tokens: number | undefined, requests: number): LimitUse =>
  payAsYouGoUse({ tokens: tokens ?? Infinity, requestsPerMinute: requests }, { tokens: 2, requests: 2 })
const provisioned: LimitUse = { kind: 'provisioned', utilization: 0.5 }

/** The values of an exposition by name and sorted labels. Fails if a line occurs twice. */
const parse = (text: string): Map<string, number> => {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? expect.fail(line)
    const sorted = [...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([pair]) => pair).sort()
    const key = sorted.length > 0 ? `${name}{${sorted.join(',')}}` : name!
    if (values.has(key)) expect.fail(`twice: ${key}`)
    values.set(key, Number(value))
  }
  return values
}

const setUp = () => {
  const clock = createVirtualClock()
  const metrics = createMetrics({ clock, limits: async () => [] })
  const config = testConfig({
    deployments: new Map([['chat', { name: 'chat', model: findModel('gpt-4o-mini')! }]]),
  })
  const ask = async (request: RequestOptions = {}): Promise<void> => {
    const { deployment, path = '/openai/v1/chat/completions', reply = ok() } = request
    const exchange = testExchange({ path }, { config, clock })
    await metrics.observe(exchange, async () => {
      if (deployment !== undefined) {
        exchange.deployment = { name: deployment, model: findModel('gpt-4o-mini')! }
      }
      await clock.advance(2)
      exchange.queuedMs = request.queuedMs ?? 0
      return reply
    })
    if ('outcome' in request && !request.outcome) return
    exchange.end({ aborted: false, firstByteMs: 300, endMs: 1_500, ...request.outcome })
  }
  return { metrics, ask, read: async () => parse(await metrics.render()) }
}

const chat = 'deployment="chat",operation="chatCompletions"'
const at = (le: string): string => `{deployment="chat",le="${le}",operation="chatCompletions",status="200"}`
const requestNames = (values: Map<string, number>): string[] =>
  [...values.keys()].filter((key) => key.startsWith('aoai_requests_total'))

describe('createMetrics', () => {
  it('counts requests by deployment, operation and status', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat' })
    await ask({ deployment: 'chat' })
    await ask({ deployment: 'chat', reply: ok({ status: 400 }) })
    await ask({ path: '/openai/v1/embeddings', reply: ok({ status: 404 }) })
    await ask({ path: '/nowhere', reply: ok({ status: 404 }) })
    const values = await read()
    expect(values.get(`aoai_requests_total{${chat},status="200"}`)).toBe(2)
    expect(values.get(`aoai_requests_total{${chat},status="400"}`)).toBe(1)
    expect(values.get('aoai_requests_total{deployment="",operation="embeddings",status="404"}')).toBe(1)
    expect(values.get('aoai_requests_total{deployment="",operation="other",status="404"}')).toBe(1)
  })

  it('separates the duration with latency from the base duration', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat' })
    await ask({ deployment: 'chat', outcome: { endMs: 200_000 } })
    const values = await read()
    const full = 'aoai_request_duration_seconds'
    expect(values.get(`${full}_sum{${chat},status="200"}`)).toBe(201.5)
    expect(values.get(`${full}_count{${chat},status="200"}`)).toBe(2)
    expect(values.get(`${full}_bucket${at('1')}`)).toBe(0)
    expect(values.get(`${full}_bucket${at('2.5')}`)).toBe(1)
    expect(values.get(`${full}_bucket${at('120')}`)).toBe(1)
    expect(values.get(`${full}_bucket${at('+Inf')}`)).toBe(2)
    const base = 'aoai_request_base_duration_seconds'
    expect(values.get(`${base}_sum{${chat},status="200"}`)).toBeCloseTo(0.004)
    expect(values.get(`${base}_bucket${at('0.001')}`)).toBe(0)
    expect(values.get(`${base}_bucket${at('0.0025')}`)).toBe(2)
  })

  it('measures the time to the first token of streams only', async () => {
    const { ask, read } = setUp()
    const key = `aoai_time_to_first_token_seconds_sum{${chat},status="200"}`
    await ask({ deployment: 'chat' })
    expect((await read()).has(key)).toBe(false)
    await ask({ deployment: 'chat', reply: ok({ body: events }) })
    expect((await read()).get(key)).toBe(0.3)
  })

  it('counts tokens by type', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat', reply: ok({ usage }) })
    await ask({ deployment: 'chat', reply: ok({ usage }) })
    const values = await read()
    const tokens = (type: string) => values.get(`aoai_tokens_total{${chat},type="${type}"}`)
    expect(['prompt', 'completion', 'reasoning', 'cached'].map(tokens)).toEqual([20, 40, 16, 8])
  })

  it('counts rate-limited requests by limit', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat', reply: ok({ status: 429, limitedBy: 'tokens' }) })
    await ask({ deployment: 'chat', reply: ok({ status: 429 }) })
    const values = await read()
    expect(values.get(`aoai_rate_limited_requests_total{${chat},reason="tokens"}`)).toBe(1)
    expect(values.get(`aoai_rate_limited_requests_total{${chat},reason="requests"}`)).toBe(0)
  })

  it('separates the wait for a slot from the base duration', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat' })
    expect((await read()).has(`aoai_queue_wait_seconds_count{${chat},status="200"}`)).toBe(false)
    await ask({ deployment: 'chat', queuedMs: 1.5 })
    const values = await read()
    expect(values.get(`aoai_queue_wait_seconds_count{${chat},status="200"}`)).toBe(1)
    expect(values.get(`aoai_queue_wait_seconds_sum{${chat},status="200"}`)).toBe(0.0015)
    expect(values.get(`aoai_request_base_duration_seconds_sum{${chat},status="200"}`)).toBeCloseTo(0.0025)
  })

  it('counts clients that disconnect, and excludes them from durations', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat', outcome: { aborted: true, endMs: 10 } })
    const values = await read()
    expect(values.get(`aoai_client_disconnects_total{${chat}}`)).toBe(1)
    expect(values.get(`aoai_requests_total{${chat},status="200"}`)).toBe(1)
    expect(values.has(`aoai_request_duration_seconds_count{${chat},status="200"}`)).toBe(false)
  })

  it('counts a request as in flight until its answer ends', async () => {
    const { ask, read } = setUp()
    await ask({ deployment: 'chat', outcome: undefined })
    await ask({ deployment: 'chat' })
    const values = await read()
    expect(values.get('aoai_requests_in_flight')).toBe(1)
    expect(values.get(`aoai_requests_total{${chat},status="200"}`)).toBe(1)
  })

  it('ends a request in flight when its pipeline throws', async () => {
    const { metrics, read } = setUp()
    const exchange = testExchange()
    await expect(metrics.observe(exchange, () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    )
    exchange.end({ aborted: false, firstByteMs: 0, endMs: 1 })
    expect((await read()).get('aoai_requests_in_flight')).toBe(0)
  })

  it('has labels for the first 100 unknown deployments only', async () => {
    const { ask, read } = setUp()
    for (let i = 0; i < MAX_UNKNOWN_DEPLOYMENTS + 50; i++) await ask({ deployment: `made-up-${i}` })
    await ask({ deployment: 'made-up-3' })
    await ask({ deployment: 'chat' })
    const values = await read()
    expect(requestNames(values)).toHaveLength(MAX_UNKNOWN_DEPLOYMENTS + 2)
    const of = (name: string) =>
      values.get(`aoai_requests_total{deployment="${name}",operation="chatCompletions",status="200"}`)
    expect([of('made-up-3'), of('other'), of('chat')]).toEqual([2, 50, 1])
  })

  it('has no label for a name that could break the exposition', async () => {
    const { ask, read } = setUp()
    for (const deployment of ['a"b', 'a\nb', 'a\\', '\ud800', '\ud801', 'x'.repeat(65)])
      await ask({ deployment })
    expect(requestNames(await read())).toEqual([
      'aoai_requests_total{deployment="other",operation="chatCompletions",status="200"}',
    ])
  })

  it('separates the requests of two simulators, and shows the process in both', async () => {
    const [first, second] = [setUp(), setUp()]
    await first.ask({ deployment: 'chat' })
    expect(requestNames(await second.read())).toEqual([])
    for (const { read } of [first, second]) {
      expect((await read()).get('process_resident_memory_bytes')).toBeGreaterThan(0)
    }
  })

  it('renders the text format of Prometheus with help and type for each metric', async () => {
    const { ask, metrics } = setUp()
    await ask({ deployment: 'chat' })
    const text = await metrics.render()
    expect(metrics.contentType).toContain('text/plain; version=0.0.4')
    const names = [...text.matchAll(/^# TYPE (aoai_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(names).toEqual([
      'aoai_requests_total counter',
      'aoai_request_duration_seconds histogram',
      'aoai_request_base_duration_seconds histogram',
      'aoai_time_to_first_token_seconds histogram',
      'aoai_queue_wait_seconds histogram',
      'aoai_tokens_total counter',
      'aoai_rate_limited_requests_total counter',
      'aoai_service_tier_requests_total counter',
      'aoai_client_disconnects_total counter',
      'aoai_active_requests gauge',
      'aoai_open_streams gauge',
      'aoai_requests_in_flight gauge',
      'aoai_simulator_lateness_seconds histogram',
      'aoai_simulator_bottleneck gauge',
      'aoai_simulator_event_loop_lag_seconds gauge',
      'aoai_deployment_requests_in_work gauge',
      'aoai_deployment_requests_waiting gauge',
      'aoai_deployment_utilization_ratio gauge',
      'aoai_deployment_limit_per_minute gauge',
      'aoai_deployment_used_per_minute gauge',
      'aoai_deployment_remaining_per_minute gauge',
      'aoai_connections_ended_total counter',
      'aoai_access_refused_total counter',
      'aoai_recordings_lost_total counter',
      'aoai_upstream_requests_total counter',
      'aoai_upstream_retries_total counter',
      'aoai_upstream_duration_seconds histogram',
      'aoai_upstream_first_byte_seconds histogram',
    ])
    for (const name of names) expect(text).toContain(`# HELP ${name.split(' ')[0]} `)
  })

  it('shows the limits of deployments, and the current simulator info', async () => {
    const info = { version: '1.2.3', mode: 'generate', region: 'East US' }
    const metrics = createMetrics({
      clock: createVirtualClock(),
      info: () => info,
      limits: async () => [
        { resource: 'default', deployment: 'chat', use: payAsYouGo(60_000, 360) },
        { resource: 'default', deployment: 'small', use: payAsYouGo(undefined, 5) },
        { resource: 'acme', deployment: 'small', use: payAsYouGo(undefined, 6) },
        { resource: 'acme', deployment: 'units', use: provisioned },
      ],
    })
    await metrics.render()
    info.region = 'Sweden Central'
    const own = [...parse(await metrics.render())].filter(([key]) =>
      /^aoai_\w+(_info|_minute|_ratio)/.test(key),
    )
    expect(Object.fromEntries(own)).toEqual({
      'aoai_deployment_limit_per_minute{deployment="chat",type="tokens"}': 60_000,
      'aoai_deployment_limit_per_minute{deployment="chat",type="requests"}': 360,
      'aoai_deployment_limit_per_minute{deployment="small",type="requests"}': 5,
      'aoai_deployment_limit_per_minute{deployment="small",resource="acme",type="requests"}': 6,
      'aoai_deployment_used_per_minute{deployment="chat",type="tokens"}': 2,
      'aoai_deployment_used_per_minute{deployment="chat",type="requests"}': 2,
      'aoai_deployment_used_per_minute{deployment="small",type="requests"}': 2,
      'aoai_deployment_used_per_minute{deployment="small",resource="acme",type="requests"}': 2,
      'aoai_deployment_remaining_per_minute{deployment="chat",type="tokens"}': 59_998,
      'aoai_deployment_remaining_per_minute{deployment="chat",type="requests"}': 358,
      'aoai_deployment_remaining_per_minute{deployment="small",type="requests"}': 3,
      'aoai_deployment_remaining_per_minute{deployment="small",resource="acme",type="requests"}': 4,
      'aoai_deployment_utilization_ratio{deployment="units",resource="acme"}': 0.5,
      'aoai_simulator_info{mode="generate",region="Sweden Central",version="1.2.3"}': 1,
    })
  })
})
