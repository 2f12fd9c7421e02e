import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  eventually,
  programKey,
  type ProgramOptions,
  type RunningProgram,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'
import { RawConnection, type RawRequest, type RawResponse, sendRaw } from '../support/raw-http.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { connectToBoth, pidExtension, pidsOf } from '../support/worker-answers.ts'

const deployments = {
  tokens: { model: 'gpt-4o', tokensPerMinute: 20_000, requestsPerMinute: 60_000 },
  requests: {
    model: 'gpt-4o',
    tokensPerMinute: 10_000_000,
    requestsPerMinute: 30,
    requestsSliceSeconds: 60,
  },
  wide: { model: 'gpt-4o', tokensPerMinute: 100_000_000, requestsPerMinute: 6_000_000 },
  slots: { model: 'gpt-4o', latency: { concurrency: { slots: 3, queueLength: 0, queueTimeoutMs: 1_000 } } },
}

const options = (more: ProgramOptions = {}): ProgramOptions => ({
  deployments,
  ...more,
  files: { 'pid.mjs': pidExtension },
  env: {
    EXTENSION_PATH: './pid.mjs',
    LATENCY_TIME_SCALE: '1',
    LATENCY_PROFILE: 'off',
    LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '0',
    LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
    ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false',
    // A long timeout, so that a busy machine does not count as an outage. A killed Redis is detected immediately.
    REDIS_TIMEOUT_MS: '30000',
    ...more.env,
  },
})

