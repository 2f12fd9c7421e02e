import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { fold } from '../../answer/fold.ts'
import { readResponse, ResponsesReader } from './read-responses.ts'

/** Reads the events of a stream. */
function read(...sent: object[]): AnswerEvent[] {
  const reader = new ResponsesReader()
  const frame = (event: object): string =>
    `event: ${'type' in event ? String(event.type) : ''}\ndata: ${JSON.stringify(event)}\n\n`
  return [...sent.flatMap((event) => reader.push(frame(event))), ...reader.end()]
}

const message = (text: string) => ({
  id: 'msg_1',
  type: 'message',
  content: [{ type: 'output_text', text, annotations: [] }],
})
const completed = (more: object = {}) => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', output: [], ...more },
})
const at = { item_id: 'msg_1', output_index: 0 }
const delta = (text: string) => ({ type: 'response.output_text.delta', ...at, delta: text })
const added = (item: object, index = 0) => ({ type: 'response.output_item.added', output_index: index, item })
const done = (item: object, index = 0) => ({ type: 'response.output_item.done', output_index: index, item })
const textOf = (events: readonly AnswerEvent[]) => fold(events).choices[0]?.pieces.join('')
const callsOf = (events: readonly AnswerEvent[]) =>
  fold(events).choices[0]?.toolCalls.map(({ id, kind, name, pieces }) => ({
    id,
    kind,
    name,
    input: pieces.join(''),
  }))

