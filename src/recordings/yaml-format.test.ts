import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createRandom } from '../lib/random.ts'
import type { Interaction } from './interaction.ts'
import { readInteraction } from './read-interaction.ts'
import { recordingFileHeader, serializeInteraction } from './yaml-format.ts'
import { readItems } from './yaml-item.ts'

const base: Interaction = {
  request: {
    method: 'POST',
    uri: 'https://h.openai.azure.com/openai/v1/responses?a=b#c',
    headers: [
      ['content-type', 'application/json'],
      ['X-Two', 'one'],
      ['X-Two', 'no'],
    ],
    body: Buffer.from('{"a":"it\'s"}'),
    bodyHash: '0123456789abcdef0123456789abcdef',
  },
  response: {
    status: { code: 200, message: 'OK' },
    headers: [['x-number', '1.10']],
    body: { kind: 'bytes', bytes: Buffer.from('hello') },
    durationMs: 12.34,
  },
  contextValues: { recorded_at: '2026-01-01', 'odd: key': [1, null] },
}

const read = (text: string): Interaction => {
  const items = readItems(text)
  if ('problem' in items) throw new Error(items.problem.reason)
  expect(items.values).toHaveLength(1)
  const result = readInteraction(items.values[0] ?? null)
  if ('problem' in result) throw new Error(result.problem)
  return result.interaction
}

const withBody = (bytes: Buffer): Interaction => ({
  ...base,
  request: { ...base.request, body: bytes },
  response: { ...base.response, body: { kind: 'bytes', bytes } },
})

describe('serialiseInteraction', () => {
  it('writes an interaction that reads back unchanged', () => {
    expect(read(serializeInteraction(base))).toEqual(base)
  })

  it('writes standard YAML with the keys of the Python simulator', () => {
    const file = parse(recordingFileHeader + serializeInteraction(base) + serializeInteraction(base))
    expect(file.version).toBe(1)
    expect(file.interactions).toHaveLength(2)
    expect(file.interactions[1]).toMatchObject({
      request: {
        method: 'POST',
        headers: { 'X-Two': ['one', 'no'] },
        body_hash: base.request.bodyHash,
      },
      response: { status: { code: 200 }, body: { string: 'hello' }, duration_ms: 12.34 },
      context_values: { recorded_at: '2026-01-01' },
    })
  })

  it('preserves all texts and all bytes', () => {
    const random = createRandom('bodies')
    const characters = [
      'a',
      ' ',
      '  ',
      '\n',
      '\n\n',
      '\t',
      '"',
      "'",
      '\\',
      '{',
      ': ',
      ' #',
      '- ',
      'é',
      '😀',
      '\u2028',
      '\x85',
      '\ufeff',
      '\0',
      '\x1b',
      '\r\n',
      '\r',
      '\xa0',
    ]
    const bodies = Array.from({ length: 400 }, (_, round) =>
      round % 8 === 0
        ? Buffer.from(Array.from({ length: random.below(90) }, () => random.below(256)))
        : Buffer.from(
            Array.from({ length: random.below(30) }, () => characters[random.below(characters.length)]).join(
              '',
            ),
          ),
    )
    for (const body of bodies) {
      const text = serializeInteraction(withBody(body))
      const back = read(text)
      expect(Buffer.from(back.request.body ?? [])).toEqual(body)
      expect(back.response.body).toEqual({ kind: 'bytes', bytes: body })
      expect(parse(text)).toHaveLength(1)
    }
  })

  it('writes a stream as a list of events with unchanged text', () => {
    const events = [
      { atMs: 0, text: ': keep-alive\n\n' },
      { atMs: 10.5, text: 'data: {"a": "it\'s"}\n\n' },
      { atMs: 11, text: 'event: response.created\ndata: {}\n\n' },
      { atMs: 12, text: 'data: a\ndata: b\n\n' },
      { atMs: 13, text: 'data: windows\r\n\r\n' },
      { atMs: 14, text: 'data: [DONE]\n\n' },
      { atMs: 15, text: 'data:  two spaces \n\n' },
      { atMs: 16, text: 'data: \n\n' },
    ]
    const stream: Interaction = {
      ...base,
      response: { ...base.response, body: { kind: 'events', events } },
    }
    const text = serializeInteraction(stream)
    expect(text).toContain("- at_ms: 14\n        data: '[DONE]'")
    expect(read(text)).toEqual(stream)
  })
})

describe('a stream that was edited by hand', () => {
  it('may contain JSON over several lines, and JSON as YAML', () => {
    const text = `- request: {"method": "post", "uri": "/a"}
  response:
    status: {"code": 200}
    body:
      events:
      - at_ms: 1
        data: |
          {
            "a": 1
          }
      - at_ms: 2
        data:
          b: [x, 2, true, null]
      - at_ms: 3
        data: |
          two
          lines
`
    const { response } = read(text)
    expect(response.body.kind === 'events' && response.body.events.map(({ text: event }) => event)).toEqual([
      'data: {"a":1}\n\n',
      'data: {"b":["x",2,true,null]}\n\n',
      'data: two\ndata: lines\n\n',
    ])
  })
})
