import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { AppendStore } from '../../src/recordings/append-store.ts'
import { isClaimedFile, recordFileName, recordFilePart } from '../../src/recordings/record-file-name.ts'
import { recordingFileHeader } from '../../src/recordings/yaml-format.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import { leastMs } from '../support/machine-speed.ts'
import {
  readRecording,
  readRecordings,
  recordingFiles,
  recordingPlace,
  startRecording,
} from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'
const file = 'v1_chat_completions.yaml'
const childScript = fileURLToPath(new URL('../support/append-forever.ts', import.meta.url))

const place = recordingPlace(json(chatCompletion('Hi')))
const start = (env: Record<string, string> = {}) => startRecording(place, createSystemClock(), env)

const body = (index: number) => ({ messages: [{ role: 'user', content: `number ${index}` }] })

const itemsOf = (name: string) =>
  readFileSync(join(place.dir, name), 'utf8').slice(recordingFileHeader.length)

const locks = () => readdirSync(place.dir).filter((name) => /^\.aoai-sim-recorder-.*\.lock$/.test(name))

const contents = () =>
  readRecordings(place.dir).map(({ request }) => JSON.parse(String(request.body)).messages[0].content)

describe('recording files', () => {
  it('get one item for each interaction, appended, in this run and in the next', async () => {
    const first = start()
    await first.post(path, body(1))
    const before = readFileSync(join(place.dir, file), 'utf8')
    await first.post(path, body(2))
    await first.recorder.close()
    await start().post(path, body(3))
    expect(readFileSync(join(place.dir, file), 'utf8').startsWith(before)).toBe(true)
    expect(contents()).toEqual(['number 1', 'number 2', 'number 3'])
    expect(recordingFiles(place.dir)).toEqual([file])
  })

  it('lose at most the last item after a truncation, with a warning, and keep the truncated bytes in a separate file', async () => {
    const { post, recorder } = start()
    for (let index = 0; index < 3; index++) await post(path, body(index))
    await recorder.close()
    const whole = readFileSync(join(place.dir, file))
    const lastItem = whole.lastIndexOf('\n- ') + 1
    const cuts = Array.from({ length: 40 }, (_, step) =>
      Math.floor(lastItem + 2 + (step / 40) * (whole.length - lastItem - 3)),
    )
    for (const cut of [5, recordingFileHeader.length + 1, lastItem + 1, ...cuts, whole.length - 1]) {
      writeFileSync(join(place.dir, file), whole.subarray(0, cut))
      writeFileSync(join(place.dir, `${file}.cut`), '')
      const again = start()
      await again.recorder.open()
      const kept = readFileSync(join(place.dir, file))
      const rest = readFileSync(join(place.dir, `${file}.cut`))
      expect([cut, whole.subarray(0, kept.length).equals(kept)]).toEqual([cut, true])
      expect(kept.length + rest.length).toBe(cut)
      expect(again.log.filter(({ level }) => level === 'warn')).toHaveLength(1)
      await again.post(path, body(9))
      expect(contents().at(-1)).toBe('number 9')
      expect(readRecordings(place.dir)).toHaveLength(cut >= lastItem ? 3 : 1)
      await again.recorder.close()
    }
  })

  it('of another program, or with another layout, are never changed', async () => {
    const foreign = `interactions:\n- request: {method: GET, uri: /x}\n  response: {status: {code: 200}}\nversion: 1\n`
    writeFileSync(join(place.dir, file), foreign)
    await start().post(path, body(1))
    expect(readFileSync(join(place.dir, file), 'utf8')).toBe(foreign)
    expect(readRecording(place.dir, 'v1_chat_completions~1.2.yaml')).toHaveLength(1)
  })

  it('can be edited while the simulator runs', async () => {
    const { post } = start()
    await post(path, body(1))
    const edited = readFileSync(join(place.dir, file), 'utf8').replace('number 1', 'number one')
    writeFileSync(
      join(place.dir, file),
      edited.replace(/context_values: .*/, 'context_values:\n    note: mine'),
    )
    await post(path, body(2))
    expect(contents()).toEqual(['number one', 'number 2'])
    appendFileSync(join(place.dir, file), '# the end\n')
    await post(path, body(3))
    expect(contents()).toEqual(['number one', 'number 2', 'number 3'])
  })

  it('are created again after the folder is deleted', async () => {
    const { post } = start()
    await post(path, body(1))
    rmSync(place.dir, { recursive: true })
    await post(path, body(2))
    expect(contents()).toEqual(['number 2'])
  })

  it('have plain names for any path', async () => {
    const { app } = start()
    const headers = { 'api-key': testKey }
    for (const odd of ['/', '/.hidden/x', '/a%2F..%2Fb:c', `/${'long/'.repeat(100)}`]) {
      expect((await app.request(odd === '/' ? '/openai' : odd, { headers })).status).toBe(200)
    }
    for (const name of recordingFiles(place.dir)) expect(name).toMatch(/^[\w%][\w.%~=@+-]{0,220}\.yaml$/)
    expect(recordingFiles(place.dir)).toHaveLength(4)
  })

  it('of two writers never share a name, and none is a device name of Windows', () => {
    const paths = [
      '/a',
      '/a~2',
      '/a~3.2',
      '/a~1f00ba12',
      '/a~1f00ba12.2',
      '/con',
      '/AUX',
      '/nul.txt',
      '/com1',
      '/lpt9.a.b',
      '/a.',
      '/console',
    ]
    const files = [undefined, '1f00ba12', '12345678'].flatMap((writerId) =>
      paths.flatMap((path) => [1, 2].map((part) => ({ writerId, path, part }))),
    )
    const names = files.map(({ writerId, path, part }) =>
      recordFilePart(recordFileName(path), writerId, part),
    )
    expect(new Set(names).size).toBe(paths.length * 6)
    for (const [at, name] of names.entries()) {
      expect(name).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:[.~]|$)/i)
      expect([name, isClaimedFile(name)]).toEqual([name, files[at]?.writerId === undefined])
    }
    expect(isClaimedFile('a~2.yaml')).toBe(true)
    expect(recordFileName('/v1/chat/completions')).toBe('v1_chat_completions')
    expect(recordFileName('/console')).toBe('console')
  })

  it('are not shared with a process that started after the folder was deleted', async () => {
    const reports: string[] = []
    const first = new AppendStore(place.dir, (_, message) => reports.push(message))
    const second = new AppendStore(place.dir, () => {})
    await first.append('/a', '- 1\n')
    rmSync(place.dir, { recursive: true })
    await second.append('/a', '- 2\n')
    await Promise.all([first.append('/a', '- 3\n'), first.append('/a', '- 4\n'), first.append('/b', '- 5\n')])
    await second.append('/a', '- 6\n')
    expect(reports).toEqual([expect.stringMatching(/^The folder is in use by process \d+ on /)])
    const id = /~([\da-f]{8})\.yaml/.exec(reports[0] ?? '')?.[1]
    expect(itemsOf('a.yaml')).toBe('- 2\n- 6\n')
    expect(itemsOf(`a~${id}.yaml`)).toBe('- 3\n- 4\n')
    expect(itemsOf(`b~${id}.yaml`)).toBe('- 5\n')
    await first.close()
    expect(locks()).toHaveLength(1)
    await second.close()
    expect(locks()).toEqual([])
  })

  it('keep their names across restarts, and the second process does not block the next start', async () => {
    const item = (number: number): string => `- request: ${number}\n  context_values: {}\n`
    const first = new AppendStore(place.dir, () => {})
    await first.append('/a', item(1))
    const second = new AppendStore(place.dir, () => {})
    await second.append('/a', item(2))
    await first.close()
    const restarted = new AppendStore(place.dir, () => {})
    await restarted.append('/a', item(3))
    expect(itemsOf('a.yaml')).toBe(item(1) + item(3))
    expect(recordingFiles(place.dir)).toHaveLength(2)
    await Promise.all([second.close(), restarted.close()])
    expect(locks()).toEqual([])
  })

  it('are never shared by processes that start at the same moment', async () => {
    const stores = Array.from({ length: 8 }, () => new AppendStore(place.dir, () => {}))
    await Promise.all(stores.map((store, index) => store.append('/a', `- ${index}\n`)))
    const texts = recordingFiles(place.dir).map(itemsOf)
    expect(texts.toSorted()).toEqual(stores.map((_, index) => `- ${index}\n`))
    await Promise.all(stores.map((store) => store.close()))
    expect(locks()).toEqual([])
  })

  describe('with the lock file of another process', () => {
    const lockOf = (holder: object | string): string => {
      const path = join(place.dir, '.aoai-sim-recorder-0.lock')
      writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
      return path
    }
    const ended = spawnSync(process.execPath, ['--version']).pid
    const appendOne = async (): Promise<void> => {
      const store = new AppendStore(place.dir, () => {})
      await store.append('/a', '- 1\n')
      await store.close()
    }

    it.each([
      ['has ended', { pid: ended, host: hostname(), startMs: Date.now() - 1_000 }],
      ['had the same id and has ended', { pid: process.pid, host: hostname(), startMs: 0 }],
      ['ended with the machine', { pid: process.ppid, host: hostname(), startMs: 0 }],
    ])('keep the plain names if it %s', async (_, holder) => {
      lockOf(holder)
      await appendOne()
      expect(recordingFiles(place.dir)).toEqual(['a.yaml'])
      expect(locks()).toEqual([])
    })

    it.each([
      ['runs', { pid: process.ppid, host: hostname(), startMs: Date.now() }],
      ['is on another machine', { pid: ended, host: 'another', startMs: 0 }],
      ['has not written its lock file yet', ''],
    ])('get a random suffix if it %s', async (_, holder) => {
      const path = lockOf(holder)
      await appendOne()
      expect(recordingFiles(place.dir)).toEqual([expect.stringMatching(/^a~[\da-f]{8}\.yaml$/)])
      expect(locks()).toEqual([basename(path)])
    })

    it('keep the plain names beside the lock files of earlier versions', async () => {
      const old = { pid: process.ppid, host: 'another', startMs: Date.now(), id: 'x' }
      writeFileSync(join(place.dir, '.aoai-sim-writer-1.lock'), JSON.stringify(old))
      await appendOne()
      expect(recordingFiles(place.dir)).toEqual(['a.yaml'])
    })
  })

  it('that are named pipes are reported and never block', async () => {
    execFileSync('mkfifo', [join(place.dir, 'a.yaml')])
    const store = new AppendStore(place.dir, () => {})
    await store.open()
    await expect(store.append('/a', '- 1\n')).rejects.toThrow('it is a named pipe, not a regular file')
    await store.close()
  })

  it('are appended to in constant time, whatever their size', async () => {
    const store = new AppendStore(place.dir, () => {})
    const item = `- request: {method: GET, uri: /x}\n  response: {status: {code: 200}, body: {string: ${'x'.repeat(1_000)}}}\n  context_values: {}\n`
    await store.append('/x', item)
    appendFileSync(join(place.dir, 'x.yaml'), item.repeat(30_000))
    await store.append('/x', item)
    let appended = 0
    const appendTwenty = async (): Promise<void> => {
      for (let index = 0; index < 20; index++) await store.append('/x', item)
      appended += 20
    }
    // Reading the file again each time would take seconds.
    expect(await leastMs(1_000, appendTwenty)).toBeLessThan(1_000)
    const bytes = recordingFileHeader.length + (30_002 + appended) * item.length
    expect(statSync(join(place.dir, 'x.yaml')).size).toBe(bytes)
    await store.close()
  })
})

