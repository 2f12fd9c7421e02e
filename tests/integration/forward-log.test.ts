import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatCompletion, chatEvents, eventStream, json } from '../support/fake-upstream.ts'
import { recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const place = recordingPlace(json(chatCompletion('A secret answer'), 200, { 'apim-request-id': 'apim-1' }))

const start = (mode: string, env: Record<string, string> = {}) => {
  const started = createTestSimulator({
    env: {
      SIMULATOR_MODE: mode,
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: upstreamKey,
      RECORDING_DIR: place.dir,
      JOURNAL_SIZE: '100',
      ...env,
    },
    deployments: {
      made: { model: 'gpt-4o', source: 'generate' },
      converted: { model: 'gpt-4o', upstream: 'default/gpt-east', form: 'responses' },
      limited: { model: 'gpt-4o', requestsPerMinute: 1, requestsSliceSeconds: 60, source: 'forward' },
    },
  })
  const { ask } = createAdminApi(started.app)
  const logs = async (query = '?event=upstream'): Promise<Record<string, unknown>[]> =>
    (await ask('GET', `/++/logs${query}`)).body.logs as Record<string, unknown>[]
  const oneEntry = async (): Promise<Record<string, unknown>> => {
    await expect.poll(async () => (await logs()).length).toBe(1)
    return (await logs())[0]!
  }
  const upstreams = async (): Promise<Record<string, Record<string, unknown>>> =>
    ((await ask('GET', '/++/stats')).body as { upstreams: Record<string, Record<string, unknown>> }).upstreams
  return { ...started, ask, logs, oneEntry, upstreams }
}

const chat = { messages: [{ role: 'user', content: 'A secret prompt' }] }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')

describe.each(['forward', 'record'])('the log entry of a request in %s mode', (mode) => {
  it('has upstream, status, ids and times of a whole answer, without bodies and keys', async () => {
    const { post, oneEntry, ask, log } = start(mode)
    const response = await post(chatOf('elsewhere'), chat)
    await response.text()
    const entry = await oneEntry()
    expect(entry).toMatchObject({
      level: 'info',
      event: 'upstream',
      message: 'The upstream default answered a request with 200.',
      resource: 'default',
      deployment: 'elsewhere',
      upstream: 'default',
      status: 200,
      code: null,
      fields: {
        method: 'POST',
        operation: 'chatCompletions',
        attempts: 1,
        upstreamRequestIds: { 'apim-request-id': 'apim-1' },
        converted: false,
      },
    })
    const fields = entry['fields'] as Record<string, unknown>
    for (const name of ['connectMs', 'firstByteMs', 'upstreamMs']) expect(fields[name]).toBeTypeOf('number')
    expect(entry['ms']).toBeTypeOf('number')
    expect(log.some(({ level, fields: logged }) => level !== 'debug' && 'attempts' in logged)).toBe(false)

    const { body } = await ask('GET', '/++/requests?upstream=default')
    const [request] = body.requests as Record<string, unknown>[]
    expect(request).toMatchObject({ upstream: 'default', upstream_request_id: 'apim-1' })
    expect(entry['request']).toBe(request?.['request_id'])
    expect((await ask('GET', '/++/requests?upstream=other')).body.requests).toEqual([])
    expect(JSON.stringify((await ask('GET', '/++/logs')).body)).not.toMatch(
      new RegExp(`secret|${testKey}|${upstreamKey}`),
    )
  })

  it('is one for a stream, at its end', async () => {
    place.upstream.answer = eventStream(chatEvents(['a', 'b']))
    const { post, logs, oneEntry, upstreams } = start(mode)
    const response = await post(chatOf('elsewhere'), { ...chat, stream: true })
    expect(await logs()).toEqual([])
    await response.text()
    expect(await oneEntry()).toMatchObject({ level: 'info', status: 200, fields: { attempts: 1 } })
    await expect
      .poll(upstreams)
      .toMatchObject({ default: { requests: 1, errors: 0, by_status: { 200: 1 }, retries: 0 } })
  })

  it('has level warn and the status of an error of the upstream', async () => {
    place.upstream.answer = json({ error: { message: 'Slow down.' } }, 429, { 'x-request-id': 'req-9' })
    const { post, oneEntry, upstreams } = start(mode, { UPSTREAM_RETRIES: '0' })
    await (await post(chatOf('elsewhere'), chat)).text()
    expect(await oneEntry()).toMatchObject({
      level: 'warn',
      status: 429,
      code: null,
      fields: { upstreamRequestIds: { 'x-request-id': 'req-9' } },
    })
    expect(await upstreams()).toMatchObject({ default: { requests: 1, errors: 1, by_status: { 429: 1 } } })
  })

  it('has code and advice of a failure, which the console has once', async () => {
    const { post, oneEntry, logs, log, upstreams } = start(mode, {
      AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:1',
      UPSTREAM_RETRIES: '0',
    })
    expect((await post(chatOf('elsewhere'), chat)).status).toBe(502)
    const entry = await oneEntry()
    expect(entry).toMatchObject({ level: 'warn', status: 502, upstream: 'default' })
    expect(entry['code']).toMatch(/^Upstream[A-Z]\w+$/)
    expect(entry['message']).toContain('127.0.0.1:1')
    expect(await logs(`?request=${String(entry['request'])}`)).toHaveLength(1)
    const warned = log.filter(({ level, message }) => level === 'warn' && message.includes('127.0.0.1:1'))
    expect(warned).toHaveLength(1)
    expect(await upstreams()).toMatchObject({
      default: { requests: 1, errors: 1, by_status: { [String(entry['code'])]: 1 }, first_byte_ms: null },
    })
  })

  it('counts attempts and repetitions', async () => {
    let calls = 0
    place.upstream.answer = (request, response) =>
      json(chatCompletion('Hi'), ++calls < 3 ? 503 : 200)(request, response)
    const { post, oneEntry, upstreams, simulator, clock } = start(mode, { UPSTREAM_RETRIES: '2' })
    const answer = post(chatOf('elsewhere'), chat).then((response) => response.text())
    await advanceUntil(clock, answer, 500)
    expect(await oneEntry()).toMatchObject({ status: 200, fields: { attempts: 3 } })
    expect(await upstreams()).toMatchObject({
      default: { requests: 3, errors: 2, by_status: { 200: 1, 503: 2 }, retries: 2 },
    })
    const text = await simulator.metrics.render()
    expect(text).toContain('aoai_upstream_requests_total{upstream="default",status="503"} 2\n')
    expect(text).toContain('aoai_upstream_retries_total{upstream="default"} 2\n')
    expect(text).toContain('aoai_upstream_duration_seconds_count{upstream="default"} 3\n')
    expect(text).toContain('aoai_upstream_first_byte_seconds_count{upstream="default"} 3\n')
  })

  it('has the failure of a stream in its middle, which the journal has as well', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0])
      setTimeout(() => response.destroy(), 20)
    }
    const { post, oneEntry, ask, upstreams } = start(mode)
    await (await post(chatOf('elsewhere'), { ...chat, stream: true })).text().catch(() => '')
    expect(await oneEntry()).toMatchObject({ level: 'warn', status: 502, code: 'UpstreamBroken' })
    const [request] = (await ask('GET', '/++/requests')).body.requests as Record<string, unknown>[]
    expect(request).toMatchObject({ status: 200, stream_error_status: 502, upstream: 'default' })
    expect(await upstreams()).toMatchObject({ default: { by_status: { UpstreamBroken: 1 } } })
  })

  it.each([
    [['data: {"error":{"code":"boom","message":"secret"}}\n\n', 'data: [DONE]\n\n'], 500, 'boom'],
    [['event: error\ndata: {"error":{"code":"429","message":"secret"}}'], 429, '429'],
  ])('has the error that the upstream sends in a stream: %j', async (last, status, code) => {
    place.upstream.answer = eventStream([...chatEvents(['a']).slice(0, 1), ...last])
    const { post, oneEntry, ask } = start(mode)
    await (await post(chatOf('elsewhere'), { ...chat, stream: true })).text()
    expect(await oneEntry()).toMatchObject({ level: 'warn', status, code, fields: { converted: false } })
    const [request] = (await ask('GET', '/++/requests')).body.requests as Record<string, unknown>[]
    expect(request).toMatchObject({ status: 200, stream_error_status: status })
    expect(JSON.stringify((await ask('GET', '/++/logs')).body)).not.toContain('secret')
  })

  it('has status 200 for a stream in which the model writes about an error', async () => {
    place.upstream.answer = eventStream(chatEvents(['{"error": {"code": "boom"}}']))
    const { post, oneEntry } = start(mode)
    await (await post(chatOf('elsewhere'), { ...chat, stream: true })).text()
    expect(await oneEntry()).toMatchObject({ level: 'info', status: 200, code: null })
  })

  it('says that the client disconnected', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0])
    }
    const { app, oneEntry, upstreams } = start(mode)
    const leaving = new AbortController()
    const response = await app.request(chatOf('elsewhere'), {
      method: 'POST',
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      body: JSON.stringify({ ...chat, stream: true }),
      signal: leaving.signal,
    })
    const reader = response.body!.getReader()
    await reader.read()
    leaving.abort()
    await reader.cancel()
    expect(await oneEntry()).toMatchObject({
      level: 'info',
      code: 'ClientDisconnected',
      fields: { aborted: true },
    })
    await expect.poll(upstreams).toMatchObject({ default: { by_status: { ClientDisconnected: 1 } } })
  })
})

