import OpenAI, { APIError, RateLimitError } from 'openai'
import { describe, expect, it } from 'vitest'
import { retryReportJson } from '../../src/journal/journal-json.ts'
import { namedEventsOf, type NamedEvent } from '../support/response-events.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const responses = '/openai/v1/responses'
const deployments = {
  tokens: { model: 'gpt-4.1', tokensPerMinute: 1_000, requestsPerMinute: 60 },
  calls: { model: 'gpt-4.1', requestsPerMinute: 1, requestsSliceSeconds: 60 },
  ptu: { model: 'gpt-4o', provisionedThroughputUnits: 1 },
  busy: { model: 'gpt-4.1', latency: { concurrency: { slots: 1, queueLength: 0 } } },
  older: { model: 'gpt-4.1', tokensPerMinute: 1_000, limitProfile: '2026-03' },
}

const setUp = (settings: TestSettings = {}) =>
  createTestSimulator({
    deployments,
    ...settings,
    env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false', JOURNAL_SIZE: '100', ...settings.env },
  })

const ask = (model: string, more: object = {}) => ({ model, input: 'hi', stream: true, ...more })
const large = { max_output_tokens: 100_000 }

interface Failure {
  readonly names: string[]
  readonly error: unknown
  readonly failed: { status: string; error: unknown; output: unknown[] }
  readonly first: NamedEvent
}

async function failureOf(response: Response): Promise<Failure> {
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const events = namedEventsOf(await response.text())
  expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
  const find = (name: string) => events.find((event) => event.name === name)!
  return {
    names: events.map(({ name }) => name),
    error: find('error').data['error'],
    failed: find('response.failed').data['response'] as Failure['failed'],
    first: events[0]!,
  }
}

const limited = (message: string) => ({
  type: 'too_many_requests',
  code: 'rate_limit_exceeded',
  headers: { 'x-ms-fe-error': 'true' },
  message,
  param: null,
})

