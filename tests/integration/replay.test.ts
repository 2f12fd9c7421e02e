import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'
import { canDropRoot, withoutRoot } from '../support/without-root.ts'

const path = '/v1/chat/completions'

const replaying = (files: Record<string, string | Buffer>, { env, deployments }: TestSettings = {}) => {
  const dir = recordingFolder(files)
  const settings = { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...env }
  return { dir, ...createTestSimulator({ env: settings, ...(deployments && { deployments }) }) }
}

const answers = async (simulator: ReturnType<typeof replaying>, count: number, headers = {}) => {
  const texts: string[] = []
  for (let index = 0; index < count; index++) {
    texts.push(await (await simulator.post(path, '{"q":1}', headers)).text())
  }
  return texts
}

const encoded = (coding: string, base64: string) =>
  cassette(
    cassetteItem('{}', 'x')
      .replace("string: 'x'", `string: !!binary |\n        ${base64}`)
      .replace(
        'Content-Type:',
        `Content-Encoding:\n      - ${coding}\n      Transfer-Encoding:\n      - chunked\n      content-type:`,
      ),
  )

describe('replay mode', () => {
  it('answers with the status, headers and bytes of the recording, whatever its host', async () => {
    const { post } = replaying({ 'a.yaml': cassette(cassetteItem('{"a": 1, "b": 2}', '{"id": "x"}')) })
    const response = await post(path, '{"b":2,"a":1}')
    expect([response.status, await response.text()]).toEqual([200, '{"id": "x"}'])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('content-length')).toBe('11')
  })

  it('sends the recorded Date, and a current one if the recording has none', async () => {
    const recorded = 'Mon, 01 Jan 2024 00:00:00 GMT'
    const dated = cassetteItem('{"q":1}', 'x').replace(
      'Content-Type:',
      `date:\n      - "${recorded}"\n      Content-Type:`,
    )
    const { post } = replaying({ 'a.yaml': cassette(dated + cassetteItem('{"q":2}', 'y')) })
    expect((await post(path, '{"q":1}')).headers.get('date')).toBe(recorded)
    const own = (await post(path, '{"q":2}')).headers.get('date') ?? ''
    expect(new Date(own).toUTCString()).toBe(own)
    expect(own).not.toBe(recorded)
  })

  it.each([
    ['ASCII', '{"a":"x"}'],
    ['text of all kinds', '{"a":"é日"}'],
  ])('replays %s byte for byte, repeatedly', async (_, text) => {
    const { post } = replaying({ 'a.yaml': cassette(cassetteItem('{"q":1}', text)) })
    for (let time = 0; time < 3; time++) expect(await (await post(path, '{"q":1}')).text()).toBe(text)
  })

  it('reads subfolders, and skips hidden and non-YAML files', async () => {
    const item = cassetteItem('{"q":1}', 'deep')
    const { post } = replaying({
      'b/c/d.yml': cassette(item),
      '.hidden/a.yaml': cassette(cassetteItem('{"q":1}', 'hidden')),
      'notes.md': 'interactions: none',
    })
    expect(await (await post(path, '{"q":1}')).text()).toBe('deep')
  })

  it('requires the key, even on paths that exist only in recordings', async () => {
    const { post } = replaying({ 'a.yaml': cassette(cassetteItem('{}', 'x', '/any/path')) })
    expect((await post('/any/path', '{}', { 'api-key': 'wrong' })).status).toBe(401)
    expect((await post('/any/path', '{}')).status).toBe(200)
  })

  it('answers from a recording even if the simulator would refuse the request', async () => {
    const odd = '/openai/deployments/unknown/chat/completions?api-version=1999-01-01'
    const { post } = replaying(
      { 'a.yaml': cassette(cassetteItem('{}', 'x', odd)) },
      { env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } },
    )
    expect((await post(odd, '{}')).status).toBe(200)
  })

  it('replays a recorded error with its status and reason', async () => {
    const item = cassetteItem('{}', '{"error": 1}').replace('code: 200', 'code: 429')
    const { post } = replaying({ 'a.yaml': cassette(item.replace('message: OK', 'message: Too Fast')) })
    const response = await post(path, '{}')
    expect([response.status, response.statusText]).toEqual([429, 'Too Fast'])
  })

  it.each([
    ['gzip', gzipSync('{"a":"é"}').toString('base64')],
    ['deflate', deflateSync('{"a":"é"}').toString('base64')],
    ['deflate', deflateRawSync('{"a":"é"}').toString('base64')],
    ['br', brotliCompressSync('{"a":"é"}').toString('base64')],
    ['gzip, br', brotliCompressSync(gzipSync('{"a":"é"}')).toString('base64')],
    ['gzip', Buffer.from('{"a":"é"}').toString('base64')],
    ['zstd', Buffer.from('{"a":"é"}').toString('base64')],
  ])('serves a body in %s decompressed, without Content-Encoding', async (coding, base64) => {
    const { post } = replaying({ 'a.yaml': encoded(coding, base64) })
    const response = await post(path, '{}')
    expect(await response.text()).toBe('{"a":"é"}')
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(response.headers.get('transfer-encoding')).toBeNull()
    expect(response.headers.get('content-length')).toBe('10')
  })

  it('serves a body unchanged if its coding is unknown', async () => {
    const bytes = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2])
    const { post } = replaying({ 'a.yaml': encoded('zstd', bytes.toString('base64')) })
    const response = await post(path, '{}')
    expect(response.headers.get('content-encoding')).toBe('zstd')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
  })

  it('keeps repeated headers, single headers, any case, and replaces invalid characters', async () => {
    const item = cassetteItem('{}', 'x').replace(
      'Content-Type:\n      - application/json',
      'Set-Cookie:\n      - a=1\n      - b=2\n      X-ALONE: one\n      x-odd: "a\\nb\\u2028c"\n      "bad name": x\n      Connection: keep-alive',
    )
    const { post } = replaying({ 'a.yaml': cassette(item) })
    const { headers } = await post(path, '{}')
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(headers.get('x-alone')).toBe('one')
    expect(headers.get('x-odd')).toMatch(/^a b/)
    expect(headers.get('connection')).toBeNull()
  })

  it('matches a request by its MD5 hash only, as the Python simulator records long ones', async () => {
    const item = cassetteItem('', 'long')
      .replace("body: ''", 'body: null\n    body_hash: d70ad5fe7dab03d0d0b6a8cb3ab5b3bb')
      .replace('d70ad5fe7dab03d0d0b6a8cb3ab5b3bb', '99914b932bd37a50b983c5e7c90ae93b')
    const { post } = replaying({ 'a.yaml': cassette(item) })
    expect(await (await post(path, '{}')).text()).toBe('long')
    expect((await post(path, '{"a":1}')).status).toBe(404)
  })

  it('matches GET by its path, and prefers the recording with the same query', async () => {
    const get = (query: string, answer: string) =>
      cassetteItem('', answer, `/v1/models?${query}`).replace('POST', 'GET').replace("body: ''", 'body: null')
    const { app } = replaying({ 'a.yaml': cassette(get('page=1', 'one'), get('page=2', 'two')) })
    const fetched = async (query: string) =>
      (await app.request(`/v1/models${query}`, { headers: { 'api-key': testKey } })).text()
    expect([await fetched('?page=2'), await fetched('?page=1'), await fetched('')]).toEqual([
      'two',
      'one',
      'one',
    ])
  })

  it('serves all valid recordings, and logs invalid files with their lines', async () => {
    const good = Object.fromEntries(
      Array.from({ length: 99 }, (_, n) => [`${n}.yaml`, cassette(cassetteItem(`{"n":${n}}`, `${n}`))]),
    )
    const { post, log } = replaying({
      ...good,
      'broken.yaml': 'interactions:\n- request: {\n',
      'x.yaml': '%',
    })
    for (const n of [0, 50, 98]) expect(await (await post(path, `{"n":${n}}`)).text()).toBe(`${n}`)
    const warnings = log.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/broken\.yaml:\d+: .+\. Correct it/)
  })

  it('reloads a file that was edited since the start', async () => {
    const first = cassetteItem('{"q":1}', 'one')
    const second = cassetteItem('{"q":2}', 'two')
    const { dir, post } = replaying({ 'a.yaml': cassette(first, second) })
    writeFileSync(join(dir, 'a.yaml'), cassette(`# a comment\n${second.replace('two', 'three')}`, first))
    expect(await (await post(path, '{"q":2}')).text()).toBe('three')
    expect(await (await post(path, '{"q":1}')).text()).toBe('one')
  })

  it('supports a file that is being appended to', async () => {
    const { dir, post } = replaying({ 'a.yaml': `interactions:\n${cassetteItem('{"q":1}', 'one')}` })
    appendFileSync(join(dir, 'a.yaml'), cassetteItem('{"q":2}', 'two'))
    expect(await (await post(path, '{"q":1}')).text()).toBe('one')
  })

  it('does not start without a readable folder', () => {
    const start = () => createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: '/no/such' } })
    expect(start).toThrow(OperatorError)
    expect(start).toThrow(/^Could not read the recordings: .*\/no\/such.* Set RECORDING_DIR to/)
  })

  const rootNote = canDropRoot ? '' : ' (skipped: needs another user than root)'
  it.skipIf(!canDropRoot)(
    `reports a file without read permission, and serves the others${rootNote}`,
    async () => {
      const dir = recordingFolder({ 'a.yaml': 'x', 'b.yaml': cassette(cassetteItem('{}', 'b')) })
      chmodSync(join(dir, 'a.yaml'), 0)
      await withoutRoot(dir, async () => {
        const { post, log } = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
        expect((await post(path, '{}')).status).toBe(200)
        expect(JSON.stringify(log)).toMatch(/a\.yaml[^}]*EACCES|EACCES[^}]*a\.yaml/)
      })
    },
  )
})

