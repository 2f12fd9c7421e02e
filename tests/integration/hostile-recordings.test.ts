import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { callProgram } from '../support/call-program.ts'
import { leastMs, leastMsAndResult } from '../support/machine-speed.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const good = cassetteItem('{"q":1}', '{"a":1}')

/** Lists of ten aliases each. Each level repeats the previous one: 10^9 texts in 500 bytes. */
const laughs = (indent: string, line: (name: string, list: string) => string): string =>
  Array.from({ length: 10 }, (_, level) => {
    const items = level === 0 ? 'lol' : Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')
    return `${indent}${line(`a${level}`, `&a${level} [${items}]`)}\n`
  }).join('')

const keyed = (name: string, list: string): string => `${name}: ${list}`
const response = '  response: {body: {string: x}, status: {code: 200, message: OK}}\n'
const item = (body: string): string => `- request:\n    method: POST\n    uri: http://h/a\n${body}${response}`

const bombs: Readonly<Record<string, string>> = {
  'aliases of aliases in front of the list': `${laughs('', keyed)}interactions: *a9\nversion: 1\n`,
  'aliases of aliases in one interaction': cassette(item(`    body:\n${laughs('      ', keyed)}`)),
  'aliases of aliases in a key': cassette(
    item(`    headers:\n${laughs('      ', (_, list) => `? ${list}\n      : x`)}`),
  ),
  'merge keys of merge keys': cassette(
    item(
      `    body:\n${Array.from({ length: 30 }, (_, level) => `      m${level}: &m${level} {k${level}: 1${level === 0 ? '' : `, l: [*m${level - 1}, *m${level - 1}]`}}\n`).join('')}`,
    ),
  ),
  'many aliases of one long list': cassette(
    item(`    body:\n      a: &a [${'x, '.repeat(5_000)}x]\n      b: [${'*a, '.repeat(5_000)}x]\n`),
  ),
  'many aliases of one long text': cassette(
    item(`    body:\n      a: &a ${'x'.repeat(100_000)}\n      b: [${'*a, '.repeat(5_000)}x]\n`),
  ),
  'an anchor that holds itself': cassette(item('    body: &a [*a]\n')),
  '3,000 levels of blocks': cassette(
    item(`    body:\n${Array.from({ length: 600 }, (_, level) => `${' '.repeat(6 + level)}a:\n`).join('')}`),
  ),
  'many levels of dashes': cassette(item(`    body:\n      ${'- '.repeat(100_000)}x\n`)),
  'many levels of brackets': cassette(item(`    body: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`)),
  'quotation marks': '"'.repeat(100_000),
  'brackets that do not fit': '[}'.repeat(40_000),
  'quotation marks in one interaction': cassette(item(`    body: ${'"'.repeat(100_001)}\n`)),
}

describe('a malicious or malformed recording file', () => {
  it.each(Object.entries(bombs))(
    'with %s is refused quickly with its line, and other files are loaded',
    async (_, text) => {
      const dir = recordingFolder({ 'a.yaml': cassette(good), 'b.yaml': text })
      const lint = () => callProgram(dir, ['recordings', 'lint', '.'])
      const { ms, result } = await leastMsAndResult(1_500, lint)
      expect(ms).toBeLessThan(1_500)
      const { code, out } = result
      expect(code).toBe(1)
      expect(out).toMatch(/^error {4}b\.yaml:\d+: .{1,400}$/m)
      expect(out).toContain('1 interaction that can be replayed')
      const { post, simulator } = createTestSimulator({
        env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir },
      })
      expect((await post('/v1/chat/completions', '{"q":1}')).status).toBe(200)
      // The same file is refused by a refresh.
      renameSync(join(dir, 'b.yaml'), join(dir, 'c.yaml'))
      const refreshed = await simulator.recordings[0]?.replay?.refresh()
      expect(refreshed?.problems.map(({ file }) => file)).toEqual([join(dir, 'c.yaml')])
    },
  )

  it('can repeat earlier parts of the file with aliases, as PyYAML writes them', async () => {
    const repeated = `- request: &one\n    method: POST\n    uri: http://h/a\n    body: '1'\n    headers: &h {a: [b]}\n${response}`
    const again = `- request: {<<: *one, body: '2', headers: *h}\n${response}`
    const dir = recordingFolder({ 'a.yaml': cassette(repeated, again.repeat(200)) })
    const { code, out } = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(code).toBe(0)
    expect(out).toContain('201 interactions that can be replayed, 0 errors')
  })
})