describe('a streamed response', () => {
  it('over the limit of tokens fails in its stream, with retry-after', async () => {
    const { post } = setUp({ env: { SIMULATOR_REGION: 'Sweden Central' } })
    const response = await post(responses, ask('tokens', { ...large, instructions: 'Be brief.' }))
    expect(response.headers.get('retry-after')).toBe('86400')
    expect(response.headers.get('retry-after-ms')).toBeNull()
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('1000')
    const { names, error, failed, first } = await failureOf(response)
    expect(names).toEqual(['response.created', 'error', 'response.failed'])
    const message = 'Your requests to tokens for gpt-4.1 in swedencentral have exceeded token rate limit.'
    expect(error).toEqual(limited(message))
    expect(failed).toEqual({
      ...(first.data['response'] as object),
      status: 'failed',
      error: { code: 'rate_limit_exceeded', message },
    })
    expect(first.data['response']).toMatchObject({ status: 'in_progress', instructions: 'Be brief.' })
  })

  it('over the limit of requests fails in its stream', async () => {
    const { post } = setUp()
    await (await post(responses, ask('calls'))).text()
    const { error } = await failureOf(await post(responses, ask('calls')))
    expect(error).toEqual(limited('Your requests to calls for gpt-4.1 in eastus2 have exceeded rate limit.'))
  })

  it('over the throughput of a provisioned deployment fails in its stream', async () => {
    const { post } = setUp()
    await (await post(responses, ask('ptu', { ...large, max_output_tokens: 16_000 }))).text()
    const { names, error } = await failureOf(await post(responses, ask('ptu')))
    expect(names).toEqual(['response.created', 'response.in_progress', 'error', 'response.failed'])
    expect(error).toMatchObject({ code: 'rate_limit_reached', headers: { 'skip-error-remapping': 'true' } })
    expect((error as Error).message).toMatch(
      /^Requests have exceeded the throughput limit on your Provisioned/,
    )
  })

  it('on a full queue fails in its stream', async () => {
    const { post, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const running = post(responses, ask('busy'))
    await clock.advance(1)
    const pending = post(responses, ask('busy')).then(failureOf)
    await clock.advance(60_000)
    expect((await pending).error).toMatchObject({ type: 'too_many_requests', code: 'no_capacity' })
    await (await running).body?.cancel()
  })

  it('on a missing deployment fails in its stream, on v1 and dated paths', async () => {
    const { post } = setUp()
    for (const path of [responses, '/openai/responses?api-version=2025-04-01-preview']) {
      const { names, error, failed } = await failureOf(await post(path, ask('gone')))
      expect(names.at(2)).toBe('error')
      const message = expect.stringMatching(
        /^Could not find an existing deployment to match the model in the request\./,
      )
      expect(error).toEqual({
        type: 'invalid_request_error',
        code: null,
        headers: { 'x-ms-fe-error': 'true' },
        message,
        param: null,
      })
      expect(failed.error).toEqual({ code: null, message })
    }
  })

  it('fails in its stream in an incident of high demand', async () => {
    const phases = [{ name: 'peak', faults: [{ probability: 1, fault: 'capacity429' }] }]
    const { post } = setUp({ incidents: { phases } })
    const response = await post(responses, ask('tokens'))
    expect(response.headers.get('retry-after')).toBe('20')
    expect((await failureOf(response)).error).toMatchObject({ code: 'no_capacity' })
  })

  it('repeats nothing of an invalid request', async () => {
    const { post } = setUp()
    const { first } = await failureOf(
      await post(responses, ask('tokens', { ...large, tools: 'none', metadata: 5 })),
    )
    expect(first.data['response']).toMatchObject({ model: 'tokens', tools: [], metadata: {} })
  })
})

describe('a status of 429', () => {
  it.each([
    ['a whole response', responses, { model: 'tokens', input: 'hi', ...large }],
    ['a streamed response with an older limit profile', responses, ask('older', large)],
    [
      'a streamed chat',
      deploymentPath('tokens', 'chat/completions'),
      { messages: [{ role: 'user', content: 'hi' }], stream: true, max_tokens: 100_000 },
    ],
  ])('remains for %s', async (_, path, body) => {
    const response = await setUp().post(path, body)
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({ error: { code: 'RateLimitReached' } })
  })
})

describe('the fault streamFailure', () => {
  const post = (fault: string, model = 'older') =>
    setUp().post(responses, ask(model), { 'x-sim-fault': fault })

  it('fails with every limit profile, by default with the limit of tokens', async () => {
    const response = await post('streamFailure')
    expect(response.headers.get('retry-after')).toBe('10')
    expect((await failureOf(response)).error).toMatchObject({ code: 'rate_limit_exceeded' })
  })

  it('has the other captured order, in which the response has no error', async () => {
    const { names, failed } = await failureOf(
      await post('streamFailure;order=failed-first;retryAfterSeconds=4'),
    )
    expect(names).toEqual(['response.created', 'response.failed', 'error'])
    expect(failed).toMatchObject({ status: 'failed', error: null })
  })

  it.each([
    ['serverError', { type: 'server_error', code: 'server_error' }],
    ['overloaded503', { type: 'server_error', code: 'InternalServerError' }],
    ['networkDenied', { type: 'forbidden', code: '403' }],
    ['deploymentNotFound', { type: 'invalid_request_error', code: null }],
    ['repetitiveText', { type: 'invalid_request_error', code: 'invalid_prompt', param: 'prompt' }],
  ])('reports the error %s', async (name, expected) => {
    expect((await failureOf(await post(`streamFailure;error=${name}`))).error).toMatchObject(expected)
  })

  it('reports a type, a code and a message', async () => {
    const fault = 'streamFailure;type=too_many_requests;code=too_many_requests;message=Too Many Requests'
    expect((await failureOf(await post(fault))).error).toMatchObject({
      type: 'too_many_requests',
      code: 'too_many_requests',
      message: 'Too Many Requests',
    })
  })

  it('is rejected for whole responses', async () => {
    const response = await setUp().post(
      responses,
      { model: 'tokens', input: 'hi' },
      { 'x-sim-fault': 'streamFailure' },
    )
    expect(response.status).toBe(400)
  })
})

describe('a failure in a stream', () => {
  it('counts as a refusal in metrics, journal, retry report and log', async () => {
    const { post, app, simulator, log } = setUp({ env: { LOG_REQUESTS: 'on' } })
    for (const seed of [1, 1])
      await (await post(responses, ask('tokens', { ...large, user: `${seed}` }))).text()
    const journal = simulator.ownJournal!
    expect(journal.entries()[0]).toMatchObject({
      status: 200,
      streamErrorStatus: 429,
      limitedBy: 'tokens',
      retryAfterMs: 86_400_000,
    })
    expect(journal.entries({ status: 429 })).toHaveLength(2)
    expect(journal.entries({ status: '2xx' })).toHaveLength(2)
    expect(retryReportJson(journal.retryReport()).clients[0]).toMatchObject({
      failures_by_status: { 429: 2 },
      retries: 1,
      early: { count: 1 },
    })
    const metrics = await (await app.request('/metrics')).text()
    expect(metrics).toMatch(/aoai_requests_total\{[^}]*operation="responses"[^}]*status="429"[^}]*\} 2/)
    expect(metrics).toMatch(/aoai_rate_limited_requests_total\{[^}]*reason="tokens"[^}]*\} 2/)
    expect(JSON.stringify(log)).not.toContain('"level":"error"')
  })

  it('is an APIError for the official client, which does not retry it', async () => {
    const { app } = setUp()
    let calls = 0
    const client = new OpenAI({
      apiKey: testKey,
      baseURL: 'https://example.openai.azure.com/openai/v1',
      fetch: async (url, init) => {
        calls++
        return app.request(new Request(url, init))
      },
    })
    const read = async (options?: OpenAI.RequestOptions): Promise<void> => {
      const stream = await client.responses.create(
        { model: 'tokens', input: 'hi', stream: true, ...large },
        options,
      )
      for await (const _ of stream);
    }
    const error = await read().catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(APIError)
    expect(error).not.toBeInstanceOf(RateLimitError)
    expect(error).toMatchObject({ status: undefined, code: 'rate_limit_exceeded', type: 'too_many_requests' })
    expect(calls).toBe(1)
    const fault = await read({ headers: { 'x-sim-fault': 'errorEvent;afterEvents=3' } }).catch(
      (caught: unknown) => caught,
    )
    expect(fault).toBeInstanceOf(APIError)
  })
})
