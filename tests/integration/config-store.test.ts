import * as fs from 'node:fs/promises'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeSigningKey } from '../../src/access/signing-key.ts'
import { LiveConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import { createVirtualClock, type VirtualClock } from '../../src/lib/virtual-clock.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import type { ConfigStore } from '../../src/shared/patch-medium.ts'
import { openFilePatches } from '../../src/shared/files/file-patches.ts'
import type { FileSystem } from '../../src/shared/files/replace-file.ts'
import { ResourceBook } from '../../src/server/resource-book.ts'
import { UpstreamBook } from '../../src/server/upstream-book.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { withResources } from '../support/resource-inputs.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'

const chat = { model: 'gpt-4o', tokensPerMinute: 100 }
const wait = { timeout: 15_000, interval: 5 }

interface Opened {
  readonly live: LiveConfig
  readonly store: ConfigStore
  readonly log: LogLine[]
  readonly clock: VirtualClock
}

interface OpenOptions {
  readonly files?: FileSystem
  readonly resources?: Parameters<typeof withResources>[1]
  readonly isOnSystemClock?: boolean
}

function newFolder(): { readonly dir: string; readonly path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'aoai-store-'))
  onTestFinished(() => {
    chmodSync(dir, 0o700)
    rmSync(dir, { recursive: true })
  })
  return { dir, path: join(dir, 'changes.json') }
}

async function open(path: string, options: OpenOptions = {}): Promise<Opened> {
  const loaded = loadLiveConfig({ flags: {}, env: {}, workingDirectory: '/', readFile: filesInMemory() })
  const live = new LiveConfig(
    options.resources ? withResources(loaded.inputs, options.resources) : loaded.inputs,
  )
  const log: LogLine[] = []
  const clock = createVirtualClock()
  const store = await openFilePatches({
    path,
    live,
    clock: options.isOnSystemClock ? createSystemClock() : clock,
    logger: collectInto(log),
    ...(options.files && { files: options.files }),
  })
  onTestFinished(() => store.close())
  return { live, store, log, clock }
}

const namesOf = ({ live }: Opened): string[] => [...live.current.defaultResource.deployments.keys()]
const regionOf = ({ live }: Opened): string => live.current.defaultResource.region
const logged = ({ log }: Opened): string[] => log.map(({ level, message }) => `${level}: ${message}`)
const contentOf = (path: string): { changes: { patch: unknown; put: Record<string, unknown> } } =>
  JSON.parse(readFileSync(path, 'utf8'))

