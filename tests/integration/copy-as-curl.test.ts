import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { curlCommand } from '../../ui/requests/curl.ts'

interface Given {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly status?: number
  readonly headers?: Trace['request']['headers']
  readonly body?: string | null
  readonly more?: Partial<Trace['request']>
}

const traceOf = ({
  method = 'POST',
  path = '/p',
  query = '',
  status = 200,
  headers = [],
  body = '',
  more = {},
}: Given) =>
  ({
    status,
    method,
    path,
    query,
    request: {
      headers,
      body,
      body_bytes: Buffer.byteLength(body ?? ''),
      body_truncated: false,
      body_redacted: false,
      media_cut: 0,
      ...more,
    },
  }) as unknown as Trace

/** The arguments that a shell passes to curl. */
const argumentsOf = (command: string): string[] => {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}\n`
  const env = { API_KEY: 'my-key', PATH: process.env['PATH'] }
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', env }).split('\0').slice(0, -1)
}

const run = (given: Given) => {
  const { command, notes } = curlCommand(traceOf(given), 'http://127.0.0.1:8000')
  return { arguments: argumentsOf(command), notes, command }
}

describe('the command for curl', () => {
  it.each([
    `{"a":"it's"}`,
    'line 1\nline 2\r\n\ttab\n',
    '"double" `ticks` $HOME $(id) \\ \\n ! # ; & | < > * ? ~',
    'ü € 😀 \u2028 \u200b',
    "'",
    "''\\''",
    '@file',
    '-d x',
    ' ',
    '%00 %s %d',
    '\u0001\u007f',
  ])('passes the body %j unchanged', (body) => {
    const found = run({ body, headers: [{ name: 'content-type', value: 'application/json' }] })
    expect(found.arguments).toEqual([
      'http://127.0.0.1:8000/p',
      '--header',
      'content-type: application/json',
      '--data-raw',
      body,
    ])
    expect(found.notes).toEqual([])
  })

  it('has the key as a variable, and no headers of the connection', () => {
    const found = run({
      method: 'GET',
      headers: [
        { name: 'host', value: 'x' },
        { name: 'Connection', value: 'close' },
        { name: 'api-key', value: '[redacted]' },
        { name: 'authorization', value: '[redacted]' },
        { name: 'x-note', value: 'key [redacted] "and" $HOME `id`' },
        { name: 'x-empty', value: '' },
        { name: 'x-plain', value: "it's $HOME" },
        { name: 'cookie', value: '[redacted]' },
      ],
    })
    expect(found.arguments).toEqual([
      'http://127.0.0.1:8000/p',
      '--header',
      'api-key: my-key',
      '--header',
      'authorization: Bearer my-key',
      '--header',
      'x-note: key my-key "and" $HOME `id`',
      '--header',
      'x-empty;',
      '--header',
      "x-plain: it's $HOME",
    ])
    expect(found.command).toContain('"api-key: $API_KEY"')
    expect(found.notes).toEqual(['The cookie of the request is left out.'])
  })

  it('names the method where curl would use another one, and keeps the address as it is', () => {
    expect(run({ method: 'GET' }).arguments).toEqual(['http://127.0.0.1:8000/p'])
    expect(run({ method: 'POST' }).arguments).toEqual(['--request', 'POST', 'http://127.0.0.1:8000/p'])
    expect(run({ method: 'HEAD' }).arguments).toEqual(['--head', 'http://127.0.0.1:8000/p'])
    const odd = run({ method: 'DELETE', path: "/a'b/[x]/../c", query: 'q=1&r={2}' })
    expect(odd.arguments).toEqual([
      '--request',
      'DELETE',
      '--globoff',
      '--path-as-is',
      "http://127.0.0.1:8000/a'b/[x]/../c?q=1&r={2}",
    ])
  })

  it('adds no content type that the request does not have', () => {
    expect(run({ body: 'x' }).arguments.slice(1, 3)).toEqual(['--header', 'content-type:'])
  })

  it.each<[string, Given, RegExp]>([
    ['a binary body', { body: null, more: { body_bytes: 9 } }, /^The body is binary \(9 bytes\)/],
    ['a truncated body', { body: 'x', more: { body_truncated: true } }, /^Only the start/],
    ['a form with a file', { body: 'x', more: { media_cut: 1 } }, /^Images, audio data and files/],
    ['a body with a zero byte', { body: 'a\0b' }, /zero byte/],
    ['a body that is too long', { body: "'".repeat(40_000) }, /too large/],
  ])('reads %s from a file, and says so', (_, given, note) => {
    const found = run(given)
    expect(found.arguments.slice(-2)).toEqual(['--data-binary', '@body.bin'])
    expect(found.notes).toEqual([expect.stringMatching(note)])
  })

  it('says that credentials were removed', () => {
    const found = run({ query: 'sig=REDACTED', body: '{"key":"[redacted]"}', more: { body_redacted: true } })
    expect(found.notes).toHaveLength(2)
  })

  it('says that the key that was refused is not in it', () => {
    expect(run({ status: 401 }).notes).toEqual([expect.stringContaining('was refused for its key')])
  })
})
