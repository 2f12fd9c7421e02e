import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { callProgram } from '../support/call-program.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'

const recordings = (dir: string, argv: readonly string[], env = {}) =>
  callProgram(dir, ['recordings', ...argv], env)
const hello = cassetteItem('{"q":1}', '{"a":1}')

/** An interaction with the given body and headers of the answer, in one line of YAML. */
const itemWith = (
  body: string,
  headers = 'content-type: text/event-stream',
  uri = '/v1/chat/completions',
) => `- request:
    method: POST
    uri: ${uri}
    body: '{"q":1}'
  response:
    status: {code: 200}
    headers: {${headers}}
    body: ${body}
`
const stream = (...data: readonly string[]): string =>
  itemWith(`{events: [${data.map((text, index) => `{at_ms: ${index}, data: '${text}'}`).join(', ')}]}`)

describe('aoai-sim recordings, with streams', () => {
  it('lists them with their number of events and the bytes that are sent', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(stream('one', '[DONE]')) })
    const { json } = await recordings(dir, ['list', 'a.yaml', '--json'])
    expect(json()).toMatchObject([{ events: 2, bytes: 'data: one\n\ndata: [DONE]\n\n'.length }])
  })

  it('shows the first event in which two of them differ', async () => {
    const dir = recordingFolder({
      'a.yaml': cassette(stream('one', 'two')),
      'b.yaml': cassette(stream('one', 'three')),
    })
    const { code, out } = await recordings(dir, ['diff', 'a.yaml', 'b.yaml'])
    expect(code).toBe(1)
    expect(out).toContain('[1]: "data: two\\n\\n" | "data: three\\n\\n"')
  })

  it('removes duplicates only if all events are equal', async () => {
    const dir = recordingFolder({
      'a.yaml': cassette(stream('one'), stream('one'), stream('two'), stream('two')),
    })
    expect((await recordings(dir, ['dedupe', '.', '--all'])).code).toBe(0)
    expect((await recordings(dir, ['list', '.'])).out.trim().split('\n')).toHaveLength(2)
  })
})

describe('aoai-sim recordings diff', () => {
  it.each([
    ['another status', hello.replace('code: 200', 'code: 201'), 'status: 200 | 201'],
    [
      'another layout of the same JSON',
      hello.replace('{"a":1}', '{ "a": 1 }'),
      'body: other white space or key order | the same values',
    ],
    ['a text instead of JSON', hello.replace('{"a":1}', 'sorry'), 'body: {"a":1} | "sorry"'],
  ])('shows %s', async (_, other, difference) => {
    const dir = recordingFolder({ 'a.yaml': cassette(hello), 'b.yaml': cassette(other) })
    const { code, out } = await recordings(dir, ['diff', 'a.yaml', 'b.yaml'])
    expect([code, out.split('\n')[1]?.trim()]).toEqual([1, difference])
  })
})

describe('aoai-sim recordings lint', () => {
  it.each([
    [
      'events-out-of-order',
      itemWith('{events: [{at_ms: 9, data: a}, {at_ms: 2, data: b}]}'),
      'event 1 has an earlier time',
    ],
    ['relative-uri', itemWith("{string: ''}", '', 'v1/models'), 'the uri v1/models has no path'],
    [
      'still-encoded',
      itemWith('!!binary gIGCgw==', 'content-encoding: zstd'),
      'does not have the content-encoding of its header (zstd)',
    ],
  ])('warns about %s', async (rule, item, reason) => {
    const dir = recordingFolder({ 'a.yaml': cassette(item) })
    const { code, json } = await recordings(dir, ['lint', 'a.yaml', '--json'])
    expect(code).toBe(0)
    expect(json()).toMatchObject({ warnings: [{ rule, reason: expect.stringContaining(reason) }] })
  })

  it('shows the positions of five credentials and the number of the others', async () => {
    const secrets = [
      'secret',
      'password',
      'client_secret',
      'access_token',
      'api_key',
      'private_token',
      'session_token',
    ].map((name) => `"${name}":"abcdef0123456789ghij${name}"`)
    const dir = recordingFolder({ 'a.yaml': cassette(cassetteItem(`{${secrets.join(',')}}`, '{}')) })
    const { out } = await recordings(dir, ['lint', 'a.yaml'])
    expect(out).toMatch(/the interaction may contain a credential: (?:[^,]+, ){5}and 2 more/)
  })
})

describe('aoai-sim recordings scrub keeps the form of a body', () => {
  const env = { RECORDING_REDACT: '/hunter[0-9]/' }
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  it.each<[string, string, unknown]>([
    [
      'that is a stream',
      '{events: [{at_ms: 1, event: delta, data: \'{"x":"hunter2"}\'}, {at_ms: 2, data: kept}, {at_ms: 3, raw: ": hunter3\\n\\n"}]}',
      {
        events: [
          { at_ms: 1, event: 'delta', data: '{"x":"[redacted]"}' },
          { at_ms: 2, data: 'kept' },
          { at_ms: 3, raw: ': [redacted]\n\n' },
        ],
      },
    ],
    ['that is bytes', `!!binary ${base64('hunter2 \u0000')}`, Buffer.from('[redacted] \u0000')],
    [
      'that is base64',
      `{base64_string: ${base64('hunter2')}, encoding: x}`,
      { base64_string: base64('[redacted]'), encoding: 'x' },
    ],
    ['that is a text in a map', "{string: 'hunter2', encoding: x}", { string: '[redacted]', encoding: 'x' }],
    [
      'that is JSON as YAML',
      '{a: [], b: [hunter2, null, 1.50, {}]}',
      { a: [], b: ['[redacted]', null, 1.5, {}] },
    ],
  ])('%s', async (_, body, expected) => {
    const item = itemWith(body).concat('  context_values: {recorded_at: 2026-01-01, list: []}\n')
    const dir = recordingFolder({ 'a.yaml': cassette(item) })
    const { code, err } = await recordings(dir, ['scrub', '.'], env)
    expect([code, err]).toEqual([0, ''])
    const text = readFileSync(join(dir, 'a.yaml'), 'utf8')
    const [interaction] = (
      parse(text) as { interactions: { response: { body: unknown }; context_values: unknown }[] }
    ).interactions
    expect(interaction?.response.body).toEqual(expected)
    expect(interaction?.context_values).toEqual({ recorded_at: '2026-01-01', list: [] })
    expect(text).not.toContain('hunter')
  })
})