const headers = { 'api-key': programKey, 'Content-Type': 'application/json' }
const chat = (deployment: string, moreHeaders: Readonly<Record<string, string>> = {}): RawRequest => ({
  path: `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
  headers: { ...headers, ...moreHeaders },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 }),
})

const admitted = (answers: readonly RawResponse[]): number =>
  answers.filter(({ status }) => status === 200).length

/** Sends requests over connections, one after the other on each, and closes them. */
const sendOver = async (
  connections: readonly RawConnection[],
  request: RawRequest,
  each: number,
): Promise<RawResponse[]> => {
  const one = async (connection: RawConnection): Promise<RawResponse[]> => {
    const answers: RawResponse[] = []
    for (let sent = 0; sent < each; sent++) answers.push(await connection.send(request))
    connection.socket.destroy()
    return answers
  }
  return (await Promise.all(connections.map(one))).flat()
}

/** Sends them over so many connections, which any worker may take. */
const drive = async (
  { port }: RunningProgram,
  request: RawRequest,
  { connections, each }: { readonly connections: number; readonly each: number },
): Promise<RawResponse[]> => {
  const open = Array.from({ length: connections }, () => RawConnection.open(port))
  return sendOver(await Promise.all(open), request, each)
}

/** This many requests, each over a separate connection, until both workers have answered some. */
const askBothWorkers = async (program: RunningProgram, request: RawRequest): Promise<RawResponse[]> => {
  const answers: RawResponse[] = []
  while (pidsOf(answers).length < 2) {
    answers.push(...(await drive(program, request, { connections: 6, each: 1 })))
  }
  return answers
}

const admin = (program: RunningProgram, method: string, path: string, body?: object): Promise<RawResponse> =>
  sendRaw(program.port, { method, path, headers, ...(body && { body: JSON.stringify(body) }) })

const metricLines = async (program: RunningProgram, name: string): Promise<string[]> => {
  const { body } = await sendRaw(program.port, { method: 'GET', path: '/metrics', headers })
  return body.split('\n').filter((line) => line.startsWith(name))
}

const metric = async (program: RunningProgram, name: string): Promise<number> => {
  const lines = await metricLines(program, name)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

const { isMissing, note } = redisNeed

describe.skipIf(isMissing)(`two replicas of two workers each, against a Redis server${note}`, () => {
  let server: RedisServer
  let replicas: RunningProgram[] = []
  const both = async <T>(ask: (replica: RunningProgram) => Promise<T>): Promise<T[]> =>
    Promise.all(replicas.map(ask))
  const replica = (index: number): RunningProgram => replicas[index] as RunningProgram
  const reset = async (): Promise<void> => {
    expect((await admin(replica(0), 'POST', '/++/reset')).status).toBe(200)
  }

  beforeAll(async () => {
    server = await startRedisServer()
    const start = (): Promise<RunningProgram> =>
      startProgram(
        options({ args: ['--workers', '2'], env: { REDIS_URL: server.url, JOURNAL_SIZE: '1000' } }),
      )
    replicas = await Promise.all([start(), start()])
  })
  afterAll(async () => {
    await both(async (program) => program[Symbol.asyncDispose]())
    await server?.remove()
  })

  it('admit together as much as one process, within 2 %', async () => {
    await using alone = await startInProcess(options())
    const single = await drive(alone, chat('tokens'), { connections: 16, each: 25 })
    const open = await both(({ port }) => connectToBoth(port, chat('wide'), 4))
    const together = await sendOver(open.flat(), chat('tokens'), 25)
    expect(admitted(single)).toBeGreaterThan(150)
    expect(admitted(single)).toBeLessThan(250)
    expect(pidsOf(together)).toHaveLength(4)
    const difference = Math.abs(admitted(together) - admitted(single))
    expect(difference / admitted(single)).toBeLessThan(0.02)
    expect(await both((program) => metric(program, 'aoai_shared_state_fallbacks_total'))).toEqual([0, 0])
  })

  it('each show the sum of their workers, and Redis once', async () => {
    const count = async (): Promise<number> => {
      const counts = await both((program) => metric(program, 'aoai_requests_total{deployment="wide"'))
      return counts.reduce((sum, each) => sum + each, 0)
    }
    const before = await count()
    const answers = (await both((program) => askBothWorkers(program, chat('wide')))).flat()
    expect(pidsOf(answers)).toHaveLength(4)
    const after = await eventually(count, (now) => now === before + answers.length)
    expect(after - before).toBe(answers.length)
    const gauges = await both((program) => metricLines(program, 'aoai_shared_state_up'))
    expect(gauges).toEqual([['aoai_shared_state_up 1'], ['aoai_shared_state_up 1']])
  })

  it('apply a change of one worker in every worker, and reset together', async () => {
    expect((await admin(replica(0), 'PUT', '/++/deployments/new', { model: 'gpt-4o' })).status).toBe(201)
    const follow = async (status: number): Promise<number[]> => {
      const answers = await eventually(
        () => askBothWorkers(replica(1), chat('new')),
        (some) => some.every((answer) => answer.status === status),
      )
      return [...new Set(answers.map((answer) => answer.status))]
    }
    expect(await follow(200)).toEqual([200])

    await drive(replica(1), chat('requests'), { connections: 1, each: 30 })
    expect(admitted(await askBothWorkers(replica(0), chat('requests')))).toBe(0)
    await reset()
    expect(await follow(404)).toEqual([404])
    const afterwards = (await both((program) => askBothWorkers(program, chat('requests')))).flat()
    expect(admitted(afterwards)).toBe(Math.min(30, afterwards.length))
  })

  it('find the responses of each other as soon as a client has read them', async () => {
    const path = '/openai/v1/responses'
    const create = async (program: RunningProgram, more: object): Promise<string> => {
      const body = JSON.stringify({ model: 'wide', input: 'Hi', max_output_tokens: 20, ...more })
      const answer = await sendRaw(program.port, { path, headers, body })
      return /"id": ?"(resp_\w+)"/.exec(answer.body)?.[1] ?? answer.body
    }
    for (const stream of [false, true]) {
      const id = await create(replica(0), { stream })
      const get: RawRequest = { method: 'GET', path: `${path}/${id}`, headers }
      for (const program of replicas) {
        const reads = await drive(program, get, { connections: 6, each: 1 })
        expect(new Set(reads.map(({ body }) => (JSON.parse(body) as { status: string }).status))).toEqual(
          new Set(['incomplete']),
        )
      }
      expect(await create(replica(1), { previous_response_id: id })).toMatch(/^resp_/)
      expect((await admin(replica(1), 'DELETE', `${path}/${id}`)).status).toBe(200)
      const gone = await drive(replica(0), get, { connections: 6, each: 1 })
      expect(new Set(gone.map(({ status }) => status))).toEqual(new Set([404]))
    }
  })

  it('share one set of slots', async () => {
    const slow = chat('slots', { 'x-sim-delay-ms': '60000' })
    const inWork = async (): Promise<number> => {
      const counts = await both((program) => metric(program, 'aoai_deployment_requests_in_work'))
      return counts.reduce((sum, each) => sum + each, 0)
    }
    const open = await Promise.all([0, 0, 1].map((index) => RawConnection.open(replica(index).port)))
    const held = open.map((connection) => connection.send(slow).catch(() => undefined))
    expect(await eventually(inWork, (count) => count === 3)).toBe(3)
    const refused = (await both((program) => askBothWorkers(program, chat('slots')))).flat()
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))
    open[2]?.socket.destroy()
    expect(await eventually(inWork, (count) => count === 2)).toBe(2)
    expect(admitted(await drive(replica(0), chat('slots'), { connections: 1, each: 1 }))).toBe(1)
    for (const { socket } of open) socket.destroy()
    await Promise.all(held)
    expect(await eventually(inWork, (count) => count === 0)).toBe(0)
  })

  it('share one journal, which includes every answer that a client has read', async () => {
    const entriesAt = async (program: RunningProgram, client: string): Promise<unknown[]> => {
      const { body } = await admin(program, 'GET', `/++/requests?client=${client}`)
      return (JSON.parse(body) as { requests: unknown[] }).requests
    }
    for (let round = 0; round < 6; round++) {
      const request = chat('wide', { 'x-sim-test': `round-${round}` })
      const answers = (await both((program) => askBothWorkers(program, request))).flat()
      expect(await entriesAt(replica(round % 2), `round-${round}`)).toHaveLength(answers.length)
    }
  })

  it('release the slots of a killed worker', async () => {
    await reset()
    const slow = chat('requests', { 'x-sim-delay-ms': '60000' })
    const held = Array.from({ length: 30 }, () => sendRaw(replica(0).port, slow).catch(() => undefined))
    await eventually(
      () => metric(replica(0), 'aoai_requests_in_flight'),
      (count) => count === 30,
    )
    expect(admitted(await askBothWorkers(replica(1), chat('requests')))).toBe(0)
    const workers = pidsOf(await askBothWorkers(replica(0), chat('wide')))
    for (const pid of workers) process.kill(Number(pid), 'SIGKILL')
    expect(new Set(await Promise.all(held))).toEqual(new Set([undefined]))
    await eventually(
      () => drive(replica(0), chat('wide'), { connections: 1, each: 1 }).catch(() => []),
      (answers) => answers.length === 1,
    )
    // Requests stay counted in any case. Only their tokens are returned.
    expect(admitted(await askBothWorkers(replica(1), chat('requests')))).toBe(0)
    await reset()
    expect(admitted(await drive(replica(0), chat('requests'), { connections: 1, each: 40 }))).toBe(30)
  })

  it('answer every request when Redis is killed during them, and are shared by all workers again afterwards', async () => {
    await reset()
    const run = both((program) => drive(program, chat('wide'), { connections: 6, each: 150 }))
    await eventually(
      () => metric(replica(0), 'aoai_requests_total{deployment="wide"'),
      (count) => count > 100,
    )
    await server.kill()
    const answers = (await run).flat()
    expect(answers).toHaveLength(2 * 6 * 150)
    expect(admitted(answers)).toBe(answers.length)
    const up = async (value: number): Promise<number[]> =>
      eventually(
        () => both((program) => metric(program, 'aoai_shared_state_up')),
        (gauges) => gauges.every((gauge) => gauge === value),
      )
    expect(await up(0)).toEqual([0, 0])
    // Limits of each replica's own, which its workers have together.
    const local = await both((program) => drive(program, chat('requests'), { connections: 8, each: 8 }))
    expect(local.map(admitted)).toEqual([30, 30])

    await server.start()
    expect(await up(1)).toEqual([1, 1])
    const shared = await both((program) => drive(program, chat('requests'), { connections: 8, each: 8 }))
    expect(admitted(shared.flat())).toBe(30)
    for (const program of replicas) {
      expect(program.stderr()).toContain('Redis does not answer')
      expect(program.stderr()).toContain('Redis is back')
      expect(program.stderr()).not.toContain('redis://')
    }
  })
})
