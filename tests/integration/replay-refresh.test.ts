import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { RefreshResult } from '../../src/recordings/recording-folder.ts'
import type { Replay } from '../../src/recordings/replay-mode.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, testKey, type TestSimulator } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'

interface Replaying extends TestSimulator {
  readonly dir: string
  readonly replay: Replay
  readonly write: (name: string, text: string) => void
  readonly ask: (body: string, headers?: Record<string, string>) => Promise<string | number>
  /** The outcome with paths relative to the folder. */
  readonly refresh: (...names: string[]) => Promise<RefreshResult>
}

function replaying(files: Readonly<Record<string, string>>, env: Record<string, string> = {}): Replaying {
  const dir = recordingFolder(files)
  const started = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...env } })
  const [{ replay } = {}] = started.simulator.recordings
  if (!replay) throw new Error('This simulator does not replay.')
  const short = (paths: readonly string[]): string[] => paths.map((file) => file.slice(dir.length + 1))
  return {
    ...started,
    dir,
    replay,
    write: (name, text) => writeFileSync(join(dir, name), text),
    async ask(body, headers) {
      const response = await started.post(path, body, headers)
      return response.status === 200 ? response.text() : response.status
    },
    async refresh(...names) {
      const result = await replay.refresh(
        names.length === 0 ? undefined : names.map((name) => join(dir, name)),
      )
      const { read, removed, rejected } = result
      return { ...result, read: short(read), removed: short(removed), rejected: short(rejected) }
    },
  }
}

const one = (answer: string, body = '{"q":1}'): string => cassette(cassetteItem(body, answer))

async function answers(
  { ask }: Replaying,
  count: number,
  headers?: Record<string, string>,
): Promise<unknown[]> {
  const found: unknown[] = []
  for (let call = 0; call < count; call++) found.push(await ask('{"q":1}', headers))
  return found
}