describe('a request with several recordings', () => {
  const files = {
    'a.yaml': cassette(cassetteItem('{"q":1}', 'one'), cassetteItem('{"q": 1}', 'two')),
    'b.yaml': cassette(cassetteItem('{"q":1}', 'three')),
  }

  it('replays them in the order of files and then repeats the last one', async () => {
    expect(await answers(replaying(files), 5)).toEqual(['one', 'two', 'three', 'three', 'three'])
  })

  it('can restart with the first one', async () => {
    const cycling = replaying(files, { env: { REPLAY_REPEAT: 'cycle' } })
    expect(await answers(cycling, 5)).toEqual(['one', 'two', 'three', 'one', 'two'])
  })

  it('can get a random one, deterministic for the seed', async () => {
    const env = { REPLAY_REPEAT: 'seed', SIMULATOR_SEED: 's' }
    const drawn = await answers(replaying(files, { env }), 12)
    expect(new Set(drawn).size).toBe(3)
    expect(await answers(replaying(files, { env }), 12)).toEqual(drawn)
  })

  it('is counted separately for each test named by a header', async () => {
    const simulator = replaying(files)
    expect(await answers(simulator, 2, { 'x-sim-test': 'a' })).toEqual(['one', 'two'])
    expect(await answers(simulator, 2, { 'x-sim-test': 'b' })).toEqual(['one', 'two'])
    expect(await answers(simulator, 1)).toEqual(['one'])
    expect(await answers(simulator, 1, { 'x-sim-test': 'a' })).toEqual(['three'])
    const renamed = replaying(files, { env: { REPLAY_TEST_HEADER: 'X-Case' } })
    await answers(renamed, 2, { 'x-case': 'a' })
    expect(await answers(renamed, 1, { 'x-case': 'b' })).toEqual(['one'])
  })

  it('prefers recordings of the same api-version', async () => {
    const item = (version: string) =>
      cassetteItem('{}', version, `/openai/deployments/d/embeddings?api-version=${version}`)
    const { post } = replaying({ 'a.yaml': cassette(item('2024-06-01'), item('2024-10-21')) })
    const response = await post('/openai/deployments/d/embeddings?api-version=2024-10-21', '{}')
    expect(await response.text()).toBe('2024-10-21')
  })
})

