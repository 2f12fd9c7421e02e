import { describe, expect, it } from 'vitest'
import { listen } from '../../src/server/listen.ts'
import type { Trace, TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatEvents, eventStream, startFakeUpstream } from '../support/fake-upstream.ts'
import { RawConnection, requestBytes, sendRaw } from '../support/raw-http.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const deployments = { chat: { model: 'gpt-4o' } }
const paced = { LATENCY_TIME_SCALE: '1' }

const usageEvent =
  'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'

const setUp = (settings: TestSettings = {}) => {
  const started = createTestSimulator({ deployments, ...settings })
  const { ask } = createAdminApi(started.app)
  const list = async (query = ''): Promise<TraceSummary[]> =>
    (await ask('GET', `/++/traces${query}`)).body.traces
  const last = async (): Promise<Trace> => {
    const [newest] = await list()
    return (await ask('GET', `/++/traces/${newest?.id}`)).body
  }
  return { ...started, ask, list, last }
}

const withSocket = async <T>(
  app: ReturnType<typeof setUp>['app'],
  use: (port: number) => Promise<T>,
): Promise<T> => {
  const listener = await listen(app, '127.0.0.1', 0)
  try {
    return await use(Number(new URL(listener.url).port))
  } finally {
    await listener.close(0)
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe('GET /++/traces', () => {
  it('has a request with its facts, stages and bodies', async () => {
    const { post, list, last, ask } = setUp()
    const response = await post(path, hello)
    const text = await response.text()
    const [summary] = await list()
    expect(summary).toMatchObject({
      id: 1,
      request_id: response.headers.get('apim-request-id'),
      method: 'POST',
      operation: 'chatCompletions',
      resource: 'default',
      deployment: 'chat',
      status: 200,
      answered_by: 'generate',
      streamed: false,
      aborted: false,
      open: false,
      usage: JSON.parse(text).usage && {
        prompt_tokens: JSON.parse(text).usage.prompt_tokens,
        completion_tokens: JSON.parse(text).usage.completion_tokens,
      },
    })
    const trace = await last()
    expect(trace.steps.map(({ name }) => name)).toContain('limits')
    expect(trace.steps.at(-1)?.name).toBe('generate')
    expect(JSON.parse(trace.request.body ?? '')).toEqual(hello)
    expect(trace.response).toMatchObject({ body: text, body_bytes: text.length, body_truncated: false })
    expect(trace.response.headers.find(({ name }) => name === 'apim-request-id')?.value).toBe(
      summary?.request_id,
    )
    expect(trace.chunks).toEqual([{ planned_ms: null, actual_ms: 0, bytes: text.length, text }])
    expect(trace.reasons).toEqual([])
    const byRequestId = await ask('GET', `/++/traces/${summary?.request_id.toUpperCase()}`)
    expect(byRequestId.body).toEqual(trace)
  })

  it.each([
    ['in the same process', false],
    ['over a socket', true],
  ])('has the parts of a paced stream with due and actual times %s', async (_, isSocket) => {
    const { app, post, clock, last } = setUp({ env: paced })
    const body = { ...hello, stream: true, max_tokens: 20 }
    const receive = async (): Promise<string> => {
      if (!isSocket) return (await post(path, body)).text()
      return withSocket(app, async (port) => {
        const headers = { 'api-key': testKey }
        return (await sendRaw(port, { path, headers, body: JSON.stringify(body) })).body
      })
    }
    const text = await advanceUntil(clock, receive(), 7)
    const trace = await last()
    expect(trace.chunks.map((chunk) => chunk.text).join('')).toBe(text)
    expect(trace.response.body).toBe(text)
    expect(trace.chunks_total).toBe(trace.chunks.length)
    expect(trace.chunks.length).toBeGreaterThan(5)
    let beforeMs = 0
    for (const { planned_ms: plannedMs, actual_ms: actualMs } of trace.chunks) {
      expect(plannedMs).toBeGreaterThanOrEqual(beforeMs)
      expect(actualMs).toBeGreaterThanOrEqual(plannedMs ?? Infinity)
      beforeMs = plannedMs ?? Infinity
    }
    expect(trace).toMatchObject({
      streamed: true,
      first_token_ms: trace.chunks[0]?.actual_ms,
      aborted: false,
    })
  })

  it('has a request that is open, and the parts that were sent until the client disconnects', async () => {
    const { app, clock, list, last } = setUp({ env: paced })
    await withSocket(app, async (port) => {
      const connection = await RawConnection.open(port)
      const body = JSON.stringify({ ...hello, stream: true, max_tokens: 500 })
      connection.socket.write(requestBytes({ path, headers: { 'api-key': testKey }, body }))
      await soon()
      expect(await list()).toMatchObject([{ open: true, status: 200, duration_ms: null, aborted: null }])
      await advanceUntil(clock, soon().then(soon), 200)
      const open = await last()
      expect(open.open).toBe(true)
      expect(open.chunks.length).toBeGreaterThan(0)
      connection.socket.destroy()
      await soon()
      const ended = await last()
      expect(ended).toMatchObject({ open: false, aborted: true })
      expect(ended.response.body).not.toContain('[DONE]')
      expect(ended.reasons).toEqual(['The client disconnected before the answer was complete.'])
      await advanceUntil(clock, soon(), 10_000)
      expect((await last()).chunks).toEqual(ended.chunks)
    })
  })

  it('has a request that waits for a slot while it waits, and when its client leaves', async () => {
    const { app, clock, list, last } = setUp({
      deployments: { chat: { model: 'gpt-4o', latency: { concurrency: { slots: 1 } } } },
      env: paced,
    })
    await withSocket(app, async (port) => {
      const connections = await Promise.all([RawConnection.open(port), RawConnection.open(port)])
      for (const { socket } of connections) {
        socket.write(requestBytes({ path, headers: { 'api-key': testKey }, body: JSON.stringify(hello) }))
        await soon()
      }
      expect(await list()).toMatchObject([
        { open: true, status: null },
        { open: true, status: 200 },
      ])
      expect((await last()).steps.at(-1)?.name).toBe('latency')
      connections[1].socket.destroy()
      await soon()
      const left = await last()
      expect(left).toMatchObject({ open: false, aborted: true })
      expect(left.response).toMatchObject({ headers: [], body: '', body_bytes: 0 })
      connections[0].socket.destroy()
      await clock.advance(60_000)
    })
  })

  it.each<[string, TestSettings, string, Record<string, string>, object]>([
    [
      'a wrong key',
      {},
      path,
      { 'api-key': 'wrong' },
      { status: 401, answered_by: 'key', refusal: 'unknown-key' },
    ],
    [
      'an unknown deployment',
      { env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } },
      deploymentPath('nowhere', 'chat/completions'),
      {},
      { status: 404, answered_by: 'deployment', deployment: 'nowhere' },
    ],
    ['an unknown path', {}, '/openai/nothing', {}, { status: 404, operation: null }],
    ['an unknown resource', {}, `/acme${path}`, {}, { status: 404 }],
    [
      'a fault',
      {},
      path,
      { 'x-sim-fault': 'serverError' },
      { status: 500, answered_by: 'faults', fault: 'serverError' },
    ],
    ['an invalid header', {}, path, { 'x-sim-tokens': 'many' }, { status: 400, answered_by: 'incidents' }],
    [
      'a body that is too large',
      { env: { BODY_LIMIT_MB: '1' } },
      path,
      { 'x-large': '1' },
      { status: 413, answered_by: 'listener' },
    ],
  ])('has %s with the stage that refused it and a reason', async (_, settings, to, headers, expected) => {
    const { post, last } = setUp(settings)
    const body = headers['x-large'] ? ' '.repeat(2 * 1024 * 1024) : hello
    const response = await post(to, body, headers)
    const trace = await last()
    expect(trace).toMatchObject(expected)
    expect(trace.response.body).toBe(await response.text())
    expect(trace.reasons.length).toBeGreaterThan(0)
  })

  it('has the limit that rejected a request, and the wait', async () => {
    const { post, last } = setUp({ deployments: { chat: { model: 'gpt-4o', requestsPerMinute: 1 } } })
    await post(path, hello)
    await post(path, hello)
    const trace = await last()
    expect(trace).toMatchObject({ status: 429, limited_by: 'requests', answered_by: 'limits' })
    expect(trace.retry_after_ms).toBeGreaterThan(0)
    expect(trace.reasons.slice(0, 2)).toEqual([
      'The request limit of the deployment was reached.',
      `The answer asks the client to wait ${Number(trace.retry_after_ms) / 1_000} s.`,
    ])
  })

  it('has HEAD requests without a body, and bodies that are sent in chunks', async () => {
    const { app, last } = setUp()
    await withSocket(app, async (port) => {
      await fetch(`http://127.0.0.1:${port}/openai/models?api-version=2024-10-21`, {
        method: 'HEAD',
        headers: { 'api-key': testKey },
      })
      await soon()
      expect(await last()).toMatchObject({
        method: 'HEAD',
        response: { body: '', body_bytes: 0 },
        chunks: [],
      })
      const body = new ReadableStream({
        start(controller) {
          for (const part of ['{"messages":[{"role":"user","content":"é', 'ü"}]}'])
            controller.enqueue(Buffer.from(part))
          controller.close()
        },
      })
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'api-key': testKey, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      })
      await response.text()
      await soon()
      const { request } = await last()
      expect(request.body).toBe('{"messages":[{"role":"user","content":"éü"}]}')
      expect(request.headers).toContainEqual({ name: 'transfer-encoding', value: 'chunked' })
    })
  })

  it.each([
    ['cut', 'reset'],
    ['truncate', 'close'],
    ['cutBeforeHeaders', 'reset'],
  ])('has only the part that was sent before the fault %s', async (fault, cut) => {
    const { app, clock, last } = setUp()
    await withSocket(app, async (port) => {
      const headers = { 'api-key': testKey, 'x-sim-fault': fault }
      const request = { path, headers, body: JSON.stringify(hello) }
      const sending = sendRaw(port, request).catch(() => undefined)
      const sent = await advanceUntil(clock, sending, 50)
      await soon()
      const trace = await last()
      expect(trace).toMatchObject({ cut, fault, aborted: false })
      expect(trace.reasons).toContain(`The fault ${fault} was injected.`)
      const size = fault === 'cutBeforeHeaders' ? 0 : (sent?.body.length ?? trace.response.body_bytes)
      expect(trace.response.body_bytes).toBe(size)
      expect(trace.response.headers.length > 0).toBe(fault !== 'cutBeforeHeaders')
    })
  })

  it('has both parts of an answer that a fault delays in between', async () => {
    const { app, clock, last } = setUp({
      faults: [{ probability: 1, fault: { kind: 'stall', ms: 5_000, afterShare: 0.5 } }],
    })
    const text = await withSocket(app, (port) =>
      advanceUntil(
        clock,
        sendRaw(port, { path, headers: { 'api-key': testKey }, body: JSON.stringify(hello) }),
        1_000,
      ),
    )
    const trace = await last()
    expect(trace.chunks.map((chunk) => chunk.text).join('')).toBe(text.body)
    expect(trace.chunks).toHaveLength(2)
    expect(trace.chunks[1]).toMatchObject({ planned_ms: 5_000 })
    expect(trace.chunks[1]?.actual_ms).toBeGreaterThanOrEqual(5_000)
  })

  it('has the parts of a replayed stream', async () => {
    const stream = 'data: {"a":1}\n\ndata: [DONE]\n\n'
    const item = cassetteItem('{"q":1}', 'STREAM')
      .replace("'STREAM'", JSON.stringify(stream))
      .replace('Content-Type:\n      - application/json', 'Content-Type:\n      - text/event-stream')
    const dir = recordingFolder({ 'one.yaml': cassette(item) })
    const { post, last } = setUp({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
    expect(await (await post('/v1/chat/completions', '{"q":1}')).text()).toBe(stream)
    const trace = await last()
    expect(trace.answered_by).toMatch(/^replay one\.yaml:\d+$/)
    expect(trace.chunks.map(({ text }) => text)).toEqual(['data: {"a":1}\n\n', 'data: [DONE]\n\n'])
  })

  it.each([false, true])(
    'has the parts of a forwarded stream as they arrive (socket: %s)',
    async (isSocket) => {
      const upstream = await startFakeUpstream(eventStream([usageEvent, ...chatEvents(['Hel', 'lo'])]))
      try {
        const { app, post, last } = setUp({
          env: {
            SIMULATOR_MODE: 'forward',
            AZURE_OPENAI_ENDPOINT: upstream.url,
            AZURE_OPENAI_KEY: 'upstream-key-1',
          },
        })
        const body = { ...hello, stream: true }
        const text = isSocket
          ? await withSocket(app, async (port) => {
              const request = { path, headers: { 'api-key': testKey }, body: JSON.stringify(body) }
              return (await sendRaw(port, request)).body
            })
          : await (await post(path, body)).text()
        const trace = await last()
        expect(trace).toMatchObject({
          upstream: 'default',
          answered_by: 'forward',
          status: 200,
          streamed: true,
        })
        expect(trace.response.body).toBe(text)
        expect(trace.chunks.map((chunk) => chunk.text).join('')).toBe(text)
        expect(trace.chunks.every(({ planned_ms: plannedMs }) => plannedMs === null)).toBe(true)
        expect(trace.usage).not.toBeNull()
      } finally {
        await upstream.close()
      }
    },
  )

  it('is found by the id that the answer of an upstream has', async () => {
    const upstream = await startFakeUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'apim-request-id': 'Of-The-Upstream' })
      response.end('{}')
    })
    const env = { AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_KEY: 'upstream-key' }
    const { post, ask, list } = setUp({ env: { ...env, SIMULATOR_MODE: 'forward' } })
    const answer = await post(path, hello)
    expect(answer.headers.get('apim-request-id')).toBe('Of-The-Upstream')
    await answer.text()
    const [summary] = await list()
    for (const id of ['of-the-upstream', summary?.request_id]) {
      expect((await ask('GET', `/++/traces/${id}`)).body).toMatchObject({ id: 1, answered_by: 'forward' })
    }
    await upstream.close()
  })

  it('has what POST /++/recordings/record needs, unless a part of the body was cut', async () => {
    const upstream = await startFakeUpstream(eventStream(chatEvents(['Hi'])))
    try {
      const { post, ask } = setUp({
        env: {
          SIMULATOR_MODE: 'forward',
          AZURE_OPENAI_ENDPOINT: upstream.url,
          AZURE_OPENAI_KEY: 'upstream-key-1',
          RECORDING_DIR: recordingFolder({}),
        },
      })
      await (await post(path, { ...hello, stream: true })).text()
      const recorded = await ask('POST', '/++/recordings/record', { request: '1' })
      expect(recorded).toMatchObject({ status: 200, body: { status: 200, streamed: true } })
      expect(upstream.received.at(-1)?.body).toEqual(upstream.received[0]?.body)
      await (await post(path, { messages: [{ role: 'user', content: 'x'.repeat(100_000) }] })).text()
      const refused = await ask('POST', '/++/recordings/record', { request: '2' })
      expect(refused).toMatchObject({ status: 409, body: { error: { code: 'BodyNotKept' } } })
    } finally {
      await upstream.close()
    }
  })

  it('contains no key, also where one extends over parts of a stream', async () => {
    const secret = 'upstream-key-abc123'
    const parts = ['data: {"echo":"upstream-ke', 'y-abc123"}\n\n', 'data: [DONE]\n\n']
    const upstream = await startFakeUpstream(async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-echo': secret })
      for (const part of parts) {
        response.write(part)
        await soon()
      }
      response.end()
    })
    try {
      const { post, last, ask } = setUp({
        env: { SIMULATOR_MODE: 'forward', AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_KEY: secret },
      })
      const to = `/v1/${secret}/chat/completions?x=${secret}`
      const body = { model: secret, messages: [{ role: 'user', content: `My key is ${testKey}.` }] }
      const response = await post(to, body, { 'x-note': `with ${testKey}`, 'x-ms-test': secret })
      await response.text()
      const trace = await last()
      const all = JSON.stringify([trace, (await ask('GET', '/++/traces')).body])
      expect(all).not.toContain(secret)
      expect(all).not.toContain(testKey)
      expect(trace.request).toMatchObject({ body_redacted: true })
      expect((await ask('GET', `/++/traces?text=${secret}`)).body.traces).toEqual([])
      const shown = trace.chunks.map(({ text }) => text ?? '').join('')
      expect(shown).not.toContain('upstream-ke')
    } finally {
      await upstream.close()
    }
  })

  it('samples the first requests of a burst and each one with x-sim-trace, and counts all', async () => {
    const { app, post, ask } = setUp({ env: { TRACE_RING: '1000' } })
    const count = 400
    for (let i = 0; i < count; i++) await app.request('/openai/nothing')
    await post(path, hello, { 'x-sim-trace': 'on' })
    const { body } = await ask('GET', '/++/traces?limit=1000')
    expect(body.seen).toBe(count + 1)
    expect(body.traces[0].operation).toBe('chatCompletions')
    // Five at the same time. Real time passes, in which more are sampled.
    expect(body.total).toBeGreaterThanOrEqual(6)
    expect(body.total).toBeLessThan(count)
    expect(body.last_id).toBe(body.total)
  })

  it('keeps the last TRACE_RING requests, newest first', async () => {
    const { post, list, ask } = setUp({ env: { TRACE_RING: '3' } })
    for (let i = 0; i < 5; i++) await post(path, hello)
    expect((await list()).map(({ id }) => id)).toEqual([5, 4, 3])
    expect((await list('?since=4')).map(({ id }) => id)).toEqual([5])
    expect((await list('?limit=1')).map(({ id }) => id)).toEqual([5])
    expect((await ask('GET', '/++/traces?limit=1')).body).toMatchObject({ total: 3, last_id: 5, seen: 5 })
    expect((await ask('GET', '/++/traces/2')).status).toBe(404)
  })

  it('filters by resource, deployment, status, operation, client and text', async () => {
    const { post, list } = setUp({
      resources: { acme: { deployments } },
      env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    })
    await post(path, { messages: [{ role: 'user', content: 'Find the Needle' }] })
    await post(path, hello, { 'api-key': 'wrong' })
    await post(`/acme${path}`, hello, { 'api-key': 'acme-key' })
    await post(deploymentPath('none', 'embeddings'), { input: 'x' })
    const ids = async (query: string) => (await list(`?${query}`)).map(({ id }) => id)
    expect(await ids('resource=acme')).toEqual([3])
    expect(await ids('resource=default')).toEqual([4, 2, 1])
    expect(await ids('deployment=none')).toEqual([4])
    expect(await ids('status=4xx')).toEqual([4, 2])
    expect(await ids('status=401')).toEqual([2])
    expect(await ids('operation=embeddings')).toEqual([4])
    expect(await ids('text=NEEDLE')).toEqual([1])
    expect(await ids('text=deploymentnotfound')).toEqual([4])
    const [first] = await list('?text=needle')
    expect(await ids(`client=${encodeURIComponent(first?.client ?? '')}`)).toEqual([4, 1])
  })

  it('cuts images, files and large bodies, and says so', async () => {
    const { app, post, last } = setUp()
    const url = `data:image/png;base64,${'iVBORw0KGgo'.repeat(10_000)}`
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: 'Describe it.' },
    ]
    await post(path, { messages: [{ role: 'user', content }] })
    const image = (await last()).request
    expect(image).toMatchObject({ media_cut: 1, body_truncated: false })
    expect(image.body).toContain('data:image/png;base64,[110000 bytes of base64 cut]"')
    expect(JSON.parse(image.body ?? '').messages[0].content[1].text).toBe('Describe it.')
    await post(path, { messages: [{ role: 'user', content: 'word é '.repeat(20_000) }] })
    const large = (await last()).request
    expect(large.body_truncated).toBe(true)
    expect(Buffer.byteLength(large.body ?? '')).toBeLessThanOrEqual(64 * 1024)
    expect(large.body).not.toContain('\uFFFD')
    const form = new FormData()
    form.set('file', new Blob([Buffer.alloc(20_000, 0xff)]), 'speech.wav')
    form.set('language', 'en')
    await app.request(deploymentPath('whisper', 'audio/transcriptions'), {
      method: 'POST',
      headers: { 'api-key': testKey },
      body: form,
    })
    const audio = (await last()).request
    expect(audio).toMatchObject({ media_cut: 1, body_truncated: false })
    expect(audio.body).toContain('[20002 bytes of the file cut]')
    expect(audio.body).toContain('name="language"')
  })

  it('has binary answers by their size', async () => {
    const { post, last } = setUp({ deployments: { tts: { model: 'tts-1' } } })
    const response = await post(deploymentPath('tts', 'audio/speech'), { input: 'Hello', voice: 'alloy' })
    const { byteLength } = await response.arrayBuffer()
    const trace = await last()
    expect(trace.response).toMatchObject({ body: null, body_bytes: byteLength })
    expect(trace.chunks).toMatchObject([{ bytes: byteLength, text: null }])
  })

  it('has a hostile deployment name and a hostile body as text', async () => {
    const { post, last } = setUp()
    const name = '<img src=x onerror=alert(1)>"\u2028'
    await post(deploymentPath(encodeURIComponent(name), 'chat/completions'), '{"messages":"</script>"}')
    const trace = await last()
    expect([trace.deployment, trace.request.body]).toEqual([name, '{"messages":"</script>"}'])
  })

  it('is empty after DELETE and after a reset, and ids continue', async () => {
    const { post, list, ask } = setUp()
    await post(path, hello)
    expect((await ask('DELETE', '/++/traces')).status).toBe(204)
    expect(await list()).toEqual([])
    await post(path, hello)
    expect((await list()).map(({ id }) => id)).toEqual([2])
    await ask('POST', '/++/reset')
    expect(await list()).toEqual([])
  })

  it.each(['limit=0', 'limit=1001', 'status=9xx', 'status=abc', 'operation=x', 'since=-1', 'unknown=1'])(
    'refuses %s with 400',
    async (query) => {
      const { status, body } = await setUp().ask('GET', `/++/traces?${query}`)
      expect([status, body.error.code]).toEqual([400, 'InvalidQuery'])
    },
  )

  it('refuses requests without the admin key, unknown ids, and any request with TRACE_RING=0', async () => {
    const { app, ask } = setUp()
    expect((await app.request('/++/traces')).status).toBe(401)
    for (const id of ['0', '999', 'nonsense', '%3Cb%3E']) {
      const { status, body } = await ask('GET', `/++/traces/${id}`)
      expect([status, body.error.code]).toEqual([404, 'TraceNotFound'])
    }
    const off = setUp({ env: { TRACE_RING: '0' } })
    for (const [method, to] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/1'],
    ]) {
      const { status, body } = await off.ask(method!, `/++/traces${to}`)
      expect([status, body.error.code]).toEqual([400, 'TracesOff'])
    }
  })
})

