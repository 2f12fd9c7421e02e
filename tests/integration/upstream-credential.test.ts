import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadConfig } from '../../src/config/live-config.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import type { Exchange, Incoming } from '../../src/pipeline/exchange.ts'
import { completeReply } from '../../src/pipeline/reply-headers.ts'
import { createRecorder } from '../../src/recordings/record-mode.ts'
import { sendToWeb } from '../../src/server/carriers/send-to-web.ts'
import { createForward } from '../../src/upstream/forward.ts'
import { createUpstreamClient } from '../../src/upstream/upstream-client.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { accessToken, useFakeIdentity } from '../support/fake-identity.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { readRecordings, recordingPlace } from '../support/recording-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { testExchange } from '../support/test-exchange.ts'

const place = recordingPlace(json(chatCompletion('Hi')))

let resources = 0

/** An upstream client with the credential of the settings. Its clock begins at the present time, which tokens depend on. */
const start = (env: Record<string, string> = {}) => {
  const config = loadConfig({
    flags: {},
    env: {
      SIMULATOR_MODE: 'record',
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      // @azure/identity keeps tokens by resource in the whole process.
      ...(env['UPSTREAM_CREDENTIAL'] !== 'caller' && {
        UPSTREAM_CREDENTIAL: 'entra',
        UPSTREAM_SCOPE: `https://resource-${++resources}.azure.com/.default`,
      }),
      RECORDING_DIR: place.dir,
      ...env,
    },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })
  const { upstream, recordings } = config.defaultResource
  if (!upstream) throw new Error('no upstream')
  const clock = createVirtualClock(Date.now())
  const log: LogLine[] = []
  const logger = collectInto(log)
  const { headerLimitKb } = config.connections
  const client = createUpstreamClient({ upstream, env: {}, headerLimitKb, clock, logger })
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
const inSeconds = (seconds: number) => Date.now() + seconds * 1000

describe('a credential of Microsoft Entra ID', () => {
  it('is requested once for 50 first requests, and sent as the only credential', async () => {
    const identity = await useFakeIdentity(accessToken('token-of-the-identity-1', inSeconds(3600)))
    const { ask, exchangeOf } = start()
    const headers = {
      'api-key': 'of-the-client',
      cookie: 'a=b',
      'x-sim-test': 'x',
      'ocp-apim-subscription-key': 'y',
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(exchangeOf({ headers }))))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(identity.received).toHaveLength(1)
    expect(new Set(sentHeaders('authorization'))).toEqual(new Set(['Bearer token-of-the-identity-1']))
    for (const name of Object.keys(headers)) expect(new Set(sentHeaders(name))).toEqual(new Set([undefined]))
  })

  it('is that of a user-assigned identity with UPSTREAM_CLIENT_ID, for the scope of the settings', async () => {
    const identity = await useFakeIdentity(accessToken('token-of-an-identity', inSeconds(3600)))
    const { ask } = start({
      UPSTREAM_CLIENT_ID: 'id-of-the-identity',
      UPSTREAM_SCOPE: 'https://ai.azure.com/.default',
    })
    expect((await ask()).status).toBe(200)
    const query = new URL(identity.received[0]?.url ?? '', 'http://x').searchParams
    expect([query.get('client_id'), query.get('resource')]).toEqual([
      'id-of-the-identity',
      'https://ai.azure.com',
    ])
  })

  it('is renewed in the background before it expires, also if it is valid for only 60 s', async () => {
    const identity = await useFakeIdentity(accessToken('token-number-1', inSeconds(60)))
    const { ask, clock } = start()
    await ask()
    await clock.advance(25_000)
    await ask()
    expect(identity.received).toHaveLength(1)
    identity.answer = () => {}
    await clock.advance(10_000)
    await ask()
    await expect.poll(() => identity.received.length).toBe(2)
    expect(sentHeaders('authorization')).toEqual(Array(3).fill('Bearer token-number-1'))
  })

  it('is replaced when it has expired', async () => {
    const identity = await useFakeIdentity(accessToken('token-number-1', inSeconds(60)))
    const { ask, clock } = start()
    await ask()
    identity.answer = accessToken('token-number-2', inSeconds(120))
    await clock.advance(58_000)
    await ask()
    expect(sentHeaders('authorization')).toEqual(['Bearer token-number-1', 'Bearer token-number-2'])
  })

  it('that fails to be renewed is used until it expires, with a warning', async () => {
    const identity = await useFakeIdentity(accessToken('token-number-1', inSeconds(60)))
    const { ask, clock, log } = start()
    await ask()
    identity.answer = json({ error: 'denied' }, 400)
    await clock.advance(35_000)
    expect((await ask()).status).toBe(200)
    await expect.poll(() => log.map(({ message }) => message).join()).toContain('Could not renew the token')
    await clock.advance(25_000)
    expect(await errorOf(await ask())).toMatchObject({ status: 502, code: 'UpstreamCredential' })
  })

  it('that is not issued causes a 502 without the reason, and the upstream is not called', async () => {
    await useFakeIdentity(
      json({ error: 'invalid', error_description: 'client_secret=abcdef0123456789ABCDEF' }, 400),
    )
    const { ask, log } = start({ UPSTREAM_CLIENT_ID: 'x' })
    const error = await errorOf(await ask())
    expect(error).toMatchObject({ status: 502, code: 'UpstreamCredential' })
    expect(error.message).toContain('UPSTREAM_CLIENT_ID')
    expect(JSON.stringify([error, log])).not.toContain('abcdef0123456789ABCDEF')
    expect(log.find(({ level }) => level === 'warn')?.fields).toMatchObject({
      reason: expect.stringContaining('invalid'),
    })
    expect(place.upstream.received).toEqual([])
  })

  it('of a client secret that Entra does not issue is in no message and no log', async () => {
    const secret = 'secret-of-the-application-0123456789'
    vi.stubEnv('AZURE_AUTHORITY_HOST', (await refusingUrl()).replace('http:', 'https:'))
    onTestFinished(() => void vi.unstubAllEnvs())
    const { ask, log, client } = start({
      UPSTREAM_TENANT_ID: '11111111-2222-4333-8444-555555555555',
      UPSTREAM_CLIENT_ID: 'app',
      UPSTREAM_CLIENT_SECRET: secret,
    })
    const error = await errorOf(await ask())
    expect(error).toMatchObject({ status: 502, code: 'UpstreamCredential' })
    expect(error.message).toContain('UPSTREAM_CLIENT_SECRET')
    expect(JSON.stringify([error, log])).not.toContain(secret)
    expect(client.secrets()).toContain(secret)
  })

  it('that never arrives causes a 504 after UPSTREAM_CONNECT_TIMEOUT_MS', async () => {
    await useFakeIdentity(() => {})
    const { ask, clock } = start({ UPSTREAM_CONNECT_TIMEOUT_MS: '300' })
    const error = await errorOf(await advanceUntil(clock, ask(), 100))
    expect(error).toMatchObject({ status: 504, code: 'UpstreamCredentialTimeout' })
    expect(error.message).toContain('raise UPSTREAM_CONNECT_TIMEOUT_MS')
  })

  it('is requested again up to UPSTREAM_RETRIES times', async () => {
    let count = 0
    await useFakeIdentity((request, response) =>
      ++count < 3
        ? json({ error: 'not yet' }, 400)(request, response)
        : accessToken('the-third-token', inSeconds(3600))(request, response),
    )
    const { ask, clock } = start({ UPSTREAM_RETRIES: '2' })
    expect((await advanceUntil(clock, ask(), 100)).status).toBe(200)
    expect(sentHeaders('authorization')).toEqual(['Bearer the-third-token'])
  })

  it('is not awaited after the client has disconnected', async () => {
    await useFakeIdentity(() => {})
    const { exchangeOf, ask } = start()
    const exchange = exchangeOf()
    const answered = ask(exchange)
    exchange.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
    expect((await answered).status).toBe(499)
  })

  it('that arrives after the settings have changed is not sent with the new settings', async () => {
    const waiting: (() => void)[] = []
    await useFakeIdentity(async (request, response) => {
      const id = new URL(request.url, 'http://x').searchParams.get('client_id')
      if (id === 'old') await new Promise<void>((resolve) => waiting.push(resolve))
      await accessToken(`token-of-${id}-0123456789`, inSeconds(3600))(request, response)
    })
    const before = start({ UPSTREAM_CLIENT_ID: 'old' })
    const first = before.ask()
    await expect.poll(() => waiting.length).toBe(1)
    const after = start({ UPSTREAM_CLIENT_ID: 'new' })
    await after.ask()
    for (const resolve of waiting) resolve()
    await first
    await after.ask()
    expect(sentHeaders('authorization')).toEqual(
      ['new', 'old', 'new'].map((id) => `Bearer token-of-${id}-0123456789`),
    )
  })

  it('is in no answer and no file, even after it is renewed', async () => {
    const identity = await useFakeIdentity(accessToken('secret-token-1-0123456789', inSeconds(60)))
    place.upstream.answer = ({ headers }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-echo': headers.authorization })
      response.end(JSON.stringify({ echo: `${headers.authorization} of the answer` }))
    }
    const { record, exchangeOf, clock } = start()
    for (const body of ['first', `{"mine":"secret-token-1-0123456789"}`]) {
      const exchange = exchangeOf({ body: Buffer.from(body) })
      const response = await sendToWeb(exchange, await record(exchange))
      const seen = `${await response.text()} ${response.headers.get('x-echo')}`
      expect(seen).toContain('of the answer')
      expect(seen).not.toContain('secret-token')
      identity.answer = accessToken('secret-token-2-0123456789', inSeconds(120))
      await clock.advance(59_000)
    }
    const stored = readRecordings(place.dir)
    expect(stored).toHaveLength(2)
    expect(JSON.stringify(stored)).not.toContain('secret-token')
  })
})