describe('usage and limits in replay mode', () => {
  const usage =
    '{"usage":{"prompt_tokens":30,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}'
  const stream = `data: {"choices":[]}\n\n\n        data: ${usage}\n\n\n        data: [DONE]\n\n\n        `
  const chat = deploymentPath('chat', 'chat/completions')

  it.each([
    ['a body', cassetteItem('{}', usage, chat)],
    [
      'a stream',
      cassetteItem('{}', stream, chat).replace(
        '- application/json\n    status',
        '- text/event-stream\n    status',
      ),
    ],
    ['a response', cassetteItem('{}', '{"usage":{"input_tokens":30,"output_tokens":12}}', chat)],
  ])('counts the tokens in the usage of %s', async (_, item) => {
    const { post, simulator } = replaying(
      { 'a.yaml': cassette(item) },
      { deployments: { chat: { model: 'gpt-4o' } } },
    )
    await (await post(chat, '{}')).text()
    const lines = (await simulator.metrics.render())
      .split('\n')
      .filter((line) => line.startsWith('aoai_tokens_total{'))
    expect(lines.find((line) => line.includes('type="prompt"'))).toMatch(/ 30$/)
    expect(lines.find((line) => line.includes('type="completion"'))).toMatch(/ 12$/)
  })

  it('keeps the rate-limit headers of the recording if only the default deployments have limits', async () => {
    const open = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
    const item = cassetteItem('{}', usage, open).replace(
      'Content-Type:',
      'x-ratelimit-remaining-requests:\n      - "777"\n      Content-Type:',
    )
    const { post } = replaying({ 'a.yaml': cassette(item) })
    expect((await post(open, '{}')).headers.get('x-ratelimit-remaining-requests')).toBe('777')
  })

  it('refuses requests above the limits of a deployment, and sends its own rate-limit headers', async () => {
    const item = cassetteItem('{}', usage, chat).replace(
      'Content-Type:',
      'X-RateLimit-Remaining-Requests:\n      - "777"\n      Content-Type:',
    )
    const deployments = { chat: { model: 'gpt-4o', requestsPerMinute: 6 } }
    const { post } = replaying({ 'a.yaml': cassette(item) }, { deployments })
    const first = await post(chat, '{}')
    expect([first.status, first.headers.get('x-ratelimit-remaining-requests')]).not.toContain('777')
    expect(first.status).toBe(200)
    expect((await post(chat, '{}')).status).toBe(429)
  })
})

describe('the recordings of the repository', () => {
  it('replay the request of the README', async () => {
    const { post } = createTestSimulator({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: new URL('../../recordings', import.meta.url).pathname },
    })
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const bodies = [...readme.matchAll(/deployments\/([\w-]+)\/chat\/completions[^']*-d '([^']+)'/g)]
    expect(bodies.length).toBeGreaterThan(0)
    for (const [, deployment = '', body = ''] of bodies) {
      const response = await post(deploymentPath(deployment, 'chat/completions'), body)
      expect(response.status).toBe(200)
    }
  })
})
