import { describe, expect, it } from 'vitest'
import { sightOf } from '../../../tests/support/answer-sight.ts'
import { loremChoice } from '../../../tests/support/chat-parts.ts'
import { everyBlockMessage, everyBlockStream } from '../../../tests/support/message-parts.ts'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { isAsciiBody } from '../../answer/body.ts'
import type { FinishReason, Usage } from '../../answer/completion.ts'
import { MessagesReader, readMessage } from './read-messages.ts'
import { messageBody, MessagesStreamWriter, writeMessage } from './write-messages.ts'

const facts = { id: 'msg_made', model: 'claude-sonnet-5-5' }
const usage: Usage = { promptTokens: 9, cachedTokens: 0, completionTokens: 4, reasoningTokens: 0 }

const text = (value: string, choice = 0): AnswerEvent => ({ kind: 'text', choice, text: value })
const call = (number: number, name: string, tool: 'function' | 'custom' = 'function'): AnswerEvent => {
  return { kind: 'call', choice: 0, call: number, tool, id: `call_${number}`, name }
}
const input = (number: number, value: string): AnswerEvent => {
  return { kind: 'arguments', choice: 0, call: number, text: value }
}
const finish = (reason: FinishReason): AnswerEvent => ({ kind: 'finish', choice: 0, reason })
const billed: AnswerEvent = { kind: 'usage', usage }

function stream(events: readonly AnswerEvent[]): string {
  const writer = new MessagesStreamWriter(facts)
  return [...events.map((event) => writer.write(event)), writer.end()].join('')
}

const framesOf = (text: string): string[] => text.split(/(?<=\n\n)/)
const namesOf = (text: string): string[] =>
  framesOf(text).map((frame) => /^event: (.*)$/m.exec(frame)?.[1] ?? '')

function readStream(text: string): AnswerEvent[] {
  const reader = new MessagesReader()
  return [...framesOf(text).flatMap((frame) => reader.push(frame)), ...reader.end()]
}

interface Message {
  readonly content: readonly Readonly<Record<string, unknown>>[]
  readonly [name: string]: unknown
}

const messageOf = (events: readonly AnswerEvent[]): Message =>
  JSON.parse(writeMessage(events, facts)) as Message

/** The same message from the body and from the stream of an answer. */
function bothOf(events: readonly AnswerEvent[]) {
  const whole = sightOf('messages', writeMessage(events, facts))
  expect(sightOf('messages-stream', stream(events))).toEqual(whole)
  return whole as { readonly content: readonly unknown[]; readonly stop: string }
}