describe('the credential of the client', () => {
  it.each([
    [{ authorization: 'Bearer token-of-the-client' }, 'authorization'],
    [{ 'api-key': 'key-of-the-client', cookie: 'a=b' }, 'api-key'],
    [{ 'ocp-apim-subscription-key': 'key-of-the-client' }, 'ocp-apim-subscription-key'],
    [{ 'api-key': 'key-of-the-client', authorization: 'Bearer token-of-the-client' }, 'api-key'],
  ] as const)('%j arrives as the only one, in %s', async (headers, name) => {
    const { ask, exchangeOf } = start({ UPSTREAM_CREDENTIAL: 'caller' })
    expect((await ask(exchangeOf({ headers }))).status).toBe(200)
    const [received] = place.upstream.received
    const names = ['authorization', 'api-key', 'x-api-key', 'ocp-apim-subscription-key', 'cookie']
    expect(names.filter((header) => received?.headers[header] !== undefined)).toEqual([name])
    expect(received?.headers[name]).toBe(new Map<string, string>(Object.entries(headers)).get(name))
  })

  it.each([
    ['azure', 'x-api-key', 'api-key', 'a-key'],
    ['openai', 'api-key', 'authorization', 'Bearer a-key'],
    ['serverless', 'x-api-key', 'authorization', 'Bearer a-key'],
  ])('is a key that the kind %s gets from %s in %s', async (kind, from, to, value) => {
    const { ask, exchangeOf } = start({ UPSTREAM_CREDENTIAL: 'caller', UPSTREAM_KIND: kind })
    expect((await ask(exchangeOf({ headers: { [from]: 'a-key' } }))).status).toBe(200)
    const [received] = place.upstream.received
    expect(received?.headers[to]).toBe(value)
    expect(received?.headers[from]).toBe(undefined)
  })

  it.each([{}, { 'api-key': '' }, { authorization: ' ' }])('%j is a 401 without a call', async (headers) => {
    const { ask, exchangeOf } = start({ UPSTREAM_CREDENTIAL: 'caller' })
    expect(await errorOf(await ask(exchangeOf({ headers })))).toMatchObject({ status: 401, code: '401' })
    expect(place.upstream.received).toEqual([])
  })

  it('of another client that an answer echoes is masked as well', async () => {
    place.upstream.answer = ({ headers }, response) =>
      void response.end(`you sent ${String(headers['api-key'])}`)
    const { ask, exchangeOf } = start({ UPSTREAM_CREDENTIAL: 'caller' })
    const keys = Array.from({ length: 10 }, (_, index) => `key-of-client-${index}`)
    const answers = keys.map((key) => ask(exchangeOf({ headers: { 'api-key': key } })))
    for (const answer of await Promise.all(answers))
      expect(await answer.text()).toBe('you sent ***************')
  })
})