describe('a file that keeps changes', () => {
  it('has upstreams with their secrets, which the next start and another simulator use', async () => {
    const { path } = newFolder()
    const [first, other] = [await open(path), await open(path)]
    const book = new UpstreamBook(first.live)
    const entry = { endpoint: 'https://east', key: 'east-secret', retries: 2 }
    expect(await book.put('east', entry)).toEqual({ kind: 'done', isNew: true })
    expect(await book.put('west', entry)).toEqual({ kind: 'done', isNew: true })
    expect(await book.put('east', { ...entry, key: '[redacted]', retries: 3 })).toMatchObject({
      isNew: false,
    })
    expect(await book.remove('west')).toMatchObject({ kind: 'done' })
    await new UpstreamBook(other.live).put('own', entry)
    const third = await open(path)
    expect([...third.live.current.upstreams.keys()]).toEqual(['east', 'own'])
    expect(third.live.current.upstreams.get('east')).toMatchObject({
      credential: { kind: 'key', key: 'east-secret' },
      retries: 3,
    })
    expect(new UpstreamBook(third.live).show('east')).toEqual({ ...entry, key: '[redacted]', retries: 3 })
    writeFileSync(path, readFileSync(path, 'utf8').replace('"https://east"', '"ftp://east"'))
    await expect(open(path)).rejects.toThrow(/upstreams\.east\.endpoint must be an http or https address/)
  })

  it('has each change when the change is done, and gives it to the next start', async () => {
    const { dir, path } = newFolder()
    const first = await open(path, { resources: { acme: {} } })
    expect(existsSync(path)).toBe(false)
    await first.live.patch({ region: 'X' })
    expect(contentOf(path).changes.patch).toEqual({ region: 'X' })
    await first.live.putDeployment('new', chat)
    await first.live.putDeployment('new', chat, 'acme')
    await first.live.putDeployment('__proto__', chat)
    expect([first.store.pending, first.store.isFailing]).toEqual([0, false])
    expect(readdirSync(dir)).toEqual(['changes.json'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const second = await open(path, { resources: { acme: {} } })
    expect(regionOf(second)).toBe('X')
    expect(namesOf(second)).toEqual(namesOf(first))
    expect(second.live.patches).toEqual(JSON.parse(JSON.stringify(first.live.patches)))
    expect(second.live.current.resources.get('acme')?.deployments.has('new')).toBe(true)
    expect(logged(second)).toEqual([])
  })

  it('has the signing key that the first use of a resource creates', async () => {
    const { path } = newFolder()
    const made: unknown[] = []
    const keyAfterStart = async (): Promise<unknown> => {
      const { live, clock } = await open(path)
      const book = new ResourceBook({
        live,
        clock,
        async makeSigningKey() {
          const key = await makeSigningKey()
          made.push(key.kid)
          return key
        },
      })
      await Promise.all([1, 2, 3].map(() => book.signingKey('default')))
      return (await book.signingKey('default'))?.kid
    }
    const kids = [await keyAfterStart(), await keyAfterStart()]
    expect(made).toHaveLength(1)
    expect(kids).toEqual([made[0], made[0]])
  })

  it('is emptied by a reset', async () => {
    const { path } = newFolder()
    const first = await open(path)
    await first.live.putDeployment('new', chat)
    await first.live.reset()
    expect(contentOf(path).changes).toEqual({ put: {}, patch: {} })
    expect(namesOf(await open(path))).not.toContain('new')
  })

  it('has all of many concurrent changes in their order, with fewer writes', async () => {
    const { path } = newFolder()
    let renames = 0
    const files: FileSystem = {
      ...fs,
      async rename(from, to) {
        renames++
        await fs.rename(from, to)
      },
    }
    const first = await open(path, { files })
    const names = Array.from({ length: 20 }, (_, index) => `d${index}`)
    await Promise.all(names.map((name) => first.live.putDeployment(name, chat)))
    expect(namesOf(await open(path)).slice(-20)).toEqual(names)
    expect(renames).toBeLessThan(20)
  })

  it('does not get an invalid change', async () => {
    const { path } = newFolder()
    const { live } = await open(path)
    expect((await live.patch({ region: 5, nothing: 1 })).problems).toHaveLength(2)
    expect(existsSync(path)).toBe(false)
  })

  it('is replaced at the target of a link', async () => {
    const { dir, path } = newFolder()
    mkdirSync(join(dir, 'real'))
    writeFileSync(join(dir, 'real', 'target.json'), '{"version":1,"changes":{"put":{},"patch":{}}}')
    symlinkSync(join(dir, 'real', 'target.json'), path)
    const { live } = await open(path)
    await live.patch({ region: 'X' })
    expect(contentOf(join(dir, 'real', 'target.json')).changes.patch).toEqual({ region: 'X' })
    expect(readdirSync(dir)).toEqual(['changes.json', 'real'])
  })

  it.each(['real/new.json', 'link'])(
    'is created at the target of a link to %s, and the link stays',
    async (target) => {
      const { dir, path } = newFolder()
      mkdirSync(join(dir, 'real'))
      symlinkSync('real/new.json', join(dir, 'link'))
      symlinkSync(target, path)
      const { live } = await open(path)
      await live.patch({ region: 'X' })
      expect(contentOf(join(dir, 'real', 'new.json')).changes.patch).toEqual({ region: 'X' })
      expect(readlinkSync(path)).toBe(target)
    },
  )
})

/** A file system in which the given call fails while `state.code` is set. */
function failing(call: 'rename' | 'open' | 'sync') {
  const state: { code: string | undefined; failures: number } = { code: undefined, failures: 0 }
  const fail = (): void => {
    if (state.code === undefined) return
    state.failures++
    throw Object.assign(new Error(`${state.code}: it failed`), { code: state.code })
  }
  const files: FileSystem = {
    ...fs,
    async rename(from, to) {
      if (call === 'rename') fail()
      await fs.rename(from, to)
    },
    async open(path, flags, mode) {
      if (call === 'open' && flags === 'wx') fail()
      const handle = await fs.open(path, flags, mode)
      const sync = handle.sync.bind(handle)
      handle.sync = async () => {
        if (call === 'sync' && flags === 'wx') fail()
        await sync()
      }
      return handle
    },
  }
  return { state, files }
}

describe('a write that fails', () => {
  it.each([
    ['open', 'EROFS', 'Make its folder writable.'],
    ['sync', 'ENOSPC', 'Free disk space.'],
    ['rename', 'EBUSY', 'Mount its folder instead of the file.'],
  ] as const)(
    'leaves the change in force, and is repeated by the next change (%s)',
    async (call, code, todo) => {
      const { dir, path } = newFolder()
      const { files, state } = failing(call)
      const opened = await open(path, { files })
      await opened.live.patch({ region: 'X' })
      state.code = code
      expect((await opened.live.patch({ region: 'Y' })).problems).toEqual([])
      expect(regionOf(opened)).toBe('Y')
      expect([opened.store.pending, opened.store.isFailing]).toEqual([1, true])
      expect(contentOf(path).changes.patch).toEqual({ region: 'X' })
      await opened.live.patch({ completion_length: 'natural' })
      expect(opened.store.pending).toBe(2)
      expect(logged(opened)).toEqual([
        `error: Could not store the changes of the configuration in ${path}: ${code}: it failed. They stay in force, and are stored with the next change, or after a pause of at most a minute. ${todo}`,
      ])
      state.code = undefined
      await opened.live.patch({ retired_models: 'accept' })
      expect([opened.store.pending, opened.store.isFailing]).toEqual([0, false])
      expect(contentOf(path).changes.patch).toEqual({
        region: 'Y',
        completion_length: 'natural',
        retired_models: 'accept',
      })
      expect(logged(opened).at(-1)).toBe(
        `info: All changes of the configuration are stored in ${path} again.`,
      )
      expect(readdirSync(dir)).toEqual(['changes.json'])
    },
  )

  it('is repeated with growing pauses, without a further change', async () => {
    const { path } = newFolder()
    const { files, state } = failing('rename')
    const opened = await open(path, { files })
    state.code = 'EIO'
    await opened.live.patch({ region: 'X' })
    await opened.clock.advance(1_000)
    await vi.waitFor(() => expect(state.failures).toBe(2), wait)
    await opened.store.refresh()
    expect(state.failures).toBe(3)
    state.code = undefined
    await opened.clock.advance(3_999)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(opened.store.isFailing).toBe(true)
    await opened.clock.advance(1)
    await vi.waitFor(() => expect(opened.store.isFailing).toBe(false), wait)
    expect([opened.store.pending, contentOf(path).changes.patch]).toEqual([0, { region: 'X' }])
    expect(opened.log.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('that hangs delays a change by 10 seconds at most', async () => {
    const { path } = newFolder()
    let release = (): void => {}
    const files: FileSystem = {
      ...fs,
      async rename(from, to) {
        await new Promise<void>((resolve) => (release = resolve))
        await fs.rename(from, to)
      },
    }
    const opened = await open(path, { files })
    const changing = opened.live.patch({ region: 'X' })
    await vi.waitFor(() => expect(readdirSync(join(path, '..'))).toContain('changes.json.lock'), wait)
    await opened.clock.advance(10_000)
    expect((await changing).problems).toEqual([])
    await opened.live.patch({ completion_length: 'natural' })
    expect([opened.store.isFailing, opened.store.pending]).toEqual([true, 2])
    expect(logged(opened)).toEqual([expect.stringContaining('it takes longer than 10 seconds')])
    await vi.waitFor(() => {
      release()
      expect([opened.store.isFailing, opened.store.pending]).toEqual([false, 0])
    }, wait)
    expect(contentOf(path).changes.patch).toEqual({ region: 'X', completion_length: 'natural' })
  })

  it('succeeds when its folder exists again', async () => {
    const { dir } = newFolder()
    mkdirSync(join(dir, 'volume'))
    const path = join(dir, 'volume', 'changes.json')
    const opened = await open(path)
    await opened.live.patch({ region: 'X' })
    renameSync(join(dir, 'volume'), join(dir, 'gone'))
    await opened.live.patch({ completion_length: 'natural' })
    expect(logged(opened)).toEqual([expect.stringMatching(/ENOENT.*Create its folder again\.$/)])
    renameSync(join(dir, 'gone'), join(dir, 'volume'))
    await opened.live.patch({ retired_models: 'accept' })
    expect(contentOf(path).changes.patch).toEqual({
      region: 'X',
      completion_length: 'natural',
      retired_models: 'accept',
    })
  })

  it('is tried once more at the end, and reported if it fails then', async () => {
    const { path } = newFolder()
    const { files, state } = failing('rename')
    const [saved, lost] = [await open(path, { files }), await open(join(path, '..', 'other.json'), { files })]
    state.code = 'EIO'
    await Promise.all([saved.live.patch({ region: 'X' }), lost.live.patch({ region: 'Y' })])
    await lost.store.close()
    expect(logged(lost).at(-1)).toMatch(
      /^error: Could not store 1 change of the configuration in .*other\.json: EIO: it failed\. The next start does not have them\.$/,
    )
    state.code = undefined
    await saved.store.close()
    expect(contentOf(path).changes.patch).toEqual({ region: 'X' })
  })
})

describe('an edit by another program', () => {
  const edit = (path: string, change: (changes: Record<string, unknown>) => unknown): void => {
    const content = JSON.parse(readFileSync(path, 'utf8')) as { changes: Record<string, unknown> }
    writeFileSync(path, JSON.stringify({ ...content, changes: change(content.changes) }, null, 2))
  }

  it('is applied by a refresh', async () => {
    const { path } = newFolder()
    const opened = await open(path)
    await opened.live.patch({ region: 'X' })
    edit(path, (changes) => ({ ...changes, patch: { region: 'Edited' } }))
    await opened.store.refresh()
    expect(regionOf(opened)).toBe('Edited')
    expect(logged(opened)).toEqual([
      `info: Applied the changes of the configuration in ${path}, which another program has written.`,
    ])
    await opened.store.refresh()
    expect(opened.log).toHaveLength(1)
  })

  it('is kept by the next change, which is applied on top', async () => {
    const { path } = newFolder()
    const opened = await open(path)
    await opened.live.patch({ region: 'X' })
    edit(path, (changes) => ({ ...changes, put: { edited: chat } }))
    expect((await opened.live.putDeployment('new', chat)).problems).toEqual([])
    expect(namesOf(opened).slice(-2)).toEqual(['edited', 'new'])
    expect(Object.keys(contentOf(path).changes.put)).toEqual(['edited', 'new'])
  })

  it('decides the result of a change that no longer fits', async () => {
    const { path } = newFolder()
    const opened = await open(path)
    await opened.live.putDeployment('mine', chat)
    edit(path, (changes) => ({ ...changes, put: {} }))
    const { problems } = await opened.live.patch({ openai_deployments: { mine: { tokens_per_minute: 5 } } })
    expect(problems).toEqual([expect.stringContaining('"mine"')])
    expect(namesOf(opened)).not.toContain('mine')
    expect([opened.store.pending, contentOf(path).changes.put]).toEqual([0, {}])
    expect(logged(opened).at(-1)).toMatch(/^warn: Discarded 1 change of the configuration: another program/)
  })

  it.each([
    ['not JSON', '{"version":1,"secret":"hush', /not valid JSON/],
    [
      'invalid content',
      '{"version":1,"changes":{"put":{"a":{"model":"none"}},"patch":{"region":5}}}',
      /region must/,
    ],
  ])(
    'is never overwritten if it is unusable, and pending changes follow when it is repaired (%s)',
    async (_, text, reason) => {
      const { path } = newFolder()
      const opened = await open(path)
      await opened.live.patch({ region: 'X' })
      writeFileSync(path, text)
      await opened.store.refresh()
      expect([opened.store.isFailing, opened.store.pending, regionOf(opened)]).toEqual([true, 0, 'X'])
      await opened.live.putDeployment('new', chat)
      expect([opened.store.pending, readFileSync(path, 'utf8')]).toEqual([1, text])
      expect(logged(opened)).toEqual([expect.stringMatching(reason)])
      expect(logged(opened)[0]).toContain('Repair the file, or move it away.')
      expect(logged(opened)[0]).not.toContain('hush')
      writeFileSync(path, '{"version":1,"changes":{"put":{},"patch":{"region":"Repaired"}}}')
      await opened.store.refresh()
      expect([opened.store.isFailing, opened.store.pending, regionOf(opened)]).toEqual([false, 0, 'Repaired'])
      expect(contentOf(path).changes).toMatchObject({ put: { new: chat }, patch: { region: 'Repaired' } })
    },
  )

  it('that removes the file changes nothing, and the next change writes all changes again', async () => {
    const { path } = newFolder()
    const opened = await open(path)
    await opened.live.patch({ region: 'X' })
    rmSync(path)
    await opened.store.refresh()
    expect([regionOf(opened), existsSync(path)]).toEqual(['X', false])
    await opened.live.patch({ completion_length: 'natural' })
    expect(contentOf(path).changes.patch).toEqual({ region: 'X', completion_length: 'natural' })
  })
})

describe('two simulators with the same file', () => {
  it('keep the changes of both', async () => {
    const { dir, path } = newFolder()
    const both = await Promise.all([1, 2].map(() => open(path, { isOnSystemClock: true })))
    const changes = both.flatMap(({ live }, simulator) =>
      Array.from({ length: 15 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
        const { problems } = await live.putDeployment(`s${simulator}-${index}`, chat)
        expect(problems).toEqual([])
      }),
    )
    await Promise.all(changes)
    const stored = Object.keys(contentOf(path).changes.put)
    expect(stored.toSorted()).toEqual([...new Set(stored)].toSorted())
    expect(stored).toHaveLength(30)
    await Promise.all(both.map(({ store }) => store.refresh()))
    expect(both.map((opened) => namesOf(opened).filter((name) => /^s\d/.test(name)).length)).toEqual([30, 30])
    expect(readdirSync(dir)).toEqual(['changes.json'])
  })

  it('give a change the result that it has on top of the change of the other', async () => {
    const { path } = newFolder()
    const both = await Promise.all([1, 2].map(() => open(path, { isOnSystemClock: true })))
    const results = await Promise.all(
      both.map(async ({ live }) => {
        const { result } = await live.update((patches) =>
          'only' in patches.put
            ? { result: 'exists' }
            : { patches: { ...patches, put: { ...patches.put, only: chat } }, result: 'created' },
        )
        return result
      }),
    )
    expect(results.toSorted()).toEqual(['created', 'exists'])
  })
})

describe('a lock of a process that was killed', () => {
  it('is removed immediately on the same machine, and after 5 seconds on another', async () => {
    const { dir, path } = newFolder()
    const first = await open(path)
    const lock = `${path}.lock`
    let owner = ''
    const spying: FileSystem = {
      ...fs,
      async rename(from, to) {
        owner = readFileSync(lock, 'utf8')
        await fs.rename(from, to)
      },
    }
    const second = await open(path, { files: spying })
    await second.live.patch({ region: 'X' })
    writeFileSync(lock, owner)
    await second.live.patch({ region: 'Y' })
    expect(contentOf(path).changes.patch).toEqual({ region: 'Y' })

    writeFileSync(lock, 'elsewhere 1 x')
    const done: number[] = []
    const changing = first.live.patch({ completion_length: 'natural' })
    void changing.then(() => done.push(first.clock.nowMs()))
    const startMs = first.clock.nowMs()
    await vi.waitFor(async () => {
      await first.clock.advance(100)
      expect(done).toHaveLength(1)
    }, wait)
    expect((done[0] ?? 0) - startMs).toBeGreaterThanOrEqual(5_000)
    expect(contentOf(path).changes.patch).toEqual({ region: 'Y', completion_length: 'natural' })
    expect(readdirSync(dir)).toEqual(['changes.json'])
  })
})

describe('a start', () => {
  const valid = '{"version":1,"changes":{"put":{},"patch":{}}}'

  it.each([
    ['not JSON', '{"version":1,"key":"hush"', 'not valid JSON'],
    ['empty', '', 'not valid JSON'],
    ['a list', '[]', 'version must be 1 (got nothing).'],
    ['a newer version', '{"version":2,"changes":{}}', 'version must be 1 (got 2).'],
    ['no changes', '{"version":1}', 'changes must be an object (got nothing).'],
    [
      'a wrong type',
      '{"version":1,"changes":{"put":5,"patch":{}}}',
      'changes.put must be an object (got 5).',
    ],
    ['an unknown part', '{"version":1,"changes":{"put":{},"patch":{},"more":1}}', 'changes.more'],
    [
      'an unknown model',
      '{"version":1,"changes":{"put":{"x":{"model":5}},"patch":{}}}',
      '"x".model must be the name of a model',
    ],
  ])(
    'is refused with the file and the problem, and does not change the file (%s)',
    async (_, text, problem) => {
      const { dir, path } = newFolder()
      writeFileSync(path, text)
      const error: Error = await open(path).then(
        () => expect.unreachable(),
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 })
      expect(error.message).toContain(`${path}: `)
      expect(error.message).toContain(problem)
      expect(error.message).toContain('Repair the file, or move it away to start without its changes.')
      expect(error.message).not.toContain('hush')
      expect([readFileSync(path, 'utf8'), readdirSync(dir)]).toEqual([text, ['changes.json']])
    },
  )

  it('is refused without a folder, and with a folder as the file', async () => {
    const { dir } = newFolder()
    await expect(open(join(dir, 'none', 'changes.json'))).rejects.toThrow(
      /ENOENT.*Create the folder, or mount/,
    )
    await expect(open(dir)).rejects.toThrow(/it is a folder, not a file/)
  })

  it('warns of a file that others can read', async () => {
    const { path } = newFolder()
    writeFileSync(path, valid)
    chmodSync(path, 0o644)
    expect(logged(await open(path))).toEqual([
      `warn: Other users can read ${path} (mode 644), which can have private keys. Run chmod 600 on it, or mount its share with file_mode=0600.`,
    ])
  })

  it('removes temporary files of killed processes', async () => {
    const { dir, path } = newFolder()
    const old = `${path}.01234567-89ab-cdef-0123-456789abcdef.tmp`
    writeFileSync(old, 'x')
    const then = new Date(Date.now() - 120_000)
    await fs.utimes(old, then, then)
    writeFileSync(`${path}.mine.tmp`, 'x')
    await open(path, { isOnSystemClock: true })
    expect(readdirSync(dir)).toEqual(['changes.json.mine.tmp'])
  })
})