describe('a path that is not a regular file', () => {
  const special = (dir: string): void => {
    execFileSync('mkfifo', [join(dir, 'pipe.yaml'), join(dir, 'pipe')])
    symlinkSync(join(dir, 'pipe'), join(dir, 'link.yaml'))
    symlinkSync('/dev/zero', join(dir, 'zero.yaml'))
    mkdirSync(join(dir, 'folder'))
    symlinkSync(join(dir, 'folder'), join(dir, 'linked-folder.yaml'))
  }

  it('is skipped with a warning in a folder of recordings and never blocks', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(good) })
    special(dir)
    const { code, out } = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(code).toBe(1)
    expect(out).toContain('link.yaml:1: the file cannot be read: it is a named pipe, not a regular file.')
    expect(out).toContain('linked-folder.yaml:1: the file cannot be read: it is a folder, not a file.')
    expect(out).toContain('pipe.yaml:1: the file cannot be read: it is a named pipe, not a regular file.')
    expect(out).toContain('zero.yaml:1: the file cannot be read: it is a device, not a regular file.')
    const { post, simulator } = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
    expect((await post('/v1/chat/completions', '{"q":1}')).status).toBe(200)
    expect((await simulator.recordings[0]?.replay?.refresh())?.problems).toHaveLength(0)
  })

  it.each(['list', 'lint', 'show', 'stats', 'scrub', 'dedupe', 'diff'])(
    'is reported by recordings %s',
    async (command) => {
      const dir = recordingFolder({ 'a.yaml': cassette(good) })
      special(dir)
      const { out, err } = await callProgram(dir, ['recordings', command, 'pipe.yaml', 'a.yaml'])
      expect(out + err).toContain('it is a named pipe, not a regular file')
    },
  )

  it.each([
    'OPENAI_DEPLOYMENT_CONFIG_PATH',
    'FAULTS_PATH',
    'INCIDENTS_PATH',
    'MODEL_CATALOGUE_PATH',
    'EXTENSION_PATH',
  ])('prevents the start if %s names it', async (variable) => {
    const dir = recordingFolder({})
    execFileSync('mkfifo', [join(dir, 'pipe.js')])
    const { code, err } = await callProgram(dir, ['--port', '0'], { [variable]: './pipe.js' })
    expect(code).toBe(2)
    expect(err).toContain('it is a named pipe, not a regular file')
  })

  it('prevents the start if it is named .env', async () => {
    const dir = recordingFolder({})
    execFileSync('mkfifo', [join(dir, '.env')])
    const { code, err } = await callProgram(dir, ['--port', '0'])
    expect(code).toBe(2)
    expect(err).toContain('.env cannot be read: it is a named pipe')
  })
})

describe('a recorded body that decompresses to more than 64 MB', () => {
  const packed = gzipSync(Buffer.alloc(100 * 1024 * 1024)).toString('base64')
  const bomb = good
    .replace('string: \'{"a":1}\'', `string: !!binary ${packed}`)
    .replace('      Content-Type:', '      Content-Encoding: [gzip]\n      Content-Type:')

  it('is reported by lint', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(bomb) })
    const { out } = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(out).toContain('a.yaml:2: the body would have more than 64 MB without its content-encoding (gzip)')
  })

  it('is replayed as recorded and blocks no other request', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(bomb) })
    const { post } = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })
    const answer = await post('/v1/chat/completions', '{"q":1}')
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(Buffer.from(await answer.arrayBuffer()).toString('base64')).toBe(packed)
    // The result of the first attempt is cached.
    const ask = async () => void (await (await post('/v1/chat/completions', '{"q":1}')).arrayBuffer())
    expect(await leastMs(30, ask)).toBeLessThan(30)
  })
})

