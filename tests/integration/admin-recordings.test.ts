import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { chatCompletion, chatEvents, eventStream, json, startFakeUpstream } from '../support/fake-upstream.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { readRecordings } from '../support/recording-simulator.ts'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'
const upstreamKey = 'upstream-key-0123456789'

const question = (text: string, more: object = {}): string =>
  JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: text }], ...more })

const recorded = (...texts: string[]): string =>
  cassette(...texts.map((text) => cassetteItem(question(text), `{"answer":"${text}"}`)))

const start = (files: Readonly<Record<string, string>>, settings: TestSettings = {}) => {
  const dir = recordingFolder(files)
  const made = createTestSimulator({
    ...settings,
    env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...settings.env },
  })
  onTestFinished(() => made.simulator.close())
  return { ...made, dir, admin: createAdminApi(made.app) }
}

/** A simulator that replays, with a real service that it can forward to. */
const startWithUpstream = async (
  files: Readonly<Record<string, string>>,
  settings: TestSettings = {},
  answer = json(chatCompletion('real')),
) => {
  const upstream = await startFakeUpstream(answer)
  onTestFinished(() => upstream.close())
  const env = { AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_KEY: upstreamKey, ...settings.env }
  return { upstream, ...start(files, { ...settings, env }) }
}

