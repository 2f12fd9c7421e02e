import { describe, expect, it } from 'vitest'
import { namedErrorNames } from '../../src/wire/named-errors.ts'
import { ConnectionCut } from '../../src/server/carriers/web-response.ts'
import {
  createTestSimulator,
  deploymentPath,
  eventsOf,
  type TestSettings,
} from '../support/test-simulator.ts'
import { namedEventsOf } from '../support/response-events.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20 }
const deployments = { chat: { model: 'gpt-4o' }, other: { model: 'gpt-4o' } }

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({ deployments, ...settings })
  const ask = (body: object = {}, headers: Record<string, string> = {}) =>
    simulator.post(path, { ...hello, ...body }, headers)
  /** Sends a request with this fault. */
  const askWithFault = (fault: string, body: object = {}) => ask(body, { 'x-sim-fault': fault })
  const metric = async (name: string): Promise<string[]> =>
    (await simulator.simulator.metrics.render()).split('\n').filter((line) => line.startsWith(name))
  return { ...simulator, ask, askWithFault, metric }
}

/** Reads a body to its end or to an error. */
const readBroken = async (response: Response): Promise<{ text: string; error: unknown }> => {
  let text = ''
  try {
    for await (const bytes of response.body!) text += Buffer.from(bytes).toString()
  } catch (error) {
    return { text, error }
  }
  return { text, error: undefined }
}

const statusesOf = async (settings: TestSettings, count: number): Promise<string> => {
  const { ask } = setUp(settings)
  let statuses = ''
  for (let i = 0; i < count; i++) statuses += (await ask()).status === 200 ? '.' : 'x'
  return statuses
}

describe('configured faults', () => {
  it('affect the configured share of requests, and the same requests for the same seed', async () => {
    const faults = [{ probability: 0.3, fault: 'serverError' }]
    const statuses = await statusesOf({ faults }, 400)
    const faulty = statuses.split('x').length - 1
    expect(faulty / 400).toBeGreaterThan(0.24)
    expect(faulty / 400).toBeLessThan(0.36)
    expect(await statusesOf({ faults }, 400)).toBe(statuses)
    expect(await statusesOf({ faults, env: { SIMULATOR_SEED: 'other' } }, 400)).not.toBe(statuses)
  })

  it('do not change the answers of unaffected requests for the same seed', async () => {
    const textsOf = async (settings: TestSettings) => {
      const { ask } = setUp(settings)
      const texts: string[] = []
      for (let i = 0; i < 20; i++) texts.push(await (await ask()).text())
      return texts
    }
    const without = await textsOf({})
    const faulty = await textsOf({ faults: [{ probability: 0.4, fault: 'serverError' }] })
    const same = faulty.filter((text, index) => text === without[index])
    expect(same.length).toBeGreaterThan(5)
    expect(faulty.every((text, index) => text === without[index] || text.includes('server_error'))).toBe(true)
  })

  it('of the deployment take precedence over the global ones', async () => {
    const { ask, post, metric } = setUp({
      deployments: {
        ...deployments,
        chat: { model: 'gpt-4o', faults: [{ probability: 1, fault: 'overloaded503' }] },
      },
      faults: [{ probability: 1, fault: 'gatewayTimeout', name: 'slow-gateway' }],
    })
    expect((await ask()).status).toBe(503)
    expect((await post(deploymentPath('other', 'chat/completions'), hello)).status).toBe(504)
    expect(await metric('aoai_faults_total')).toEqual([
      'aoai_faults_total{deployment="chat",fault="overloaded503"} 1',
      'aoai_faults_total{deployment="other",fault="slow-gateway"} 1',
    ])
  })

  it('affect only the deployment, operation and kind of answer that they name', async () => {
    const { ask, post } = setUp({
      faults: [
        { probability: 1, fault: 'overloaded503', deployment: 'other' },
        { probability: 1, fault: 'gatewayTimeout', operation: 'embeddings' },
        { probability: 1, fault: 'gatewayError', stream: true },
      ],
    })
    expect((await ask()).status).toBe(200)
    expect((await ask({ stream: true })).status).toBe(500)
    expect((await post(deploymentPath('other', 'chat/completions'), hello)).status).toBe(503)
    expect((await post(deploymentPath('embedding', 'embeddings'), { input: 'a' })).status).toBe(504)
  })

  it('are applied after the key and the limits, so refused requests are not affected', async () => {
    const { ask, metric } = setUp({
      deployments: { chat: { model: 'gpt-4o', requestsPerMinute: 1 } },
      faults: [{ probability: 1, fault: 'serverError' }],
    })
    expect((await ask({}, { 'api-key': 'wrong' })).status).toBe(401)
    expect((await ask()).status).toBe(500)
    expect((await ask()).status).toBe(429)
    expect(await metric('aoai_faults_total')).toEqual([
      'aoai_faults_total{deployment="chat",fault="serverError"} 1',
    ])
  })
})

