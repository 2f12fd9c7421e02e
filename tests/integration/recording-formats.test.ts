import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { countPlain } from '../../src/cli/recordings-run.ts'
import { callProgram } from '../support/call-program.ts'
import { leastMsAndResult } from '../support/machine-speed.ts'
import { recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, testKey, type TestSimulator } from '../support/test-simulator.ts'
import { type Replayed, toolRecordings } from '../support/tool-recordings.ts'

const replayed = async ({ app }: TestSimulator, one: Replayed): Promise<object> => {
  const { method = 'POST', path = '/v1/chat/completions', body, type = 'application/json' } = one
  const response = await app.request(path, {
    method,
    headers: { 'api-key': testKey, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, type: response.headers.get('content-type') ?? '', body: textOrHex(bytes) }
}

const expected = ({ status = 200, answer, answerType = 'application/json' }: Replayed): object => ({
  status,
  type: answerType,
  body: textOrHex(Buffer.from(answer)),
})

const textOrHex = (bytes: Buffer): string =>
  Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : bytes.toString('hex')

const replaySimulator = (dir: string): TestSimulator =>
  createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })

const below = (
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Record<string, string | Buffer> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]))

const filesOf = (tool: string): Readonly<Record<string, string | Buffer>> => {
  const found = Object.entries(toolRecordings).find(([name]) => name.startsWith(tool))
  if (!found) throw new Error(`No sample is named ${tool}.`)
  return found[1].files
}

const recordings = (dir: string, ...argv: readonly string[]) => callProgram(dir, ['recordings', ...argv])