describe('GET /++/recordings', () => {
  it('counts hits by folder and recording, with file, line and time', async () => {
    const { post, admin, dir, clock } = start({
      'a.yaml': recorded('one', 'two'),
      'b.yaml': recorded('three'),
    })
    await post(path, question('two'))
    await post(path, question('two'))
    await post(path, question('none'))
    const { body } = await admin.ask('GET', '/++/recordings')
    expect(body.folders).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{12}$/),
        folder: dir,
        resources: ['default'],
        replays: true,
        records: false,
        interactions: 3,
        hits: 2,
        misses: 1,
        unused: 2,
        recorded: 0,
        pending: 0,
        lost: 0,
        writing: 'ok',
      },
    ])
    expect(body.total).toBe(3)
    const [first, second, third] = body.recordings
    expect(first).toMatchObject({ file: join(dir, 'a.yaml'), line: 2, hits: 0, last_used_at: null })
    expect(second).toMatchObject({
      file: join(dir, 'a.yaml'),
      hits: 2,
      model: 'gpt-4o',
      path,
      method: 'POST',
    })
    expect(Date.parse(second.last_used_at)).toBe(clock.epochMs())
    expect(third).toMatchObject({ file: join(dir, 'b.yaml'), status: 200, streamed: false })
    expect(new Set(body.recordings.map(({ id }: { id: string }) => id)).size).toBe(3)
  })

  it('filters by text, use, folder and resource, and bounds the list', async () => {
    const other = recordingFolder({ 'c.yaml': recorded('four') })
    const { post, admin, dir } = start(
      { 'a.yaml': recorded('one', 'two'), 'b.yaml': recorded('three') },
      { resources: { acme: { env: { RECORDING_DIR: other } } } },
    )
    await post(path, question('one'))
    await post(`/acme${path}`, question('four'), { 'api-key': 'acme-key' })
    const list = async (query: string): Promise<string[]> => {
      const { body } = await admin.ask('GET', `/++/recordings?${query}`)
      return body.recordings.map(({ file, line }: { file: string; line: number }) => `${file}:${line}`)
    }
    expect(await list('used=true')).toEqual([`${dir}/a.yaml:2`, `${other}/c.yaml:2`])
    expect(await list('text=B.YAML')).toEqual([`${dir}/b.yaml:2`])
    expect(await list('resource=acme')).toEqual([`${other}/c.yaml:2`])
    expect(await list(`folder=${other}`)).toEqual([`${other}/c.yaml:2`])
    expect(await list('limit=1')).toHaveLength(1)
    expect(await list('limit=0')).toEqual([])
    const { body } = await admin.ask('GET', '/++/recordings?limit=1')
    expect([body.total, body.folders.map(({ hits }: { hits: number }) => hits)]).toEqual([4, [1, 1]])
  })

  it.each([
    ['resource=none', 404, 'ResourceNotFound'],
    ['folder=none', 404, 'FolderNotFound'],
    ['limit=-1', 400, 'InvalidQuery'],
    ['limit=1001', 400, 'InvalidQuery'],
    ['used=perhaps', 400, 'InvalidQuery'],
  ])('rejects %s', async (query, status, code) => {
    const { admin } = start({ 'a.yaml': recorded('one') })
    const answer = await admin.ask('GET', `/++/recordings?${query}`)
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
  })

  it('is empty without recordings, and for a mode that uses none', async () => {
    const { app } = createTestSimulator()
    const { body } = await createAdminApi(app).ask('GET', '/++/recordings')
    expect(body).toEqual({ folders: [], recordings: [], total: 0 })
  })

  it('lists what record mode has recorded, and what is only in memory', async () => {
    const { post, admin, dir } = await startWithUpstream(
      {},
      { env: { SIMULATOR_MODE: 'record', RECORDING_AUTOSAVE: 'false' } },
    )
    await (await post(path, question('new'))).text()
    const before = (await admin.ask('GET', '/++/recordings')).body
    expect(before.folders).toMatchObject([{ interactions: null, unused: null, recorded: 1, pending: 1 }])
    expect(before.recordings).toMatchObject([{ file: null, line: null, model: 'gpt-4o', status: 200 }])
    expect((await admin.ask('POST', '/++/save-recordings')).body).toEqual({ saved: 1 })
    const after = (await admin.ask('GET', '/++/recordings')).body
    expect(after.folders).toMatchObject([{ pending: 0, recorded: 1 }])
    expect(after.recordings).toMatchObject([{ file: join(dir, 'v1_chat_completions.yaml') }])
  })

  it('keeps the counts of a recording when its file is read again, and drops those of removed ones', async () => {
    const { post, admin, dir, simulator } = start({ 'a.yaml': recorded('one', 'two') })
    await post(path, question('one'))
    await post(path, question('two'))
    writeFileSync(join(dir, 'a.yaml'), recorded('zero', 'two'))
    await simulator.recordings[0]?.replay?.refresh()
    const { body } = await admin.ask('GET', '/++/recordings')
    expect(body.recordings.map(({ hits }: { hits: number }) => hits)).toEqual([0, 1])
    expect(body.folders).toMatchObject([{ hits: 2, interactions: 2, unused: 1 }])
  })

  it('counts from 0 after a reset, which keeps the list of REPLAY_STRICT', async () => {
    const { post, admin, simulator } = start({ 'a.yaml': recorded('one', 'two') })
    await post(path, question('one'))
    await post(path, question('none'))
    await admin.ask('POST', '/++/reset')
    const { body } = await admin.ask('GET', '/++/recordings')
    expect(body.folders).toMatchObject([{ hits: 0, misses: 0, unused: 2 }])
    expect(body.recordings).toMatchObject([{ hits: 0, last_used_at: null }, { hits: 0 }])
    expect((await admin.ask('GET', '/++/recordings/misses')).body).toEqual({ misses: [], total: 0 })
    expect(simulator.recordings[0]?.replay?.unused()).toHaveLength(1)
  })

  it('shows no credential in a path or a model', async () => {
    const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH'
    const item = cassetteItem(JSON.stringify({ model: secret }), '{}', `/v1/x/${secret}?api_key=${secret}`)
    const { admin, post } = start({ 'a.yaml': cassette(item) })
    await post(`/v1/y/${secret}?api_key=${secret}&sig=${secret}`, { model: secret, api_key: secret })
    await post(`/v1/y/${testKey}`, { a: testKey })
    const texts = [
      (await admin.ask('GET', '/++/recordings')).text,
      (await admin.ask('GET', '/++/recordings/misses')).text,
    ].join()
    expect(texts).not.toContain(secret)
    expect(texts).toContain('redacted')
  })
})

