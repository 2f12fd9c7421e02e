import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { callProgram as call } from '../support/call-program.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'

const recordings = (...argv: readonly string[]) => ['recordings', ...argv]
const hello = cassetteItem('{"q":1}', '{"a":1}')
const secret = cassetteItem('{"q":2}', '{"a":2}').replace(
  '      content-type:',
  '      authorization:\n      - Bearer abc\n      content-type:',
)

describe('aoai-sim recordings list', () => {
  it('prints a line for each interaction of the default folder', async () => {
    const dir = recordingFolder({ 'recordings/a.yaml': cassette(hello, secret) })
    const { code, out } = await call(dir, recordings('list'))
    expect(code).toBe(0)
    expect(out).toBe(
      'recordings/a.yaml:2  POST /v1/chat/completions  200  7 bytes\nrecordings/a.yaml:18  POST /v1/chat/completions  200  7 bytes\n',
    )
  })

  it('prints JSON with --json, and unreadable files on standard error', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(hello), 'b.yaml': 'x: y\n' })
    const { json, err } = await call(dir, recordings('list', '.', '--json'))
    expect(json()).toEqual([expect.objectContaining({ place: 'a.yaml:2', status: 200, bytes: 7 })])
    expect(err).toContain('b.yaml:1: the file is not a recording of a known format (got a map with x).')
  })

  it.each([
    ['a folder that is not there', 'nowhere', 'Could not read nowhere: ENOENT'],
    ['RECORDING_DIR that is not there', '', 'Could not read'],
  ])('reports %s', async (_, path, message) => {
    const dir = recordingFolder({})
    const { code, err } = await call(dir, recordings('list', ...(path ? [path] : [])))
    expect(code).toBe(1)
    expect(err).toContain(message)
  })
})

describe('aoai-sim recordings show', () => {
  it('prints an interaction as YAML or as JSON', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(hello, secret) })
    const { out } = await call(dir, recordings('show', 'a.yaml:18'))
    expect(out).toContain('# a.yaml:18\n- request:\n    method: POST\n')
    expect(out).not.toContain('"q":1')
    const { json } = await call(dir, recordings('show', 'a.yaml', '--json'))
    expect(json()).toMatchObject([{ response: { body: { text: '{"a":1}' } } }, { place: 'a.yaml:18' }])
  })

  it('lists the lines of the interactions for a wrong line', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(hello, secret) })
    const { code, err } = await call(dir, recordings('show', 'a.yaml:3'))
    expect(code).toBe(1)
    expect(err).toContain('interactions start on lines 2, 18')
  })
})

describe('aoai-sim recordings lint', () => {
  it('reports file, line and fix of what cannot be replayed, and fails', async () => {
    const broken = cassette(hello, hello).replace('    method: POST\n', '')
    const dir = recordingFolder({ 'a.yaml': broken, 'b.yaml': cassette(secret) })
    const { code, out, err } = await call(dir, recordings('lint', '.'))
    expect(code).toBe(1)
    expect(out).toContain('error    a.yaml:2: request has no method (it has body, headers, uri). Correct it')
    expect(out).toContain('warning  b.yaml:2: the header authorization may contain a credential.')
    expect(out).toContain('2 files, 2 interactions that can be replayed, 1 error, 1 warning.')
    expect(err).toContain('Could not read all recordings: 1 error.')
  })

  it('succeeds if there are only warnings', async () => {
    const dir = recordingFolder({
      'a.yaml': cassette(
        secret,
        hello.replace('    headers', '    body_hash: 0\n    headers'),
        hello
          .replace('body: \'{"q":1}\'', 'body: null')
          .replace('content-type:\n      - application/json', "content-length: '9'"),
      ),
    })
    const { code, json } = await call(dir, recordings('lint', 'a.yaml', '--json'))
    expect(code).toBe(0)
    expect(json()).toMatchObject({
      errors: [],
      warnings: [{ rule: 'credential-header' }, { rule: 'stale-body-hash' }, { rule: 'unknown-body' }],
    })
  })
})

describe('aoai-sim recordings diff', () => {
  it('succeeds silently for equal recordings with different layouts', async () => {
    const dir = recordingFolder({
      'a.yaml': cassette(hello),
      'b.yaml': cassette(hello.replace('{"q":1}', '{ "q": 1 }').replace('api.openai.com', 'other')),
    })
    expect(await call(dir, recordings('diff', 'a.yaml', 'b.yaml'))).toMatchObject({
      code: 0,
      out: '',
      err: '',
    })
  })

  it('shows the first difference of each pair, and interactions that are only in one file', async () => {
    const dir = recordingFolder({
      'a.yaml': cassette(hello, secret),
      'b.yaml': cassette(hello.replace('{"a":1}', '{"a":3}')),
    })
    const { code, out, err } = await call(dir, recordings('diff', 'a.yaml', 'b.yaml'))
    expect(code).toBe(1)
    expect(out).toContain('changed  a.yaml:2 | b.yaml:2  POST /v1/chat/completions\n         a: 1 | 3\n')
    expect(out).toContain('only in a.yaml  a.yaml:18  POST')
    expect(err).toBe('a.yaml and b.yaml differ: 2 differences.\n')
  })
})

