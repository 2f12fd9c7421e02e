import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/live-config.ts'
import { eventsReply, jsonReply, replyFromResponse, textReply } from '../../src/pipeline/make-reply.ts'
import type { Exchange, Incoming } from '../../src/pipeline/exchange.ts'
import type { Forwarder } from '../../src/pipeline/extension.ts'
import { HeaderList } from '../../src/pipeline/reply.ts'
import { sendToWeb } from '../../src/server/carriers/send-to-web.ts'
import { createVirtualClock, type VirtualClock } from '../../src/lib/virtual-clock.ts'
import { createRecorder } from '../../src/recordings/record-mode.ts'
import { LocalCursors } from '../../src/recordings/replay-cursors.ts'
import { createReplay } from '../../src/recordings/replay-mode.ts'
import { createForward } from '../../src/upstream/forward.ts'
import { createUpstreamClient } from '../../src/upstream/upstream-client.ts'
import { chatCompletion, chatEvents, json } from '../support/fake-upstream.ts'
import { testExchange } from '../support/test-exchange.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import {
  readRecordings,
  recordingFiles,
  recordingPlace,
  upstreamKey,
} from '../support/recording-simulator.ts'
import { collectInto, type LogLine, silentLogger } from '../support/test-logger.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/documentintelligence/documentModels/prebuilt-read:analyze'
const query = 'api-version=2024-11-30'

const place = recordingPlace(json(chatCompletion('Hi')))

const configFor = (mode: 'record' | 'replay', env: Record<string, string> = {}): Config =>
  loadConfig({
    flags: {},
    env: {
      SIMULATOR_MODE: mode,
      SIMULATOR_API_KEY: testKey,
      RECORDING_DIR: place.dir,
      ...(mode === 'record' && {
        AZURE_OPENAI_ENDPOINT: place.upstream.url,
        AZURE_OPENAI_KEY: upstreamKey,
      }),
      ...env,
    },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })

const exchangeOf = (config: Config, clock: VirtualClock, incoming: Partial<Incoming>): Exchange =>
  testExchange({ path, query, body: '{"urlSource":"x"}', ...incoming }, { config, clock })

/** A recorder with a forwarder. */
const start = (forwarder: Forwarder, env: Record<string, string> = {}) => {
  const config = configFor('record', env)
  if (!config.defaultResource.upstream) throw new Error('no upstream')
  const clock = createVirtualClock()
  const log: LogLine[] = []
  const { upstream, recordings } = config.defaultResource
  const logger = collectInto(log)
  const secrets = [config.defaultResource.apiKey]
  const recorder = createRecorder({ recordings, secrets: () => secrets, clock, logger })
  const client = createUpstreamClient({
    upstream,
    env: {},
    headerLimitKb: config.connections.headerLimitKb,
    clock,
    logger,
  })
  const forward = createForward({ client, forwarder, clock, logger })
  onTestFinished(async () => {
    client.close()
    await recorder.close()
  })
  return {
    clock,
    log,
    forward: () => recorder.answer(exchangeOf(config, clock, {}), forward),
    ask: async (incoming: Partial<Incoming> = {}): Promise<Response> => {
      const exchange = exchangeOf(config, clock, incoming)
      return sendToWeb(exchange, await recorder.answer(exchange, forward))
    },
  }
}

/** Replays a request from the folder. */
const replay = async (incoming: Partial<Incoming> = {}) => {
  const config = configFor('replay', { LATENCY_TIME_SCALE: '0' })
  const nothing = () => Promise.resolve(undefined)
  const parts = {
    id: 'folder',
    recordings: config.defaultResource.recordings,
    secrets: () => [],
    logger: silentLogger,
    generate: nothing,
    record: nothing,
    forward: nothing,
    isWritten: false,
    cursors: new LocalCursors(),
  }
  const exchange = exchangeOf(config, createVirtualClock(), incoming)
  const reply = await createReplay(parts).answer(exchange)
  return sendToWeb(exchange, reply!)
}

const later = (clock: VirtualClock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.at(clock.nowMs() + delayMs, resolve))