describe('GET /++/recordings/misses', () => {
  it('has the nearest recording with all differences, and why the request cannot be recorded', async () => {
    const { post, admin, dir } = start({ 'a.yaml': recorded('one') })
    const answer = await post(path, question('other', { temperature: 0.5 }), { 'x-sim-test': 't' })
    const { body } = await admin.ask('GET', '/++/recordings/misses')
    expect(body).toMatchObject({
      total: 1,
      misses: [
        {
          id: 1,
          resource: 'default',
          deployment: 'gpt-4o',
          method: 'POST',
          path,
          request_id: answer.headers.get('apim-request-id'),
          answered: 'error',
          compared: true,
          can_record: false,
          why_not: expect.stringContaining('AZURE_OPENAI_ENDPOINT'),
        },
      ],
    })
    expect(body.misses[0].nearest).toMatchObject({
      file: join(dir, 'a.yaml'),
      line: 2,
      differences_total: 2,
      differences: [
        { path: 'messages[0].content', recorded: '"one"', sent: '"other"' },
        { path: 'temperature', recorded: 'nothing', sent: '0.5' },
      ],
    })
  })

  it.each([
    ['generate', { can_record: true, nearest: { differences_total: 1 } }],
    ['forward', { can_record: true, nearest: { differences_total: 1 } }],
    ['record', { can_record: false, why_not: expect.stringContaining('has a recording now') }],
  ])('has misses that REPLAY_ON_MISS=%s answers', async (action, shown) => {
    const { post, admin } = await startWithUpstream(
      { 'a.yaml': recorded('one') },
      { env: { REPLAY_ON_MISS: action } },
    )
    expect((await post(path, question('other'))).status).toBe(200)
    const { body } = await admin.ask('GET', '/++/recordings/misses')
    expect(body.misses).toMatchObject([{ answered: action, ...shown }])
  })

  it('has hostile names as texts, and a miss without anything to compare it with', async () => {
    const { post, admin } = start({})
    const hostile = '<img src=x onerror=alert(1)>'
    await post(path, { model: hostile })
    const { body } = await admin.ask('GET', '/++/recordings/misses')
    expect(body.misses).toMatchObject([{ deployment: hostile, nearest: null, compared: true }])
  })

  it('keeps the last 100, filters by resource, and is cleared on request', async () => {
    const { post, admin } = start({ 'a.yaml': recorded('one') }, { resources: { acme: { env: {} } } })
    for (let count = 0; count < 104; count++) await post(path, question(`q${count}`))
    await post(`/acme${path}`, question('acme'), { 'api-key': 'acme-key' })
    const { body } = await admin.ask('GET', '/++/recordings/misses?limit=2')
    expect([body.total, body.misses.map(({ id }: { id: number }) => id)]).toEqual([100, [105, 104]])
    expect((await admin.ask('GET', '/++/recordings/misses?resource=acme')).body.total).toBe(1)
    expect((await admin.ask('GET', '/++/recordings/misses?resource=none')).status).toBe(404)
    expect((await admin.ask('DELETE', '/++/recordings/misses')).status).toBe(204)
    expect((await admin.ask('GET', '/++/recordings/misses')).body).toEqual({ misses: [], total: 0 })
    await post(path, question('next'))
    expect((await admin.ask('GET', '/++/recordings/misses')).body.misses[0].id).toBe(106)
  })

  it('logs no part of a prompt', async () => {
    const { post, log } = start({ 'a.yaml': recorded('recorded words') })
    await post(path, question('other words'))
    const line = log.find(({ message }) => message.startsWith('No recording answers'))
    expect(line?.message).toContain('They first differ in messages[0].content.')
    expect(JSON.stringify(log)).not.toContain('words')
  })

  it('hides credentials in the differences', async () => {
    const { post, admin } = start({ 'a.yaml': recorded('one') })
    await post(path, question(`use ${testKey} please`, { api_key: 'very-secret-value-1' }))
    const { text } = await admin.ask('GET', '/++/recordings/misses')
    expect(text).not.toContain(testKey)
    expect(text).not.toContain('very-secret-value-1')
  })
})

