import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programKey, type RunningProgram, startInProcess, startProgram } from '../support/built-program.ts'
import { sendRaw, type RawResponse } from '../support/raw-http.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const entry = (name: string) => ({
  keys: [`${name}-key`],
  deployments: {
    chat: { model: 'gpt-4o', tokensPerMinute: 1_500, requestsPerMinute: 600, requestsSliceSeconds: 60 },
    one: { model: 'gpt-4o', requestsPerMinute: 1, requestsSliceSeconds: 60 },
    free: { model: 'gpt-4o' },
  },
})
const long = 'the quick brown fox jumps over '.repeat(300)

const send = async (
  { port }: RunningProgram,
  method: string,
  path: string,
  key: string,
  body?: object,
): Promise<RawResponse> => {
  const headers = { 'api-key': key, 'Content-Type': 'application/json' }
  return sendRaw(port, { method, path, headers, ...(body && { body: JSON.stringify(body) }) })
}

const admin = async (program: RunningProgram, method: string, path: string, body?: object): Promise<number> =>
  (await send(program, method, path, programKey, body)).status

const chat = async (
  program: RunningProgram,
  resource: string,
  deployment: string,
  maxTokens = 100,
): Promise<RawResponse> =>
  send(
    program,
    'POST',
    `/${resource}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
    `${resource}-key`,
    { messages: [{ role: 'user', content: 'Hello' }], max_tokens: maxTokens },
  )

const remaining = ({ headers }: RawResponse): number =>
  Number(headers.find(([name]) => name.toLowerCase() === 'x-ratelimit-remaining-tokens')?.[1])

/** Sends requests one after another, to one program after another. */
const statusesOf = async (
  programs: readonly RunningProgram[],
  count: number,
  ask: (program: RunningProgram) => Promise<RawResponse>,
): Promise<Record<number, number>> => {
  const counts: Record<number, number> = {}
  for (let number = 0; number < count; number++) {
    const program = programs[number % programs.length]
    if (!program) throw new Error('No program runs.')
    const { status } = await ask(program)
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

/** Rules of two resources with equal deployments, in programs that act as one simulator. */
const itSeparatesResources = (programs: () => readonly [RunningProgram, ...RunningProgram[]]): void => {
  // The answer of a page waits until all workers have the state of their primary.
  const haveStatus = async (program: RunningProgram, resource: string, status: number): Promise<void> => {
    await expect
      .poll(() => admin(program, 'GET', `/++/resources/${resource}`), { timeout: 10_000 })
      .toBe(status)
  }
  const create = async (...names: string[]): Promise<void> => {
    const [first, ...others] = programs()
    for (const name of names)
      expect(await admin(first, 'PUT', `/++/resources/${name}`, entry(name))).toBe(201)
    for (const other of others) await haveStatus(other, names.at(-1) ?? '', 200)
  }

  it('has one limit for each resource, of which a sibling uses nothing', async () => {
    await create('acme', 'beta')
    const [first] = programs()
    // Each request is charged about 100 tokens of 1,500.
    const counts = await statusesOf(programs(), 24, (program) => chat(program, 'acme', 'chat'))
    expect(counts[429]).toBeGreaterThanOrEqual(24 - 15)
    expect(counts[200]).toBeGreaterThanOrEqual(12)
    const other = await chat(first, 'beta', 'chat')
    expect([other.status, remaining(other)]).toEqual([200, expect.any(Number)])
    expect(remaining(other)).toBeGreaterThan(1_300)
    expect(await statusesOf(programs(), 6, (program) => chat(program, 'acme', 'one'))).toEqual({
      200: 1,
      429: 5,
    })
    expect(await statusesOf(programs(), 6, (program) => chat(program, 'beta', 'one'))).toEqual({
      200: 1,
      429: 5,
    })
  })

  it('finds a response only in its resource', async () => {
    await create('east', 'west')
    const [first] = programs()
    const made = await send(first, 'POST', '/east/openai/v1/responses', 'east-key', {
      model: 'free',
      input: long,
    })
    const { id } = JSON.parse(made.body) as { id: string }
    const find = (resource: string) => (program: RunningProgram) =>
      send(program, 'GET', `/${resource}/openai/v1/responses/${id}`, `${resource}-key`)
    expect(await statusesOf(programs(), 6, find('east'))).toEqual({ 200: 6 })
    expect(await statusesOf(programs(), 6, find('west'))).toEqual({ 404: 6 })
  })

  it('gives a resource that is created again nothing of the previous one', async () => {
    await create('north')
    const [first] = programs()
    expect(await statusesOf(programs(), 4, (program) => chat(program, 'north', 'one'))).toEqual({
      200: 1,
      429: 3,
    })
    const made = await send(first, 'POST', '/north/openai/v1/responses', 'north-key', {
      model: 'free',
      input: 'Hi',
    })
    const { id } = JSON.parse(made.body) as { id: string }
    expect(await admin(first, 'DELETE', '/++/resources/north')).toBe(204)
    for (const program of programs()) {
      await haveStatus(program, 'north', 404)
      expect((await chat(program, 'north', 'free')).status).toBe(401)
    }
    await create('north')
    expect(await statusesOf(programs(), 4, (program) => chat(program, 'north', 'one'))).toEqual({
      200: 1,
      429: 3,
    })
    const find = (program: RunningProgram) =>
      send(program, 'GET', `/north/openai/v1/responses/${id}`, 'north-key')
    expect(await statusesOf(programs(), 4, find)).toEqual({ 404: 4 })
  })
}

describe.each([1, 2])('resources in a program with WORKERS=%i', (workers) => {
  let program: RunningProgram
  beforeAll(async () => {
    const start = workers === 1 ? startInProcess : startProgram
    program = await start({ args: ['--workers', String(workers)] })
  }, 60_000)
  afterAll(() => program.stop())
  itSeparatesResources(() => [program])

  it('have separate series in the metrics of all processes', async () => {
    const { body } = await send(program, 'GET', '/metrics', programKey)
    const lines = body.split('\n').filter((line) => /^aoai_requests_total\{.*deployment="one"/.test(line))
    const name = (resource: string, status: number) =>
      `aoai_requests_total{resource="${resource}",deployment="one",operation="chatCompletions",status="${status}"}`
    expect(lines).toEqual(
      expect.arrayContaining([
        `${name('acme', 429)} 5`,
        `${name('beta', 429)} 5`,
        `${name('north', 200)} 1`,
        `${name('north', 429)} 3`,
      ]),
    )
  })
})

describe.skipIf(redisNeed.isMissing)(`resources in two programs with Redis${redisNeed.note}`, () => {
  let server: RedisServer
  let programs: [RunningProgram, RunningProgram]
  beforeAll(async () => {
    server = await startRedisServer()
    const env = { REDIS_URL: server.url, REDIS_PREFIX: 'resources:' }
    programs = [await startInProcess({ env }), await startProgram({ env, args: ['--workers', '2'] })]
  }, 90_000)
  afterAll(async () => {
    for (const program of programs) await program.stop()
    await server.remove()
  })
  itSeparatesResources(() => programs)
})
