import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  eventually,
  programKey,
  type ProgramOptions,
  type RunningProgram,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'
import { type RawRequest, type RawResponse, sendRaw } from '../support/raw-http.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const deployments = {
  slots: { model: 'gpt-4o', latency: { concurrency: { slots: 2, queueLength: 1, queueTimeoutMs: 60_000 } } },
  few: { model: 'gpt-4o', tokensPerMinute: 1_000_000, requestsPerMinute: 1, requestsSliceSeconds: 60 },
  wide: { model: 'gpt-4o', tokensPerMinute: 100_000_000, requestsPerMinute: 6_000_000 },
}

const options: ProgramOptions = {
  deployments,
  env: {
    JOURNAL_SIZE: '1000',
    LATENCY_TIME_SCALE: '1',
    LATENCY_PROFILE: 'off',
    LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '0',
    LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
    // A long timeout, so that a busy machine does not count as an outage. A killed Redis is detected immediately.
    REDIS_TIMEOUT_MS: '30000',
  },
}

const headers = { 'api-key': programKey, 'Content-Type': 'application/json' }
const chat = (deployment: string, moreHeaders: Readonly<Record<string, string>> = {}): RawRequest => ({
  path: `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
  headers: { ...headers, ...moreHeaders },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 }),
})
const ask = ({ port }: RunningProgram, request: RawRequest): Promise<RawResponse> => sendRaw(port, request)
const admin = async <T>(program: RunningProgram, path: string): Promise<T> =>
  JSON.parse((await ask(program, { method: 'GET', path, headers })).body) as T

interface Entries {
  readonly requests: readonly {
    readonly id: number
    readonly status: number
    readonly json?: unknown
    readonly retry: { readonly of: number; readonly early: boolean } | null
  }[]
}
const entriesOf = async (program: RunningProgram): Promise<Entries['requests']> =>
  (await admin<Entries>(program, '/++/requests')).requests

const gauge = async (program: RunningProgram, name: string): Promise<number> => {
  const { body } = await ask(program, { method: 'GET', path: '/metrics', headers })
  const lines = body.split('\n').filter((line) => line.startsWith(name))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
const inWork = (program: RunningProgram): Promise<number> =>
  gauge(program, 'aoai_deployment_requests_in_work{deployment="slots"')
const waiting = (program: RunningProgram): Promise<number> =>
  gauge(program, 'aoai_deployment_requests_waiting{deployment="slots"')

interface TwoReplicas extends AsyncDisposable {
  readonly a: RunningProgram
  readonly b: RunningProgram
}

const { isMissing, note } = redisNeed

describe.skipIf(isMissing)(`replicas with one Redis server${note}`, () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server?.remove())

  const startTwo = async (
    how: typeof startProgram,
    prefix: string,
    more: ProgramOptions = {},
  ): Promise<TwoReplicas> => {
    const start = (): Promise<RunningProgram> =>
      how({
        ...options,
        ...more,
        env: { ...options.env, REDIS_URL: server.url, REDIS_PREFIX: prefix, ...more.env },
      })
    const [a, b] = await Promise.all([start(), start()])
    return {
      a,
      b,
      async [Symbol.asyncDispose]() {
        await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
      },
    }
  }

  it('share the slots of one process, and get those of a killed replica after its lease', async () => {
    await using started = await startTwo(startProgram, 'slots:')
    const { a, b } = started
    const slow = chat('slots', { 'x-sim-delay-ms': '60000' })
    const lost = [ask(a, slow), ask(a, slow)].map((answer) => answer.catch(() => undefined))
    expect(
      await eventually(
        () => inWork(a),
        (count) => count === 2,
      ),
    ).toBe(2)
    const queued = ask(b, chat('slots'))
    queued.catch(() => {})
    expect(
      await eventually(
        () => waiting(b),
        (count) => count === 1,
      ),
    ).toBe(1)
    expect([await inWork(b), await waiting(a)]).toEqual([0, 0])
    expect((await ask(a, chat('slots'))).status).toBe(429)
    expect((await ask(b, chat('slots'))).status).toBe(429)
    a.signal('SIGKILL')
    expect(await Promise.all(lost)).toEqual([undefined, undefined])
    expect((await queued).status).toBe(200)
    expect((await ask(b, chat('slots'))).status).toBe(200)
  })

  it('share the journal of one process, and judge retries in the same way', async () => {
    await using started = await startTwo(startInProcess, 'journal:')
    const { a, b } = started
    expect((await ask(a, chat('few'))).status).toBe(200)
    expect((await ask(a, chat('few'))).status).toBe(429)
    // Each replica sends its entries in batches, so on a busy machine a later request of the other one could be stored before it.
    await expect.poll(async () => (await entriesOf(b)).length).toBe(2)
    expect((await ask(b, chat('few'))).status).toBe(429)
    await expect.poll(async () => (await entriesOf(a)).length).toBe(3)
    for (const program of [a, b]) {
      const entries = await entriesOf(program)
      expect(entries.map(({ id, status }) => [id, status])).toEqual([
        [1, 200],
        [2, 429],
        [3, 429],
      ])
      expect(entries[2]?.retry).toMatchObject({ of: 2, early: true })
      expect(entries[2]?.json).toMatchObject({ max_tokens: 10 })
      const report = await admin<{ totals: object }>(program, '/++/retry-report')
      expect(report.totals).toMatchObject({ requests: 3, failures: 2, retries: 1, early: 1 })
    }
    for (let index = 4; index < 40; index++) {
      const [writer, reader] = index % 2 ? [a, b] : [b, a]
      await ask(writer, chat('wide'))
      expect((await entriesOf(reader)).at(-1)?.id).toBe(index)
    }
    await ask(b, { method: 'DELETE', path: '/++/requests', headers })
    expect(await entriesOf(a)).toEqual([])
    await ask(a, chat('wide'))
    expect((await entriesOf(b)).map(({ id }) => id)).toEqual([40])
    expect((await ask(a, { method: 'POST', path: '/++/reset', headers })).status).toBe(200)
    expect(await entriesOf(b)).toEqual([])
  })

  it('return the recorded answers of a request one after another, and restart together', async () => {
    const items = ['one', 'two', 'three', 'four'].map((answer) => cassetteItem('{"q":1}', answer))
    await using started = await startTwo(startInProcess, 'cursors:', {
      env: {
        SIMULATOR_MODE: 'replay',
        RECORDING_DIR: recordingFolder({ 'calls.yaml': cassette(...items) }),
        REPLAY_REPEAT: 'cycle',
      },
    })
    const { a, b } = started
    const answers = async (count: number, more: Readonly<Record<string, string>> = {}): Promise<string[]> => {
      const texts: string[] = []
      for (let index = 0; index < count; index++) {
        const request = { path: '/v1/chat/completions', headers: { ...headers, ...more }, body: '{"q":1}' }
        texts.push((await ask(index % 2 ? a : b, request)).body)
      }
      return texts
    }
    expect(await answers(5)).toEqual(['one', 'two', 'three', 'four', 'one'])
    expect(await answers(2, { 'x-sim-test': 'other' })).toEqual(['one', 'two'])
    expect(await answers(1)).toEqual(['two'])
    await ask(a, { method: 'POST', path: '/++/reset', headers })
    expect(await answers(2)).toEqual(['one', 'two'])
  })
})