describe('POST /++/recordings/record', () => {
  const record = (admin: ReturnType<typeof createAdminApi>, body: unknown) =>
    admin.ask('POST', '/++/recordings/record', body)

  it('records the answer to a miss once, which is replayed from then on', async () => {
    const { post, admin, dir, upstream, simulator } = await startWithUpstream({ 'a.yaml': recorded('one') })
    const body = question('other', { api_key: 'very-secret-value-1' })
    expect((await post(path, body)).status).toBe(404)
    const answer = await record(admin, { miss: 1 })
    const file = join(dir, 'v1_chat_completions.yaml')
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        request_id: expect.any(String),
        upstream: 'default',
        status: 200,
        streamed: false,
        duration_ms: expect.any(Number),
        file,
        line: expect.any(Number),
      },
    ])
    expect(JSON.stringify(answer.body.duration_ms)).toMatch(/^\d+(\.\d)?$/)
    expect(readFileSync(file, 'utf8').split('\n')[answer.body.line - 1]).toMatch(/^- /)
    expect(upstream.received).toHaveLength(1)
    expect(upstream.received[0]?.headers['api-key']).toBe(upstreamKey)
    expect(JSON.parse(String(upstream.received[0]?.body))).toEqual(JSON.parse(body))
    expect(readFileSync(file, 'utf8')).not.toMatch(new RegExp(`very-secret|${upstreamKey}|${testKey}`))

    expect(await (await post(path, body)).json()).toEqual(chatCompletion('real'))
    const { misses } = (await admin.ask('GET', '/++/recordings/misses')).body
    expect(misses).toMatchObject([
      {
        can_record: false,
        why_not: expect.stringContaining(file),
        recorded_in: `${file}:${answer.body.line}`,
      },
    ])
    const again = await record(admin, { miss: 1 })
    expect([again.status, again.body.error.code]).toEqual([409, 'RecordingExists'])
    expect(upstream.received).toHaveLength(1)
    await simulator.recordings[0]?.replay?.refresh()
    const listed = (await admin.ask('GET', '/++/recordings?used=true')).body
    expect(listed.recordings).toMatchObject([{ file, hits: 1 }])
    expect(listed.folders).toMatchObject([{ interactions: 2, hits: 1, misses: 1, recorded: 1 }])
  })

  it('records a stream with its events, by the id of the request', async () => {
    const events = chatEvents(['Hel', 'lo'])
    const { post, admin, dir } = await startWithUpstream({}, {}, eventStream(events))
    const body = question('other', { stream: true })
    const miss = await post(path, body)
    const answer = await record(admin, { request: miss.headers.get('apim-request-id') })
    expect(answer.body).toMatchObject({ status: 200, streamed: true })
    expect(readRecordings(dir)[0]?.response.body.events).toHaveLength(events.length)
    expect(await (await post(path, body)).text()).toBe(events.join(''))
  })

  it('writes immediately also without autosave, and creates a folder that was deleted', async () => {
    const { post, admin, dir } = await startWithUpstream({}, { env: { RECORDING_AUTOSAVE: 'false' } })
    await post(path, question('x'))
    rmSync(dir, { recursive: true })
    expect((await record(admin, { miss: 1 })).status).toBe(200)
    expect(readRecordings(dir)).toHaveLength(1)
    expect((await admin.ask('GET', '/++/recordings')).body.folders).toMatchObject([
      { pending: 0, recorded: 1 },
    ])
    expect((await post(path, question('x'))).status).toBe(200)
  })

  it('converts a request to the API of the upstream of its deployment', async () => {
    const upstream = await startFakeUpstream(
      json({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-sonnet-4-5',
        content: [{ type: 'text', text: 'Hi' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 3, output_tokens: 2 },
      }),
    )
    onTestFinished(() => upstream.close())
    const { post, admin, dir } = start(
      {},
      {
        config: {
          upstreams: { claude: { endpoint: upstream.url, kind: 'anthropic', key: upstreamKey } },
          deployments: { smart: { model: 'claude-sonnet-4-5', upstream: 'claude', source: 'replay' } },
        },
        env: {},
      },
    )
    const body = { ...(JSON.parse(question('x')) as object), model: 'smart' }
    expect((await post(path, body)).status).toBe(404)
    const answer = await record(admin, { miss: 1 })
    expect(answer.body).toMatchObject({ upstream: 'claude', status: 200 })
    expect(upstream.received[0]?.url).toBe('/v1/messages')
    expect(readRecordings(dir)[0]?.request.uri).toBe(`${upstream.url}${path}`)
    expect(await (await post(path, body)).json()).toMatchObject({
      choices: [{ message: { content: 'Hi' } }],
    })
  })

  it.each([
    [{}, 400, 'InvalidBody'],
    [{ miss: 1, request: 'a' }, 400, 'InvalidBody'],
    [{ miss: 'one' }, 400, 'InvalidBody'],
    [{ miss: 0 }, 400, 'InvalidBody'],
    [{ other: 1 }, 400, 'InvalidBody'],
    ['[', 400, 'InvalidJson'],
    [{ miss: 7 }, 404, 'RequestNotFound'],
    [{ request: 'unknown' }, 404, 'RequestNotFound'],
  ])('rejects the body %j', async (body, status, code) => {
    const { admin } = start({ 'a.yaml': recorded('one') })
    const answer = await record(admin, body)
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
  })

  it('refuses a request without an upstream, and one with the credential of the caller', async () => {
    const { admin, post } = start({})
    await post(path, question('x'))
    const none = await record(admin, { miss: 1 })
    expect([none.status, none.body.error.code]).toEqual([409, 'NoUpstream'])

    const caller = await startWithUpstream(
      {},
      { env: { UPSTREAM_CREDENTIAL: 'caller', AZURE_OPENAI_KEY: '' } },
    )
    await caller.post(path, question('x'))
    const refused = await record(caller.admin, { miss: 1 })
    expect([refused.status, refused.body.error.code]).toEqual([409, 'CallerCredential'])
    expect(caller.upstream.received).toEqual([])
  })

  it('refuses a request of which the body was not kept', async () => {
    const { admin, post, upstream } = await startWithUpstream({})
    await post(path, question('x'.repeat(1024 * 1024)))
    const { misses } = (await admin.ask('GET', '/++/recordings/misses')).body
    expect(misses).toMatchObject([{ can_record: false, why_not: expect.stringContaining('was not kept') }])
    const answer = await record(admin, { miss: 1 })
    expect([answer.status, answer.body.error.code]).toEqual([409, 'BodyNotKept'])
    expect(upstream.received).toEqual([])
  })

  it('reports an error of the upstream, and records it only with RECORDING_ERRORS', async () => {
    const failing = json({ error: { code: 'x', message: 'no' } }, 429)
    const { admin, post, dir } = await startWithUpstream({}, {}, failing)
    await post(path, question('x'))
    const answer = await record(admin, { miss: 1 })
    expect([answer.status, answer.body.error.code]).toEqual([409, 'AnswerNotRecorded'])
    expect(answer.body.error.message).toMatch(/answered 429.*RECORDING_ERRORS=on/)
    expect(readRecordings(dir)).toEqual([])

    const errors = await startWithUpstream({}, { env: { RECORDING_ERRORS: 'on' } }, failing)
    await errors.post(path, question('x'))
    expect((await record(errors.admin, { miss: 1 })).body).toMatchObject({ status: 429 })
    expect((await errors.post(path, question('x'))).status).toBe(429)
  })

  it('reports an error in a stream, which is not recorded either', async () => {
    const events = [...chatEvents(['Hel']).slice(0, 1), 'data: {"error":{"code":"429","message":"no"}}\n\n']
    const { admin, post, dir } = await startWithUpstream({}, {}, eventStream(events))
    await post(path, question('x', { stream: true }))
    const answer = await record(admin, { miss: 1 })
    expect([answer.status, answer.body.error.code]).toEqual([409, 'AnswerNotRecorded'])
    expect(answer.body.error.message).toMatch(/answered 429 in its stream.*RECORDING_ERRORS=on/)
    expect(readRecordings(dir)).toEqual([])
  })

  it('reports a folder and a file that cannot be written', async () => {
    const { admin, post, dir } = await startWithUpstream({})
    await post(path, question('x'))
    mkdirSync(join(dir, 'v1_chat_completions.yaml'))
    const answer = await record(admin, { miss: 1 })
    expect([answer.status, answer.body.error.code]).toEqual([409, 'AnswerNotRecorded'])
    expect(answer.body.error.message).toContain('EISDIR')
    // The next request can be recorded, also after a failure of the same one.
    rmSync(join(dir, 'v1_chat_completions.yaml'), { recursive: true })
    expect((await record(admin, { miss: 1 })).status).toBe(200)

    const replaced = await startWithUpstream({})
    await replaced.post(path, question('x'))
    rmSync(replaced.dir, { recursive: true })
    writeFileSync(replaced.dir, 'a file')
    const refused = await record(replaced.admin, { miss: 1 })
    expect([refused.status, refused.body.error.code]).toEqual([400, 'RECORDINGS_UNWRITABLE'])
    expect(replaced.upstream.received).toEqual([])
  })

  it('reports an upstream that cannot be reached or breaks its answer', async () => {
    const away = await startFakeUpstream()
    await away.close()
    const env = { AZURE_OPENAI_ENDPOINT: away.url, AZURE_OPENAI_KEY: upstreamKey }
    const { admin, post, dir } = start({}, { env })
    await post(path, question('x'))
    const answer = await record(admin, { miss: 1 })
    expect([answer.status, answer.body.error.code]).toEqual([502, 'UpstreamRefused'])

    const broken = await startWithUpstream({}, {}, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['Hel'])[0])
      setTimeout(() => response.destroy(), 20)
    })
    await broken.post(path, question('x', { stream: true }))
    const cut = await record(broken.admin, { miss: 1 })
    expect([cut.status, cut.body.error.code]).toEqual([409, 'AnswerNotRecorded'])
    expect(cut.body.error.message).toContain('interrupted')
    expect([...readRecordings(dir), ...readRecordings(broken.dir)]).toEqual([])
  })

  it('sends a request once if it is asked for twice at a time', async () => {
    const { admin, post, upstream } = await startWithUpstream({}, {}, async (request, response) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await json(chatCompletion('real'))(request, response)
    })
    await post(path, question('x'))
    const answers = await Promise.all([record(admin, { miss: 1 }), record(admin, { miss: 1 })])
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409])
    expect(upstream.received).toHaveLength(1)
  })

  it('uses the present configuration: an upstream that was added, and a resource that was removed', async () => {
    const upstream = await startFakeUpstream(json(chatCompletion('real')))
    onTestFinished(() => upstream.close())
    const { admin, post } = start({}, { resources: { acme: { env: {} } } })
    await post(path, question('x'))
    await post(`/acme${path}`, question('y'), { 'api-key': 'acme-key' })
    await admin.ask('PUT', '/++/upstreams/east', { endpoint: upstream.url, key: upstreamKey })
    await admin.ask('PUT', '/++/deployments/gpt-4o', { model: 'gpt-4o', upstream: 'east', source: 'replay' })
    expect((await record(admin, { miss: 1 })).body).toMatchObject({ upstream: 'east' })
    await admin.ask('DELETE', '/++/resources/acme')
    const gone = await record(admin, { miss: 2 })
    expect([gone.status, gone.body.error.code]).toEqual([409, 'ResourceNotFound'])
  })

  it('appends to a file that was edited by hand', async () => {
    const { admin, post, dir } = await startWithUpstream({})
    await post(path, question('x'))
    await record(admin, { miss: 1 })
    appendFileSync(join(dir, 'v1_chat_completions.yaml'), '# a comment\n')
    await post(path, question('y'))
    expect((await record(admin, { miss: 2 })).status).toBe(200)
    expect((await post(path, question('x'))).status).toBe(200)
    expect((await post(path, question('y'))).status).toBe(200)
  })
})

describe('a folder with thousands of recordings', () => {
  it('is listed within bounds and without blocking the event loop', async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => cassetteItem(`{"q":${index}}`, '{}'))
    const { admin, post } = start({ 'a.yaml': cassette(...items) })
    await post(path, '{"q":19999}')
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const { body, text } = await admin.ask('GET', '/++/recordings?text=yaml&limit=1000')
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(2)
    expect([body.total, body.recordings.length]).toEqual([20_000, 1_000])
    expect(text.length).toBeLessThan(500_000)
    const { body: used } = await admin.ask('GET', '/++/recordings?used=true')
    expect(used.recordings).toMatchObject([{ hits: 1 }])
  })
})
