import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import OpenAI, { AzureOpenAI, toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { chatCompletion, chatEvents, eventStream, json } from '../support/fake-upstream.ts'
import {
  readRecording,
  readRecordings,
  recordingFiles,
  recordingPlace,
  startRecording,
  upstreamKey,
} from '../support/recording-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const file = 'openai_deployments_gpt-4o-mini_chat_completions.yaml'
const request = { messages: [{ role: 'user', content: 'Hello' }] }

const place = recordingPlace(json(chatCompletion('Hi')))
const start = (env: Record<string, string> = {}) => startRecording(place, createSystemClock(), env)

describe('record mode', () => {
  it('logs at the end how many interactions it recorded in how many files', async () => {
    const { post, simulator, log } = start()
    for (let times = 0; times < 3; times++) await (await post(path, request)).text()
    await (await post('/openai/v1/chat/completions', request)).text()
    await simulator.close()
    expect(log.at(-1)).toEqual({
      level: 'info',
      fields: { recorded: 4 },
      message: `4 interactions recorded, in 2 files of ${place.dir}.`,
    })
  })

  it('forwards method, path, query and body with the operator’s key, and stores the answer', async () => {
    const { post } = start()
    const response = await post(path, request, { 'x-custom': 'kept' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual(chatCompletion('Hi'))

    const [received] = place.upstream.received
    expect(received).toMatchObject({ method: 'POST', url: path })
    expect(JSON.parse(String(received?.body))).toEqual(request)
    expect(received?.headers).toMatchObject({ 'api-key': upstreamKey, 'x-custom': 'kept' })
    expect(JSON.stringify(received?.headers)).not.toContain(testKey)

    expect(recordingFiles(place.dir)).toEqual([file])
    const [stored] = readRecording(place.dir, file)
    expect(stored?.request).toMatchObject({ method: 'POST', uri: place.upstream.url + path })
    expect(JSON.parse(String(stored?.request.body))).toEqual(request)
    expect(stored?.response.status).toEqual({ code: 200, message: 'OK' })
    expect(JSON.parse(String(stored?.response.body.string))).toEqual(chatCompletion('Hi'))
  })

  it('refuses a caller without the simulator’s key and makes no upstream request', async () => {
    const { app, post } = start()
    expect((await app.request(path, { method: 'POST', body: '{}' })).status).toBe(401)
    expect((await post(path, request, { 'api-key': upstreamKey })).status).toBe(401)
    expect((await app.request('/documentintelligence/x')).status).toBe(401)
    expect(place.upstream.received).toEqual([])
  })

  it.each(['api-key', 'x-api-key', 'ocp-apim-subscription-key', 'authorization'])(
    'sends the upstream one credential, whichever header has that of the caller (%s)',
    async (name) => {
      const { post } = start()
      const value = name === 'authorization' ? `Bearer ${testKey}` : testKey
      expect((await post(path, request, { 'api-key': '', [name]: value })).status).toBe(200)
      const { headers = {} } = place.upstream.received[0] ?? {}
      const sent = Object.keys(headers).filter((header) => /key|auth/.test(header))
      expect(sent.every((header) => String(headers[header]).includes(upstreamKey))).toBe(true)
      expect(JSON.stringify(headers)).not.toContain(testKey)
    },
  )

  it.each([
    ['', '/v1/chat/completions', 'api-key', upstreamKey],
    ['', '/anthropic/v1/messages', 'x-api-key', upstreamKey],
    ['/v1', '/v1/chat/completions', 'authorization', `Bearer ${upstreamKey}`],
  ])('sends exactly one credential to %j for %s: %s', async (basePath, path, name, value) => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `${place.upstream.url}${basePath}` })
    await post(path, request, { 'x-api-key': 'x', 'ocp-apim-subscription-key': 'y', cookie: 'z=1' })
    await post(path, request, { 'api-key': '', authorization: `Bearer ${testKey}` })
    const names = ['api-key', 'authorization', 'x-api-key', 'ocp-apim-subscription-key', 'cookie']
    const sent = place.upstream.received.map(({ headers }) =>
      names.flatMap((header) => (headers[header] === undefined ? [] : [[header, headers[header]]])),
    )
    expect(sent).toEqual([[[name, value]], [[name, value]]])
  })

  it('adds the path of the endpoint once, whether the client sends it or not', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `${place.upstream.url}/v1/` })
    await post('/v1/chat/completions', request)
    await post('/embeddings', request)
    expect(place.upstream.received.map(({ url }) => url)).toEqual(['/v1/chat/completions', '/v1/embeddings'])
  })

  it('stores the path that the caller requested, which is the one of a later replay', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `${place.upstream.url}/v1` })
    await post('/embeddings', request)
    expect(place.upstream.received[0]?.url).toBe('/v1/embeddings')
    const [stored] = readRecordings(place.dir)
    expect(stored?.request.uri).toBe(`${place.upstream.url}/embeddings`)
  })

  it('forwards paths, versions and deployments that the simulator does not know', async () => {
    const { app, post } = start({ ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' })
    expect((await post('/documentintelligence/analyze?api-version=2099-01-01', {})).status).toBe(200)
    expect((await post('/openai/deployments/new/chat/completions?api-version=x', request)).status).toBe(200)
    const listed = await app.request('/openai/models?a=%2F', { headers: { 'api-key': testKey } })
    expect(listed.status).toBe(200)
    expect(place.upstream.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /documentintelligence/analyze?api-version=2099-01-01',
      'POST /openai/deployments/new/chat/completions?api-version=x',
      'GET /openai/models?a=%2F',
    ])
  })

  it('refuses paths that leave the endpoint, and forwards dots and slashes that stay inside', async () => {
    const sim = start({ AZURE_OPENAI_ENDPOINT: `${place.upstream.url}/team-a` })
    const url = new URL(await sim.listen())
    const statusOf = (target: string): Promise<[number, string]> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = url
        const options = { hostname, port, path: target, method: 'POST', headers: { 'api-key': testKey } }
        httpRequest(options, (response) => {
          text(response).then((body) => resolve([response.statusCode ?? 0, body]), reject)
        })
          .on('error', reject)
          .end('{}')
      })
    for (const target of [
      '/openai/../../team-b/x',
      '/team-a/%2e%2e/team-b',
      '/openai/..%2f..%2fx',
      '/v1/..\\..\\x',
    ]) {
      const [status, body] = await statusOf(target)
      expect([target, status, JSON.parse(body)]).toMatchObject([
        target,
        400,
        { error: { code: 'InvalidPath' } },
      ])
    }
    expect(place.upstream.received).toEqual([])
    expect((await statusOf('/openai/a%2Fb/../c%2e.d'))[0]).toBe(200)
    expect(place.upstream.received.map((received) => received.url)).toEqual([
      '/team-a/openai/a%2Fb/../c%2e.d',
    ])
  })

  it('forwards the status, its reason, repeated headers and the case of their names', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(201, 'Made', ['X-Odd', '1', 'x-odd', '2', 'content-length', '0'])
      response.end()
    }
    const url = await start().listen()
    const response = await fetch(url + path, { method: 'POST', headers: { 'api-key': testKey }, body: '{}' })
    expect([response.status, response.statusText]).toEqual([201, 'Made'])
    expect(response.headers.get('x-odd')).toBe('1, 2')
    const [stored] = readRecordings(place.dir)
    expect(stored?.response.status).toEqual({ code: 201, message: 'Made' })
    expect(stored?.response.headers).toMatchObject({ 'X-Odd': ['1'], 'x-odd': ['2'] })
  })

  it('forwards answers without a body', async () => {
    place.upstream.answer = (_, response) => void response.writeHead(204, { 'x-a': '1' }).end()
    const { app, listen } = start()
    const url = await listen()
    const headers = { 'api-key': testKey }
    const deleted = await app.request('/v1/responses/r', { method: 'DELETE', headers })
    expect([deleted.status, deleted.headers.get('x-a')]).toEqual([204, '1'])
    place.upstream.answer = (_, response) => void response.writeHead(200, { 'content-length': '77' }).end()
    const head = await fetch(`${url}/v1/models`, { method: 'HEAD', headers })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '77'])
    expect(readRecordings(place.dir)).toHaveLength(2)
  })

  it('stores binary bodies as !!binary', async () => {
    const sound = randomBytes(100_000)
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' })
      response.end(sound)
    }
    const { post } = start()
    const response = await post('/v1/audio/speech', { input: 'Hi' })
    expect(Buffer.from(await response.arrayBuffer()).equals(sound)).toBe(true)
    const [stored] = readRecordings(place.dir)
    expect(Buffer.from(stored?.response.body.string as Uint8Array).equals(sound)).toBe(true)
  })

  it('requests uncompressed bodies, and decompresses a compressed one', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify(chatCompletion('Zipped'))))
    }
    const { post } = start()
    const response = await post(path, request, { 'accept-encoding': 'gzip' })
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(await response.json()).toEqual(chatCompletion('Zipped'))
    expect(place.upstream.received[0]?.headers['accept-encoding']).toBe('identity')
    expect(String(readRecordings(place.dir)[0]?.response.body.string)).toContain('Zipped')
  })

  it.each([
    ['of zlib', deflateSync],
    ['bare', deflateRawSync],
  ])('decompresses deflate, %s', async (_, deflate) => {
    const text = JSON.stringify(chatCompletion('Zipped'.repeat(20_000)))
    place.upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'deflate' })
      response.end(deflate(text))
    }
    const response = await start().post(path, request)
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(await response.text()).toBe(text)
    place.upstream.answer = (_request, sent) => {
      sent.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'deflate' })
      sent.end(deflate(text).subarray(0, 40))
    }
    expect((await start().post(path, request)).status).toBe(502)
  })

  it('forwards errors, and stores them only with RECORDING_ERRORS', async () => {
    place.upstream.answer = json({ error: { code: '429', message: 'slow down' } }, 429, {
      'retry-after': '7',
    })
    const response = await start().post(path, request)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(recordingFiles(place.dir)).toEqual([])

    await start({ RECORDING_ERRORS: 'on' }).post(path, request)
    expect(readRecordings(place.dir).map((one) => one.response.status.code)).toEqual([429])
  })

  it('counts the billed tokens of answers in the metrics', async () => {
    const { app, post } = start()
    await post(path, request)
    const metrics = await (await app.request('/metrics')).text()
    expect(metrics).toMatch(/aoai_tokens_total\{[^}]*operation="chatCompletions",type="completion"\} 7/)
  })

  it('forwards requests concurrently: 50 have arrived before the first is answered', async () => {
    let answerAll = (): void => {}
    const allHaveCome = new Promise<void>((resolve) => (answerAll = resolve))
    place.upstream.answer = async (_, response) => {
      if (place.upstream.received.length === 50) answerAll()
      await allHaveCome
      await json({ ok: true })(_, response)
    }
    const { post } = start()
    const statuses = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => (await post(path, { ...request, seed: index })).status),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(readRecordings(place.dir)).toHaveLength(50)
  })

  it('writes files that only their owner can read', async () => {
    const dir = join(place.dir, 'new', 'folder')
    const { post } = start({ RECORDING_DIR: dir })
    await post(path, request)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600)
  })
})