describe('writer of messages', () => {
  it('writes the message that it has read, byte for byte', () => {
    const json = JSON.stringify(everyBlockMessage)
    // Members of a text with citations have another order.
    const written = writeMessage(readMessage(json), facts)
    expect(JSON.parse(written)).toEqual(everyBlockMessage)
    const plain = JSON.stringify({ ...everyBlockMessage, content: [{ type: 'text', text: 'Hällo' }] })
    expect(writeMessage(readMessage(plain), facts)).toBe(plain)
  })

  it('writes the same message from the events of a stream, and a stream with the same message', () => {
    const events = readStream(everyBlockStream)
    expect(JSON.parse(writeMessage(events, facts))).toEqual(everyBlockMessage)
    const written = stream(events)
    expect(sightOf('messages-stream', written)).toEqual(sightOf('messages-stream', everyBlockStream))
    expect(readStream(written)).toEqual(events)
  })

  it('writes the events of a stream in the order and form of the service', () => {
    const events: AnswerEvent[] = [
      { kind: 'start', id: 'msg_7', model: 'claude-x' },
      { kind: 'usage', usage: { ...usage, cachedTokens: 5, cacheWriteTokens: 3 } },
      text('Hi'),
      finish('stop'),
      { kind: 'usage', usage: { ...usage, cachedTokens: 5, cacheWriteTokens: 3, reasoningTokens: 2 } },
    ]
    expect(framesOf(stream(events))).toEqual([
      'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-x","id":"msg_7","type":"message","role":"assistant","content":[],"container":null,"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard","inference_geo":"global"},"diagnostics":null}}\n\n',
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
      'event: ping\ndata: {"type": "ping"}\n\n',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n',
      'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
      'event: message_delta\ndata: {"type":"message_delta","delta":{"container":null,"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},"usage":{"input_tokens":1,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}}\n\n',
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ])
  })

  it.each<[FinishReason, string]>([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['tool_calls', 'tool_use'],
    ['function_call', 'tool_use'],
    ['content_filter', 'refusal'],
  ])('writes the finish reason %s as %s', (reason, stop) => {
    expect(bothOf([text('Hi'), finish(reason), billed]).stop).toBe(stop)
  })

  it('writes stop reasons and stop sequences of the service', () => {
    const paused: AnswerEvent = { kind: 'finish', choice: 0, reason: 'stop', stopReason: 'pause_turn' }
    expect(messageOf([paused])['stop_reason']).toBe('pause_turn')
    const sequence: AnswerEvent = { kind: 'finish', choice: 0, reason: 'stop', stopSequence: 'END' }
    expect(messageOf([sequence])).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' })
  })

  it('writes a refusal of chat completions as text with the stop reason refusal', () => {
    const events: AnswerEvent[] = [{ kind: 'refusal', choice: 0, text: 'No.' }, finish('stop'), billed]
    expect(bothOf(events)).toMatchObject({ content: [{ type: 'text', text: 'No.' }], stop: 'refusal' })
    expect(messageOf(events)['stop_details']).toEqual({ type: 'refusal', category: null, explanation: null })
  })

  it('writes an answer without output as an empty message', () => {
    expect(bothOf([text(''), finish('stop'), billed])).toMatchObject({ content: [], stop: 'end_turn' })
    expect(namesOf(stream([]))).toEqual(['message_start', 'message_delta', 'message_stop'])
  })

  it('writes calls of parallel deltas, each with its arguments', () => {
    const events = [
      text('Ok'),
      call(0, 'a'),
      input(0, '{"x":'),
      call(1, 'b'),
      input(1, '{"y"'),
      input(0, '1}'),
      input(1, ':2}'),
      call(2, 'c'),
      finish('tool_calls'),
      billed,
    ]
    expect(bothOf(events).content).toEqual([
      { type: 'text', text: 'Ok' },
      { type: 'tool_use', id: 'call_0', name: 'a', input: { x: 1 } },
      { type: 'tool_use', id: 'call_1', name: 'b', input: { y: 2 } },
      { type: 'tool_use', id: 'call_2', name: 'c', input: {} },
    ])
  })

  it('ends a call with complete arguments before the next block starts', () => {
    const written = stream([
      call(0, 'a'),
      input(0, '{}'),
      call(1, 'b'),
      input(1, '{}'),
      text('x'),
      finish('stop'),
    ])
    const indices = [...written.matchAll(/"type":"(content_block_(?:start|stop))","index":(\d)/g)]
    expect(indices.map(([, type, index]) => `${type} ${index}`)).toEqual(
      [0, 1, 2].flatMap((index) => [`content_block_start ${index}`, `content_block_stop ${index}`]),
    )
  })

  it('writes the input of a custom tool as JSON', () => {
    const events = [
      call(0, 'py', 'custom'),
      input(0, 'print("'),
      input(0, 'ä\n")'),
      finish('tool_calls'),
      billed,
    ]
    expect(bothOf(events).content).toMatchObject([{ input: { input: 'print("ä\n")' } }])
  })

  it.each([
    ['', {}],
    ['  ', {}],
    ['{"a":', '{"a":'],
    ['[1]', [1]],
    ['no JSON', 'no JSON'],
  ])('writes the arguments %j as the input %j', (json, expected) => {
    expect(messageOf([call(0, 'a'), input(0, json), finish('tool_calls')]).content[0]?.['input']).toEqual(
      expected,
    )
  })

  it('creates an id for a call without one', () => {
    const legacy: AnswerEvent = { kind: 'call', choice: 0, call: 0, tool: 'function', id: '', name: 'a' }
    expect(messageOf([legacy, finish('function_call')]).content[0]?.['id']).toBe('toolu_made0')
  })

  it('starts a block for each thinking block, text block and signature', () => {
    const thought = (value: string, more: object = {}): AnswerEvent => {
      return { kind: 'thought', choice: 0, text: value, ...more }
    }
    const events = [
      thought('a'),
      thought('b', { signature: 'S' }),
      thought('c', { encrypted: 'E' }),
      thought('d', { part: 1 }),
      text('x'),
      { ...text('y'), part: 1 } as AnswerEvent,
      finish('stop'),
      billed,
    ]
    expect(bothOf(events).content).toEqual([
      { type: 'thinking', thinking: 'ab', signature: 'S' },
      { type: 'thinking', thinking: 'c', signature: '' },
      { type: 'redacted_thinking', data: 'E' },
      { type: 'thinking', thinking: 'd', signature: '' },
      { type: 'text', text: 'x' },
      { type: 'text', text: 'y' },
    ])
  })

  it('ignores other choices, ids of other APIs, and events that the API does not have', () => {
    const events: AnswerEvent[] = [
      { kind: 'start', id: 'chatcmpl-1', createdSeconds: 5, serviceTier: 'default' },
      { kind: 'filter', of: 'prompt', index: 0, results: {} },
      text('Hi'),
      text('second', 1),
      { kind: 'audio', choice: 0, id: 'audio_1', data: 'AA==' },
      { kind: 'context', choice: 0, context: {} },
      { kind: 'item', choice: 0, item: {} },
      { kind: 'annotations', choice: 0, annotations: [{}] },
      finish('stop'),
      { kind: 'finish', choice: 1, reason: 'length' },
      billed,
    ]
    expect(bothOf(events)).toMatchObject({
      id: 'msg_made',
      content: [{ type: 'text', text: 'Hi' }],
      stop: 'end_turn',
    })
  })

  it('ends the stream with the event of an error, and writes nothing after it', () => {
    const error: AnswerEvent = { kind: 'error', error: { code: 'rate_limit_exceeded', message: 'Slow' } }
    const written = stream([text('Hi'), error, text('more'), finish('stop')])
    expect(namesOf(written).slice(-2)).toEqual(['content_block_delta', 'error'])
    expect(framesOf(written).at(-1)).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"Slow"}}\n\n',
    )
  })

  it('does not report more cached tokens than the prompt has', () => {
    const odd = { ...usage, cachedTokens: 50, cacheWriteTokens: 7 }
    expect(messageOf([{ kind: 'usage', usage: odd }])['usage']).toMatchObject({
      input_tokens: 0,
      cache_read_input_tokens: 9,
      cache_creation_input_tokens: 0,
    })
  })
})

