import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { warnOfWeakKeys } from '../../src/cli/serve.ts'
import { LiveConfig, loadConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { eventStream, type FakeAnswer, json } from '../support/fake-upstream.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { cassette, recordingFolder } from '../support/recording-folder.ts'
import {
  readRecordings,
  recordingFiles,
  recordingPlace,
  startRecording,
  upstreamKey,
} from '../support/recording-simulator.ts'
import { withResources } from '../support/resource-inputs.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const planted = 'PLANTED0secret1KEY2'
const place = recordingPlace(json({ ok: true }))
const path = '/openai/v1/chat/completions'
const messages = [{ role: 'user', content: 'Hello' }]
const form = `--b\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n${planted}\r\n--b--\r\n`
const formType = { 'content-type': 'multipart/form-data; boundary=b' }

interface Planted {
  readonly where: string
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

const requests: readonly Planted[] = [
  { where: 'a header', headers: { 'x-authtoken': planted, xapikey: planted, 'x-pat': planted } },
  { where: 'a header of any name', headers: { 'x-note': `Bearer ${planted}` } },
  { where: 'a referer', headers: { referer: `https://h/?access_token=${planted}` } },
  {
    where: 'a WebSocket protocol',
    headers: { 'sec-websocket-protocol': `a, openai-insecure-api-key.${planted}` },
  },
  { where: 'the query', url: `${path}?api-version=1&jwt=${planted}&x%5Bapi-key%5D=${planted}` },
  { where: 'an address in the query', url: `${path}?next=https%3A%2F%2Fh%3Fsig%3D${planted}` },
  {
    where: 'the authentication of a data source',
    body: { messages, data_sources: [{ parameters: { authentication: { type: 'api_key', key: planted } } }] },
  },
  {
    where: 'an MCP tool',
    body: { messages, tools: [{ type: 'mcp', authorization: planted, headers: { a: planted } }] },
  },
  { where: 'a connection string', body: { messages, note: `AccountKey=${planted}==;x` } },
  {
    where: 'a picture',
    body: {
      messages: [{ role: 'user', content: [{ image_url: { url: `https://h/a.png?sig=${planted}` } }] }],
    },
  },
  {
    where: 'a form',
    body: `a=1&password=${planted}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  { where: 'a form with files', body: form, headers: formType },
]

const stored = (): string =>
  recordingFiles(place.dir)
    .map((file) => readFileSync(join(place.dir, file), 'utf8'))
    .join('')

const journalOf = async ({ app }: Pick<ReturnType<typeof createTestSimulator>, 'app'>): Promise<string> =>
  (await app.request('/++/requests', { headers: { 'api-key': testKey } })).text()

const cli = async (dir: string, ...argv: readonly string[]) => {
  let out = ''
  const write = (text: string): unknown => (out += text)
  const host = {
    argv,
    env: {},
    workingDirectory: dir,
    stdout: { write },
    stderr: { write },
    signals: new EventEmitter(),
  }
  return { code: await run(host), out }
}

describe('a credential in a request', () => {
  it.each(requests)('reaches the upstream, but no file, log or journal, from $where', async (request) => {
    const { url = path, headers = {}, body = { messages } } = request
    const recording = startRecording(place, createSystemClock(), { LOG_LEVEL: 'debug', JOURNAL_SIZE: '10' })
    expect((await recording.post(url, body, headers)).status).toBe(200)
    expect(stored()).toContain('/openai/')
    expect(await journalOf(recording)).toContain('/openai/')
    for (const text of [stored(), JSON.stringify(recording.log), await journalOf(recording)]) {
      expect(text).not.toContain('PLANTED')
    }

    const env = { SIMULATOR_MODE: 'replay', RECORDING_DIR: place.dir, JOURNAL_SIZE: '10' }
    const replaying = createTestSimulator({ env })
    const replayed = await replaying.post(url, body, headers)
    expect([replayed.status, await replayed.text()]).toEqual([200, '{"ok":true}'])
    expect(await journalOf(replaying)).not.toContain('PLANTED')
  })

  it('does not affect replay if it changes or if the JSON has another key order', async () => {
    const body = (key: string, order: readonly string[]): string => {
      const fields: Record<string, unknown> = { user: 'a', data_sources: [{ authentication: { key } }] }
      return `{${order.map((name) => `"${name}":${JSON.stringify(fields[name])}`).join(', ')}}`
    }
    const { post } = startRecording(place, createSystemClock())
    await post(path, body(planted, ['user', 'data_sources']))
    const { post: replay } = createTestSimulator({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: place.dir },
    })
    for (const key of [planted, 'another-key']) {
      expect((await replay(path, body(key, ['data_sources', 'user']))).status).toBe(200)
    }
    const miss = await replay(path, body('another-key', ['data_sources']))
    expect(miss.status).toBe(404)
    expect(await miss.text()).not.toMatch(/another-key|PLANTED/)
  })

  it('does not affect replay if it is the key of the simulator', async () => {
    const simulatorKey = 'the-simulators-own-key'
    const keys = { SIMULATOR_API_KEY: simulatorKey }
    const recording = startRecording(place, createSystemClock(), keys)
    await recording.post(path, { a: simulatorKey, b: 1 }, { 'api-key': simulatorKey })
    expect(stored()).not.toContain(simulatorKey)
    const replaying = createTestSimulator({
      env: { ...keys, SIMULATOR_MODE: 'replay', RECORDING_DIR: place.dir },
    })
    const headers = { 'api-key': simulatorKey }
    expect((await replaying.post(path, { b: 1, a: simulatorKey }, headers)).status).toBe(200)
    const miss = await replaying.post(path, { b: 2, a: simulatorKey, c: simulatorKey }, headers)
    expect(miss.status).toBe(404)
    expect((await miss.text()) + JSON.stringify(replaying.log)).not.toContain(simulatorKey)
  })

  it('does not affect how the query selects recordings', async () => {
    const { post } = startRecording(place, createSystemClock())
    for (const page of ['1', '2']) {
      place.upstream.answer = json({ page })
      await post(`${path}?page=${page}&sas=${planted}`, { messages })
    }
    const { post: replay } = createTestSimulator({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: place.dir },
    })
    for (const page of ['2', '1']) {
      expect(await (await replay(`${path}?page=${page}&sas=other`, { messages })).json()).toEqual({ page })
    }
  })

  it('is not in the answer to a miss, neither from the recording nor from the request', async () => {
    const item = (body: string): string => `- request:
    body: '${body}'
    headers: {}
    method: POST
    uri: https://h${path}?sig=${planted}
  response:
    body: {string: '{}'}
    headers: {}
    status: {code: 200, message: OK}
`
    const dir = recordingFolder({ 'a.yaml': cassette(item(`{"a":1,"password":"${planted}","z":1}`)) })
    const { post, log } = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
    for (const body of [
      { password: 'other-secret-1', a: 1, z: 1 },
      { password: 'other-secret-1', a: 2 },
    ]) {
      const text = await (await post(path, body)).text()
      expect(text).toContain('RecordingNotFound')
      expect(text + JSON.stringify(log)).not.toMatch(/PLANTED|other-secret/)
    }
  })
})

describe('a credential in an answer', () => {
  const address = `https://blob.example/a.png?se=1&sig=${planted}%3D&sp=r`
  it.each([
    ['JSON', json({ data: [{ url: address }] })],
    ['a header', json({}, 200, { 'operation-location': `/operations/1?code=${planted}`, 'x-next': address })],
    ['a cookie', json({}, 200, { 'set-cookie': `a=${planted}` })],
    ['a stream', eventStream([`data: {"client_secret":{"value":"${planted}"}}\n\n`, 'data: [DONE]\n\n'])],
    [
      'a stream with events in several chunks',
      eventStream(['data: {"url":"https://h/?sig=PLAN', `TED0secret1KEY2"}\n`, '\ndata: [DONE]\n\n'], 5),
    ],
  ])('reaches the caller but no file if it is in %s', async (_where, answer) => {
    place.upstream.answer = answer
    const { post } = startRecording(place, createSystemClock())
    const response = await post(path, { messages })
    expect(JSON.stringify([...response.headers]) + (await response.text())).toContain('PLANTED')
    expect(readRecordings(place.dir)).toHaveLength(1)
    expect(stored()).not.toContain('PLANTED')
  })
})

describe('credentials of the caller', () => {
  it('are not sent to the upstream, in headers or parameters', async () => {
    const { post } = startRecording(place, createSystemClock())
    const headers = {
      'ocp-apim-subscription-key': planted,
      'x-functions-key': planted,
      'x-api-key': planted,
      'x-authtoken': planted,
      'proxy-authorization': planted,
      cookie: `a=${planted}`,
      'x-sim-delay-ms': '0',
      'x-note': `Bearer ${planted}`,
      referer: `https://h/?access_token=${planted}`,
      'x-custom': 'kept',
      'openai-organization': 'kept',
      'x-ms-client-request-id': 'kept',
    }
    const query = `a=%2F&api-key=${planted}&Code=${planted}&subscription%2Dkey=${planted}&sig=${planted}&b`
    await post(`${path}?${query}`, { messages }, headers)
    const [received] = place.upstream.received
    expect(received?.url).toBe(`${path}?a=%2F&b`)
    expect(JSON.stringify(received?.headers)).not.toMatch(/PLANTED|x-sim-|cookie|test-key/)
    expect(received?.headers).toMatchObject({
      'x-custom': 'kept',
      'openai-organization': 'kept',
      'x-ms-client-request-id': 'kept',
      'api-key': upstreamKey,
    })
    expect(stored()).not.toContain('PLANTED')
  })
})

describe('a key of the simulator or of its upstream', () => {
  it.each<readonly [string, FakeAnswer]>([
    ['JSON', json({ echo: { 'api-key': upstreamKey } })],
    ['headers', json({}, 200, { 'x-echo': `Bearer ${upstreamKey}` })],
    ['a stream', eventStream([`data: {"a":"${upstreamKey}"}\n\n`, 'data: [DONE]\n\n'])],
    [
      'pieces that cut it',
      eventStream([`data: {"a":"${upstreamKey.slice(0, 9)}`, `${upstreamKey.slice(9)}"}\n\n`], 5),
    ],
    ['an error', json({ error: { message: `Wrong key ${upstreamKey}` } }, 401)],
  ])('is masked if an upstream echoes it in %s', async (_where, answer) => {
    place.upstream.answer = answer
    const { post } = startRecording(place, createSystemClock(), { RECORDING_ERRORS: 'on' })
    const response = await post(path, { messages })
    const got = JSON.stringify([...response.headers]) + (await response.text())
    expect(got).toContain('*'.repeat(upstreamKey.length))
    expect(got + stored()).not.toContain(upstreamKey)
  })

  it('is not in the journal, wherever the caller has sent it', async () => {
    const recording = startRecording(place, createSystemClock(), { JOURNAL_SIZE: '10' })
    const text = `${testKey} and ${upstreamKey}`
    await recording.post(`${path}?note=${upstreamKey}`, { messages, text }, { 'x-note': `my ${upstreamKey}` })
    const journal = await journalOf(recording)
    expect(journal).toContain('"text":')
    expect(journal).not.toContain(upstreamKey)
    expect(journal).not.toContain(testKey)
  })
})

describe('aoai-sim recordings', () => {
  const item = (part: {
    uri?: string
    header?: string
    body?: string
    answerHeader?: string
    answer?: string
  }): string =>
    `- request:
    body: '${part.body ?? '{}'}'
    headers:
      ${part.header ?? 'accept: ["*/*"]'}
    method: POST
    uri: https://h${path}${part.uri ?? ''}
  response:
    body: {string: '${part.answer ?? '{}'}'}
    headers:
      ${part.answerHeader ?? 'content-type: [application/json]'}
    status: {code: 200, message: OK}
`
  const parts: readonly (readonly [string, Parameters<typeof item>[0]])[] = [
    ['a header', { header: `x-authtoken: ["${planted}"]` }],
    ['the value of a header', { header: `x-note: ["Bearer ${planted}"]` }],
    ['the query', { uri: `?a=1&x-functions-key=${planted}` }],
    ['JSON', { body: `{"authentication":{"key":"${planted}"}}` }],
    ['an answer', { answer: `{"data":[{"url":"https://h/?sig=${planted}"}]}` }],
    ['a header of an answer', { answerHeader: `location: ["/a?code=${planted}"]` }],
    ['a stream', { answer: `data: {"token":"${planted}"}` }],
  ]
  it.each(parts)('lint finds, and scrub removes, a credential in %s', async (_where, part) => {
    const dir = recordingFolder({ 'a.yaml': cassette(item(part)) })
    expect((await cli(dir, 'recordings', 'lint', '.')).out).toMatch(/warning .*credential/)
    for (const command of ['list', 'show', 'lint'] as const) {
      const { out } = await cli(
        dir,
        'recordings',
        command,
        'a.yaml',
        ...(command === 'lint' ? [] : ['--json']),
      )
      expect(out).not.toContain('PLANTED')
    }
    expect((await cli(dir, 'recordings', 'show', 'a.yaml')).out).toMatch(/redacted/i)
    expect((await cli(dir, 'recordings', 'scrub', '.')).out).toContain('1 interaction cleaned')
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).not.toContain('PLANTED')
    expect((await cli(dir, 'recordings', 'lint', '.')).out).toContain('0 errors, 0 warnings')
    expect((await cli(dir, 'recordings', 'scrub', '.')).out).toContain('0 interactions cleaned')
  })

  it('diff shows that credentials differ, but not the credentials', async () => {
    const answer = (secret: string): string => item({ answer: `{"a":{"api_key":"${secret}"}}` })
    const dir = recordingFolder({
      'a.yaml': cassette(answer(planted)),
      'b.yaml': cassette(answer('PLANTED-other')),
    })
    const { code, out } = await cli(dir, 'recordings', 'diff', 'a.yaml', 'b.yaml')
    expect(code).not.toBe(0)
    expect(out).toContain('a.api_key: [redacted] | [redacted]')
    expect(out).not.toContain('PLANTED')
  })

  it.each(['AUTHORIZATION-XXX', 'Bearer <masked>', 'REDACTED', '***', 'Bearer test_openai_api_key'])(
    'lint does not warn of the placeholder %s, and scrub keeps it',
    async (value) => {
      const text = cassette(item({ header: `authorization: ["${value}"]` }))
      const dir = recordingFolder({ 'a.yaml': text })
      expect((await cli(dir, 'recordings', 'lint', '.')).out).toContain('0 errors, 0 warnings')
      expect((await cli(dir, 'recordings', 'scrub', '.')).out).toContain('0 interactions cleaned')
      expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(text)
    },
  )

  it('scrub removes placeholders of names in RECORDING_REDACT', async () => {
    const part = { header: 'x-customer: [test]', uri: '?x-customer=test', body: '{"x-customer":"test"}' }
    const dir = recordingFolder({ '.env': 'RECORDING_REDACT=x-customer\n', 'a.yaml': cassette(item(part)) })
    await cli(dir, 'recordings', 'scrub', '.')
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).not.toContain('test')
  })

  it.each([
    [
      'a request',
      { header: 'content-encoding: [gzip]', body: gzipSync(planted).toString('base64') },
      /not-searched/,
    ],
    ['an answer', { answer: gzipSync(planted).toString('base64') }, /not-searched/],
    [
      'an answer with an unknown coding',
      { answerHeader: 'content-encoding: [zstd]', answer: 'KLUv/QBYUQAA' },
      /still-encoded/,
    ],
  ])('lint and scrub report a compressed body that they cannot search, of %s', async (_, part, rule) => {
    const text = item(part).replace(/(body|string): '([^{}']+)'/g, '$1: !!binary $2')
    const dir = recordingFolder({ 'a.yaml': cassette(text) })
    expect((await cli(dir, 'recordings', 'lint', '.')).out).toMatch(rule)
    const { code, out } = await cli(dir, 'recordings', 'scrub', '.')
    expect([code, out]).toEqual([1, expect.stringContaining('compressed bodies were not searched (line 2)')])
  })

  it('lint names a header once, in whatever case it is written', async () => {
    const header = (name: string): string => `${name}: ["${planted}"]`
    const dir = recordingFolder({
      'a.yaml': cassette(item({ header: header('X-Api-Key'), answerHeader: header('x-api-key') })),
    })
    const { out } = await cli(dir, 'recordings', 'lint', '.')
    expect(out).toContain('the header X-Api-Key may contain a credential')
    expect(out).toContain('1 file, 1 interaction that can be replayed, 0 errors, 1 warning.')
  })

  it('lint does not warn of headers that only look like credentials', async () => {
    const answerHeader =
      'access-control-allow-credentials: ["true"]\n      www-authenticate: [\'Bearer realm="x"\']'
    const dir = recordingFolder({ 'a.yaml': cassette(item({ answerHeader })) })
    expect((await cli(dir, 'recordings', 'lint', '.')).out).toContain('0 errors, 0 warnings')
  })
})