describe('record mode with the official client', () => {
  it('records chat completions, whole and streamed, and multipart uploads', async () => {
    const url = await start().listen()
    const client = new AzureOpenAI({
      endpoint: url,
      apiKey: testKey,
      apiVersion: '2024-10-21',
      maxRetries: 0,
    })
    const messages = [{ role: 'user' as const, content: 'Hello' }]
    const whole = await client.chat.completions.create({ model: 'gpt-4o-mini', messages })
    expect(whole.choices[0]?.message.content).toBe('Hi')

    place.upstream.answer = eventStream(chatEvents(['One ', 'two ', 'dree 🎉']), 5)
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('One two dree 🎉')

    place.upstream.answer = ({ headers, body }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ text: `${headers['content-type']?.slice(0, 19)} ${body.length}` }))
    }
    const sound = randomBytes(5_000)
    const heard = await client.audio.transcriptions.create({
      model: 'whisper',
      file: await toFile(sound, 'a.wav'),
    })
    expect(heard.text).toMatch(/^multipart\/form-data \d{4}$/)
    const upload = place.upstream.received.at(-1)
    expect(upload?.body.includes(sound)).toBe(true)
    expect(readRecordings(place.dir)).toHaveLength(3)
  })

  it('raises the error code for an unreachable upstream', async () => {
    const url = await start({ AZURE_OPENAI_ENDPOINT: await refusingUrl() }).listen()
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: testKey, maxRetries: 0 })
    await expect(client.models.list()).rejects.toMatchObject({ status: 502, code: 'UpstreamRefused' })
  })
})