describe('an error', () => {
  it.each(namedErrorNames)('%s has an error status and a JSON message', async (name) => {
    const response = await setUp().askWithFault(name)
    expect(response.status).toBeGreaterThanOrEqual(400)
    const text = await response.text()
    const { error, message } = JSON.parse(text) as { error?: { message: string }; message?: string }
    expect((error?.message ?? message)!.length).toBeGreaterThan(10)
  })

  it('has the bytes of the service', async () => {
    const { askWithFault } = setUp()
    expect(await (await askWithFault('networkDenied')).text()).toBe(
      '{"error":{"code":"403","message": "Access denied due to Virtual Network/Firewall rules."}}',
    )
    const rbac = await askWithFault('permissionDenied')
    expect(rbac.status).toBe(401)
    expect(await rbac.text()).toMatch(
      /^\{"error":\{"code":"PermissionDenied","message":"The principal `[0-9a-f-]{36}` lacks the required data action `Microsoft\.CognitiveServices\/accounts\/OpenAI\/deployments\/chat\/completions\/action` to perform `POST \/openai\/deployments\/\{deployment-id\}\/chat\/completions` operation\."\}\}$/,
    )
    const server = await askWithFault('serverError')
    const { error } = (await server.json()) as { error: { message: string } }
    expect(error.message).toContain(`(Please include the request ID ${server.headers.get('x-request-id')} in`)
  })

  it('has retry-after where the service sends it, or the configured value', async () => {
    const { askWithFault } = setUp()
    const limited = await askWithFault('tokenRateLimit;retryAfterSeconds=7')
    expect(limited.headers.get('retry-after')).toBe('7')
    expect(limited.headers.get('retry-after-ms')).toBe('7000')
    expect(await limited.text()).toContain('Please retry after 7 seconds.')
    expect((await askWithFault('capacity429')).headers.get('retry-after')).toBe('20')
    expect((await askWithFault('serverError')).headers.get('retry-after')).toBeNull()
  })
})

describe('a delay', () => {
  it('is added to the time of the answer and drawn from a distribution', async () => {
    const fault = { kind: 'delay', ms: { distribution: 'normal', meanMs: 5_000, stdDevMs: 500 } }
    const { ask, clock } = setUp({ faults: [{ probability: 1, fault }] })
    const times = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const asked = ask()
        await clock.advance(0)
        return asked.then(() => clock.nowMs())
      }).concat(clock.advance(10_000).then(() => 0)),
    )
    const delays = times.slice(0, 50)
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / 50
    expect(mean).toBeGreaterThan(4_750)
    expect(mean).toBeLessThan(5_250)
    expect(new Set(delays).size).toBeGreaterThan(40)
  })

  it('delays a stream as a whole', async () => {
    const { ask, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { chat: { model: 'gpt-4o', latency: { firstToken: 100, perToken: 10 } } },
      faults: [{ probability: 1, fault: { kind: 'delay', ms: 1_000 } }],
    })
    const asked = ask({ stream: true }).then(async (response) => {
      const firstMs = clock.nowMs()
      await response.text()
      return [firstMs, clock.nowMs()]
    })
    await clock.advance(5_000)
    expect(await asked).toEqual([1_100, 1_290])
  })
})