describe('recordings scrub', () => {
  it('reads header names of aiohttp and removes only the credentials', async () => {
    const text = `interactions:
- request:
    body: '{"model":"m"}'
    headers:
      ? !!python/object/apply:multidict._multidict.istr
      - Authorization
      : - Bearer sk-live-0123456789abcdef
      ? !!python/object/new:multidict._multidict.istr
        args: [X-One]
      : - a
      ? !!python/object/apply:multidict.istr [X-Two]
      : - !!python/unicode b
      Accept:
      - '*/*'
    method: POST
    uri: http://h/a
    extra: kept
  response:
    http_version: HTTP/1.1
    headers: !!python/object/apply:multidict._multidict.CIMultiDict
    - - !!python/tuple [!!python/object/apply:multidict._multidict.istr [Set-Cookie], a=b]
      - !!python/tuple [X-Three, c]
    parsed_body:
      size: 1.10
    status:
      message: ''
      code: 200
  recorded_at: today
version: 1
`
    const dir = recordingFolder({ 'a.yaml': text })
    const before = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(before.out).toMatch(/header.* Authorization, Set-Cookie /)
    expect((await callProgram(dir, ['recordings', 'scrub', '.'])).code).toBe(0)
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(`interactions:
- request:
    body: '{"model":"m"}'
    headers:
      X-One:
      - a
      X-Two:
      - b
      Accept:
      - '*/*'
    method: POST
    uri: 'http://h/a'
    extra: kept
  response:
    http_version: HTTP/1.1
    headers:
      X-Three:
      - c
    parsed_body:
      size: 1.10
    status:
      message: ''
      code: 200
  recorded_at: today
version: 1
`)
    const after = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(after).toMatchObject({ code: 0, out: expect.stringContaining('0 warnings') })
  })

  it('keeps content, status_code and JSON files unchanged', async () => {
    const old = {
      http_version: 'HTTP/1.1',
      status_code: 200,
      headers: { 'Set-Cookie': 'a=b', 'X-One': 'c' },
      content: 'hi',
    }
    const root = {
      recorder: 'mine',
      interactions: [{ request: { method: 'GET', uri: '/a', headers: {}, body: '' }, response: old }],
    }
    const dir = recordingFolder({ 'a.json': JSON.stringify(root), 'b.yaml': JSON.stringify(root) })
    expect((await callProgram(dir, ['recordings', 'scrub', 'a.json', 'b.yaml'])).code).toBe(0)
    const { 'Set-Cookie': _, ...headers } = old.headers
    const expected = structuredClone({
      ...root,
      interactions: [{ ...root.interactions[0], response: { ...old, headers } }],
    })
    for (const file of ['a.json', 'b.yaml']) {
      expect(JSON.parse(readFileSync(join(dir, file), 'utf8'))).toEqual(expected)
    }
  })

  it.each([
    ['an unknown tag', '      ? !!python/object/apply:base64.b64decode [QQ==]\n      : Bearer sk\n'],
    ['a tag on values', '      X-A: !!python/object/apply:secret.of [sk]\n'],
    ['a key that is a list', '      ? [Authorization, b]\n      : Bearer sk\n'],
    ['a duplicate key', '      X-A: Bearer sk\n      X-A: b\n'],
    ['a null for a key', '      ? \n      : Bearer sk\n'],
  ])(
    'leaves an interaction with %s unchanged and reports it, and lint reports it as well',
    async (_, headers) => {
      const unclear = item(`    headers:\n      Cookie: a\n${headers}`)
      const secret = good.replace(
        '      content-type:',
        '      authorization: Bearer abc\n      content-type:',
      )
      const dir = recordingFolder({ 'a.yaml': cassette(unclear, secret) })
      const lint = await callProgram(dir, ['recordings', 'lint', '.'])
      expect(lint.code).toBe(1)
      expect(lint.out).toMatch(/^error {4}a\.yaml:[678]: .*not searched for credentials/m)
      const { code, err, out } = await callProgram(dir, ['recordings', 'scrub', '.'])
      expect(code).toBe(1)
      expect(out).toContain('1 interaction cleaned.')
      expect(err).toMatch(/a\.yaml: interactions that are only partly supported are unchanged \(line [678]: /)
      const text = readFileSync(join(dir, 'a.yaml'), 'utf8')
      expect(text).toContain(unclear)
      expect(text).not.toContain('Bearer abc')
      writeFileSync(join(dir, 'a.yaml'), `x: &x 1\n${text}`)
      expect((await callProgram(dir, ['recordings', 'lint', '.'])).code).toBe(1)
    },
  )
})

describe('recordings lint', () => {
  it.each([
    [
      'a.yaml',
      'http_interactions:\n- request: {method: get}\n',
      'a.yaml:2: Ruby VCR cassette: request has no uri',
    ],
    ['a.yml', 'version: 2\ninteractions:\n- id: 0\n', 'go-vcr'],
    ['a.yaml', '{"log": {"version": "1.2", "entries": []}}', 'HAR'],
    [
      'a.json',
      '[\n{"scope": "https://h:443", "method": "POST"}]',
      'a.json:2: nock recording, interaction 1: status must be',
    ],
    [
      'a.json',
      '{"name": "app", "version": "1.0.0"}',
      'a.json:1: the file is not a recording (got JSON without',
    ],
    ['a.json', '{"log": 1, "b": {}}', 'a.json:1: the file is not a recording (got a map with log, b)'],
    [
      'a.json',
      '{"fixtures": [{"match": {"userMessage": "hi"}, "response": {"content": "ho"}}]}',
      'aimock fixture file',
    ],
    ['a.jsonl', '{"a": 1}\n{"a": 2}', 'a.jsonl:1: the file is not a recording (got JSON without'],
  ])('recognizes the tool that wrote %s with %s', async (name, text, tool) => {
    const dir = recordingFolder({ [name]: text })
    const { code, out } = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(code).toBe(1)
    expect(out).toContain(tool)
  })

  it('reports a folder without readable recordings as an error', async () => {
    const dir = recordingFolder({ 'a.json': '{}', 'sub/b.json': '[]', 'readme.md': '' })
    const { code, err } = await callProgram(dir, ['recordings', 'lint', '.'])
    expect(code).toBe(1)
    expect(err).toContain('it contains no interactions')
    expect(err).toContain('2 .json, 1 .md')
  })
})
