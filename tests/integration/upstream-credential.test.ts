import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/live-config.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import type { Exchange, Incoming } from '../../src/pipeline/exchange.ts'
import { completeReply } from '../../src/pipeline/reply-headers.ts'
import { createRecorder } from '../../src/recordings/record-mode.ts'
import { sendToWeb } from '../../src/server/carriers/send-to-web.ts'
import type { Credential } from '../../src/upstream/credential.ts'
import { createForward } from '../../src/upstream/forward.ts'
import { createUpstreamClient } from '../../src/upstream/upstream-client.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { readRecordings, recordingPlace } from '../support/recording-simulator.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { testExchange } from '../support/test-exchange.ts'

const place = recordingPlace(json(chatCompletion('Hi')))

/** An upstream client with the credential of the test. */
const start = (credential: Credential, env: Record<string, string> = {}) => {
  const config = loadConfig({
    flags: {},
    env: {
      SIMULATOR_MODE: 'record',
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: 'never-sent',
      RECORDING_DIR: place.dir,
      ...env,
    },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })
  const { upstream, recordings } = config.defaultResource
  if (!upstream) throw new Error('no upstream')
  const clock = createVirtualClock()
  const log: LogLine[] = []
  const logger = collectInto(log)
  const { headerLimitKb } = config.connections
  const client = createUpstreamClient({
    upstream,
    credential,
    headerLimitKb,
    clock,
    logger,
  })
  const forward = createForward({ client, clock, logger })
  const recorder = createRecorder({ recordings, secrets: client.secrets, clock, logger })
  onTestFinished(async () => {
    client.close()
    await recorder.close()
  })
  const exchangeOf = (incoming: Partial<Incoming> = {}): Exchange =>
    testExchange({ path: '/v1/chat/completions', body: '{}', ...incoming }, { config, clock })
  const ask = async (exchange = exchangeOf()): Promise<Response> => {
    const { reply } = await forward(exchange, () => {})
    return sendToWeb(exchange, completeReply(exchange, reply))
  }
  return {
    client,
    clock,
    log,
    ask,
    exchangeOf,
    record: (exchange: Exchange) => recorder.answer(exchange, forward),
  }
}

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}
const sentHeaders = (name: string) => place.upstream.received.map(({ headers }) => headers[name])

describe('the credential of an upstream', () => {
  it('is requested for each request, so that a renewed key is sent', async () => {
    let count = 0
    const { ask } = start(() => `key-number-${++count}`)
    await ask()
    await ask()
    expect(sentHeaders('api-key')).toEqual(['key-number-1', 'key-number-2'])
  })

  it('can be a promise', async () => {
    const { ask } = start(async () => 'a-key-that-was-fetched')
    expect((await ask()).status).toBe(200)
    expect(sentHeaders('api-key')).toEqual(['a-key-that-was-fetched'])
  })

  it('can be headers instead of a key', async () => {
    const { ask } = start({ headers: async () => ({ authorization: 'Bearer token-0123456789' }) })
    await ask()
    expect([sentHeaders('authorization'), sentHeaders('api-key')]).toEqual([
      ['Bearer token-0123456789'],
      [undefined],
    ])
  })

  it('that rejects causes a 502 without the reason, and the log has the reason without secrets', async () => {
    const { ask, log } = start(() =>
      Promise.reject(new Error('no token: client_secret=abcdef0123456789ABCDEF')),
    )
    const error = await errorOf(await ask())
    expect(error).toMatchObject({ status: 502, code: 'UpstreamCredential' })
    expect(error.message).toMatch(/See the log of the simulator, and correct the source\.$/)
    expect(error.message).not.toContain('no token')
    expect(log.find(({ level }) => level === 'warn')?.fields).toMatchObject({
      reason: expect.stringContaining('no token'),
    })
    expect(JSON.stringify(log)).not.toContain('abcdef0123456789ABCDEF')
    expect(place.upstream.received).toEqual([])
  })

  it('that throws is handled like one that rejects', async () => {
    const { ask } = start(() => {
      throw new Error('not today')
    })
    expect(await errorOf(await ask())).toMatchObject({ status: 502, code: 'UpstreamCredential' })
  })

  it.each(['', 'two\nlines', 'ключ'])('that is not a valid header value causes a 502: %j', async (key) => {
    const { ask } = start(() => key)
    expect(await errorOf(await ask())).toMatchObject({ status: 502, code: 'UpstreamCredential' })
    expect(place.upstream.received).toEqual([])
  })

  it('that fails is requested again up to UPSTREAM_RETRIES times', async () => {
    let asked = 0
    const credential = async (): Promise<string> => {
      if (++asked < 3) throw new Error('not yet')
      return 'the-third-key'
    }
    const { ask, clock } = start(credential, { UPSTREAM_RETRIES: '2' })
    const answered = ask()
    const response = await advanceUntil(clock, answered, 100)
    expect([response.status, asked, sentHeaders('api-key')]).toEqual([200, 3, ['the-third-key']])
  })

  it('that never resolves causes a 504 after UPSTREAM_CONNECT_TIMEOUT_MS', async () => {
    const { ask, clock } = start(() => new Promise<string>(() => {}), { UPSTREAM_CONNECT_TIMEOUT_MS: '300' })
    const startedMs = clock.nowMs()
    const error = await errorOf(await advanceUntil(clock, ask(), 100))
    expect(error).toMatchObject({ status: 504, code: 'UpstreamCredentialTimeout' })
    expect(error.message).toContain('raise UPSTREAM_CONNECT_TIMEOUT_MS')
    expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(300)
  })

  it('is not awaited after the caller has left', async () => {
    const { exchangeOf, ask } = start(() => new Promise<string>(() => {}))
    const exchange = exchangeOf()
    const answered = ask(exchange)
    exchange.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
    expect((await answered).status).toBe(499)
  })

  it('is in no answer and no file, even after it is renewed', async () => {
    let count = 0
    const credential = { headers: () => ({ authorization: `Bearer secret-token-${++count}-0123456789` }) }
    place.upstream.answer = ({ headers }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-echo': headers.authorization })
      response.end(JSON.stringify({ echo: `${headers.authorization} of ${count}` }))
    }
    const { record, exchangeOf } = start(credential)
    for (const body of ['first', `{"mine":"secret-token-1-0123456789"}`]) {
      const exchange = exchangeOf({ body: Buffer.from(body) })
      const response = await sendToWeb(exchange, await record(exchange))
      const seen = `${await response.text()} ${response.headers.get('x-echo')}`
      expect(seen).toContain('of ')
      expect(seen).not.toContain('secret-token')
    }
    const stored = readRecordings(place.dir)
    expect(stored).toHaveLength(2)
    expect(JSON.stringify(stored)).not.toContain('secret-token')
  })
})