describe('a stall', () => {
  it('before the first byte lasts for the configured time', async () => {
    const { askWithFault, clock } = setUp()
    let done = false
    const asked = askWithFault('stall;ms=3000').then(() => (done = true))
    await clock.advance(2_999)
    expect(done).toBe(false)
    await clock.advance(1)
    await asked
  })

  it('lasts forever by default', async () => {
    const { askWithFault, clock } = setUp()
    let done = false
    void askWithFault('stall').then(() => (done = true))
    await clock.advance(1_000_000_000)
    expect(done).toBe(false)
  })

  it('pauses a stream after some events and then continues it', async () => {
    const { askWithFault, clock } = setUp()
    const whole = eventsOf(await (await setUp().ask({ stream: true })).text())
    const response = await askWithFault('stall;afterEvents=5;ms=3000', { stream: true })
    const reader = response.body!.getReader()
    const first = await reader.read()
    expect(eventsOf(Buffer.from(first.value ?? '').toString())).toHaveLength(5)
    const second = reader
      .read()
      .then(({ value }) => ({ text: Buffer.from(value ?? '').toString(), atMs: clock.nowMs() }))
    await clock.advance(10_000)
    const { text, atMs } = await second
    expect(atMs).toBe(3_000)
    expect(eventsOf(text)).toHaveLength(whole.length - 5)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('pauses a whole body in the middle and then continues it', async () => {
    const { askWithFault, clock } = setUp()
    const response = await askWithFault('stall;afterShare=0.25;ms=3000')
    const length = Number(response.headers.get('content-length'))
    const reader = response.body!.getReader()
    const first = await reader.read()
    expect(first.value!.length).toBe(Math.floor(length / 4))
    const second = reader.read()
    await clock.advance(3_000)
    expect((await second).value!.length).toBe(length - Math.floor(length / 4))
    expect((await reader.read()).done).toBe(true)
  })
})

describe('a broken connection', () => {
  it('before the headers makes an in-process request fail', async () => {
    const { askWithFault, metric } = setUp()
    await expect(askWithFault('cutBeforeHeaders')).rejects.toThrow(ConnectionCut)
    await expect(askWithFault('cutBeforeHeaders', { stream: true })).rejects.toThrow(ConnectionCut)
    expect(await metric('aoai_faults_total')).toEqual([
      'aoai_faults_total{deployment="chat",fault="cutBeforeHeaders"} 2',
    ])
    expect(await metric('aoai_client_disconnects_total')).toEqual([
      'aoai_client_disconnects_total{deployment="chat",operation="chatCompletions"} 0',
    ])
    expect(await metric('aoai_requests_in_flight')).toEqual(['aoai_requests_in_flight 0'])
  })

  it.each(['cut', 'truncate'])('breaks a whole body in the middle (%s)', async (fault) => {
    const response = await setUp().askWithFault(fault)
    const length = Number(response.headers.get('content-length'))
    const { text, error } = await readBroken(response)
    expect(text.length).toBe(Math.floor(length / 2))
    expect(error).toBeInstanceOf(ConnectionCut)
  })

  it('breaks a stream after some events', async () => {
    const { text, error } = await readBroken(
      await setUp().askWithFault('cut;afterEvents=4', { stream: true }),
    )
    expect(eventsOf(text)).toHaveLength(4)
    expect(error).toBeInstanceOf(ConnectionCut)
  })
})

describe('a stream with a fault', () => {
  const streamed = async (fault: string) =>
    eventsOf(await (await setUp().askWithFault(fault, { stream: true })).text())

  it('ends without its last events when it is truncated', async () => {
    const whole = eventsOf(await (await setUp().ask({ stream: true })).text())
    const events = await streamed('truncate')
    expect(events).toHaveLength(whole.length - 1)
    expect(events.at(-1)).toContain('"finish_reason":"length"')
    expect(await streamed('truncate;afterEvents=3')).toHaveLength(3)
  })

  it('ends with an error event', async () => {
    const events = await streamed('errorEvent;afterEvents=3;message=Out of luck')
    expect(events).toHaveLength(4)
    expect(events.at(-1)).toBe(
      '{"error":{"message":"Out of luck","type":"server_error","param":null,"code":null}}',
    )
  })

  it('has one event that is not JSON, and continues', async () => {
    const events = await streamed('malformedEvent;afterEvents=3')
    const broken = events.filter((event) => {
      try {
        return event !== '[DONE]' && !JSON.parse(event)
      } catch {
        return true
      }
    })
    expect(broken).toEqual([events[3]])
    expect(events.at(-1)).toBe('[DONE]')
  })

  it('has one event in several pieces', async () => {
    const { askWithFault, clock } = setUp()
    const response = await askWithFault('splitEvent;afterEvents=2;parts=3;gapMs=50', { stream: true })
    const pieces: string[] = []
    const times: number[] = []
    const reading = (async () => {
      for await (const bytes of response.body!) {
        pieces.push(Buffer.from(bytes).toString())
        times.push(clock.nowMs())
      }
    })()
    await clock.advance(1_000)
    await reading
    expect(times).toEqual([0, 50, 100])
    expect(eventsOf(pieces[0]!)).toHaveLength(3)
    expect(pieces[0]!.endsWith('\n\n')).toBe(false)
    expect(() => JSON.parse(eventsOf(pieces.join(''))[2]!)).not.toThrow()
    expect(eventsOf(pieces.join('')).at(-1)).toBe('[DONE]')
  })

  it('of the Responses API has an error event of that API', async () => {
    const { post } = setUp()
    const body = { model: 'chat', input: 'Hello', stream: true }
    const response = await post('/openai/v1/responses', body, { 'x-sim-fault': 'errorEvent;afterEvents=4' })
    const events = namedEventsOf(await response.text())
    expect(events.slice(4)).toMatchObject([
      {
        name: 'error',
        data: { error: { type: 'server_error', code: 'server_error', param: null }, sequence_number: 4 },
      },
      {
        name: 'response.failed',
        data: {
          response: { status: 'failed', error: { code: 'server_error' }, output: [] },
          sequence_number: 5,
        },
      },
    ])
    expect(events[5]!.data['response']).toMatchObject({
      id: (events[0]!.data['response'] as { id: string }).id,
    })
  })

  it('reports the type, code and message of the fault', async () => {
    const { post, askWithFault } = setUp()
    const fault = 'errorEvent;type=too_many_requests;code=429;message=Slow down'
    const body = { model: 'chat', input: 'Hello', stream: true }
    const response = await post('/openai/v1/responses', body, { 'x-sim-fault': fault })
    const expected = { type: 'too_many_requests', code: '429', message: 'Slow down', param: null }
    const error = namedEventsOf(await response.text()).at(-2)!
    expect(error.data).toMatchObject({ type: 'error', error: expected })
    const chat = eventsOf(await (await askWithFault(fault, { stream: true })).text())
    expect(JSON.parse(chat.at(-1)!)).toEqual({ error: expected })
  })
})

describe('a refusal of the model', () => {
  it('replaces the answer, whole and streamed', async () => {
    const { askWithFault } = setUp()
    const whole = (await (await askWithFault('refusal')).json()) as {
      choices: { message: { content: unknown; refusal: string }; finish_reason: string }[]
    }
    expect(whole.choices[0]).toMatchObject({
      message: { content: null, refusal: "I'm sorry, but I can't assist with that." },
      finish_reason: 'stop',
    })
    const events = eventsOf(await (await askWithFault('refusal;text=No way', { stream: true })).text())
    const deltas = events.slice(1, -1).map((event) => JSON.parse(event).choices[0].delta as object)
    expect(deltas[0]).toEqual({ content: null, refusal: '', role: 'assistant' })
    expect(
      deltas
        .slice(1, -1)
        .map((delta) => (delta as { refusal: string }).refusal)
        .join(''),
    ).toBe('No way')
  })

  it('is supported by the Responses API', async () => {
    const { post } = setUp()
    const body = { model: 'chat', input: 'Hello' }
    const headers = { 'x-sim-fault': 'refusal;text=No way' }
    const whole = (await (await post('/openai/v1/responses', body, headers)).json()) as {
      output: { content: unknown[] }[]
    }
    expect(whole.output[0]!.content).toEqual([{ type: 'refusal', refusal: 'No way' }])
    const stream = await (await post('/openai/v1/responses', { ...body, stream: true }, headers)).text()
    expect(stream).toContain('event: response.refusal.delta')
    expect(stream).toMatch(/event: response\.refusal\.done\ndata: [^\n]*"refusal":"No way"/)
  })
})

describe('a result of the content filter', () => {
  it.each([
    ['contentFilter;finds=prompt;category=jailbreak', {}, 400, '"jailbreak":{"filtered":true'],
    ['contentFilter', {}, 200, '"finish_reason":"content_filter"'],
    ['contentFilter;category=hate', {}, 200, '"hate":{"filtered":true'],
    ['contentFilter;finds=late', { stream: true }, 200, '"content_filter_offsets"'],
    ['contentFilter;finds=nothing', {}, 200, '"content_filter_result":{"error":'],
    ['contentFilter;finds=nothing;category=hate', {}, 400, 'must be left out if finds is nothing'],
  ])('%s is like that of the service', async (fault, body, status, part) => {
    const response = await setUp().askWithFault(fault, body)
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(part)
  })

  it('is missing in each choice and chunk of legacy completions, and refused for Responses, with finds=nothing', async () => {
    const { post } = createTestSimulator({
      deployments: { legacy: { model: 'gpt-35-turbo-instruct' }, chat: { model: 'gpt-4o' } },
    })
    const headers = { 'x-sim-fault': 'contentFilter;finds=nothing' }
    const path = deploymentPath('legacy', 'completions')
    const member = '"content_filter_result":{"error":{"code":"content_filter_error"'
    const whole = await (await post(path, { prompt: ['a', 'b'], max_tokens: 2 }, headers)).text()
    expect(whole.split(member)).toHaveLength(3)
    const stream = await (await post(path, { prompt: 'a', max_tokens: 2, stream: true }, headers)).text()
    expect(
      eventsOf(stream)
        .slice(0, -1)
        .every((event) => event.includes(member)),
    ).toBe(true)
    expect(stream).not.toContain('prompt_filter_results')
    const refused = await post('/openai/v1/responses', { model: 'chat', input: 'a' }, headers)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('applies to chatCompletions, completions, not to responses')
  })
})