describe('body of a generated message', () => {
  it('has the text, the signed thinking, the calls and the stop sequence of a choice', () => {
    const toolCalls = [{ id: 'toolu_1', kind: 'function', name: 'a', pieces: ['{"x"', ':1}'] }] as const
    const choice = { ...loremChoice, thought: 'Hm', thoughtSignature: 'S', toolCalls }
    const message = JSON.parse(String(messageBody({ choices: [choice], usage }, facts).render())) as Message
    expect(message).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'Hm', signature: 'S' },
        { type: 'text', text: 'Lorem ipsum.' },
        { type: 'tool_use', id: 'toolu_1', name: 'a', input: { x: 1 } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 9, output_tokens: 4 },
    })
    const stopped = { ...loremChoice, stopSequence: 'END' }
    expect(String(messageBody({ choices: [stopped], usage }, facts).render())).toContain(
      '"stop_reason":"stop_sequence","stop_sequence":"END"',
    )
  })

  it('is ASCII for a plain text only', () => {
    expect(isAsciiBody(messageBody({ choices: [loremChoice], usage }, facts))).toBe(true)
    expect(isAsciiBody(messageBody({ choices: [{ ...loremChoice, thought: 'ä' }], usage }, facts))).toBe(
      false,
    )
    expect(isAsciiBody(messageBody({ choices: [loremChoice], usage }, { ...facts, model: 'ä' }))).toBe(false)
  })
})

describe('a citation of another API', () => {
  const page = { url: 'https://a.test', title: 'A', start_index: 3, end_index: 6 }
  const events = (annotation: object): AnswerEvent[] => [
    { kind: 'text', choice: 0, text: 'So it ' },
    { kind: 'text', choice: 0, text: 'is.' },
    { kind: 'annotations', choice: 0, annotations: [annotation] },
    { kind: 'finish', choice: 0, reason: 'stop' },
  ]

  it.each([
    { type: 'url_citation', ...page },
    { type: 'url_citation', url_citation: page },
  ])('cites the web page in Anthropic Messages: %j', (annotation) => {
    const citation = {
      type: 'web_search_result_location',
      cited_text: 'it ',
      encrypted_index: '',
      title: 'A',
      url: 'https://a.test',
    }
    const facts = { id: 'msg_1', model: 'm' }
    expect(JSON.parse(writeMessage(events(annotation), facts))).toMatchObject({
      content: [{ type: 'text', text: 'So it is.', citations: [citation] }],
    })
    const writer = new MessagesStreamWriter(facts)
    const text = events(annotation)
      .map((event) => writer.write(event))
      .join('')
    expect(text).toContain(JSON.stringify({ type: 'citations_delta', citation }))
  })

  it('is left out if it is not of a web page', () => {
    const file = { type: 'file_citation', file_id: 'file-1' }
    expect(writeMessage(events(file), { id: 'msg_1', model: 'm' })).not.toContain('citations')
  })
})