describe('reloading recordings', () => {
  it('reads only new and changed files', async () => {
    const { write, refresh, ask } = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b', '{"q":2}') })
    expect(await refresh()).toMatchObject({ read: [], removed: [], rejected: [], problems: [] })
    write('b.yaml', one('B', '{"q":2}'))
    write('c.yaml', one('c', '{"q":3}'))
    expect(await refresh()).toMatchObject({ read: ['b.yaml', 'c.yaml'], interactions: 2 })
    expect(await refresh()).toMatchObject({ read: [] })
    expect([await ask('{"q":1}'), await ask('{"q":2}'), await ask('{"q":3}')]).toEqual(['a', 'B', 'c'])
  })

  it('checks only the reported files, and only those that count as recordings', async () => {
    const { write, refresh } = replaying({ 'a.yaml': one('a') })
    write('a.yaml', one('A'))
    write('b.yaml', one('b'))
    write('.c.yaml', one('c'))
    expect(await refresh('b.yaml', '.c.yaml', 'no-such.yaml', '../other.yaml')).toMatchObject({
      read: ['b.yaml'],
      removed: [],
    })
  })

  it('removes a deleted file, which misses no longer mention', async () => {
    const { dir, replay, refresh, post, ask } = replaying({
      'a.yaml': one('a'),
      'b.yaml': one('b', '{"other":1}'),
    })
    rmSync(join(dir, 'a.yaml'))
    expect(await refresh()).toMatchObject({ removed: ['a.yaml'], read: [] })
    expect(await ask('{"q":1}')).toBe(404)
    expect(await (await post(path, '{"q":1}')).text()).toContain('b.yaml')
    expect(replay.unused()).toHaveLength(1)
  })

  it('orders recordings of one request by the paths of their files', async () => {
    const replays = replaying({ 'a.yaml': one('a'), 'c.yaml': one('c') })
    replays.write('b.yaml', cassette(cassetteItem('{"q":1}', 'b1'), cassetteItem('{"q":1}', 'b2')))
    await replays.refresh()
    expect(await answers(replays, 4)).toEqual(['a', 'b1', 'b2', 'c'])
  })

  it('keeps the replay cursors, with and without tests', async () => {
    const replays = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b'), 'c.yaml': one('c') })
    const test = { 'x-sim-test': 't' }
    await answers(replays, 1)
    await answers(replays, 1, test)
    replays.write('b.yaml', one('B'))
    await replays.refresh()
    expect(await answers(replays, 2)).toEqual(['B', 'c'])
    expect(await answers(replays, 2, test)).toEqual(['B', 'c'])
  })

  it('keeps recordings marked as used, even in a changed file if the request is the same', async () => {
    const replays = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b', '{"q":2}') })
    await replays.ask('{"q":1}')
    replays.write('a.yaml', cassette(cassetteItem('{"q":1}', 'A'), cassetteItem('{"q":3}', 'new')))
    await replays.refresh()
    expect(replays.replay.unused().map((place) => place.replace(/.*\//, ''))).toEqual([
      'b.yaml:2',
      'a.yaml:18',
    ])
  })

  it('matches the old request by its hash if a body was edited but not its hash', async () => {
    const before = '{"q":1}'
    const hash = createHash('md5').update(before).digest('hex')
    const withHash = (body: string): string =>
      one('answer', body).replace('    method:', `    body_hash: ${hash}\n    method:`)
    const { write, refresh, ask } = replaying({ 'a.yaml': withHash(before) })
    write('a.yaml', withHash('{"q":"edited"}'))
    await refresh()
    expect([await ask('{"q":"edited"}'), await ask(before)]).toEqual(['answer', 'answer'])
  })

  it('does not replay twice what was recorded since the start and is then loaded from its file', async () => {
    const replays = replaying({ 'a.yaml': one('a', '{"q":2}') }, { REPLAY_REPEAT: 'cycle' })
    const bytes = Buffer.from('recorded')
    replays.replay.add({
      request: { method: 'POST', uri: path, headers: [], body: Buffer.from('{"q":1}'), bodyHash: undefined },
      response: {
        status: { code: 200, message: 'OK' },
        headers: [],
        body: { kind: 'bytes', bytes },
        durationMs: 0,
      },
      contextValues: {},
    })
    expect(await replays.ask('{"q":1}')).toBe('recorded')
    replays.write(
      'recorded.yaml',
      cassette(cassetteItem('{"q":1}', 'recorded'), cassetteItem('{"q":1}', 'more')),
    )
    await replays.refresh()
    expect(await answers(replays, 4)).toEqual(['recorded', 'more', 'recorded', 'more'])
    expect(replays.replay.unused().every((place) => place.includes('a.yaml'))).toBe(true)
  })
})

describe('an invalid change of recordings', () => {
  it('is not applied: file, line and reason are logged, and the previous recordings stay', async () => {
    const { write, refresh, ask, log } = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b', '{"q":2}') })
    await refresh()
    write('a.yaml', cassette(cassetteItem('{"q":1}', 'A'), '- request: {\n'))
    write('b.yaml', one('B', '{"q":2}'))
    expect(await refresh()).toMatchObject({ read: ['b.yaml'], rejected: ['a.yaml'] })
    expect([await ask('{"q":1}'), await ask('{"q":2}')]).toEqual(['a', 'B'])
    const lines = log.map(({ level, message }) => `${level} ${message}`)
    expect(lines).toContainEqual(expect.stringMatching(/^warn .*a\.yaml:19: .+\. Correct it, or/))
    expect(lines).toContainEqual(
      expect.stringMatching(/^error Could not load the change of .*a\.yaml\. .*replayed\.$/),
    )
    expect(await refresh()).toMatchObject({ rejected: [], problems: [] })
    write('a.yaml', one('A'))
    expect(await refresh()).toMatchObject({ read: ['a.yaml'] })
    expect(await ask('{"q":1}')).toBe('A')
  })

  it('in a new file is skipped, as at the start', async () => {
    const { write, refresh, ask } = replaying({})
    write('a.yaml', cassette(cassetteItem('{"q":1}', 'a'), '- request: {\n'))
    expect(await refresh()).toMatchObject({ read: ['a.yaml'], rejected: [], interactions: 1 })
    expect(await ask('{"q":1}')).toBe('a')
  })

  it('includes a file that can only be read in one step and would block requests for long', async () => {
    const { write, refresh, ask, log } = replaying({ 'a.yaml': one('a') })
    await refresh()
    write('a.yaml', JSON.stringify({ interactions: [], padding: 'x'.repeat(4 * 1024 * 1024) }))
    expect(await refresh()).toMatchObject({ rejected: ['a.yaml'] })
    expect(log.map(({ message }) => message).join()).toMatch(
      /too large to be read while requests are served.*restart the simulator/,
    )
    expect(await ask('{"q":1}')).toBe('a')
  })
})

describe('requests during a reload', () => {
  const many = (answer: string): string =>
    cassette(...Array.from({ length: 4_000 }, (_, n) => cassetteItem(`{"n":${n}}`, `${answer}${n}`)))

  it('are not blocked: a large file is read in many small steps', async () => {
    const { write, refresh } = replaying({ 'a.yaml': one('a') })
    await refresh()
    write('big.yaml', many('x'))
    const state = { done: false }
    const refreshed = refresh().finally(() => (state.done = true))
    let iterations = 0
    for (; !state.done; iterations++) await setImmediate()
    expect((await refreshed).interactions).toBe(4_000)
    expect(iterations).toBeGreaterThan(15)
  })

  it('get the old or the new recordings, and never none', async () => {
    const { write, refresh, ask } = replaying({ 'big.yaml': many('old') })
    await refresh()
    write('big.yaml', many('new'))
    const state = { done: false }
    const refreshed = refresh().finally(() => (state.done = true))
    const found = new Set<string>()
    while (!state.done) {
      found.add(String(await ask('{"n":3999}')))
      await setImmediate()
    }
    await refreshed
    found.add(String(await ask('{"n":3999}')))
    expect([...found]).toEqual(['old3999', 'new3999'])
  })

  it('that find a changed file share one reload of it', async () => {
    const first = cassetteItem('{"q":1}', 'one')
    const { write, post, log } = replaying({ 'a.yaml': cassette(first, cassetteItem('{"q":2}', 'two')) })
    write('a.yaml', cassette(`# a comment\n${cassetteItem('{"q":2}', 'three')}`, first))
    const found = await Promise.all(
      Array.from({ length: 20 }, async () => (await post(path, '{"q":2}')).text()),
    )
    expect(new Set(found)).toEqual(new Set(['three']))
    expect(log.filter(({ message }) => message.includes('read again')).length).toBeGreaterThan(0)
  })
})

describe('a reset in replay mode', () => {
  it('restarts the replay cursors of all requests, with and without tests', async () => {
    const replays = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b') })
    const test = { 'x-sim-test': 't' }
    await answers(replays, 2)
    await answers(replays, 2, test)
    await replays.simulator.reset()
    expect(await answers(replays, 3)).toEqual(['a', 'b', 'b'])
    expect(await answers(replays, 3, test)).toEqual(['a', 'b', 'b'])
  })

  it('with DELETE /++/replay-cursors restarts one test, or all', async () => {
    const replays = replaying({ 'a.yaml': one('a'), 'b.yaml': one('b') })
    const tests = ['one', 'two'].map((name) => ({ 'x-sim-test': name }))
    const first = async (): Promise<unknown[]> => {
      const texts: unknown[] = []
      for (const headers of [{}, ...tests]) texts.push(...(await answers(replays, 1, headers)))
      return texts
    }
    const reset = async (query: string, key = testKey): Promise<number> => {
      const init = { method: 'DELETE', headers: { 'api-key': key } }
      return (await replays.app.request(`/++/replay-cursors${query}`, init)).status
    }
    expect(await first()).toEqual(['a', 'a', 'a'])
    expect(await reset('?test=one')).toBe(204)
    expect(await first()).toEqual(['b', 'a', 'b'])
    expect(await reset('', 'wrong')).toBe(401)
    expect(await first()).toEqual(['b', 'b', 'b'])
    expect(await reset('')).toBe(204)
    expect(await first()).toEqual(['a', 'a', 'a'])
  })
})