describe('a disk that fails', () => {
  it('does not affect the answer to the client, and is reported with the file and what to do', async () => {
    const { post, log, recorder } = start()
    await post(path, body(1))
    await recorder.close()
    rmSync(place.dir, { recursive: true })
    writeFileSync(place.dir, 'a file instead of the folder')
    const other = start()
    const response = await other.post(path, body(2))
    expect(await response.json()).toEqual(chatCompletion('Hi'))
    expect(response.headers.get('x-aoai-sim-recording')).toBe('failed')
    const error = other.log.find(({ level }) => level === 'error')
    expect(error?.message).toContain(place.dir)
    expect(error?.message).toContain('RECORDING_DIR')
    expect(log.some(({ level }) => level === 'error')).toBe(false)
    await expect(other.recorder.open()).rejects.toMatchObject({ code: 'RECORDINGS_UNWRITABLE' })
  })

  it('that is full leaves the file unchanged, and recording continues when there is room', async () => {
    // Every write to /dev/full fails with ENOSPC.
    const { post, log } = start()
    symlinkSync('/dev/full', join(place.dir, file))
    const response = await post(path, body(1))
    expect(response.status).toBe(200)
    expect(log.find(({ level }) => level === 'error')?.message).toContain('the disk is full (ENOSPC)')
    rmSync(join(place.dir, file))
    await post(path, body(2))
    expect(contents()).toEqual(['number 2'])
  })
})

