import { describe, expect, it } from 'vitest'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import type { Extension } from '../../src/pipeline/extension.ts'
import { stageNames } from '../../src/pipeline/stage.ts'
import { textReply } from '../../src/pipeline/make-reply.ts'
import { listen } from '../../src/server/listen.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatEvents, eventStream } from '../support/fake-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { readRecordings, recordingPlace, startRecording } from '../support/recording-simulator.ts'
import {
  createExtendedSimulator,
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSettings,
} from '../support/test-simulator.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const on = { 'x-sim-trace': 'on' }
const deployments = { chat: { model: 'gpt-4o' } }

interface Metric {
  readonly name: string
  readonly description: string | undefined
  readonly durationMs: number
}

/** Parses Server-Timing by its specification. */
function metricsOf(response: Response): Metric[] {
  const text = response.headers.get('server-timing') ?? ''
  return [...text.matchAll(/([\w-]+)(?:;desc="((?:[^"\\]|\\.)*)")?;dur=(\d+\.\d{3})(?:, |$)/g)].map(
    ([, name = '', description, duration]) => ({
      name,
      description: description?.replaceAll(/\\(.)/g, '$1'),
      durationMs: Number(duration),
    }),
  )
}

const isStage = ({ name }: Metric): boolean => (stageNames as readonly string[]).includes(name)
const namesOf = (response: Response): string[] => metricsOf(response).map(({ name }) => name)
const stagesOf = (response: Response): string[] =>
  metricsOf(response)
    .filter(isStage)
    .map(({ name }) => name)
const answererOf = (response: Response): string | null => response.headers.get('x-sim-trace')

/** `queue` follows the stage that it belongs to. */
const byOrder = (one: string, other: string): number => positionOf(one) - positionOf(other)
const positionOf = (name: string): number =>
  [...stageNames, 'queue', 'generate', 'total', 'due'].indexOf(name)

/** The stages of a simulator without journal, telemetry, request log and extensions. */
const absent: ReadonlySet<string> = new Set(['journal', 'telemetry', 'request-log', 'extension'])
const always = stageNames.filter((name) => !absent.has(name))

const start = (settings: TestSettings = {}) => createTestSimulator({ deployments, ...settings })

