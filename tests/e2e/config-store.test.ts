import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  eventually,
  programKey,
  type RunningProgram,
  runInProcess,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'

const deployment = { model: 'gpt-4o', tokens_per_minute: 1_000 }

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'aoai-store-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

type Start = typeof startProgram

const start = (how: Start, dir: string, args: readonly string[] = []): Promise<RunningProgram> =>
  how({ args, env: { CONFIG_STORE: `file:${join(dir, 'changes.json')}` } })

async function send(
  program: RunningProgram,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return fetch(`${program.url}${path}`, {
    method,
    headers: { 'api-key': programKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const health = async (program: RunningProgram): Promise<unknown> =>
  (await send(program, 'GET', '/healthz')).json()

const pendingOf = async (program: RunningProgram): Promise<string | undefined> =>
  /^aoai_config_store_pending (\d+)$/m.exec(await (await send(program, 'GET', '/metrics')).text())?.[1]

async function namesOf(program: RunningProgram): Promise<string[]> {
  const config = (await (await send(program, 'GET', '/++/config')).json()) as { openai_deployments: object }
  return Object.keys(config.openai_deployments)
}

const stored = (dir: string): { changes: { put: Record<string, unknown> } } =>
  JSON.parse(readFileSync(join(dir, 'changes.json'), 'utf8'))

// The log of this process is not caught; an integration test reads it.
describe.each<[string, Start, readonly string[], RegExp]>([
  ['one process', startInProcess, [], /^$/],
  ['two workers', startProgram, ['--workers', '2'], /Create its folder again\./],
])('CONFIG_STORE with %s', (_, how, args, log) => {
  const parent = mkdtempSync(join(tmpdir(), 'aoai-store-'))
  const dir = join(parent, 'volume')
  let program: RunningProgram
  beforeAll(async () => {
    mkdirSync(dir)
    program = await start(how, dir, args)
  })
  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    rmSync(parent, { recursive: true })
  })

  it('shows on /healthz and /metrics that changes cannot be stored, and stores them later', async () => {
    renameSync(dir, join(parent, 'gone'))
    expect((await send(program, 'PUT', '/++/deployments/first', deployment)).status).toBe(201)
    expect(await health(program)).toEqual({
      status: 'degraded',
      mode: 'generate',
      config_store: { writing: 'failing', pending: 1 },
    })
    expect(await pendingOf(program)).toBe('1')
    await eventually(
      async () => program.stderr(),
      (text) => log.test(text),
    )
    renameSync(join(parent, 'gone'), dir)
    await eventually(
      () => health(program),
      (found) => (found as { status: string }).status === 'ok',
    )
    expect(await health(program)).toEqual({ status: 'ok', mode: 'generate' })
    expect(await pendingOf(program)).toBe('0')
    expect(Object.keys(stored(dir).changes.put)).toEqual(['first'])
  })

  it('keeps deployments, resources, keys and settings across a restart, takes up an edit with WATCH, and is emptied by a reset', async () => {
    let key = ''
    {
      expect((await send(program, 'PUT', '/++/deployments/mine', deployment)).status).toBe(201)
      expect((await send(program, 'PATCH', '/++/config', { region: 'Kept' })).status).toBe(200)
      const resource = { region: 'Elsewhere', deployments: { chat: { model: 'gpt-4o' } } }
      expect((await send(program, 'PUT', '/++/resources/acme', resource)).status).toBe(201)
      const added = await send(program, 'POST', '/++/resources/acme/keys', { label: 'test' })
      key = ((await added.json()) as { key: string }).key
      expect(key).toMatch(/^\w{20,}/)
      expect(await health(program)).toEqual({ status: 'ok', mode: 'generate' })
      await program.stop()
    }
    expect(readFileSync(join(dir, 'changes.json'), 'utf8')).not.toContain(key)
    {
      await using again = await start(how, dir, [...args, '--watch', 'true'])
      expect(await namesOf(again)).toContain('mine')
      const acme = await (await send(again, 'GET', '/++/resources/acme')).text()
      expect([acme.includes('Elsewhere'), acme.includes('"chat"')]).toEqual([true, true])
      const keys = await (await send(again, 'GET', '/++/resources/acme/keys')).text()
      expect([keys.includes('"label":"test"'), keys.includes(key)]).toEqual([true, false])
      expect(await pendingOf(again)).toBe('0')

      const content = stored(dir)
      content.changes.put['edited'] = deployment
      writeFileSync(join(dir, 'changes.json'), JSON.stringify(content, null, 2))
      const names = await eventually(
        () => namesOf(again),
        (found) => found.includes('edited'),
      )
      expect(names.slice(-2)).toEqual(['mine', 'edited'])
      expect((await send(again, 'POST', '/++/reset')).status).toBe(200)
    }
    expect(stored(dir).changes).toEqual({ put: {}, patch: {} })
    await using last = await start(startInProcess, dir)
    expect(await namesOf(last)).not.toContain('mine')
  })
})

describe('a simulator that is killed while it stores changes', () => {
  it('leaves a whole file with every change that was answered', async () => {
    const dir = newFolder()
    const answered = new Set<string>()
    for (let round = 0; round < 5; round++) {
      await using program = await start(startProgram, dir)
      expect((await namesOf(program)).filter((name) => answered.has(name))).toHaveLength(answered.size)
      const killed = new AbortController()
      const put = async (name: string): Promise<void> => {
        const response = await send(program, 'PUT', `/++/deployments/${name}`, deployment).catch(
          () => undefined,
        )
        if (response?.status === 201) answered.add(name)
      }
      const sending = [0, 1, 2, 3].map(async (client) => {
        for (let number = 0; !killed.signal.aborted; number++) await put(`r${round}-${client}-${number}`)
      })
      const wanted = answered.size + 5
      await eventually(
        () => Promise.resolve(answered.size),
        (size) => size >= wanted,
      )
      await sleep(Math.random() * 100)
      program.signal('SIGKILL')
      await program.end
      killed.abort()
      await Promise.all(sending)
      const { put: found } = stored(dir).changes
      expect([...answered].filter((name) => !Object.hasOwn(found, name))).toEqual([])
      expect(statSync(join(dir, 'changes.json')).mode & 0o777).toBe(0o600)
    }
    expect(answered.size).toBeGreaterThan(20)
  })
})

describe('a start with CONFIG_STORE', () => {
  it.each([
    [
      'of another kind',
      { CONFIG_STORE: 's3://bucket/changes.json' },
      /CONFIG_STORE must be file: with the path of a file.*or blob: with the https address of a blob/,
    ],
    [
      'and REDIS_URL',
      { CONFIG_STORE: 'file:changes.json', REDIS_URL: 'redis://127.0.0.1:1' },
      /REDIS_URL and CONFIG_STORE are both set.*Remove one of the two/,
    ],
    [
      'in a folder that does not exist',
      { CONFIG_STORE: 'file:none/changes.json' },
      /CONFIG_STORE needs a folder that exists.*ENOENT.*Create the folder, or mount a volume/,
    ],
  ])('%s is refused', async (_, env, message) => {
    const { code, stderr } = await runInProcess([], { env })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('with invalid content is refused with the file, and a relative path is in the working directory', async () => {
    const { code, stderr } = await runInProcess([], {
      env: { CONFIG_STORE: 'file:changes.json' },
      files: {
        'changes.json': '{"version":1,"changes":{"put":{"x":{"model":"gpt-4o","more":1}},"patch":{}}}',
      },
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/\/changes\.json: .*"x"\.more/)
    expect(stderr).toContain('Repair the file, or move it away to start without its changes.')
  })
})