describe('aoai-sim recordings dedupe', () => {
  const item = (answer: string) => cassetteItem('{"q":1}', answer)
  const order = cassette(item('a'), item('b'), item('a'), item('c'), item('c'), item('c'))

  it('removes duplicates at the end, which changes no replay, and keeps the other bytes', async () => {
    const dir = recordingFolder({ 'a.yaml': `# mine\n${order}` })
    const { code, out } = await call(dir, recordings('dedupe', 'a.yaml'))
    expect(code).toBe(0)
    expect(out).toContain('2 interactions removed.')
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(
      `# mine\n${cassette(item('a'), item('b'), item('a'), item('c'))}`,
    )
  })

  it('removes all duplicates with --all', async () => {
    const dir = recordingFolder({ 'a.yaml': order })
    await call(dir, recordings('dedupe', '--all', 'a.yaml'))
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(cassette(item('a'), item('b'), item('c')))
  })

  it('changes nothing with --dry-run', async () => {
    const dir = recordingFolder({ 'a.yaml': order })
    const { json } = await call(dir, recordings('dedupe', '--dry-run', '--json', 'a.yaml'))
    expect(json()).toEqual({ removed: ['a.yaml:66', 'a.yaml:82'], dryRun: true })
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(order)
  })
})

describe('aoai-sim recordings scrub', () => {
  it('removes credentials, keeps all other bytes, and makes the file readable by its owner only', async () => {
    const broken = '- request: {\n'
    const dir = recordingFolder({ 'a.yaml': cassette(hello, broken, secret) })
    const { code, out, err } = await call(dir, recordings('scrub', '.'))
    // An unreadable part can contain a credential.
    expect(code).toBe(1)
    expect(err).toContain('invalid parts are unchanged')
    expect(out).toContain('1 interaction cleaned.')
    const text = readFileSync(join(dir, 'a.yaml'), 'utf8')
    expect(text).not.toContain('Bearer')
    expect(text.startsWith(`interactions:\n${hello}${broken}`)).toBe(true)
    expect(text.endsWith('version: 1\n')).toBe(true)
    expect(statSync(join(dir, 'a.yaml')).mode & 0o777).toBe(0o600)
    expect((await call(dir, recordings('list', '.'))).out.split('\n')).toHaveLength(3)
  })

  it.each([
    ['a comment', (text: string) => `# api-key: abcdef0123456789ghij\n${text}`],
    ['another key of the file', (text: string) => `secret: abcdef0123456789ghij\n${text}`],
    ['an anchor', (text: string) => `base: &b\n  api-key:\n  - abcdef0123456789ghij\n${text}`],
  ])('fails for a credential in %s, and so does lint', async (_, change) => {
    const dir = recordingFolder({ 'a.yaml': change(cassette(hello)) })
    const lint = await call(dir, recordings('lint', '.'))
    expect(lint.out).toMatch(/warning +a.yaml:[13]: a credential is outside of the interactions/)
    const { code, err } = await call(dir, recordings('scrub', '.'))
    expect([code, err.includes('abcdef')]).toEqual([1, false])
    expect(err).toMatch(/a.yaml: line [13]: a credential is outside of the interactions/)
  })

  it('removes a header with a map as its value', async () => {
    const text = cassette(secret).replace('      - Bearer abc\n', '        a: abcdef0123456789ghij\n')
    const dir = recordingFolder({ 'a.yaml': text })
    expect((await call(dir, recordings('lint', '.'))).out).toContain(
      'the header authorization may contain a credential',
    )
    expect((await call(dir, recordings('scrub', '.'))).code).toBe(0)
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).not.toContain('abcdef')
  })

  it('removes matches of RECORDING_REDACT in files of any layout', async () => {
    const dir = recordingFolder({
      'indented.yaml': cassette(cassetteItem('{"q":"hunter2"}', 'x')).replace(/^(?=[- ])/gm, '  '),
      'json.yaml': JSON.stringify({
        interactions: [
          {
            request: { method: 'GET', uri: '/hunter2', body: 'hunter2' },
            response: { status: { code: 200 }, body: { string: 'hunter2' } },
          },
        ],
      }),
    })
    const { code } = await call(dir, recordings('scrub', '.'), { RECORDING_REDACT: '/hunter[0-9]/' })
    expect(code).toBe(0)
    for (const file of ['indented.yaml', 'json.yaml']) {
      expect(readFileSync(join(dir, file), 'utf8').replace(/"?uri"?: ?"?\/hunter2/, '')).not.toContain(
        'hunter2',
      )
    }
    expect((await call(dir, recordings('lint', '.'))).out).toContain(
      '2 interactions that can be replayed, 0 errors',
    )
  })

  it('keeps a file unchanged that it cannot clean', async () => {
    const text = JSON.stringify({
      interactions: [
        1,
        {
          request: { method: 'GET', uri: '/', headers: { 'api-key': 'k' } },
          response: { status: 200, body: '' },
        },
      ],
    })
    const dir = recordingFolder({ 'a.yaml': text })
    const { code, err } = await call(dir, recordings('scrub', '.'))
    expect(code).toBe(1)
    expect(err).toContain('a.yaml')
    expect(readFileSync(join(dir, 'a.yaml'), 'utf8')).toBe(text)
  })
})

