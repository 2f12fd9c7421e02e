import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  eventually,
  programKey,
  type ProgramOptions,
  type RunningProgram,
  runInProcess,
  runProgram,
  startProgram,
} from '../support/built-program.ts'
import {
  chatCompletion,
  type FakeUpstream,
  json as jsonAnswer,
  startFakeUpstream,
} from '../support/fake-upstream.ts'
import { eventsOf } from '../support/event-reader.ts'
import { cassette, cassetteItem } from '../support/recording-folder.ts'
import { type RawConnection, type RawRequest, type RawResponse, sendRaw } from '../support/raw-http.ts'
import { connectToBoth, pidExtension, pidOf, pidsOf } from '../support/worker-answers.ts'

const options: ProgramOptions = {
  args: ['--workers', '2'],
  files: { 'pid.mjs': pidExtension },
  env: {
    EXTENSION_PATH: './pid.mjs',
    JOURNAL_SIZE: '1000',
    LATENCY_TIME_SCALE: '1',
    LATENCY_PROFILE: 'off',
    LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '0',
    LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
    ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false',
  },
  deployments: {
    limited: { model: 'gpt-4o', tokensPerMinute: 1_000_000, requestsPerMinute: 40, requestsSliceSeconds: 60 },
    once: { model: 'gpt-4o', tokensPerMinute: 1_000_000, requestsPerMinute: 1, requestsSliceSeconds: 60 },
    provisioned: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
    slots: { model: 'gpt-4o', latency: { concurrency: { slots: 2, queueLength: 0, queueTimeoutMs: 1_000 } } },
    free: { model: 'gpt-4o' },
  },
}
const forwarded = { model: 'gpt-4o', source: 'forward', requestsPerMinute: 6, requestsSliceSeconds: 60 }

interface Answer extends RawResponse {
  /** The process that has answered; empty for pages of the simulator itself. */
  readonly pid: string
}

const headers = { 'api-key': programKey, 'Content-Type': 'application/json' }

const withKey = (request: RawRequest): RawRequest => ({
  ...request,
  headers: { ...headers, ...request.headers },
})

const toAnswer = (answer: RawResponse): Answer => ({
  ...answer,
  pid: pidOf(answer),
})

const ask = async (program: RunningProgram, request: RawRequest): Promise<Answer> =>
  toAnswer(await sendRaw(program.port, withKey(request)))