describe('RECORDING_AUTOSAVE=false', () => {
  const save = (app: ReturnType<typeof start>['app'], key = testKey) =>
    app.request('/++/save-recordings', { method: 'POST', headers: { 'api-key': key } })

  it('keeps recordings in memory until a request with the key saves them', async () => {
    const { app, post } = start({ RECORDING_AUTOSAVE: 'false' })
    await post(path, body(1))
    await post(path, body(2))
    expect(readdirSync(place.dir)).toEqual([])
    expect((await save(app, 'wrong')).status).toBe(401)
    const saved = await save(app)
    expect([saved.status, await saved.json()]).toEqual([200, { saved: 2 }])
    expect(contents()).toEqual(['number 1', 'number 2'])
    expect(await (await save(app)).json()).toEqual({ saved: 0 })
  })

  it('saves at a clean stop', async () => {
    const { post, recorder } = start({ RECORDING_AUTOSAVE: 'false' })
    await post(path, body(1))
    await recorder.close()
    expect(contents()).toEqual(['number 1'])
  })

  it('keeps recordings that cannot be saved for the next attempt, and states the reason', async () => {
    const { app, post } = start({ RECORDING_AUTOSAVE: 'false' })
    await post(path, body(1))
    rmSync(place.dir, { recursive: true })
    writeFileSync(place.dir, '')
    const failed = await save(app)
    expect(failed.status).toBe(500)
    expect(JSON.stringify(await failed.json())).toContain('RecordingsNotSaved')
    rmSync(place.dir, { recursive: true })
    expect(await (await save(app)).json()).toEqual({ saved: 1 })
  })
})

