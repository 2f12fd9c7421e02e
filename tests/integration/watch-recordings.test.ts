import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { cassette, cassetteItem } from '../support/recording-folder.ts'
import { createWatchingSimulator, type WatchingSimulator } from '../support/watching-simulator.ts'

const env = { SIMULATOR_MODE: 'replay' }
const wait = { timeout: 30_000, interval: 20 }
const path = '/v1/chat/completions'

const recordings = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`recordings/${name}`, text]))

const one = (answer: string, question = 'q'): string => cassette(cassetteItem(`{"is":"${question}"}`, answer))

async function answerTo({ ask }: WatchingSimulator, question = 'q'): Promise<string | number> {
  const { status, text } = await ask(path, { is: question })
  return status === 200 ? text : status
}

async function expectLogged(watching: WatchingSimulator, line: RegExp): Promise<void> {
  await vi.waitFor(() => expect(watching.logged()).toMatch(line), wait)
}

describe('recordings that change during replay with WATCH on', () => {
  it('are replayed in their current state: new, changed and deleted files', async () => {
    const watching = await createWatchingSimulator(
      recordings({ 'a.yaml': one('first'), 'b.yaml': one('stays', 'other') }),
      env,
    )
    const file = (name: string): string => join(watching.dir, 'recordings', name)
    expect(await answerTo(watching)).toBe('first')
    writeFileSync(file('a.yaml'), one('second'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('second'), wait)

    mkdirSync(file('new/deep'), { recursive: true })
    writeFileSync(file('new/deep/c.yml'), one('third', 'new'))
    await vi.waitFor(async () => expect(await answerTo(watching, 'new')).toBe('third'), wait)
    writeFileSync(file('new/deep/c.yml'), one('fourth', 'new'))
    await vi.waitFor(async () => expect(await answerTo(watching, 'new')).toBe('fourth'), wait)

    unlinkSync(file('a.yaml'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe(404), wait)
    rmSync(file('new'), { recursive: true })
    await vi.waitFor(async () => expect(await answerTo(watching, 'new')).toBe(404), wait)
    expect(await answerTo(watching, 'other')).toBe('stays')
    expect(watching.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('keep their answers after an invalid change, which is logged, until it is fixed', async () => {
    const watching = await createWatchingSimulator(recordings({ 'a.yaml': one('before') }), env)
    const file = join(watching.dir, 'recordings/a.yaml')
    writeFileSync(file, `# longer\n${one('after').replace('method:', 'method: {')}`)
    await expectLogged(watching, /warn: .*a\.yaml:\d+: .+\. Correct it/)
    expect(watching.logged()).toMatch(
      /error: Could not load the change of .*a\.yaml\. Its previous recordings are replayed\./,
    )
    expect(await answerTo(watching)).toBe('before')
    writeFileSync(file, one('after'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('after'), wait)
  })

  it('are not loaded half-written: a file is loaded when it has stopped changing', async () => {
    const watching = await createWatchingSimulator(recordings({ 'a.yaml': one('before') }), env, {
      quietMs: 500,
    })
    const file = join(watching.dir, 'recordings/a.yaml')
    const text = one('after')
    writeFileSync(file, '')
    for (let at = 0; at < text.length; at += 20) {
      appendFileSync(file, text.slice(at, at + 20))
      await new Promise((resolve) => setTimeout(resolve, 25))
      expect(await answerTo(watching)).toBe('before')
    }
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('after'), wait)
    expect(watching.logged()).not.toContain('Could not')
  })

  it.each(['true', 'poll'])('can be in a volume that Kubernetes swaps (WATCH=%s)', async (watch) => {
    const version = (dir: string, name: string, answer: string): void => {
      mkdirSync(join(dir, 'recordings', name), { recursive: true })
      writeFileSync(join(dir, 'recordings', name, 'a.yaml'), one(answer))
    }
    const watching = await createWatchingSimulator(
      {},
      { ...env, WATCH: watch },
      {
        prepare(dir) {
          version(dir, '..v1', 'one')
          symlinkSync('..v1', join(dir, 'recordings/..data'))
          symlinkSync('..data/a.yaml', join(dir, 'recordings/a.yaml'))
        },
      },
    )
    version(watching.dir, '..v2', 'two')
    symlinkSync('..v2', join(watching.dir, 'recordings/..data_tmp'))
    renameSync(join(watching.dir, 'recordings/..data_tmp'), join(watching.dir, 'recordings/..data'))
    rmSync(join(watching.dir, 'recordings/..v1'), { recursive: true })
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('two'), wait)
  })

  it('can be links to files that change elsewhere', async () => {
    const watching = await createWatchingSimulator({ 'shared.yaml': one('before') }, env, {
      prepare(dir) {
        mkdirSync(join(dir, 'recordings'))
        symlinkSync('../shared.yaml', join(dir, 'recordings/a.yaml'))
      },
    })
    writeFileSync(join(watching.dir, 'shared.yaml'), one('after'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('after'), wait)
  })

  it('can be in a folder that is deleted and created again; they stay loaded meanwhile', async () => {
    const watching = await createWatchingSimulator(recordings({ 'a.yaml': one('before') }), env)
    rmSync(join(watching.dir, 'recordings'), { recursive: true })
    await expectLogged(
      watching,
      /warn: .*recordings:1: the file cannot be read: ENOENT.*previous recordings are served/,
    )
    expect(await answerTo(watching)).toBe('before')
    mkdirSync(join(watching.dir, 'recordings'))
    writeFileSync(join(watching.dir, 'recordings/a.yaml'), one('after'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('after'), wait)
  })

  it('are polled if there are no change notifications', async () => {
    const watching = await createWatchingSimulator(recordings({ 'a.yaml': one('before') }), {
      ...env,
      WATCH: 'poll',
    })
    writeFileSync(join(watching.dir, 'recordings/a.yaml'), one('after'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('after'), wait)
    writeFileSync(join(watching.dir, 'recordings/b.yaml'), one('new', 'new'))
    await vi.waitFor(async () => expect(await answerTo(watching, 'new')).toBe('new'), wait)
  })

  it('are watched after a switch to replay mode, including changes from before the switch', async () => {
    const watching = await createWatchingSimulator(recordings({ 'a.yaml': one('one') }), env)
    const { live } = watching.simulator
    await live.patch({ simulator_mode: 'generate' })
    writeFileSync(join(watching.dir, 'recordings/a.yaml'), one('two'))
    await live.patch({ simulator_mode: 'replay' })
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('two'), wait)
    writeFileSync(join(watching.dir, 'recordings/a.yaml'), one('three'))
    await vi.waitFor(async () => expect(await answerTo(watching)).toBe('three'), wait)
  })
})
