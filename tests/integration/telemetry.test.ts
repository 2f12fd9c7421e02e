import { expect, it } from 'vitest'
import { type FakeCollector, startCollector } from '../support/fake-collector.ts'
import type { ReadPoint } from '../support/otlp-reader.ts'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const deployments = {
  chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000 },
  small: { model: 'gpt-4o', tokensPerMinute: 100 },
  embed: { model: 'text-embedding-3-small', tokensPerMinute: 1_000_000 },
}
const hello = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 20 }
const chatPath = deploymentPath('chat', 'chat/completions')

const createExporting = async (collector: Pick<FakeCollector, 'url'>, settings: TestSettings = {}) => {
  const made = createTestSimulator({
    deployments,
    ...settings,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...settings.env },
  })
  await made.simulator.start()
  const post = async (path: string, body: unknown, headers?: Record<string, string>): Promise<number> => {
    const response = await made.post(path, body, headers)
    await response.text()
    return response.status
  }
  return { ...made, post, close: () => made.simulator.close() }
}

const pointsOf = (collector: FakeCollector, metric: string): ReadPoint[] =>
  collector.points().filter((point) => point.metric === metric)

it('the collector gets durations and billed tokens by operation, model and server address', async () => {
  await using collector = await startCollector()
  const { post, close } = await createExporting(collector, {
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', PORT: '8123' },
  })
  expect(await post(chatPath, hello)).toBe(200)
  expect(await post(deploymentPath('embed', 'embeddings'), { input: 'hi' })).toBe(200)
  await close()

  const [sent] = collector.taken
  expect(sent?.path).toBe('/v1/metrics')
  expect(sent?.headers).toMatchObject({ 'content-type': 'application/x-protobuf', 'x-tenant': 'a b' })
  const [chat, embed] = pointsOf(collector, 'gen_ai.server.request.duration')
  expect(chat).toMatchObject({ unit: 's', count: 1 })
  expect(chat?.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'azure.ai.openai',
    'gen_ai.request.model': 'chat',
    'gen_ai.response.model': 'gpt-4o-2024-11-20',
    'server.address': '127.0.0.1',
    'server.port': '8123',
  })
  expect(chat?.resource).toMatchObject({
    'service.name': 'aoai-simulated-api',
    'telemetry.sdk.language': 'nodejs',
  })
  expect(embed?.attributes['gen_ai.operation.name']).toBe('embeddings')
  const tokens = pointsOf(collector, 'gen_ai.client.token.usage').map(({ attributes, sum }) => [
    attributes['gen_ai.operation.name'],
    attributes['gen_ai.token.type'],
    sum,
  ])
  expect(tokens).toEqual([
    ['chat', 'input', 8],
    ['chat', 'output', 20],
    ['embeddings', 'input', 1],
  ])
})

it('streams have metrics for the first token and for the time per token, with the standard buckets', async () => {
  await using collector = await startCollector()
  const { post, close, clock } = await createExporting(collector, {
    env: { LATENCY_TIME_SCALE: '1' },
    deployments: { chat: { model: 'gpt-4o', latency: { firstToken: 400, perToken: 20 } } },
  })
  const answer = post(chatPath, { ...hello, stream: true, max_tokens: 11 })
  for (let step = 0; step < 100; step++) await clock.advance(10)
  expect(await answer).toBe(200)
  await close()
  const [first] = pointsOf(collector, 'gen_ai.server.time_to_first_token')
  expect(first).toMatchObject({ count: 1, unit: 's' })
  expect(first?.sum).toBeCloseTo(0.4, 1)
  expect(first?.bounds.slice(0, 3)).toEqual([0.001, 0.005, 0.01])
  const [each] = pointsOf(collector, 'gen_ai.server.time_per_output_token')
  expect(each?.sum).toBeCloseTo(0.02, 2)
  expect(each?.bounds.at(-1)).toBe(2.5)
})

it('refused requests have their status as error.type and no billed tokens', async () => {
  await using collector = await startCollector()
  const { post, close } = await createExporting(collector)
  expect(await post(deploymentPath('small', 'chat/completions'), { ...hello, max_tokens: 4_000 })).toBe(429)
  expect(await post(chatPath, hello, { 'api-key': 'wrong' })).toBe(401)
  await close()
  const errors = pointsOf(collector, 'gen_ai.server.request.duration').map(({ attributes }) => [
    attributes['gen_ai.request.model'],
    attributes['error.type'],
    attributes['gen_ai.response.model'],
  ])
  expect(errors).toEqual([
    ['small', '429', undefined],
    ['chat', '401', undefined],
  ])
  expect(pointsOf(collector, 'gen_ai.client.token.usage')).toEqual([])
})