describe('ResponsesReader', () => {
  it('returns a text once, whether the deltas, the item or only the last event contains it', () => {
    expect(textOf(read(added(message('')), delta('Hi'), delta('!'), done(message('Hi!')), completed()))).toBe(
      'Hi!',
    )
    expect(textOf(read(added(message('')), done(message('Hi!')), completed()))).toBe('Hi!')
    expect(textOf(read(done(message('Hi!')), completed()))).toBe('Hi!')
    expect(textOf(read(completed({ output: [message('Hi!')] })))).toBe('Hi!')
    expect(textOf(read(delta('Hi'), delta('!'), completed({ output: [message('Hi!')] })))).toBe('Hi!')
  })

  const call = (input: string) => ({
    id: 'fc_1',
    type: 'function_call',
    call_id: 'a',
    name: 'f',
    arguments: input,
  })
  const input = (text: string, index = 0) => ({
    type: 'response.function_call_arguments.delta',
    item_id: 'fc_1',
    output_index: index,
    delta: text,
  })

  it('returns the arguments of a call once, whether the deltas or the item contains them', () => {
    const expected = [{ id: 'a', kind: 'function', name: 'f', input: '{}' }]
    expect(callsOf(read(added(call('')), input('{'), input('}'), done(call('{}')), completed()))).toEqual(
      expected,
    )
    expect(callsOf(read(added(call('')), done(call('{}')), completed()))).toEqual(expected)
    expect(callsOf(read(completed({ output: [call('{}')] })))).toEqual(expected)
  })

  it('distinguishes alternating calls and custom tools', () => {
    const custom = { id: 'ctc_1', type: 'custom_tool_call', call_id: 'b', name: 'c', input: '' }
    const events = read(
      added(call('')),
      added(custom, 1),
      input('{'),
      { type: 'response.custom_tool_call_input.delta', item_id: 'ctc_1', output_index: 1, delta: 'x' },
      input('}'),
      completed(),
    )
    expect(callsOf(events)).toMatchObject([
      { kind: 'function', input: '{}' },
      { id: 'b', kind: 'custom', input: 'x' },
    ])
    expect(fold(events).choices[0]?.finishReason).toBe('tool_calls')
  })

  it('finds the item of an event by its index or its id, and ignores a repeated start', () => {
    const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '' }
    const input = { type: 'response.function_call_arguments.delta', delta: '{}' }
    const expected = [{ id: 'call_1', kind: 'function', name: 'f', input: '{}' }]
    const whole = { ...call, arguments: '{}' }
    const byId = { ...input, item_id: 'fc_1' }
    expect(callsOf(read(added(call), byId, done(whole), completed()))).toEqual(expected)
    expect(callsOf(read(added(call), input, done(whole), completed()))).toEqual(expected)
    expect(callsOf(read(added(call), added(call), byId, done(whole), completed()))).toEqual(expected)
  })

  it('takes a call without its start from a later event, or reports it', () => {
    const input = {
      type: 'response.function_call_arguments.delta',
      item_id: 'fc_1',
      output_index: 0,
      delta: '{}',
    }
    const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' }
    const expected = [{ id: 'call_1', kind: 'function', name: 'f', input: '{}' }]
    expect(callsOf(read(input, added({ ...call, arguments: '' }), done(call), completed()))).toEqual(expected)
    expect(callsOf(read(input, done(call), completed()))).toEqual(expected)
    expect(callsOf(read(input, completed({ output: [call] })))).toEqual(expected)
    expect(read(input, completed()).at(-1)).toMatchObject({ error: { code: 'invalid_answer' } })
  })

  it('takes items without their end from the last event', () => {
    const events = read(
      added(message('')),
      delta('Hi'),
      completed({ output: [message('Hi'), { ...message('!'), id: 'msg_2' }] }),
    )
    expect(textOf(events)).toBe('Hi!')
  })

  it('returns reasoning by paragraph, encrypted reasoning, refusals, and other items unchanged', () => {
    const search = { id: 'ws_1', type: 'web_search_call', status: 'completed' }
    const events = read(
      added({ id: 'rs_1', type: 'reasoning', summary: [] }),
      {
        type: 'response.reasoning_summary_text.delta',
        item_id: 'rs_1',
        output_index: 0,
        summary_index: 0,
        delta: 'One',
      },
      {
        type: 'response.reasoning_summary_text.delta',
        item_id: 'rs_1',
        output_index: 0,
        summary_index: 1,
        delta: 'Two',
      },
      done({ id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'e' }),
      done(search, 1),
      { type: 'response.refusal.delta', item_id: 'msg_1', output_index: 2, delta: 'No' },
      completed(),
    )
    expect(fold(events).choices[0]).toMatchObject({
      thought: 'OneTwo',
      encryptedThought: 'e',
      refused: true,
      pieces: ['No'],
    })
    expect(events).toContainEqual({ kind: 'thought', choice: 0, text: 'Two', item: 'rs_1', part: 1 })
    expect(events).toContainEqual({ kind: 'item', choice: 0, item: search })
  })

  it('ignores unknown events, and accepts CRLF and [DONE]', () => {
    const reader = new ResponsesReader()
    const events = [
      'event: response.new\r\ndata: {"type":"response.new"}\r\n\r\n',
      `data: ${JSON.stringify(delta('Hi'))}\r\n`,
      `data: ${JSON.stringify(completed())}\r\n`,
      'data: [DONE]\r\n',
    ].flatMap((frame) => reader.push(frame))
    expect(textOf([...events, ...reader.end()])).toBe('Hi')
  })

  it.each([
    [
      { type: 'error', code: 'x', message: 'Broken', param: null },
      { code: 'x', message: 'Broken' },
    ],
    [
      { type: 'error', error: { code: 'x', message: 'Broken' } },
      { code: 'x', message: 'Broken' },
    ],
    [{ error: { message: 'Broken' } }, { code: null, message: 'Broken' }],
    [
      { type: 'response.failed', response: { status: 'failed', error: { code: 'x', message: 'Broken' } } },
      { code: 'x', message: 'Broken' },
    ],
    [{ type: 'response.failed', response: { status: 'failed' } }, { message: 'The response has failed.' }],
    [
      {
        type: 'error',
        error: { type: 'too_many_requests', code: 'x', message: 'Broken', headers: {}, param: null },
      },
      { code: 'x', message: 'Broken', type: 'too_many_requests' },
    ],
    [{ type: 'response.completed' }, { code: 'invalid_answer' }],
    [[], { code: 'invalid_answer' }],
  ])('ends with an error: %j', (event, error) => {
    expect(read(delta('Hi'), event, delta('!')).at(-1)).toMatchObject({ kind: 'error', error })
  })

  it('takes the error that follows a failed response without one', () => {
    const error = { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'Slow down.' }
    const failed = { type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: null } }
    expect(read(failed, { type: 'error', error })).toEqual([
      { kind: 'start', id: 'resp_1' },
      { kind: 'error', error },
    ])
  })

  it('ends with an error for invalid JSON or a missing end', () => {
    const reader = new ResponsesReader()
    expect(reader.push('data: {')).toMatchObject([{ kind: 'error' }])
    expect(reader.end()).toEqual([])
    expect(read(delta('Hi')).at(-1)).toMatchObject({
      error: { message: 'The stream ended before the answer did.' },
    })
  })
})

describe('readResponse', () => {
  it.each(['', 'null', '[]', '{}', '{"output":{}}', '{"output":'])('returns an error for %j', (text) => {
    expect(readResponse(text)).toMatchObject([{ kind: 'error', error: { code: 'invalid_answer' } }])
  })

  it.each([
    ['max_output_tokens', 'length'],
    ['content_filter', 'content_filter'],
    [undefined, 'length'],
  ])('maps the reason %s of an incomplete response to %s', (reason, finishReason) => {
    const events = readResponse(
      JSON.stringify({
        status: 'incomplete',
        output: [message('Hi')],
        incomplete_details: reason && { reason },
      }),
    )
    expect(fold(events).choices[0]).toMatchObject({ finishReason })
  })

  it('ignores fields of unexpected types', () => {
    const output = [
      null,
      3,
      { type: 'message', content: 5 },
      { type: 'message', content: [null, { type: 'output_text' }] },
      { type: 'reasoning' },
    ]
    expect(textOf(readResponse(JSON.stringify({ status: 'completed', output, usage: 4 })))).toBe('')
  })
})