const chat = (
  deployment: string,
  more: object = {},
  moreHeaders: Readonly<Record<string, string>> = {},
): RawRequest => ({
  path: `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
  headers: moreHeaders,
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, ...more }),
})

/** This many concurrent requests, each over a separate connection, so that all workers get some. */
const burst = (program: RunningProgram, count: number, request: RawRequest): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, () => ask(program, request)))

/** Asks until a process has answered that is not among those. */
const askAnother = async (
  program: RunningProgram,
  request: RawRequest,
  pids: readonly string[],
): Promise<Answer> => {
  for (;;) {
    const answers = await burst(program, 4, request)
    const found = answers.find(({ pid }) => !pids.includes(pid))
    if (found) return found
  }
}

/** The same request over all of them concurrently. */
const sendAll = (connections: readonly RawConnection[], request: RawRequest): Promise<Answer[]> =>
  Promise.all(connections.map(async (connection) => toAnswer(await connection.send(withKey(request)))))

const statuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** What the tests read of the bodies of responses. */
interface ResponseJson {
  readonly id: string
  readonly status: string
  readonly data: readonly object[]
}

const json = ({ body }: RawResponse): ResponseJson => JSON.parse(body) as ResponseJson

const admin = (program: RunningProgram, method: string, path: string, body?: object): Promise<Answer> =>
  ask(program, { method, path, ...(body && { body: JSON.stringify(body) }) })

/** The value of a metric's line that holds all of the labels; their sum where several do. */
const metric = async (program: RunningProgram, name: string, ...labels: string[]): Promise<number> => {
  const { body } = await ask(program, { method: 'GET', path: '/metrics' })
  return body
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

const newestRequest = async (program: RunningProgram): Promise<{ readonly lastId: number }> => {
  const { body } = await admin(program, 'GET', '/++/requests?limit=1')
  const [last] = (JSON.parse(body) as { requests: { id: number }[] }).requests
  return { lastId: last?.id ?? 0 }
}

/** Follows the requests through whichever worker takes the connection. */
const followRequests = async (program: RunningProgram, query: string) => {
  const abort = new AbortController()
  const url = `${program.url}/++/requests/stream${query}`
  const response = await fetch(url, { headers, signal: abort.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  return {
    /** Reads on until the whole of what came so far is as wished, or to the end. */
    until: async (isWished: (text: string) => boolean): Promise<string> => {
      while (!isWished(text)) {
        const { done, value } = await reader.read()
        if (done) return text
        text += Buffer.from(value).toString()
      }
      return text
    },
    leave: async (): Promise<void> => {
      await reader.cancel()
      abort.abort()
    },
  }
}

const requestsInFlight = async (program: RunningProgram): Promise<number> => {
  const { body } = await ask(program, { method: 'GET', path: '/metrics' })
  return Number(/^aoai_requests_in_flight (\d+)$/m.exec(body)?.[1])
}

const isAlive = (pid: string): boolean => {
  try {
    process.kill(Number(pid), 0)
    return true
  } catch {
    return false
  }
}

describe('several workers', () => {
  let program: RunningProgram
  let pids: string[]
  let upstream: FakeUpstream

  beforeAll(async () => {
    upstream = await startFakeUpstream(jsonAnswer(chatCompletion('From the real service')))
    program = await startProgram({
      ...options,
      env: {
        ...options.env,
        AZURE_OPENAI_ENDPOINT: upstream.url,
        AZURE_OPENAI_KEY: 'upstream-key-0123456789',
      },
      deployments: { ...options.deployments, passed: forwarded },
    })
    const first = await ask(program, chat('free'))
    const second = await askAnother(program, chat('free'), [first.pid])
    pids = [first.pid, second.pid]
  })
  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    await upstream.close()
  })

  it('are logged at the start, and are separate processes', () => {
    expect(program.stdout()).toContain('Workers      2 processes')
    expect(new Set(pids).size).toBe(2)
  })

  it('answer a target in absolute form by its path, pages of the primary included', async () => {
    for (const origin of ['http://x', 'HTTP://evil.test:1']) {
      const request = chat('free')
      expect((await ask(program, { ...request, path: origin + request.path })).status).toBe(200)
      const page = { method: 'GET', path: `${origin}/++/config` }
      expect((await ask(program, page)).body).toContain('openai_deployments')
      expect((await sendRaw(program.port, page)).status).toBe(401)
    }
  })

  it('answer 404 to a name that no deployment can have, and refuse it for all', async () => {
    for (const name of ['%E5%AD%97', '%00', '%0d%0a']) {
      const path = `/openai/deployments/${name}/chat/completions?api-version=2024-10-21`
      expect((await ask(program, { ...chat('free'), path })).status).toBe(404)
      const put = { method: 'PUT', path: `/++/deployments/${name}`, body: '{"model":"gpt-4o"}' }
      expect((await ask(program, put)).status).toBe(400)
    }
  })

  it('log the stages of a request, whichever worker answers', async () => {
    const traced = await burst(program, 8, chat('free', {}, { 'x-sim-trace': 'on' }))
    for (const { headers: given } of traced) {
      const found = new Map(given.map(([name, value]) => [name.toLowerCase(), value]))
      expect(found.get('x-sim-trace')).toBe('generate')
      expect(found.get('server-timing')).toMatch(/^metrics;dur=[\d.]+, journal;.* limits;.* generate;/)
    }
  })

  it('share one limit exactly', async () => {
    const answers: Answer[] = []
    while (answers.length < 100 || pidsOf(answers).length < 2) {
      answers.push(...(await burst(program, 20, chat('limited'))))
    }
    expect(statuses(answers)).toEqual({ 200: 40, 429: answers.length - 40 })
    // The gauges show that limit, not a sum over processes.
    const gauge = (name: string): Promise<number> =>
      metric(program, `aoai_deployment_${name}_per_minute`, 'deployment="limited",type="requests"')
    expect([await gauge('limit'), await gauge('used'), await gauge('remaining')]).toEqual([40, 40, 0])
    const [info] =
      (await ask(program, { method: 'GET', path: '/metrics' })).body.match(/^aoai_resource_info.*/gm) ?? []
    expect(info).toMatch(/ 1$/)
  })

  it('share one provisioned bucket, which a failed request does not fill', async () => {
    const before = await metric(program, 'aoai_deployment_utilization_ratio', 'provisioned')
    await burst(program, 20, chat('provisioned', { max_tokens: 4_000 }))
    const after = await metric(program, 'aoai_deployment_utilization_ratio', 'provisioned')
    expect(after - before).toBeGreaterThan(0.1)
  })

  it('are all changed before the change is answered', async () => {
    expect(statuses(await burst(program, 20, chat('new')))).toEqual({ 404: 20 })
    const put = await admin(program, 'PUT', '/++/deployments/new', { model: 'gpt-4o' })
    expect(put.status).toBe(201)
    const after = [...(await burst(program, 30, chat('new'))), ...(await burst(program, 30, chat('new')))]
    expect(statuses(after)).toEqual({ 200: 60 })
    expect((await admin(program, 'DELETE', '/++/deployments/new')).status).toBe(204)
    expect(statuses(await burst(program, 30, chat('new')))).toEqual({ 404: 30 })
  })

  it('are added up in the metrics', async () => {
    const count = (): Promise<number> => metric(program, 'aoai_requests_total', 'deployment="free"')
    const before = await count()
    const answers: Answer[] = []
    while (answers.length < 40 || pidsOf(answers).length < 2) {
      answers.push(...(await burst(program, 10, chat('free'))))
    }
    const after = await eventually(count, (now) => now === before + answers.length)
    expect(after - before).toBe(answers.length)
    expect(await metric(program, 'process_resident_memory_bytes', 'worker="2"')).toBeGreaterThan(1e6)
  })

  it('find the responses of each other', async () => {
    const create = (more: object): RawRequest => ({
      path: '/openai/v1/responses',
      body: JSON.stringify({ model: 'free', input: 'Hi', max_output_tokens: 20, ...more }),
    })
    const made = await ask(program, create({}))
    const { id } = json(made)
    const read = await askAnother(program, { method: 'GET', path: `/openai/v1/responses/${id}` }, [made.pid])
    expect(read.body).toBe(made.body)

    const items: RawRequest = { method: 'GET', path: `/openai/v1/responses/${id}/input_items` }
    const [here, there] = [await ask(program, items), await askAnother(program, items, [made.pid])]
    expect(there.body).toBe(here.body)
    expect(json(here).data).toHaveLength(1)

    const next = await askAnother(program, create({ previous_response_id: id }), [made.pid])
    expect(json(next)).toMatchObject({ previous_response_id: id, status: 'incomplete' })

    const background = await ask(program, create({ background: true }))
    const cancelled = json(background).id
    await ask(program, { path: `/openai/v1/responses/${cancelled}/cancel` })
    const gone = await ask(program, { method: 'DELETE', path: `/openai/v1/responses/${id}` })
    expect(gone.status).toBe(200)
    const after = await burst(program, 10, { method: 'GET', path: `/openai/v1/responses/${id}` })
    expect(statuses(after)).toEqual({ 404: 10 })
  })

  it('continue a stream of each other as soon as its client has read it', async () => {
    for (let round = 0; round < 10; round++) {
      const request = { model: 'free', input: 'Hi', max_output_tokens: 20 }
      const path = '/openai/v1/responses'
      const streamed = await ask(program, { path, body: JSON.stringify({ ...request, stream: true }) })
      const id = /"id":"(resp_\w+)"/.exec(streamed.body)?.[1] ?? ''
      const reads = await burst(program, 6, { method: 'GET', path: `${path}/${id}` })
      expect(new Set(reads.map((read) => json(read).status))).toEqual(new Set(['incomplete']))
      const again = await burst(program, 4, { method: 'GET', path: `${path}/${id}?stream=true` })
      expect(new Set(again.map((read) => read.body))).toEqual(new Set([streamed.body]))
    }
  })

  it('share one journal, and judge a retry at another worker', async () => {
    const retry = chat('once', { user: 'journal' })
    await ask(program, retry)
    const failed = await ask(program, retry)
    expect(failed.status).toBe(429)
    await askAnother(program, retry, [failed.pid])
    const { body } = await admin(program, 'GET', '/++/requests?deployment=once')
    const { requests } = JSON.parse(body) as { requests: { id: number; status: number; retry?: object }[] }
    expect(requests[0]).toMatchObject({ status: 200, retry: null, json: { user: 'journal' } })
    expect(requests[2]).toMatchObject({ status: 429, retry: { of: requests[1]?.id, early: true } })
  })

  it('are followed as one journal by a client of any worker, until it disconnects', async () => {
    const { lastId } = await newestRequest(program)
    const connections = await connectToBoth(program.port, withKey(chat('free')), 2)
    const followers = await Promise.all(
      Array.from({ length: 4 }, () => followRequests(program, `?deployment=free&since=${lastId}`)),
    )
    const answers = await sendAll(connections, chat('free', { user: 'followed' }))
    expect(pidsOf(answers).length).toBe(2)
    for (const { until, leave } of followers) {
      const text = await until((sent) => sent.split('followed').length > answers.length)
      const ids = Array.from(text.matchAll(/^id: (\d+)$/gm), ([, id]) => Number(id))
      expect(ids).toEqual([...ids].sort((a, b) => a - b))
      expect(new Set(ids).size).toBe(ids.length)
      await leave()
    }
    for (const { socket } of connections) socket.destroy()
  })

  it('are added up in the live events and in the stats', async () => {
    const statsOf = async () =>
      (await fetch(`http://127.0.0.1:${program.port}/++/stats`, { headers })).json() as Promise<{
        simulator: { workers: number }
        resources: { default: { deployments: { free: { requests: number } } } }
      }>
    const free = async (): Promise<number> => {
      const { resources } = await statsOf()
      return resources.default.deployments.free.requests
    }
    const connections = await connectToBoth(program.port, withKey(chat('free')), 2)
    const before = await free()
    const response = await fetch(`http://127.0.0.1:${program.port}/++/events`, { headers })
    const events = eventsOf(response.body)
    expect((await events.next())?.event).toBe('hello')
    const answers = await sendAll(connections, chat('free', { stream: true }))
    expect(pidsOf(answers).length).toBe(2)
    let requests = 0
    let plans = 0
    while (requests < before + answers.length) {
      const { event, data } = (await events.next()) ?? {}
      const live = event === 'stats' ? data.resources.default?.deployments.free : undefined
      requests = live?.requests ?? requests
      plans += live?.window.first_token_ms.planned?.count ?? 0
    }
    expect([requests, plans]).toEqual([before + answers.length, answers.length])
    const { simulator, resources } = await statsOf()
    expect([simulator.workers, resources.default.deployments.free.requests]).toEqual([2, requests])
    await events.cancel()
    for (const { socket } of connections) socket.destroy()
  })

  it('share one set of slots', async () => {
    const connections = await connectToBoth(program.port, withKey(chat('free')), 4)
    const [one, other] = [connections[0], connections[4]] as [RawConnection, RawConnection]
    const slow = withKey(chat('slots', {}, { 'x-sim-delay-ms': '60000' }))
    for (const holder of [one, other]) holder.send(slow).catch(() => undefined)
    const inWork = (): Promise<number> => metric(program, 'aoai_deployment_requests_in_work', 'slots')
    await eventually(inWork, (working) => working === 2)
    const others = connections.filter((connection) => connection !== one && connection !== other)
    const refused = await sendAll(others, chat('slots'))
    expect(statuses(refused)).toEqual({ 429: 6 })
    expect(pidsOf(refused).length).toBe(2)
    for (const { socket } of connections) socket.destroy()
    await eventually(inWork, (working) => working === 0)
    expect(statuses(await burst(program, 2, chat('slots')))).toEqual({ 200: 2 })
  })

  it('share one incident schedule, and are all reset', async () => {
    const faults = [{ probability: 1, fault: 'overloaded503' }]
    await admin(program, 'POST', '/++/incidents/start', { phases: [{ name: 'down', seconds: 60, faults }] })
    expect(statuses(await burst(program, 20, chat('free')))).toEqual({ 503: 20 })
    await admin(program, 'PATCH', '/++/config', { allow_undefined_openai_deployments: true })
    expect(statuses(await burst(program, 20, chat('free')))).toEqual({ 503: 20 })
    expect((await admin(program, 'POST', '/++/reset')).status).toBe(200)
    expect(statuses(await burst(program, 20, chat('free')))).toEqual({ 200: 20 })
    expect(statuses(await burst(program, 20, chat('other')))).toEqual({ 404: 20 })
    expect(statuses(await burst(program, 50, chat('limited')))).toEqual({ 200: 40, 429: 10 })
  })

  it('share the limits of a forwarded deployment', async () => {
    const connections = await connectToBoth(program.port, withKey(chat('passed', {}, { 'api-key': 'no' })), 2)
    const answers = await sendAll(connections, chat('passed'))
    expect(statuses(answers)).toEqual({ 200: 4 })
    expect(statuses(await sendAll(connections, chat('passed')))).toEqual({ 200: 2, 429: 2 })
    expect(pidsOf(answers).length).toBe(2)
    expect(upstream.received).toHaveLength(6)
    const logged = await eventually(
      async () => (await admin(program, 'GET', '/++/logs?event=upstream')).body,
      (body) => JSON.parse(body).total === 6,
    )
    const { logs } = JSON.parse(logged) as { logs: { id: number; fields: { worker: number } }[] }
    expect(logs.map(({ id }) => id)).toEqual(logs.map(({ id }) => id).toSorted((a, b) => b - a))
    expect(new Set(logs.map(({ fields }) => fields.worker))).toEqual(new Set([1, 2]))
    const stats = JSON.parse((await admin(program, 'GET', '/++/stats')).body)
    expect(stats).toMatchObject({
      resources: { default: { deployments: { passed: { by_status: { 200: 6, 429: 2 }, active: 0 } } } },
      upstreams: { default: { requests: 6, by_status: { 200: 6 } } },
    })
    expect(await metric(program, 'aoai_upstream_requests_total', 'status="200"')).toBe(6)
    const refused = await admin(program, 'PUT', '/++/deployments/passed', {
      model: 'gpt-4o',
      source: 'record',
    })
    expect([refused.status, refused.body]).toEqual([
      400,
      expect.stringContaining('A deployment with source: record writes its files from one process'),
    ])
    expect((await admin(program, 'PUT', '/++/deployments/passed', { model: 'gpt-4o' })).status).toBe(200)
    const made = await sendAll(connections, chat('passed'))
    expect(statuses(made)).toEqual({ 200: 4 })
    expect(upstream.received).toHaveLength(6)
    for (const { socket } of connections) socket.destroy()
  })

  it('use an upstream that is put at run time in all processes, from the next request', async () => {
    const upstreams = await Promise.all(
      ['first', 'second'].map((text) => startFakeUpstream(jsonAnswer(chatCompletion(text)))),
    )
    try {
      const connections = await connectToBoth(program.port, withKey(chat('a', {}, { 'api-key': 'no' })), 2)
      for (const [index, upstream] of upstreams.entries()) {
        const entry = { endpoint: upstream.url, key: `upstream-key-${index}` }
        const put = await admin(program, 'PUT', '/++/upstreams/east', entry)
        expect([put.status, put.body]).toEqual([
          index === 0 ? 201 : 200,
          expect.not.stringContaining(entry.key),
        ])
        expect(
          (await admin(program, 'PUT', '/++/deployments/a', { upstream: 'east/b' })).status,
        ).toBeLessThan(202)
        const answers = await sendAll(connections, chat('a'))
        expect([statuses(answers), pidsOf(answers).length]).toEqual([{ 200: 4 }, 2])
        expect(upstream.received.map(({ headers }) => headers['api-key'])).toEqual(
          Array.from({ length: 4 }, () => entry.key),
        )
      }
      expect(upstreams[0]?.received).toHaveLength(4)
      expect((await admin(program, 'DELETE', '/++/upstreams/east')).status).toBe(409)
      for (const { socket } of connections) socket.destroy()
    } finally {
      for (const upstream of upstreams) await upstream.close()
    }
  })

  it('refuse settings that require one process', async () => {
    const env = {
      SIMULATOR_MODE: 'record',
      AZURE_OPENAI_ENDPOINT: 'http://localhost:1',
      AZURE_OPENAI_KEY: 'k',
    }
    const args = ['--port', '0', '--workers', '2', '--clock', 'virtual']
    const { code, stderr } = await runInProcess(args, { env })
    expect(code).toBe(2)
    expect(stderr).toContain('SIMULATOR_MODE=record writes its files from one process (got WORKERS=2).')
    expect(stderr).toContain('SIMULATOR_CLOCK=virtual')
  })

  it('exit with the message of one process if the port is in use', async () => {
    const { code, stderr } = await runProgram(['--port', String(program.port), '--workers', '2'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Could not listen on 127.0.0.1:${program.port}: another program uses port ${program.port}. Stop it, or choose another port with --port (0 selects a free port).\n`,
    })
  })

  it('are replaced when they are killed, and their slots are released', async () => {
    const count = (): Promise<number> => metric(program, 'aoai_requests_total')
    const held = [0, 1].map(() =>
      ask(program, chat('slots', {}, { 'x-sim-delay-ms': '60000' })).catch(() => null),
    )
    await eventually(
      () => metric(program, 'aoai_deployment_requests_in_work'),
      (working) => working === 2,
    )
    const before = await count()
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL')
    expect(await Promise.all(held)).toEqual([null, null])
    const served = await eventually(
      () => ask(program, chat('slots')).catch(() => undefined),
      (answer) => answer?.status === 200,
    )
    expect(served?.status).toBe(200)
    expect(pids).not.toContain(served?.pid)
    await askAnother(program, chat('free'), [served?.pid ?? ''])
    expect(await count()).toBeGreaterThanOrEqual(before)
    expect(program.stderr()).toContain('It is replaced')
  })

  it('let their answers end when the program stops, and end streams that follow the requests', async () => {
    const followers = await Promise.all(
      Array.from({ length: 4 }, () => followRequests(program, '?deployment=limited')),
    )
    for (const { until } of followers) await until((text) => text.includes(': open'))
    const followed = Promise.all(followers.map(({ until }) => until(() => false)))
    const connections = await connectToBoth(program.port, withKey(chat('free')), 2)
    let answers: Answer[] = []
    // On a busy machine answers may be over before anybody has seen that they run: then slower ones are asked for.
    for (let delayMs = 600; answers.length === 0; delayMs *= 2) {
      let areOver = false
      const running = sendAll(connections, chat('free', {}, { 'x-sim-delay-ms': String(delayMs) }))
      void running.then(() => (areOver = true))
      const inFlight = await eventually(
        () => requestsInFlight(program),
        (count) => count === 4 || areOver,
      )
      if (inFlight === 4) program.signal('SIGTERM')
      const ended = await running
      if (inFlight === 4) answers = ended
    }
    expect(statuses(answers)).toEqual({ 200: 4 })
    expect(pidsOf(answers).length).toBe(2)
    expect(await followed).toEqual(followers.map(() => ': open\n\n'))
    const { code } = await program.end
    expect(code).toBe(0)
    expect(pidsOf(answers).filter(isAlive)).toEqual([])
  })
})

describe('replay with an admin key', () => {
  const path = '/v1/chat/completions'
  const adminKey = 'admin-key-0123456789'
  let program: RunningProgram

  beforeAll(async () => {
    const repeated = ['one', 'two', 'three', 'four'].map((answer) => cassetteItem('{}', answer))
    program = await startProgram({
      args: ['--workers', '2'],
      files: {
        'pid.mjs': pidExtension,
        'a.yaml': cassette(...repeated),
        'b.yaml': cassette(cassetteItem('{"unused":1}', 'x')),
      },
      env: {
        EXTENSION_PATH: './pid.mjs',
        SIMULATOR_MODE: 'replay',
        RECORDING_DIR: '.',
        REPLAY_STRICT: 'true',
        ADMIN_API_KEY: adminKey,
        METRICS_AUTH: 'key',
      },
    })
  })
  afterAll(() => program[Symbol.asyncDispose]())

  it('requires that key for the admin API, and for the metrics if configured', async () => {
    const statusOf = async (page: string, key: string): Promise<number> =>
      (await fetch(program.url + page, { headers: { authorization: `Bearer ${key}` } })).status
    for (const page of ['/++/config', '/metrics']) {
      expect(await statusOf(page, adminKey)).toBe(200)
      expect(await statusOf(page, programKey)).toBe(401)
    }
  })

  it('replays the recordings of a request in the order of one process, and reports unused recordings at the end', async () => {
    const answers: Answer[] = []
    while (answers.length < 4 || pidsOf(answers).length < 2) {
      answers.push(await ask(program, { path, body: '{}' }))
    }
    expect(answers.slice(0, 4).map(({ body }) => body)).toEqual(['one', 'two', 'three', 'four'])
    expect(new Set(answers.slice(4).map(({ body }) => body)).size).toBeLessThanOrEqual(1)
    const { code, stderr } = await program.stop()
    expect(code).toBe(1)
    expect(stderr).toContain('1 recording was never used')
    expect(stderr).toMatch(/b\.yaml:2\n$/)
  })
})

describe('stopping', () => {
  it('is immediate after a second signal, and when the primary dies', async () => {
    await using program = await startProgram(options)
    const first = await ask(program, chat('free'))
    const second = await askAnother(program, chat('free'), [first.pid])
    const held = ask(program, chat('free', {}, { 'x-sim-delay-ms': '60000' })).catch(() => null)
    await eventually(
      () => requestsInFlight(program),
      (count) => count === 1,
    )
    program.signal('SIGINT')
    await eventually(
      () => Promise.resolve(program.stdout()),
      (text) => text.includes('Stopping'),
    )
    program.signal('SIGINT')
    expect((await program.end).code).toBe(null)
    expect(await held).toBe(null)
    const alive = await eventually(
      () => Promise.resolve([first.pid, second.pid].filter(isAlive)),
      (pids) => pids.length === 0,
    )
    expect(alive).toEqual([])
  })
})