describe('sampling', () => {
  const bodies = [
    hello,
    { ...hello, stream: true },
    { ...hello, stream: true, n: 2, stream_options: { include_usage: true } },
    { messages: 1 },
    { messages: [{ role: 'user', content: 'ü€😀' }], stream: true },
  ]
  const variants: [string, string, Record<string, string>][] = [
    ['POST', path, {}],
    ['POST', path, { 'x-sim-trace': 'on' }],
    ['POST', path, { 'api-key': 'wrong' }],
    ['POST', path, { 'x-sim-fault': 'cut' }],
    ['POST', path, { 'x-sim-fault': 'truncate' }],
    ['POST', path, { 'x-sim-fault': 'serverError' }],
    ['POST', deploymentPath('e', 'embeddings'), {}],
    ['HEAD', '/openai/models?api-version=2024-10-21', { connection: 'close' }],
    ['GET', '/openai/nothing', {}],
  ]

  it('changes no byte of an answer', async () => {
    const answers = async (size: string): Promise<string[]> => {
      const { app, clock } = setUp({ env: { TRACE_RING: size, SIMULATOR_SEED: 'same' } })
      return withSocket(app, async (port) => {
        const all: string[] = []
        for (const [method, to, headers] of variants) {
          for (const body of bodies) {
            // Each request starts at the same time in both runs.
            await clock.advance(10_000 - (clock.nowMs() % 10_000))
            const request = { method, path: to, headers: { 'api-key': testKey, ...headers } }
            const sending = sendRaw(port, { ...request, body: JSON.stringify(body) }).catch(
              // The connection was cut: the message has what arrived.
              (error: Error) => ({ bytes: error.message }),
            )
            const { bytes } = await advanceUntil(clock, sending, 50)
            // Times of the stages are real only in this header.
            all.push(bytes.replaceAll(/^(date|server-timing):.*$/gim, ''))
          }
        }
        return all
      })
    }
    const off = await answers('0')
    expect(off.join('')).toContain('[DONE]')
    expect(await answers('200')).toEqual(off)
  })

  it('changes no due time', async () => {
    const times = async (size: string): Promise<[number, string][]> => {
      const { post, clock } = setUp({ env: { TRACE_RING: size, SIMULATOR_SEED: 'same', ...paced } })
      const parts: [number, string][] = []
      const receive = async (): Promise<void> => {
        const response = await post(path, { ...hello, stream: true, max_tokens: 30 })
        for await (const part of response.body as unknown as AsyncIterable<Uint8Array>)
          parts.push([clock.nowMs(), Buffer.from(part).toString()])
      }
      await advanceUntil(clock, receive(), 5)
      return parts
    }
    expect(await times('200')).toEqual(await times('0'))
  })
})