describe.each(Object.entries(toolRecordings))('a recording of %s', (_, { format, files, replays }) => {
  it('replays status, content type and bytes in the order of the file', async () => {
    const simulator = replaySimulator(recordingFolder(files))
    for (const one of replays) expect(await replayed(simulator, one)).toEqual(expected(one))
    expect(simulator.simulator.recordings[0]?.replay?.unused()).toEqual([])
  })

  it('is found by lint, which names its format', async () => {
    const { code, out, err } = await callProgram(recordingFolder(files), ['recordings', 'lint', '.'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`${countPlain(replays.length, 'interaction')} that can be replayed, 0 errors`)
    expect(out).toContain(format)
  })

  it('is converted to YAML that replays the same', async () => {
    const dir = recordingFolder(below('in', files))
    const { code, out, err } = await callProgram(dir, ['recordings', 'convert', 'in', 'out'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`${replays.length} interaction${replays.length === 1 ? '' : 's'} converted (`)
    expect(out).toContain(format)
    const simulator = replaySimulator(join(dir, 'out'))
    for (const one of replays) expect(await replayed(simulator, one)).toEqual(expected(one))
    expect(await callProgram(dir, ['recordings', 'diff', 'in', 'out'])).toMatchObject({
      code: 0,
      out: '',
    })
  })
})

describe('recordings convert', () => {
  it('keeps one file for each file and names both', async () => {
    const dir = recordingFolder(
      below('in', {
        ...filesOf('HAR of Polly'),
        'sub/b.yaml': filesOf('go-vcr v2')['a.yaml'] ?? '',
        'package.json': '{}',
      }),
    )
    const { code, out } = await recordings(dir, 'convert', 'in', 'out')
    expect(code).toBe(0)
    expect(out).toBe(
      'in/a.har -> out/a.har.yaml  4 interactions\nin/sub/b.yaml -> out/sub/b.yaml  1 interaction\n5 interactions converted (1 HAR file, 1 go-vcr v1 or v2 cassette).\n',
    )
    expect(readdirSync(join(dir, 'out'), { recursive: true }).map(String).sort()).toEqual([
      'a.har.yaml',
      'sub',
      'sub/b.yaml',
    ])
    expect(readFileSync(join(dir, 'out/sub/b.yaml'), 'utf8')).toMatch(
      /^# aoai-sim recording.*\nversion: 1\ninteractions:\n- request:\n/,
    )
    const { json } = await recordings(dir, 'convert', 'in/a.har', 'again', '--json')
    expect(json()).toMatchObject({
      formats: { 'HAR file': 1 },
      interactions: 4,
      converted: [{ to: 'again/a.har.yaml' }],
    })
  })

  it('overwrites nothing', async () => {
    const dir = recordingFolder({ ...below('in', filesOf('nock')), 'out/b.json.yaml': 'mine' })
    const { code, err } = await recordings(dir, 'convert', 'in', 'out')
    expect({ code, err }).toEqual({
      code: 1,
      err: 'Could not convert: 1 target file already exists (out/b.json.yaml). Give an empty folder.\n',
    })
    expect(readFileSync(join(dir, 'out/b.json.yaml'), 'utf8')).toBe('mine')
    expect(readdirSync(join(dir, 'out'))).toEqual(['b.json.yaml'])
    expect((await recordings(dir, 'convert', 'in', 'in/out')).err).toContain('is in the folder that is read')
  })

  it('fails if nothing or not everything is converted', async () => {
    const dir = recordingFolder({
      'in/package.json': '{}',
      'some/a.json':
        '[{"scope":"http://h","method":"GET","path":"/a","status":200,"response":"x"},{"scope":"http://h","method":"GET","path":"/b"}]',
    })
    const nothing = await recordings(dir, 'convert', 'in', 'out')
    expect(nothing.code).toBe(1)
    expect(nothing.err).toContain('Could not convert in: it contains no interactions (got 1 .json).')
    const some = await recordings(dir, 'convert', 'some', 'out')
    expect(some.code).toBe(1)
    expect(some.out).toContain('1 interaction converted')
    expect(some.err).toContain('some/a.json:1: nock recording, interaction 2: status must be an integer')
  })
})

describe('recordings scrub and dedupe', () => {
  it.each([
    'HAR of a browser',
    'nock',
    'langchain-tests, compressed',
    'the test agent',
    'WireMock',
    'the test proxy',
    'JSON lines',
    'VCR for Ruby as JSON',
  ])('refuse to write a file of %s and name the conversion', async (tool) => {
    const dir = recordingFolder(filesOf(tool))
    const before = readdirSync(dir, { recursive: true }).map(String).sort()
    const { code, err } = await callProgram(dir, ['recordings', 'scrub', '.'], {
      RECORDING_REDACT: '/[a-z]+/',
    })
    expect(code).toBe(1)
    expect(err).toMatch(/can only be read\. Convert it first: aoai-sim recordings convert \S+ <folder>/)
    expect(readdirSync(dir, { recursive: true }).map(String).sort()).toEqual(before)
  })

  it.each([
    ['VCR for Ruby with text', '      Content-Type:\n', '      X-Api-Key:\n      - '],
    ['go-vcr v4', '            Content-Type:\n', '            X-Api-Key:\n                - '],
  ])('change a YAML list of %s in place', async (tool, before, header) => {
    const secret = 'sk-live-0123456789abcdefghijkl'
    const [[name, text] = ['', '']] = Object.entries(filesOf(tool))
    const dir = recordingFolder({ [name]: String(text).replace(before, `${header}${secret}\n${before}`) })
    expect((await recordings(dir, 'scrub', '.')).out).toMatch(/[1-9] interactions? cleaned\./)
    expect(readFileSync(join(dir, name), 'utf8')).not.toContain(secret)
    expect((await recordings(dir, 'lint', '.')).code).toBe(0)
    expect((await recordings(dir, 'show', name)).out).toContain('Oui, à côté.')
  })
})

describe('replay of a folder with files of other tools', () => {
  it('ignores other JSON without a message, and says how many files it read', () => {
    const { log } = replaySimulator(
      recordingFolder({
        ...filesOf('HAR of Polly'),
        'package.json': '{"name":"x"}',
        'tsconfig.json': '// c\n{"log": 1}',
        'data.jsonl': '{"a":1}\n{"a":2}\n',
      }),
    )
    const messages = log.map(({ message }) => message)
    expect(messages).toEqual([
      expect.stringMatching(/^4 recorded interactions in 1 files of \S+ \(1 HAR file\)\.$/),
    ])
  })

  it('reads a changed file again, and keeps its recordings if it is another file now', async () => {
    const dir = recordingFolder(filesOf('VCR.py with its JSON'))
    const { simulator, log, post } = replaySimulator(dir)
    const refresh = () => simulator.recordings[0]?.replay?.refresh()
    const ask = async () => (await (await post('/v1/x', '{}')).text()).slice(0, 10)
    await refresh()
    const nock = (response: string) =>
      JSON.stringify([
        { scope: 'http://h', method: 'POST', path: '/v1/x', body: '{}', status: 200, response },
      ])
    writeFileSync(join(dir, 'b.json'), nock('one'))
    expect(await refresh()).toMatchObject({ read: [join(dir, 'b.json')], interactions: 1 })
    expect(await ask()).toBe('one')
    writeFileSync(join(dir, 'b.json'), nock('three'))
    await refresh()
    expect(await ask()).toBe('three')
    writeFileSync(join(dir, 'b.json'), '{"private": true}')
    writeFileSync(join(dir, 'c.json'), '{"private": true}')
    expect(await refresh()).toMatchObject({ read: [], rejected: [join(dir, 'b.json')] })
    expect(log.map(({ message }) => message).join('\n')).toContain(
      'b.json:1: the file is not a recording any more',
    )
    expect(await ask()).toBe('three')
  })
})

describe('a malicious file of another tool', () => {
  const deep = (levels: number): string =>
    `[{"scope":"http://h","path":"/a","response":${'['.repeat(levels)}${']'.repeat(levels)}}]`
  const files: readonly (readonly [name: string, content: string | Buffer, reason: string])[] = [
    ['a.json', deep(100_000), 'nested deeper than 200 levels'],
    ['a.har', '{"log":{"entries":[', 'the end of the file'],
    ['a.har', `{"log":{"entries":[${'{},'.repeat(50_000)}{}]}}`, 'request must be a map'],
    ['a.json', `{"log":${'[0,'.repeat(10)}${'0,'.repeat(2_000_001)}`, 'too many values'],
    ['a.yaml.gz', gzipSync(Buffer.alloc(40 * 1024 * 1024, 'a')), 'more than 33554432 bytes without gzip'],
    ['a.yaml.gz', gzipSync(Buffer.alloc(1_000, 'a')).subarray(0, 20), 'gzip cannot be decompressed'],
    [
      'a.yaml.gz',
      gzipSync(
        `a: &a [x]\n${Array.from({ length: 9 }, (_, n) => `b${n}: &b${n} [${`*${n === 0 ? 'a' : `b${n - 1}`}, `.repeat(20)}]\n`).join('')}`,
      ),
      'repeat more than 64 MB',
    ],
    [
      'mappings/a.json',
      JSON.stringify({
        request: { method: 'GET', url: '/a' },
        response: { bodyFileName: '../../../../../../../../etc/hostname' },
      }),
      'not in the folder __files',
    ],
    [
      'mappings/a.json',
      JSON.stringify({ request: { method: 'POST', urlPattern: '/a.*' }, response: {} }),
      'request.urlPattern is a pattern',
    ],
    [
      'a.har',
      JSON.stringify({
        log: {
          entries: [
            { request: { method: 'GET', url: 'http://h/' }, response: { status: 200, content: { size: 5 } } },
          ],
        },
      }),
      'has no text',
    ],
  ]
  it.each(files.map(([name, content, reason]) => [name, reason, content] as const))(
    '%s is refused quickly with "%s", and other files are loaded',
    async (name, reason, content) => {
      const dir = recordingFolder({
        [name]: content,
        'other.json': filesOf('VCR.py with its JSON')['a.json'] ?? '',
        '__files/x': '',
      })
      const { ms, result } = await leastMsAndResult(5_000, () => recordings(dir, 'lint', '.'))
      const { code, out } = result
      expect(ms).toBeLessThan(5_000)
      expect(code).toBe(1)
      expect(out).toContain(reason)
      expect(out).toContain('1 interaction that can be replayed')
    },
  )
})
