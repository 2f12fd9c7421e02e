import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, type RunningProgram, startInProcess, startProgram } from '../support/built-program.ts'
import { sendRaw } from '../support/raw-http.ts'
import { redisNeed, startRedisServer } from '../support/redis-server.ts'
import { twinAdminToken, type TwinApi, twinApiOf, type TwinResponse } from '../support/twin-api.ts'

const env = { TWIN_PLANE: 'on', TWIN_ADMIN_TOKEN: twinAdminToken, JOURNAL_SIZE: '0' }
const chat = {
  path: '/acme/openai/deployments/chat/chat/completions?api-version=2024-10-21',
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }),
}

function twinOf({ url }: RunningProgram): TwinApi {
  return twinApiOf((path, init) => fetch(`${url}${path}`, init))
}

/** Statuses of concurrent requests, each over a separate connection, so that all workers get some. */
async function statusesOf({ port }: RunningProgram, key: string, count = 30): Promise<number[]> {
  const headers = { 'api-key': key, 'content-type': 'application/json' }
  const answers = await Promise.all(Array.from({ length: count }, () => sendRaw(port, { ...chat, headers })))
  return [...new Set(answers.map(({ status }) => status))]
}

describe('/_twin with workers and CONFIG_STORE', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twin-'))
  const options = {
    args: ['--workers', '2'],
    env: { ...env, CONFIG_STORE: `file:${join(folder, 'changes.json')}` },
  }
  let program: RunningProgram
  beforeAll(async () => {
    program = await startProgram(options)
  })
  afterAll(async () => {
    await program.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('changes all workers before it answers', async () => {
    const { ask, resource, tenant } = twinOf(program)
    const own = await tenant()
    for (let round = 0; round < 3; round++) {
      const { key, keyId } = await resource('acme', own)
      expect(await statusesOf(program, key)).toEqual([200])
      expect((await ask('DELETE', `/_twin/resources/acme/api_keys/${keyId}`, own)).status).toBe(200)
      expect(await statusesOf(program, key)).toEqual([401])
      await ask('DELETE', '/_twin/resources/acme', own)
      expect(await statusesOf(program, key)).toEqual([401])
    }
  })

  it('lists the records of all workers', async () => {
    const { ask, resource, tenant } = twinOf(program)
    const own = await tenant()
    const { key } = await resource('acme', own)
    await statusesOf(program, key, 40)
    await statusesOf(program, 'wrong', 10)
    const { logs } = (await ask('GET', '/_twin/logs?limit=1000', own)).body
    const operations: string[] = logs.map((log: { operation: string }) => log.operation)
    expect(operations.filter((operation) => operation === 'data.chat.completion')).toHaveLength(40)
    expect(operations.filter((operation) => operation === 'auth.api_key.validate')).toHaveLength(10)
    expect(new Set(logs.map((log: { correlation_id: string }) => log.correlation_id)).size).toBe(logs.length)
    expect(JSON.stringify(logs)).not.toContain(key)
    await ask('POST', '/_twin/reset', 'admin')
  })

  it('creates a resource once, when 20 clients create it at the same time', async () => {
    const { ask, tenant } = twinOf(program)
    const own = await tenant()
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { status } = await ask('POST', '/_twin/resources', own, { resource_id: 'race' })
        return status
      }),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array(19).fill(409)])
    expect((await ask('GET', '/_twin/resources', own)).body.resources[0].base_url).toBe(`${program.url}/race`)
  })

  it('refuses large and invalid bodies', async () => {
    const { ask, tenant } = twinOf(program)
    const own = await tenant()
    for (const [body, status] of [
      ['[]', 400],
      ['{', 400],
      ['x'.repeat(2 * 1024 * 1024), 413],
    ] as const)
      expect((await ask('POST', '/_twin/resources', own, body)).status).toBe(status)
  })

  // The last one, because it stops the program.
  it('has all tenants, resources, keys, deployments and feedback after a restart', async () => {
    const { ask, resource, tenant } = twinOf(program)
    const own = await tenant()
    const { key } = await resource('acme', own)
    await ask('POST', '/_twin/resources', own, { resource_id: 'named', friendly_name: 'Named' })
    await ask('POST', '/_twin/resources/acme/deployments', own, {
      model: 'gpt-4o',
      deployment_id: 'd',
      friendly_name: 'D',
    })
    await ask('POST', '/_twin/feedback', own, { body: 'x' })
    const paths = [
      'resources',
      'resources/acme/api_keys',
      'resources/acme/deployments',
      'feedback',
      'tenants',
    ]
    const stateOf = async (running: RunningProgram): Promise<string[]> =>
      Promise.all(
        paths.map(async (path) =>
          (await twinOf(running).ask('GET', `/_twin/${path}`, own)).text.replaceAll(running.url, ''),
        ),
      )
    const before = await stateOf(program)
    const stored = readFileSync(join(folder, 'changes.json'), 'utf8')
    await program.stop()
    expect(stored).not.toContain(key)
    expect(stored).not.toContain(own.tenant_secret)
    await using second = await startProgram(options)
    expect(await stateOf(second)).toEqual(before)
    expect(before.join()).toContain('"friendly_name":"Named"')
    expect(await statusesOf(second, key)).toEqual([200])
    expect((await twinOf(second).ask('DELETE', '/_twin/resources/acme', own)).status).toBe(200)
    expect(await statusesOf(second, key)).toEqual([401])
  })
})

describe.skipIf(redisNeed.isMissing)(`/_twin with Redis${redisNeed.note}`, () => {
  it('has one state in all simulators', async () => {
    const redis = await startRedisServer()
    try {
      const options = { env: { ...env, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '30000' } }
      await using first = await startInProcess(options)
      await using second = await startInProcess(options)
      const [one, two] = [twinOf(first), twinOf(second)]
      const own = await one.tenant()
      const list = (): Promise<TwinResponse> => two.ask('GET', '/_twin/resources', own)
      expect(await eventually(list, ({ status }) => status === 200)).toMatchObject({
        body: { resources: [] },
      })
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const { ask } = index % 2 === 0 ? one : two
          return (await ask('POST', '/_twin/resources', own, { resource_id: 'acme' })).status
        }),
      )
      expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array(19).fill(409)])
      const { key, keyId } = await one.resource('acme', own)
      const isAnswered =
        (status: number) =>
        ([found]: readonly number[]) =>
          found === status
      expect(await eventually(() => statusesOf(second, key, 1), isAnswered(200))).toEqual([200])
      await two.ask('DELETE', `/_twin/resources/acme/api_keys/${keyId}`, own)
      expect(await statusesOf(second, key, 1)).toEqual([401])
      expect(await eventually(() => statusesOf(first, key, 1), isAnswered(401))).toEqual([401])
    } finally {
      await redis.remove()
    }
  })
})