describe('several processes', () => {
  const children: ChildProcess[] = []
  const append = (name: string, bytes: number, count = 'Infinity') => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', childScript, place.dir, name, String(bytes), count],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(child)
    return child
  }
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  it('that share a folder lose nothing and write separate files', async () => {
    const all = [append('a', 2_000, '60'), append('b', 2_000, '60')]
    await Promise.all(all.map((child) => once(child, 'exit')))
    const uris = readRecordings(place.dir).map(({ request }) => request.uri)
    expect(new Set(uris).size).toBe(120)
    expect(locks()).toEqual([])
  })

  it('that are killed during a write lose at most the item that was not acknowledged', async () => {
    let acknowledged = 0
    for (let round = 0; round < 2; round++) {
      const child = append(`round${round}`, 500_000)
      let count = 0
      child.stdout?.on('data', (text: Buffer) => {
        count += text.toString().split('\n').length - 1
        if (count >= 3) setTimeout(() => child.kill('SIGKILL'), round * 2)
      })
      await once(child, 'exit')
      acknowledged += count
      const store = new AppendStore(place.dir, () => {})
      await store.open()
      await store.close()
      const stored = readRecordings(place.dir).length
      expect(stored).toBeGreaterThanOrEqual(acknowledged)
      expect(stored).toBeLessThanOrEqual(acknowledged + round + 1)
      expect(recordingFiles(place.dir)).toEqual(['shared_path.yaml'])
    }
    truncateSync(join(place.dir, 'shared_path.yaml'), 300_000)
    const store = new AppendStore(place.dir, () => {})
    await store.open()
    await store.close()
    expect(readRecordings(place.dir)).toEqual([])
  }, 30_000)
})