describe('the log entry of a converted request', () => {
  const created = {
    type: 'response.created',
    response: { id: 'r', object: 'response', created_at: 7, model: 'm', status: 'in_progress', output: [] },
  }
  const failed = { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null }
  const textDelta = {
    type: 'response.output_text.delta',
    output_index: 0,
    content_index: 0,
    item_id: 'i',
    delta: 'a',
  }
  const events = (...all: { readonly type: string }[]): string[] =>
    all.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

  it('has the code of an answer that cannot be converted, and no active request remains', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req-1' })
      response.end('not JSON')
    }
    const { post, oneEntry, ask } = start('forward')
    expect((await post(chatOf('converted'), chat)).status).toBe(502)
    expect(await oneEntry()).toMatchObject({
      level: 'warn',
      status: 502,
      code: 'UpstreamAnswerInvalid',
      fields: { converted: true, upstreamStatus: 200, upstreamRequestIds: { 'x-request-id': 'req-1' } },
    })
    const { resources } = (await ask('GET', '/++/stats')).body as Record<string, object>
    expect(resources).toMatchObject({
      default: { deployments: { converted: { by_status: { 502: 1 }, active: 0 } } },
    })
  })

  it('has the code of an error in a stream, which metrics and journal have as well', async () => {
    place.upstream.answer = eventStream(events(created, textDelta, failed))
    const { post, oneEntry, ask } = start('forward')
    await (await post(chatOf('converted'), { ...chat, stream: true })).text().catch(() => '')
    expect(await oneEntry()).toMatchObject({ level: 'warn', status: 429, code: 'rate_limit_exceeded' })
    const [request] = (await ask('GET', '/++/requests')).body.requests as Record<string, unknown>[]
    expect(request).toMatchObject({ status: 200, stream_error_status: 429 })
    const { totals } = (await ask('GET', '/++/stats')).body as Record<string, object>
    expect(totals).toMatchObject({ by_status: { 429: 1 }, active: 0 })
  })
})

describe('the log of forwarded requests', () => {
  it('has no entry for a generated request, or for one that a limit refuses', async () => {
    const { post, logs } = start('forward')
    for (const name of ['made', 'limited', 'limited']) await (await post(chatOf(name), chat)).text()
    expect((await logs()).map(({ deployment }) => deployment)).toEqual(['limited'])
  })

  it('has code and status of a request that was not sent', async () => {
    const { post, oneEntry } = start('forward', { AZURE_OPENAI_ENDPOINT: `${place.upstream.url}/team-a` })
    const { status } = await post('/openai/..%2f..%2fx', chat)
    expect(status).toBe(400)
    expect(await oneEntry()).toMatchObject({
      level: 'warn',
      status: 400,
      code: 'InvalidPath',
      fields: { attempts: 0 },
    })
  })
})
