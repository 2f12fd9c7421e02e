import { describe, expect, it } from 'vitest'
import {
  blockEvents,
  everyBlockMessage,
  everyBlockStream,
  messageEnd,
  messageEvent,
  messageStart,
} from '../../../tests/support/message-parts.ts'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { fold } from '../../answer/fold.ts'
import { EventSplitter } from '../../lib/server-sent-events.ts'
import { usageOfBody, usageOfEvents } from '../read-usage.ts'
import { MessagesReader, readMessage } from './read-messages.ts'

/** Reads the bytes of a stream, which come in the given chunks. */
function readChunks(chunks: readonly Buffer[]): AnswerEvent[] {
  const reader = new MessagesReader()
  const splitter = new EventSplitter()
  const frames = [...chunks.flatMap((chunk) => splitter.push(chunk)), splitter.rest()]
  return [...frames.flatMap((frame) => reader.push(frame.toString())), ...reader.end()]
}

const read = (...events: readonly string[]): AnswerEvent[] => readChunks([Buffer.from(events.join(''))])

const kindsOf = (events: readonly AnswerEvent[]) => events.map(({ kind }) => kind)
const errorsOf = (events: readonly AnswerEvent[]) =>
  events.flatMap((event) => (event.kind === 'error' ? [event.error] : []))
const finishOf = (events: readonly AnswerEvent[]) => events.find(({ kind }) => kind === 'finish')

const text = (index: number, ...parts: readonly string[]): string =>
  blockEvents(index, { type: 'text', text: '' }, ...parts.map((part) => ({ type: 'text_delta', text: part })))

const endTurn = messageEnd({ stop_reason: 'end_turn', stop_sequence: null })

describe('reader of a message', () => {
  it('returns the events of each kind of block', () => {
    const events = readMessage(JSON.stringify(everyBlockMessage))
    expect(kindsOf(events).join(' ')).toBe(
      'start thought thought text text citations block block call arguments call arguments usage finish',
    )
    expect(events[0]).toEqual({
      kind: 'start',
      id: 'msg_1',
      model: 'claude-sonnet-5-5',
      serviceTier: 'priority',
    })
    expect(events[1]).toMatchObject({ text: 'Überlegen wir 🤔', signature: 'c2lnbg==' })
    expect(events[2]).toMatchObject({ text: '', encrypted: 'ZW5jcnlwdGVk', part: 1 })
    const { choices } = fold(events)
    expect(choices[0]).toMatchObject({
      pieces: ['Laut dem Text ', 'ist Gras grün. 🌱'],
      thought: 'Überlegen wir 🤔',
      thoughtSignature: 'c2lnbg==',
      encryptedThought: 'ZW5jcnlwdGVk',
      finishReason: 'tool_calls',
      toolCalls: [
        { id: 'toolu_1', name: 'get_weather', pieces: ['{"city":"Köln"}'] },
        { id: 'toolu_2', name: 'now', pieces: ['{}'] },
      ],
    })
  })

  it('counts the tokens of the cache as tokens of the prompt', () => {
    const { usage } = fold(readMessage(JSON.stringify(everyBlockMessage)))
    expect(usage).toEqual({
      promptTokens: 327,
      cachedTokens: 300,
      cacheWriteTokens: 20,
      completionTokens: 50,
      reasoningTokens: 12,
    })
  })

  it.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
  ])('with the stop reason %s finishes with %s', (stopReason, reason) => {
    const events = readMessage(JSON.stringify({ content: [], stop_reason: stopReason, stop_sequence: null }))
    expect(finishOf(events)).toEqual({ kind: 'finish', choice: 0, reason })
  })

  it.each([
    ['stop_sequence', 'stop'],
    ['model_context_window_exceeded', 'length'],
    ['pause_turn', 'stop'],
    ['new_reason', 'stop'],
    ['constructor', 'stop'],
  ])('keeps the stop reason %s, and finishes with %s', (stopReason, reason) => {
    const events = readMessage(JSON.stringify({ content: [], stop_reason: stopReason }))
    expect(finishOf(events)).toEqual({ kind: 'finish', choice: 0, reason, stopReason })
  })

  it('finishes with tool_calls if it has calls', () => {
    const content = [{ type: 'tool_use', id: 't', name: 'n', input: {} }]
    const events = readMessage(JSON.stringify({ content, stop_reason: 'end_turn' }))
    expect(finishOf(events)).toMatchObject({ reason: 'tool_calls' })
  })

  it('keeps the stop sequence and the details of a refusal', () => {
    const stop = readMessage('{"content":[],"stop_reason":"stop_sequence","stop_sequence":"END"}')
    expect(finishOf(stop)).toMatchObject({ stopSequence: 'END' })
    expect(fold(stop).choices[0]).toMatchObject({ stopSequence: 'END', finishReason: 'stop' })
    const details = { type: 'refusal', category: 'cyber', explanation: null }
    const refused = { content: [], stop_reason: 'refusal', stop_details: details }
    expect(finishOf(readMessage(JSON.stringify(refused)))).toMatchObject({ stopDetails: details })
  })

  it.each([
    ['text', 'not valid JSON'],
    ['[]', 'no JSON object'],
    ['{"content":"text"}', 'no content'],
    [`{"content":${'['.repeat(200)}${']'.repeat(200)}}`, 'nested too deeply'],
  ])('reports an invalid answer: %s', (json, problem) => {
    const [error, ...others] = errorsOf(readMessage(json))
    expect(error?.message).toContain(problem)
    expect(others).toEqual([])
  })

  it('reports the error of the service', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    expect(errorsOf(readMessage(JSON.stringify({ type: 'error', error })))).toEqual([
      { code: null, ...error },
    ])
  })

  it('cites web pages for APIs with annotations, with the position of the text', () => {
    const cited = { type: 'web_search_result_location', url: 'https://a.test', title: 'A', cited_text: 'x' }
    const content = [
      { type: 'text', text: 'Ab' },
      { type: 'text', text: 'cde', citations: [cited, { ...cited, title: null }, { type: 'char_location' }] },
    ]
    const annotation = {
      type: 'url_citation',
      url: 'https://a.test',
      title: 'A',
      start_index: 2,
      end_index: 5,
    }
    const events = readMessage(JSON.stringify({ content, stop_reason: 'end_turn' }))
    expect(events).toContainEqual({
      kind: 'annotations',
      choice: 0,
      annotations: [annotation, { ...annotation, title: '' }],
    })
    const streamed = read(
      messageStart(),
      text(0, 'Ab'),
      blockEvents(
        1,
        { type: 'text', text: '' },
        { type: 'citations_delta', citation: cited },
        { type: 'text_delta', text: 'cde' },
      ),
      endTurn,
    )
    expect(streamed).toContainEqual({ kind: 'annotations', choice: 0, annotations: [annotation] })
  })

  it('ignores members with other types', () => {
    const content = [null, 1, 'x', {}, { type: 1 }, { type: 'text', text: 1 }, { type: 'text', text: 'a' }]
    const odd = { id: 1, model: {}, content, stop_reason: 1, usage: 'x' }
    const events = readMessage(JSON.stringify(odd))
    expect(events).toEqual([
      { kind: 'start' },
      { kind: 'text', choice: 0, text: 'a', part: 1 },
      { kind: 'finish', choice: 0, reason: 'stop' },
    ])
  })
})

