import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { RedisDocuments } from '../../src/shared/redis/redis-documents.ts'
import { type StartedSimulator, startSimulator } from '../../src/server/start-simulator.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { silentLogger } from '../support/test-logger.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'

interface Answer {
  readonly status: number
  readonly json: {
    readonly id: string
    readonly status: string
    readonly previous_response_id?: string
    readonly data?: readonly { readonly id: string }[]
    readonly error?: { readonly message: string; readonly code: string | null }
  }
}

describe.skipIf(redisNeed.isMissing)(`stored responses against a Redis server${redisNeed.note}`, () => {
  let server: RedisServer
  let prefixes = 0
  const started: StartedSimulator[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterEach(async () => {
    for (const { simulator } of started.splice(0)) await simulator.close()
  })
  afterAll(() => server.remove())

  const start = async (env: Record<string, string> = {}): Promise<StartedSimulator[]> => {
    const prefix = `test-${++prefixes}:`
    const one = async (): Promise<StartedSimulator> => {
      const live = loadLiveConfig({
        flags: {},
        env: {
          SIMULATOR_API_KEY: testKey,
          LATENCY_TIME_SCALE: '0',
          REDIS_URL: server.url,
          REDIS_PREFIX: prefix,
          REDIS_TIMEOUT_MS: '30000',
          ...env,
        },
        workingDirectory: '/',
        readFile: filesInMemory({}),
      })
      const parts = {
        clock: createSystemClock(),
        logger: silentLogger,
        extensions: [],
        workingDirectory: '/',
      }
      const simulator = await startSimulator(live, parts)
      started.push(simulator)
      return simulator
    }
    return [await one(), await one()]
  }
  const ask = async (
    { app }: StartedSimulator,
    method: string,
    rest: string,
    body?: object,
  ): Promise<Answer> => {
    const response = await app.request(`${path}${rest}`, {
      method,
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, json: (await response.json()) as Answer['json'] }
  }
  const create = (simulator: StartedSimulator, more: object = {}): Promise<Answer> =>
    ask(simulator, 'POST', '', { model: 'gpt-4o', input: 'Hi', max_output_tokens: 20, ...more })
  const both = async (env?: Record<string, string>): Promise<[StartedSimulator, StartedSimulator]> =>
    (await start(env)) as [StartedSimulator, StartedSimulator]

  it('can be read, listed, continued and deleted on any simulator', async () => {
    const [here, there] = await both()
    const made = await create(here)
    const { id } = made.json
    expect(await ask(there, 'GET', `/${id}`)).toEqual(made)
    const items = await ask(here, 'GET', `/${id}/input_items`)
    expect(await ask(there, 'GET', `/${id}/input_items`)).toEqual(items)
    expect(items.json.data).toHaveLength(1)

    const next = await create(there, { previous_response_id: id })
    expect(next).toMatchObject({ status: 200, json: { previous_response_id: id } })
    const referring = { input: [{ type: 'item_reference', id: items.json.data?.[0]?.id }] }
    expect((await create(there, referring)).status).toBe(200)

    expect((await ask(there, 'DELETE', `/${id}`)).status).toBe(200)
    for (const simulator of [here, there]) {
      expect((await ask(simulator, 'GET', `/${id}`)).status).toBe(404)
      expect((await create(simulator, { previous_response_id: id })).status).toBe(400)
    }
    expect((await ask(here, 'GET', `/${next.json.id}`)).status).toBe(200)
  })

  it('can be read as a stream with the same events on any simulator', async () => {
    const [here, there] = await both()
    const send = async (
      { app }: StartedSimulator,
      method: string,
      rest: string,
      body?: object,
    ): Promise<string> => {
      const headers = { 'api-key': testKey, 'content-type': 'application/json' }
      const sent = body && { body: JSON.stringify(body) }
      return (await app.request(`${path}${rest}`, { method, headers, ...sent })).text()
    }
    for (const background of [false, true]) {
      const request = { model: 'gpt-4o', input: 'Hi', max_output_tokens: 20, stream: true, background }
      const streamed = await send(here, 'POST', '', request)
      const id = /"id":"(resp_\w+)"/.exec(streamed)?.[1] ?? ''
      for (const simulator of [here, there]) {
        expect(await send(simulator, 'GET', `/${id}?stream=true`)).toBe(streamed)
        const rest = await send(simulator, 'GET', `/${id}?stream=true&starting_after=4`)
        expect(streamed.endsWith(rest) && rest.includes('"sequence_number":5')).toBe(true)
      }
    }
  })

  it('do not exist if the client set store to false', async () => {
    const [here, there] = await both()
    const { json } = await create(here, { store: false })
    expect((await ask(there, 'GET', `/${json.id}`)).status).toBe(404)
  })

  it('can be cancelled on any simulator while they run in the background', async () => {
    const [here, there] = await both({ LATENCY_TIME_SCALE: '1000' })
    const { json } = await create(here, { background: true })
    expect(json.status).toBe('queued')
    expect((await ask(there, 'GET', `/${json.id}`)).json.status).toBe('queued')
    expect((await ask(there, 'POST', `/${json.id}/cancel`)).json.status).toBe('cancelled')
    expect((await ask(here, 'GET', `/${json.id}`)).json.status).toBe('cancelled')
  })

  it('are completed immediately in the background when latency is off', async () => {
    const [here, there] = await both()
    const { json } = await create(here, { background: true })
    expect((await ask(there, 'GET', `/${json.id}`)).json.status).toBe('incomplete')
  })

  it('are removed for all simulators when one of them is reset', async () => {
    const [here, there] = await both()
    const { json } = await create(here)
    await there.simulator.reset()
    expect((await ask(there, 'GET', `/${json.id}`)).status).toBe(404)
    expect((await ask(here, 'GET', `/${json.id}`)).status).toBe(404)
    const after = await create(here)
    expect((await ask(there, 'GET', `/${after.json.id}`)).status).toBe(200)
  })

  it('are limited by number and bytes, and the newest ones are kept', async () => {
    const replica = await startReplica({ url: server.url, redis: { timeoutMs: 30_000 } })
    const documents = new RedisDocuments(replica.connection, 'bounds:', 'x', { documents: 3, bytes: 100 })
    const names = ['a', 'b', 'c', 'd', 'e']
    const kept = async (): Promise<string[]> => {
      const found = await Promise.all(names.map(async (name) => (await documents.get(name)) && name))
      return found.filter((name) => name !== undefined)
    }
    for (const name of ['a', 'b', 'c', 'd']) await documents.put(name, { fixed: 'x', changing: 'y' })
    expect(await kept()).toEqual(['b', 'c', 'd'])
    await documents.remove('c')
    await documents.put('e', { fixed: 'x', changing: 'y' })
    expect(await kept()).toEqual(['b', 'd', 'e'])
    await documents.change('d', 'z'.repeat(50))
    await documents.put('e', { fixed: 'x'.repeat(47), changing: 'y' })
    expect(await kept()).toEqual(['d', 'e'])
    await documents.change('unknown', 'z')
    expect(await documents.put('a', { fixed: 'x'.repeat(600_000), changing: 'y' })).toBe(false)
    expect(await replica.connection.send(['HGET', 'bounds:{x}:documents', '#bytes'])).toBe('99')
    await documents.clear()
    expect(await kept()).toEqual([])
    replica.close()
  })

  it('are local while Redis is down: each simulator returns its own and 404 for others', async () => {
    const [here, there] = await both()
    const before = await create(here)
    await server.kill()
    const during = await create(here)
    expect(during.status).toBe(200)
    for (const { json } of [before, during]) {
      expect((await ask(here, 'GET', `/${json.id}`)).json).toEqual(json)
      const unknown = await ask(there, 'GET', `/${json.id}`)
      expect(unknown.status).toBe(404)
      expect(unknown.json.error?.message).toContain(json.id)
    }
    await server.start()
    for (const { simulator } of [here, there]) {
      const isUp = async (): Promise<boolean> =>
        /^aoai_shared_state_up 1$/m.test(await simulator.metrics.render())
      await expect.poll(isUp, { timeout: 15_000 }).toBe(true)
    }
    expect((await ask(here, 'GET', `/${during.json.id}`)).status).toBe(200)
    const after = await create(here)
    expect((await ask(there, 'GET', `/${after.json.id}`)).status).toBe(200)
  })
})