it('invalid names are counted as other, and unknown paths are not counted', async () => {
  await using collector = await startCollector()
  const { post, close } = await createExporting(collector)
  await post(deploymentPath('a%20b', 'chat/completions'), hello)
  expect(await post('/nowhere', hello)).toBe(404)
  await close()
  const names = pointsOf(collector, 'gen_ai.server.request.duration').map(
    ({ attributes }) => attributes['gen_ai.request.model'],
  )
  expect(names).toEqual(['other'])
})

it('each request has one server span, which continues the trace of the caller, with OTEL_TRACES_EXPORTER=otlp', async () => {
  await using collector = await startCollector()
  const { post, close, clock } = await createExporting(collector, { env: { OTEL_TRACES_EXPORTER: 'otlp' } })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const beganMs = clock.epochMs()
  await post(chatPath, hello, {
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    tracestate: 'vendor=1',
  })
  await post(deploymentPath('small', 'chat/completions'), { ...hello, max_tokens: 4_000 })
  // The caller has not sampled this one.
  await post(chatPath, hello, { traceparent: `00-${traceId}-00f067aa0ba902b7-00` })
  await close()

  expect(collector.taken.map(({ path }) => path).toSorted()).toEqual(['/v1/metrics', '/v1/traces'])
  const [chat, limited, ...more] = collector.spans()
  expect(more).toEqual([])
  expect(chat).toMatchObject({
    name: 'chat chat',
    kind: 2,
    traceId,
    parentSpanId: '00f067aa0ba902b7',
    traceState: 'vendor=1',
    statusCode: 0,
  })
  expect(chat?.startMs).toBeCloseTo(beganMs, 0)
  expect(chat?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.response.status_code': '200',
    'url.path': '/openai/deployments/chat/chat/completions',
    'gen_ai.usage.input_tokens': '8',
    'gen_ai.usage.output_tokens': '20',
  })
  expect(limited?.parentSpanId).toBe('')
  expect(limited?.traceId).not.toBe(traceId)
  expect(limited?.attributes).toMatchObject({ 'error.type': '429', 'aoai.rate_limited.reason': 'tokens' })
})

it('server errors mark a span as failed, client errors do not', async () => {
  await using collector = await startCollector()
  const { post, close } = await createExporting(collector, {
    env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'none' },
  })
  await post(chatPath, hello, { 'x-sim-fault': 'overloaded503' })
  await post(chatPath, {})
  await close()
  expect(collector.taken.map(({ path }) => path)).toEqual(['/v1/traces'])
  const ends = collector.spans().map(({ attributes, statusCode }) => [attributes['error.type'], statusCode])
  expect(ends).toEqual([
    ['503', 2],
    ['400', 0],
  ])
})

it('requests are answered while the collector refuses data, and one warning is logged', async () => {
  await using collector = await startCollector({ status: 400 })
  const { post, close, log } = await createExporting(collector, {
    env: { OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_EXPORTER_OTLP_TIMEOUT: '200' },
  })
  for (let round = 0; round < 5; round++) {
    expect(await post(chatPath, hello)).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 120))
  }
  await expect.poll(() => collector.taken.length).toBeGreaterThan(2)
  await close()
  const warnings = log.filter(({ level }) => level === 'warn')
  expect(warnings).toHaveLength(1)
  expect(warnings[0]?.message).toContain('the collector does not accept it')
})

it('close() returns quickly when the collector is unreachable', async () => {
  const { post, close, log } = await createExporting(
    { url: await refusingUrl() },
    {
      env: { OTEL_EXPORTER_OTLP_TIMEOUT: '300' },
    },
  )
  expect(await post(chatPath, hello)).toBe(200)
  const began = performance.now()
  await close()
  // By default, an export is retried for ten seconds.
  expect(performance.now() - began).toBeLessThan(7_000)
  expect(log.map(({ fields }) => JSON.stringify(fields)).join()).toContain('ECONNREFUSED')
})

it('nothing is exported with OTEL_SDK_DISABLED', async () => {
  await using collector = await startCollector()
  const { post, close } = await createExporting(collector, { env: { OTEL_SDK_DISABLED: 'true' } })
  await post(chatPath, hello)
  await close()
  expect(collector.taken).toEqual([])
})

it('an Application Insights connection string causes advice on a collector, and is never logged', async () => {
  const secret = 'InstrumentationKey=0f1e2d3c;IngestionEndpoint=https://example.invalid/'
  const { simulator, log, app } = createTestSimulator({
    env: { APPLICATIONINSIGHTS_CONNECTION_STRING: secret },
  })
  await simulator.start()
  expect(log).toHaveLength(1)
  expect(log[0]).toMatchObject({ level: 'warn' })
  expect(log[0]?.message).toContain('OpenTelemetry Collector')
  const shown = await app.request('/++/config', { headers: { 'api-key': 'test-key' } })
  expect(JSON.stringify(log) + (await shown.text())).not.toContain('0f1e2d3c')
  await simulator.close()
})