describe('the trace of a request', () => {
  it('lists the stages in the order of the pipeline, then generate mode and the total', async () => {
    const response = await start().post(path, hello, on)
    expect(namesOf(response)).toEqual([...always, 'generate', 'total'])
    expect(answererOf(response)).toBe('generate')
  })

  it('lists the journal if it is on', async () => {
    const response = await start({ env: { JOURNAL_SIZE: '5' } }).post(path, hello, on)
    expect(stagesOf(response).slice(0, 3)).toEqual(['metrics', 'journal', 'service-headers'])
  })

  it('has file and line of the recording in replay mode', async () => {
    const dir = recordingFolder({ 'one.yaml': cassette(cassetteItem('{"q":1}', 'x')) })
    const { post } = start({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
    const response = await post('/v1/chat/completions', '{"q":1}', on)
    expect(await response.text()).toBe('x')
    const unchecked = always.filter((name) => name !== 'api-version' && name !== 'model-version')
    expect(namesOf(response)).toEqual([...unchecked, 'replay', 'total'])
    expect(answererOf(response)).toMatch(/^replay one\.yaml:\d+$/)
  })

  it('reports an answer that replay mode generated', async () => {
    const dir = recordingFolder({ 'one.yaml': cassette(cassetteItem('{"q":1}', 'x')) })
    const env = { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, REPLAY_ON_MISS: 'generate' }
    const response = await start({ env }).post(path, hello, on)
    expect(response.status).toBe(200)
    expect(answererOf(response)).toBe('replay, generated: no recording')
  })

  it.each<[string, number, TestSettings, Record<string, string>, string]>([
    ['api-version', 404, {}, {}, path.replace(/\?.*/, '')],
    ['key', 401, {}, { 'api-key': 'wrong' }, path],
    [
      'deployment',
      404,
      { env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } },
      {},
      deploymentPath('nowhere', 'chat/completions'),
    ],
    [
      'model-version',
      400,
      { deployments: { chat: { model: 'o3-mini' } } },
      {},
      path.replace(/=.*/, '=2024-02-01'),
    ],
    ['incidents', 400, {}, { 'x-sim-tokens': 'many' }, path],
    ['limits', 429, { deployments: { chat: { model: 'gpt-4o', requestsPerMinute: 1 } } }, {}, path],
    ['faults', 500, {}, { 'x-sim-fault': 'serverError' }, path],
  ])('ends at %s if that stage refuses with %i', async (name, status, settings, headers, to) => {
    const { post } = start(settings)
    let response = await post(to, hello, { ...on, ...headers })
    // The first request uses up the limit.
    if (name === 'limits') response = await post(to, hello, { ...on, ...headers })
    expect([response.status, answererOf(response)]).toEqual([status, name])
    const stages = stagesOf(response)
    expect(stages).toEqual(always.slice(0, always.indexOf(name as (typeof always)[number]) + 1))
    expect(namesOf(response)).toEqual([...stages, 'total'])
    // Writing the error of a stage does not count as a change by a hook.
    expect(metricsOf(response).flatMap(({ description }) => description ?? [])).toEqual([])
  })

  it('ends at latency if the queue of the deployment is full', async () => {
    const { post, clock } = start({
      deployments: { chat: { model: 'gpt-4o', latency: { concurrency: { slots: 1, queueLength: 0 } } } },
      env: { LATENCY_TIME_SCALE: '1' },
    })
    const first = post(path, hello)
    const second = await post(path, hello, on)
    expect([second.status, answererOf(second)]).toEqual([429, 'latency'])
    expect(namesOf(second)).toEqual([...always, 'total'])
    await advanceUntil(clock, first, 1_000)
  })

  it('has the time of each stage without the waits for a slot and for the model, which are separate', async () => {
    const { post, clock } = start({
      deployments: { chat: { model: 'gpt-4o', latency: { concurrency: { slots: 1 } } } },
      env: { LATENCY_TIME_SCALE: '1' },
    })
    const beginMs = clock.nowMs()
    const first = post(path, hello)
    const second = post(path, hello, on)
    await advanceUntil(clock, first, 10)
    const response = await advanceUntil(clock, second, 10)
    const tookMs = clock.nowMs() - beginMs
    const timing = new Map(metricsOf(response).map(({ name, durationMs }) => [name, durationMs]))
    expect([...timing.keys()]).toEqual([...always, 'queue', 'generate', 'total', 'due'].toSorted(byOrder))
    expect(timing.get('queue')).toBeGreaterThan(100)
    // Only waits take time on a virtual clock.
    expect(timing.get('latency')).toBe(0)
    expect(timing.get('total')).toBe(timing.get('queue'))
    expect(timing.get('due')).toBeGreaterThan(timing.get('queue')!)
    expect(timing.get('due')).toBeLessThanOrEqual(tookMs)
  })

  it('has the due times of the first and last event of a stream', async () => {
    const { post, clock } = start({ env: { LATENCY_TIME_SCALE: '1' } })
    const coming = post(path, { ...hello, stream: true, max_tokens: 10 }, on)
    const response = await advanceUntil(clock, coming, 10)
    const ending = response.text()
    const text = await advanceUntil(clock, ending, 10)
    expect(text).toContain('[DONE]')
    const [firstEvent, lastEvent] = metricsOf(response).slice(-2)
    expect([firstEvent?.name, lastEvent?.name]).toEqual(['first-event', 'last-event'])
    expect(firstEvent?.durationMs).toBeGreaterThan(0)
    expect(lastEvent?.durationMs).toBeGreaterThan(firstEvent?.durationMs ?? Infinity)
  })

  it('is sent over a socket in the headers of a stream', async () => {
    const { app } = start()
    const listener = await listen(app, '127.0.0.1', 0)
    try {
      const body = JSON.stringify({ ...hello, stream: true })
      const headers = { 'api-key': testKey, ...on }
      const answer = await sendRaw(Number(new URL(listener.url).port), {
        method: 'POST',
        path,
        headers,
        body,
      })
      const found = (name: string): string | undefined =>
        answer.headers.find(([key]) => key.toLowerCase() === name)?.[1]
      expect(found('x-sim-trace')).toBe('generate')
      expect(found('server-timing')).toMatch(/^metrics;dur=\d+\.\d{3}, .*generate;dur=\d+\.\d{3}, total;dur=/)
      expect(answer.body).toContain('[DONE]')
    } finally {
      await listener.close(0)
    }
  })

  it('changes nothing else in the answer, and nothing at all if it is off', async () => {
    const answer = async (headers: Record<string, string>, body: object): Promise<string[]> => {
      const { app } = start({ env: { SIMULATOR_SEED: 'same' } })
      const listener = await listen(app, '127.0.0.1', 0)
      try {
        const request = { method: 'POST', path, headers: { 'api-key': testKey, ...headers } }
        const port = Number(new URL(listener.url).port)
        const { bytes } = await sendRaw(port, { ...request, body: JSON.stringify(body) })
        return bytes.split('\r\n').filter((line) => !/^date: /i.test(line))
      } finally {
        await listener.close(0)
      }
    }
    for (const body of [hello, { ...hello, stream: true }, { messages: 1 }]) {
      const plain = await answer({}, body)
      expect(plain.filter((line) => /^(server-timing|x-sim-trace):/i.test(line))).toEqual([])
      expect(await answer({ 'x-sim-trace': 'off' }, body)).toEqual(plain)
      const traced = await answer(on, body)
      expect(traced).not.toEqual(plain)
      expect(traced.filter((line) => !/^(server-timing|x-sim-trace):/i.test(line))).toEqual(plain)
    }
  })

  it('is omitted with SIM_HEADERS=off', async () => {
    const { post } = start({ env: { SIM_HEADERS: 'off' } })
    for (const value of ['on', 'nonsense']) {
      const response = await post(path, hello, { 'x-sim-trace': value })
      expect([response.status, metricsOf(response), answererOf(response)]).toEqual([200, [], null])
    }
  })

  it('is refused for an invalid value, like other x-sim- headers', async () => {
    const response = await start().post(path, hello, { 'x-sim-trace': 'yes' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { param: 'x-sim-trace', message: expect.stringContaining("expected on or off, but got 'yes'") },
    })
    expect(answererOf(response)).toBeNull()
  })

  it('is separate for concurrent requests', async () => {
    const { post } = start({
      deployments: { ...deployments, small: { model: 'gpt-4o', requestsPerMinute: 1 } },
    })
    await post(deploymentPath('small', 'chat/completions'), hello)
    const kinds = [
      () => post(path, hello, on),
      () => post(deploymentPath('small', 'chat/completions'), hello, on),
      () => post(path, hello, { ...on, 'api-key': 'wrong' }),
    ]
    const responses = await Promise.all(Array.from({ length: 30 }, (_, index) => kinds[index % 3]!()))
    const expected = ['generate', 'limits', 'key']
    expect(responses.map(answererOf)).toEqual(responses.map((_, index) => expected[index % 3]))
    for (const [index, response] of responses.entries()) {
      const stages = stagesOf(response)
      const last = expected[index % 3]
      expect(stages).toEqual(
        last === 'generate' ? always : always.slice(0, always.findIndex((name) => name === last) + 1),
      )
    }
  })
})

describe('the trace of a request with extensions', () => {
  const waiting: Extension = {
    name: 'waiting',
    hooks: [
      async function wait(exchange, next) {
        const reply = await next()
        await new Promise<void>((resolve) => exchange.clock.at(exchange.clock.nowMs() + 250, resolve))
        return reply
      },
    ],
  }
  const answering: Extension = {
    name: 'answers "all" ✓',
    hooks: [
      (exchange, next) => (exchange.query.includes('own') ? Promise.resolve(textReply('own')) : next()),
    ],
    generators: [({ query }) => (query.includes('made') ? textReply('made') : undefined)],
  }
  const failing: Extension = {
    name: 'failing',
    hooks: [
      (exchange, next) => {
        if (exchange.query.includes('broken')) throw new Error('broken')
        return next()
      },
    ],
  }
  const rescuing: Extension = {
    name: 'rescuing',
    hooks: [(_, next) => next().catch(() => textReply('rescued'))],
  }
  const changing: Extension = {
    name: 'changing',
    hooks: [async (_, next) => ({ ...(await next()), status: 202 })],
  }
  const startWith = (...extensions: Extension[]) => createExtendedSimulator(extensions, { deployments })

  it('lists each hook by the name of its extension, with its own time', async () => {
    const { post, clock } = await startWith(waiting, answering)
    const response = await advanceUntil(clock, post(path, hello, on), 50)
    const hooks = metricsOf(response).filter(({ name }) => name === 'extension')
    expect(hooks.map(({ description }) => description)).toEqual(['waiting', 'answers "all" ?'])
    expect(hooks.map(({ durationMs }) => durationMs)).toEqual([250, 0])
    expect(answererOf(response)).toBe('generate')
  })

  it('names the hook that answered, and ends there', async () => {
    const { post } = await startWith(answering, failing)
    const response = await post(`${path}&own`, hello, on)
    expect(await response.text()).toBe('own')
    expect(namesOf(response)).toEqual(['metrics', 'extension', 'total'])
    expect(answererOf(response)).toBe('extension answers "all" ?')
  })

  it('names the generator that answered', async () => {
    const { post } = await startWith(answering)
    const response = await post(`${path}&made`, hello, on)
    expect(await response.text()).toBe('made')
    expect(namesOf(response).slice(-2)).toEqual(['generate', 'total'])
    expect(answererOf(response)).toBe('extension answers "all" ?')
  })

  it('names where a request failed', async () => {
    const { post } = await startWith(answering, failing)
    const response = await post(`${path}&broken`, hello, on)
    expect([response.status, answererOf(response)]).toEqual([500, 'failure in extension failing'])
    expect(namesOf(response)).toEqual(['metrics', 'extension', 'extension', 'total'])
  })

  it('names the hook that answered instead of a failure', async () => {
    const { post } = await startWith(rescuing, failing)
    const response = await post(`${path}&broken`, hello, on)
    expect([response.status, answererOf(response)]).toEqual([200, 'extension rescuing'])
  })

  it('names the hook that changed the answer', async () => {
    const { post } = await startWith(changing, answering)
    const response = await post(path, hello, on)
    const hooks = metricsOf(response).filter(({ name }) => name === 'extension')
    expect(hooks.map(({ description }) => description)).toEqual([
      'changing, changed the answer',
      'answers "all" ?',
    ])
    expect(answererOf(response)).toBe('generate')
  })

  it('is not kept on a reply that an extension returns again for a request without a trace', async () => {
    const reply = textReply('again')
    const { post } = await startWith({ name: 'again', hooks: [() => Promise.resolve(reply)] })
    expect(answererOf(await post(path, hello, on))).toBe('extension again')
    expect(answererOf(await post(path, hello))).toBeNull()
  })
})

describe('the trace of a request to a real service', () => {
  const place = recordingPlace(eventStream(chatEvents(['a', 'b'])))

  it('lists the stages of a recorded request, and is not recorded', async () => {
    const { post } = startRecording(place, createSystemClock())
    const response = await post('/v1/chat/completions', { ...hello, stream: true }, on)
    expect(await response.text()).toContain('[DONE]')
    expect(namesOf(response)).toEqual(['metrics', 'service-headers', 'key', 'deployment', 'record', 'total'])
    expect(answererOf(response)).toBe('record')
    expect(place.upstream.received[0]?.headers).not.toHaveProperty('x-sim-trace')
    await expect.poll(() => readRecordings(place.dir)).toHaveLength(1)
    const [stored] = readRecordings(place.dir)
    const names = Object.keys(stored?.response.headers ?? {})
    expect(names.filter((name) => /^(server-timing|x-sim-trace)$/i.test(name))).toEqual([])
  })

  it('names forward for forwarded requests', async () => {
    const env = {
      SIMULATOR_MODE: 'forward',
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: 'upstream-key',
    }
    const { post } = createTestSimulator({ env })
    const response = await post('/v1/chat/completions', { ...hello, stream: true }, on)
    expect(await response.text()).toContain('[DONE]')
    expect(namesOf(response)).toEqual(['metrics', 'service-headers', 'key', 'deployment', 'forward', 'total'])
    expect(answererOf(response)).toBe('forward')
  })

  it('reports that replay mode sent a miss to the real service', async () => {
    const { post } = startRecording(place, createSystemClock(), {
      SIMULATOR_MODE: 'replay',
      REPLAY_ON_MISS: 'record',
    })
    const response = await post('/v1/chat/completions', { ...hello, stream: true }, on)
    expect(await response.text()).toContain('[DONE]')
    expect(answererOf(response)).toBe('replay, asked the real service')
  })
})

describe('the log at LOG_LEVEL=debug', () => {
  const traceLines = (log: ReturnType<typeof start>['log']) =>
    log.filter(({ message }) => message === 'The stages of a request.')

  it('has the stages of every request when its answer has ended', async () => {
    const { post, log } = start({ env: { LOG_LEVEL: 'debug' } })
    const response = await post(path, hello)
    await response.text()
    expect(answererOf(response)).toBeNull()
    await (await post(path, hello, { 'api-key': 'wrong' })).text()
    expect(traceLines(log)).toMatchObject([
      {
        level: 'debug',
        fields: {
          requestId: response.headers.get('apim-request-id'),
          method: 'POST',
          status: 200,
          answeredBy: 'generate',
          stages: expect.stringMatching(/^metrics;dur=.* generate;dur=/),
          endMs: expect.any(Number),
        },
      },
      { level: 'debug', fields: { status: 401, answeredBy: 'key' } },
    ])
  })

  it('has no stages at other levels', async () => {
    const { post, log } = start({ env: { LOG_LEVEL: 'info' } })
    await (await post(path, hello, on)).text()
    expect(traceLines(log)).toEqual([])
  })
})