describe('reader of a stream of messages', () => {
  const whole = fold(readMessage(JSON.stringify(everyBlockMessage)))

  it('returns the same answer as the reader of a whole message', () => {
    const streamed = fold(read(everyBlockStream))
    const joined = (answer: typeof whole) => ({
      ...answer,
      choices: answer.choices.map((choice) => ({
        ...choice,
        pieces: choice.pieces.join(''),
        toolCalls: choice.toolCalls.map((call) => ({
          ...call,
          pieces: JSON.parse(call.pieces.join('')) as unknown,
        })),
      })),
    })
    expect(joined(streamed)).toEqual(joined(whole))
  })

  const expected = read(everyBlockStream)

  it('returns the same events for each line end, padding and position at which its bytes are split', () => {
    const expectedJson = JSON.stringify(expected)
    const different: number[] = []
    const crlf = everyBlockStream.replaceAll('\n', '\r\n')
    for (const bytes of [everyBlockStream, crlf].map((stream) => Buffer.from(stream))) {
      for (let at = 0; at <= bytes.length; at++) {
        const events = readChunks([bytes.subarray(0, at), bytes.subarray(at)])
        if (JSON.stringify(events) !== expectedJson) different.push(at)
      }
    }
    expect(different).toEqual([])
    const others = [
      everyBlockStream.replaceAll('\n', '\r'),
      everyBlockStream.replaceAll('}\n\n', '   }\n\n'),
      everyBlockStream.replaceAll(/^event: .*\n/gm, ''),
    ]
    for (const stream of [everyBlockStream, crlf, ...others]) {
      expect(readChunks([...Buffer.from(stream)].map((byte) => Buffer.from([byte])))).toEqual(expected)
    }
  })

  it('reports an answer that is cut after each event but the last two', () => {
    const events = everyBlockStream.split(/(?<=\n\n)/)
    for (let count = 0; count < events.length; count++) {
      const errors = errorsOf(read(...events.slice(0, count)))
      expect(errors).toHaveLength(count >= events.length - 1 ? 0 : 1)
    }
  })

  it('reports an event of which the end is missing', () => {
    const bytes = Buffer.from(messageStart() + text(0, 'Hi'))
    expect(errorsOf(readChunks([bytes.subarray(0, -10)]))).toHaveLength(1)
  })

  it('reports an error in the middle and ignores what follows', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    const events = read(
      messageStart(),
      text(0, 'Hi'),
      messageEvent({ type: 'error', error }),
      text(1, 'x'),
      endTurn,
    )
    expect(kindsOf(events)).toEqual(['start', 'usage', 'text', 'error'])
    expect(errorsOf(events)).toEqual([{ code: null, ...error }])
  })

  it.each(['not JSON', '[1]', '"text"', '{"type":'])(
    'reports data of a known event that is invalid: %s',
    (data) => {
      const events = read(messageStart(), `event: content_block_delta\ndata: ${data}\n\n`, endTurn)
      expect(errorsOf(events)).toHaveLength(1)
      expect(kindsOf(events)).not.toContain('finish')
    },
  )

  it('ignores unknown events, blocks and deltas, comments and [DONE]', () => {
    const events = read(
      ': comment\n\n',
      'event: ping\ndata: not JSON\n\n',
      'event: new_event\ndata: not JSON either\n\n',
      messageStart(),
      messageEvent({ type: 'content_block_start', index: 0 }),
      messageEvent({ type: 'content_block_delta', index: 'x', delta: { type: 'new_delta' } }),
      messageEvent({ type: 'content_block_delta', index: 0, delta: null }),
      messageEvent({ type: 'content_block_stop', index: 9 }),
      text(1, 'Hi'),
      endTurn,
      'data: [DONE]\n\n',
    )
    expect(kindsOf(events)).toEqual(['start', 'usage', 'text', 'usage', 'finish'])
  })

  it('accepts texts without the start of their block and without an index', () => {
    const events = read(
      messageStart(),
      messageEvent({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'a' } }),
      messageEvent({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'b' } }),
      endTurn,
    )
    expect(fold(events).choices[0]).toMatchObject({ pieces: ['a', 'b'] })
    expect(events.filter((event) => 'part' in event)).toEqual([])
  })

  it('ignores a repeated start of a call, and reports input without a start', () => {
    const block = { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }
    const start = messageEvent({ type: 'content_block_start', index: 0, content_block: block })
    const input = messageEvent({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'input_json_delta', partial_json: '{"a":1}' },
    })
    const calls = fold(read(messageStart(), start, start, input, endTurn)).choices[0]?.toolCalls
    expect(calls).toMatchObject([{ id: 'toolu_1', pieces: ['{"a":1}'] }])
    const events = read(messageStart(), input, text(1, 'Hi'), endTurn)
    expect(errorsOf(events)).toMatchObject([{ code: 'invalid_answer' }])
    expect(events.at(-1)).toMatchObject({ kind: 'error' })
  })

  it('does not require message_stop, and uses the last stop reason', () => {
    const delta = (stop: object): string => messageEvent({ type: 'message_delta', delta: stop })
    const events = read(
      messageStart(),
      text(0, 'Hi'),
      delta({ stop_reason: 'stop_sequence', stop_sequence: 'X' }),
      delta({ stop_reason: 'max_tokens', stop_sequence: null }),
      delta({}),
    )
    expect(finishOf(events)).toEqual({ kind: 'finish', choice: 0, reason: 'length' })
    expect(events.filter(({ kind }) => kind === 'finish')).toHaveLength(1)
  })

  it('keeps the tokens of the first event that the last one lacks or has as null', () => {
    const start = { input_tokens: 3, cache_read_input_tokens: 40, output_tokens: 1 }
    const expectedUsage = { promptTokens: 43, cachedTokens: 40, completionTokens: 9, reasoningTokens: 0 }
    for (const last of [
      { output_tokens: 9 },
      { input_tokens: null, cache_read_input_tokens: null, output_tokens: 9 },
    ]) {
      const stream = messageStart(start) + text(0, 'Hi') + messageEnd({ stop_reason: 'end_turn' }, last)
      expect(fold(read(stream)).usage).toEqual(expectedUsage)
      expect(usageOfEvents(stream.split(/(?<=\n\n)/))).toEqual(expectedUsage)
    }
  })
})

describe('usage of a message', () => {
  it('is read from a body', () => {
    const body = Buffer.from(JSON.stringify(everyBlockMessage))
    expect(usageOfBody(body)).toMatchObject({ promptTokens: 327, cachedTokens: 300, completionTokens: 50 })
  })

  it('adds the cache only without the counts of OpenAI, which include it', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 1, cache_read_input_tokens: 8 }
    expect(usageOfBody(Buffer.from(JSON.stringify({ usage })))).toMatchObject({ promptTokens: 10 })
  })
})
