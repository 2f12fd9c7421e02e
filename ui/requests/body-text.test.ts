import { describe, expect, it } from 'vitest'
import { eventsOf, readableBody } from './body-text.ts'

const json = 'application/json; charset=utf-8'
const stream = 'text/event-stream; charset=utf-8'

describe('a readable body', () => {
  it('formats JSON', () => {
    expect(readableBody('{"a":[1,{}],"b":"x"}', json)).toEqual({
      kind: 'json',
      pretty: '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x"\n}',
    })
  })

  it('keeps the digits of large numbers', () => {
    const { pretty } = readableBody('{ "n": 12345678901234567890.10, "e": [ ], "s": "a{,:\\"}" }', json) as {
      pretty: string
    }
    expect(pretty).toBe('{\n  "n": 12345678901234567890.10,\n  "e": [],\n  "s": "a{,:\\"}"\n}')
  })

  it('leaves text and incomplete JSON as they are', () => {
    for (const body of ['', 'hello', '{"a":', '[1,2', '12']) {
      expect(readableBody(body, json)).toEqual({ kind: 'text' })
    }
  })

  it.each([
    [
      'chat',
      'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\ndata: {"choices":[{"index":1,"delta":{"content":"x"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"lo"}}]}\n\ndata: [DONE]\n\n',
    ],
    [
      'responses',
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hello"}\n\n',
    ],
    [
      'messages',
      'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}\n\n',
    ],
    ['completions', 'data: {"choices":[{"index":0,"text":"Hello"}]}\r\n\r\n'],
  ])('joins the text of a stream of %s', (_, body) => {
    expect(readableBody(body, stream)).toMatchObject({ kind: 'events', text: 'Hello' })
  })

  it('reads no text from hostile events', () => {
    const body = [
      'null',
      '1',
      '"x"',
      '{"choices":[null,5]}',
      '{"choices":{}}',
      '{"type":"content_block_delta"}',
      '{',
    ]
      .map((data) => `data: ${data}\n\n`)
      .join('')
    expect(readableBody(body, stream)).toMatchObject({ text: '' })
  })

  it('splits events with several lines, names, comments and an incomplete end', () => {
    expect(eventsOf('\uFEFF: ping\n\nevent: a\ndata: 1\ndata:2\n\n\n\ndata\n\nid: 7\n\ndata: {"x"')).toEqual([
      { number: 1, name: '', data: ': ping', text: '' },
      { number: 2, name: 'a', data: '1\n2', text: '' },
      { number: 3, name: '', data: '', text: '' },
      { number: 4, name: '', data: 'id: 7', text: '' },
      { number: 5, name: '', data: '{"x"', text: '' },
    ])
  })
})