describe('aoai-sim', () => {
  it.each([
    ['a mistyped flag', ['--api-kye=PLANTED']],
    ['a mistyped flag of a command', ['load', '--api-kye=PLANTED']],
    ['an address with a password', ['check', 'retries', '--url', 'http://u:PLANTED@h']],
    ['a wrong endpoint', ['--azure-openai-endpoint', 'https://u:PLANTED@h/']],
    ['a wrong address of Redis', ['--redis-url', 'redis://u:PLANTED@h/x']],
  ])('does not print the secret of %s', async (_what, argv) => {
    const { code, out } = await cli('/', ...argv)
    expect(code).not.toBe(0)
    expect(out).not.toBe('')
    expect(out).not.toContain('PLANTED')
  })
})

describe('a weak key', () => {
  it.each([
    [{ HOST: '127.0.0.1', SIMULATOR_API_KEY: 'short' }, []],
    [{ HOST: '0.0.0.0', SIMULATOR_API_KEY: 'a-key-of-16-signs' }, []],
    [{ HOST: '0.0.0.0', SIMULATOR_API_KEY: 'short' }, ['SIMULATOR_API_KEY']],
    [{ HOST: '0.0.0.0', SIMULATOR_API_KEY: 'a-key-of-16-signs', ADMIN_API_KEY: 'short' }, ['ADMIN_API_KEY']],
  ])('is logged once if other machines can reach the simulator: %j', (env, names) => {
    const config = loadConfig({ flags: {}, env, workingDirectory: '/', readFile: filesInMemory() })
    const log: LogLine[] = []
    warnOfWeakKeys(config, collectInto(log))
    expect(log.map(({ level }) => level)).toEqual(names.map(() => 'warn'))
    expect(log.map(({ message }) => /\w+_API_KEY/.exec(message)?.[0])).toEqual(names)
    expect(JSON.stringify(log)).not.toContain('short')
  })

  it('is logged with the name of its resource', () => {
    const env = { HOST: '0.0.0.0', SIMULATOR_API_KEY: 'a-key-of-16-signs' }
    const { inputs } = loadLiveConfig({ flags: {}, env, workingDirectory: '/', readFile: filesInMemory() })
    const resources = withResources(inputs, {
      acme: {},
      safe: { env: { SIMULATOR_API_KEY: 'another-of-16-signs' } },
    })
    const log: LogLine[] = []
    warnOfWeakKeys(new LiveConfig(resources).current, collectInto(log))
    expect(log.map(({ message }) => message)).toEqual([
      'Other machines can reach 0.0.0.0, and the key of acme has fewer than 16 characters. Set a longer key.',
    ])
  })
})