describe('a forwarder in record mode', () => {
  it('answers instead of the upstream, and its answer is recorded and can be replayed', async () => {
    const headers = { 'Operation-Location': 'http://x/1' }
    const { ask } = start(() => jsonReply({ status: 'succeeded' }, { status: 202, headers }))
    const response = await ask()
    expect([response.status, await response.json()]).toEqual([202, { status: 'succeeded' }])
    expect(place.upstream.received).toEqual([])

    const [stored] = readRecordings(place.dir)
    expect(stored?.request).toMatchObject({ method: 'POST', uri: `http://forwarder${path}?${query}` })
    expect(Object.keys(stored?.response.headers ?? {})).toEqual(['Content-Type', 'Operation-Location'])
    const replayed = await replay()
    expect([replayed.status, await replayed.json()]).toEqual([202, { status: 'succeeded' }])
    expect(replayed.headers.get('operation-location')).toBe('http://x/1')
  })

  it('passes requests to the upstream that it does not handle', async () => {
    const { ask } = start(({ method }) => (method === 'GET' ? jsonReply({}) : undefined))
    expect(await (await ask()).json()).toEqual(chatCompletion('Hi'))
    await ask({ method: 'GET', body: Buffer.alloc(0) })
    expect(place.upstream.received).toHaveLength(1)
    expect(readRecordings(place.dir).map(({ request }) => new URL(request.uri).hostname)).toEqual([
      '127.0.0.1',
      'forwarder',
    ])
  })

  it('is not called for a path that leaves its prefix', async () => {
    const asked: string[] = []
    const { ask } = start((exchange) => {
      asked.push(exchange.path)
      return textReply('x')
    })
    expect((await ask({ path: '/documentintelligence/%2e%2e/..%2fadmin' })).status).toBe(400)
    expect([asked, place.upstream.received]).toEqual([[], []])
  })

  it('can exclude answers from the recordings', async () => {
    const states = ['running', 'succeeded']
    const { ask } = start(async () => {
      const status = states.shift()
      return { reply: jsonReply({ status }), store: status !== 'running' }
    })
    expect(await (await ask()).json()).toEqual({ status: 'running' })
    expect(await (await ask()).json()).toEqual({ status: 'succeeded' })
    expect(await (await replay()).json()).toEqual({ status: 'succeeded' })
    expect(readRecordings(place.dir)).toHaveLength(1)
  })

  it('has its errors recorded only with RECORDING_ERRORS', async () => {
    const refuse: Forwarder = () => jsonReply({ error: {} }, { status: 429 })
    expect((await start(refuse).ask()).status).toBe(429)
    expect(recordingFiles(place.dir)).toEqual([])
    await start(refuse, { RECORDING_ERRORS: 'true' }).ask()
    expect(readRecordings(place.dir)[0]?.response.status.code).toBe(429)
  })

  it('passes its exceptions to the pipeline', async () => {
    const error = new Error('no route')
    const { ask } = start(() => Promise.reject(error))
    await expect(ask()).rejects.toBe(error)
    await expect(
      start(() => {
        throw error
      }).ask(),
    ).rejects.toBe(error)
  })

  it('has a planned stream recorded with its planned times', async () => {
    const { ask, clock } = start(async () => {
      await later(clock, 50)
      return eventsReply(chatEvents(['a']), { dueMs: [100, 150, 220] })
    })
    const answered = ask()
    await clock.advance(300)
    expect(await (await answered).text()).toBe(chatEvents(['a']).join(''))
    const [stored] = readRecordings(place.dir)
    expect(stored?.response.body.events?.map(({ at_ms: atMs }) => atMs)).toEqual([100, 150, 220])
    expect(stored?.response.duration_ms).toBe(220)
    expect(await (await replay()).text()).toBe(chatEvents(['a']).join(''))
  })

  it('has a live stream recorded with the time of each event', async () => {
    const { ask, clock } = start(() => ({
      status: 200,
      headers: new HeaderList(['content-type', 'text/event-stream']),
      body: {
        kind: 'live',
        chunks: (async function* () {
          yield Buffer.from('data: 1\n\ndata:')
          await later(clock, 70)
          yield Buffer.from(' 2\n\n')
        })(),
      },
    }))
    const response = await ask()
    const reading = response.text()
    await clock.advance(70)
    expect(await reading).toBe('data: 1\n\ndata: 2\n\n')
    const [stored] = readRecordings(place.dir)
    expect(stored?.response.body.events).toMatchObject([
      { at_ms: 0, data: '1' },
      { at_ms: 70, data: '2' },
    ])
    expect(await (await replay()).text()).toBe('data: 1\n\ndata: 2\n\n')
  })

  it('has a stream with an error event or a broken stream not recorded', async () => {
    const withError = start(() => eventsReply(['data: {"error":{"code":"x"}}\n\n']))
    await (await withError.ask()).text()
    const broken = start(() => ({
      status: 200,
      headers: new HeaderList(['content-type', 'text/event-stream']),
      body: {
        kind: 'live',
        chunks: (async function* () {
          yield Buffer.from('data: 1\n\n')
          throw new Error('line cut')
        })(),
      },
    }))
    await expect((await broken.ask()).text()).rejects.toThrow('line cut')
    expect(broken.log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'An answer was interrupted and is not recorded: line cut',
    ])
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('can return what fetch returned, bytes and streams', async () => {
    const forwarder: Forwarder = async ({ method, path: asked, signal }) =>
      replyFromResponse(await fetch(place.upstream.url + asked, { method, signal }))
    const { ask } = start(forwarder)
    const sound = Buffer.from([0, 255, 1, 254])
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' })
      response.end(sound)
    }
    expect(Buffer.from(await (await ask({ path: '/sound' })).arrayBuffer()).equals(sound)).toBe(true)
    const replayed = await replay({ path: '/sound' })
    expect(Buffer.from(await replayed.arrayBuffer()).equals(sound)).toBe(true)
    place.upstream.answer = (_, response) => void response.writeHead(204).end()
    expect((await ask({ path: '/gone', method: 'DELETE' })).status).toBe(204)
    expect(readRecordings(place.dir)).toHaveLength(2)
  })

  it('can return whole text of any type', async () => {
    const { ask } = start(() => textReply('plain'))
    const response = await ask()
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['5', 'plain'])
  })

  it('has its own time, so that a miss in replay mode adds no latency', async () => {
    expect(await start(() => textReply('plain')).forward()).toMatchObject({ ownTime: true })
    expect(await start(() => ({ reply: textReply('plain'), store: false })).forward()).toMatchObject({
      ownTime: true,
    })
  })
})