describe('aoai-sim recordings stats', () => {
  it.each([
    ['nowhere', '/nonexistent/a.yaml', 'ENOENT'],
    ['itself', 'a.yaml', 'ELOOP'],
  ])('counts nothing for a link to %s', async (_, target, reason) => {
    const dir = recordingFolder({})
    symlinkSync(target, join(dir, 'a.yaml'))
    const { code, err } = await call(dir, recordings('stats', '.'))
    expect([code, err.split('\n').length]).toEqual([0, 2])
    expect(err).toContain(`a.yaml:1: the file cannot be read: ${reason}`)
  })

  it('counts by operation', async () => {
    const usage = '{"usage":{"prompt_tokens":3,"completion_tokens":4}}'
    const dir = recordingFolder({
      'a.yaml': cassette(
        cassetteItem('{}', usage).replace('    status:', '    duration_ms: 100\n    status:'),
        cassetteItem('{}', 'x').replace('code: 200', 'code: 500'),
        cassetteItem('{}', 'x', '/other'),
      ),
    })
    const { json } = await call(dir, recordings('stats', '.', '--json'))
    expect(json()).toMatchObject({
      files: 1,
      interactions: 3,
      paths: 2,
      operations: [
        {
          operation: 'chatCompletions',
          interactions: 2,
          errors: 1,
          promptTokens: 3,
          completionTokens: 4,
          medianMs: 100,
        },
        { operation: 'other', interactions: 1 },
      ],
    })
  })
})

describe('REPLAY_STRICT', () => {
  it('fails a run with unused recordings and lists them', async () => {
    const dir = recordingFolder({ 'recordings/a.yaml': cassette(hello, secret) })
    const env = { SIMULATOR_MODE: 'replay', REPLAY_STRICT: 'on', PORT: '0', LOG_LEVEL: 'error' }
    const { code, err } = await call(dir, [], env)
    expect(code).toBe(1)
    expect(err).toContain('2 recordings were never used')
    expect(err).toContain(`${dir}/recordings/a.yaml:18`)
    writeFileSync(join(dir, 'recordings/a.yaml'), 'interactions: []\n')
    expect((await call(dir, [], env)).code).toBe(0)
  })
})

describe('aoai-sim recordings', () => {
  const wrong = [
    'PORT=many',
    'OPENAI_DEPLOYMENT_CONFIG_PATH=nowhere.json',
    'SIMULATOR_MDOE=replay',
    'RECORDING_REDACT=/(/',
    'MATCH_HOST=perhaps',
    'REPLAY_ON_MISS=ask',
  ]
  const withWrong = (...settings: readonly string[]) =>
    recordingFolder({ '.env': `${settings.join('\n')}\n`, 'recordings/a.yaml': cassette(hello, hello) })

  it.each([
    ['lint', ['recordings']],
    ['stats', []],
  ])('%s %j needs no setting but RECORDING_DIR', async (command, paths) => {
    const { code, err } = await call(withWrong(...wrong), recordings(command, ...paths))
    expect([code, err]).toEqual([0, ''])
  })

  it.each([
    ['list', [], ['RECORDING_REDACT']],
    ['list', ['recordings'], ['RECORDING_REDACT']],
    ['show', ['recordings/a.yaml'], ['RECORDING_REDACT']],
    ['diff', ['recordings', 'recordings'], ['MATCH_HOST', 'RECORDING_REDACT']],
    ['dedupe', ['recordings', '--dry-run'], ['MATCH_HOST']],
    ['scrub', ['recordings', '--dry-run'], ['RECORDING_REDACT']],
  ])('%s %j validates only the settings that it uses', async (command, paths, used) => {
    const unused = wrong.filter((line) => !used.some((name) => line.startsWith(name)))
    expect((await call(withWrong(...unused), recordings(command, ...paths))).code).toBe(0)
    for (const name of used) {
      const line = wrong.find((other) => other.startsWith(name)) ?? ''
      const { code, err } = await call(withWrong(...unused, line), recordings(command, ...paths))
      expect(code).toBe(2)
      expect(err).toMatch(
        new RegExp(
          `^Could not read the settings: 1 problem in the configuration\\n  ${name} \\(in .env\\) must be`,
        ),
      )
    }
  })
})

describe('aoai-sim extensions', () => {
  const extension = "export default { name: 'quiet', hooks: [] }\n"
  const curious = 'export default (host) => ({ name: `p${host.config.port}`, hooks: [] })\n'

  it('reads only the settings that the extensions read', async () => {
    const dir = recordingFolder({ '.env': 'PORT=many\n', 'a.mjs': extension, 'b.mjs': curious })
    expect(await call(dir, ['extensions', 'a.mjs'])).toMatchObject({ code: 0, err: '' })
    const { code, err } = await call(dir, ['extensions', 'b.mjs'])
    expect(code).toBe(2)
    expect(err).toContain('PORT (in .env) must be an integer')
  })
})
