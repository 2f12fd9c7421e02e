import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { chatFacts } from '../../../tests/support/chat-parts.ts'
import { fold } from '../../answer/fold.ts'
import { createRandom } from '../../lib/random.ts'
import { ChatReader, readChat } from './read-chat.ts'
import { chatBody, chatFactsOf, ChatStreamWriter } from './write-chat.ts'

const chunk = (delta: object, more: object = {}): string =>
  JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: null, ...more }] })

const end = chunk({}, { finish_reason: 'stop' })

/** Reads the frames of a stream; each entry is the data of one. */
function read(...data: string[]): AnswerEvent[] {
  const reader = new ChatReader()
  return [...data.flatMap((text) => reader.push(`data: ${text}\n\n`)), ...reader.end()]
}

const callsOf = (events: readonly AnswerEvent[], choice = 0) =>
  fold(events).choices[choice]?.toolCalls.map(({ id, kind, name, pieces }) => ({
    id,
    kind,
    name,
    input: pieces.join(''),
  }))

const errorsOf = (events: readonly AnswerEvent[]): AnswerEvent[] =>
  events.filter(({ kind }) => kind === 'error')

describe('reader of a chat stream', () => {
  it('returns text, refusal, reasoning and finish reason of each choice', () => {
    const events = read(
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Hm' }),
      chunk({ content: 'Hi' }),
      JSON.stringify({ id: 'c', choices: [{ index: 1, delta: { refusal: 'No' }, finish_reason: 'stop' }] }),
      chunk({ content: '!' }, { finish_reason: 'length' }),
      '[DONE]',
    )
    const { choices } = fold(events)
    expect(choices[0]).toMatchObject({ pieces: ['', 'Hi', '!'], thought: 'Hm', finishReason: 'length' })
    expect(choices[1]).toMatchObject({ pieces: ['No'], refused: true, finishReason: 'stop' })
    expect(errorsOf(events)).toEqual([])
  })

  it('accepts CRLF, comments, event ids, single carriage returns and data without a space', () => {
    const reader = new ChatReader()
    const frames = [': ping\r\n\r\n', `id: 1\r\ndata:${chunk({ content: 'Hi' })}\r\n`, `data: ${end}\r\r`]
    const events = frames.flatMap((frame) => reader.push(frame))
    expect(fold(events).choices[0]).toMatchObject({ pieces: ['Hi'], finishReason: 'stop' })
    expect(reader.end()).toEqual([])
  })

  it('does not require [DONE], usage or known fields, and stops at [DONE]', () => {
    const events = read(
      JSON.stringify({ new: { field: 1 }, choices: [{ delta: { content: 'Hi', x: 1 } }] }),
      end,
    )
    expect(fold(events)).toMatchObject({ choices: [{ pieces: ['Hi'] }], usageUnknown: true })
    expect(errorsOf(read(end, '[DONE]', 'broken'))).toEqual([])
  })

  it('returns the last usage, in a separate chunk or in every chunk', () => {
    const usage = (completion_tokens: number) => ({ prompt_tokens: 2, completion_tokens, total_tokens: 9 })
    const events = read(
      JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' } }], usage: usage(1) }),
      JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: usage(3) }),
    )
    expect(fold(events).usage).toMatchObject({ promptTokens: 2, completionTokens: 3, totalTokens: 9 })
  })

  const call = (index: number | undefined, id: string | undefined, definition: object) =>
    chunk({ tool_calls: [{ index, id, type: id && 'function', function: definition }] })

  it.each<[string, string[]]>([
    [
      'at their arguments',
      [
        call(0, 'a', { name: 'f', arguments: '' }),
        call(0, undefined, { arguments: '{"x"' }),
        call(0, undefined, { arguments: ':1}' }),
      ],
    ],
    ['nowhere', [call(0, 'a', { name: 'f', arguments: '{"x":1}' })]],
    [
      'within the name',
      [
        call(0, 'a', { name: '' }),
        call(0, undefined, { name: 'f' }),
        call(0, undefined, { arguments: '{"x":1}' }),
      ],
    ],
    [
      'before the name',
      [call(0, 'a', { arguments: '{"x"' }), call(0, undefined, { name: 'f', arguments: ':1}' })],
    ],
    [
      'without numbers',
      [
        call(undefined, 'a', { name: 'f', arguments: '{"x"' }),
        call(undefined, undefined, { arguments: ':1}' }),
      ],
    ],
  ])('joins calls that are split %s', (_, chunks) => {
    expect(callsOf(read(...chunks, end))).toEqual([
      { id: 'a', kind: 'function', name: 'f', input: '{"x":1}' },
    ])
  })

  it('distinguishes calls by index, also if they alternate, and by id if all have the same index', () => {
    const apart = [call(0, 'a', { name: 'f', arguments: '1' }), call(1, 'b', { name: 'g', arguments: '2' })]
    expect(callsOf(read(...apart, call(0, undefined, { arguments: '3' }), end))).toMatchObject([
      { name: 'f', input: '13' },
      { name: 'g', input: '2' },
    ])
    expect(
      callsOf(
        read(call(0, 'a', { name: 'f', arguments: '1' }), call(0, 'b', { name: 'f', arguments: '2' }), end),
      ),
    ).toMatchObject([
      { id: 'a', input: '1' },
      { id: 'b', input: '2' },
    ])
  })

  it('returns a call without arguments', () => {
    expect(callsOf(read(call(0, 'a', { name: 'f' }), end))).toMatchObject([{ name: 'f', input: '' }])
  })

  it('reads custom tools and `function_call`', () => {
    const custom = chunk({
      tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'c', input: 'x' } }],
    })
    expect(callsOf(read(custom, end))).toEqual([{ id: 'a', kind: 'custom', name: 'c', input: 'x' }])
    const older = [
      chunk({ function_call: { name: 'f', arguments: '' } }),
      chunk({ function_call: { arguments: '{}' } }),
    ]
    expect(callsOf(read(...older, chunk({}, { finish_reason: 'function_call' })))).toEqual([
      { id: '', kind: 'function', name: 'f', input: '{}' },
    ])
  })

  it('returns filter results and log probabilities', () => {
    const results = { hate: { filtered: false, severity: 'safe' } }
    const logprobs = { content: [{ token: 'Hi', logprob: -1, bytes: null, top_logprobs: [] }], refusal: null }
    const events = read(
      JSON.stringify({
        id: '',
        choices: [],
        prompt_filter_results: [{ prompt_index: 0, content_filter_results: results }],
      }),
      chunk({ content: 'Hi' }, { content_filter_results: results, logprobs }),
      JSON.stringify({
        id: '',
        choices: [{ index: 0, content_filter_offsets: { check_offset: 1 }, content_filter_results: results }],
      }),
      end,
    )
    expect(fold(events)).toMatchObject({
      promptFilters: [{ index: 0, results }],
      choices: [{ filter: results, logprobs: logprobs.content }],
    })
    expect(events).toContainEqual({
      kind: 'filter',
      of: 'choice',
      index: 0,
      results,
      offsets: { check_offset: 1 },
    })
  })

  it.each([
    [
      'an error',
      JSON.stringify({ error: { message: 'Overloaded', code: 429, type: 't', param: 'p' } }),
      { code: '429', message: 'Overloaded', type: 't', param: 'p' },
    ],
    ['an error that is a text', '{"error":"Overloaded"}', { message: 'Overloaded' }],
    ['broken JSON', '{"choices":[', { code: 'invalid_answer' }],
    ['JSON that is no object', '[]', { code: 'invalid_answer' }],
  ])('ends with %s, after the events before it', (_, data, error) => {
    const events = read(chunk({ content: 'Hi' }), data, chunk({ content: '!' }), end)
    expect(events.at(-1)).toMatchObject({ kind: 'error', error })
    expect(fold(events)).toMatchObject({ choices: [{ pieces: ['Hi'] }], error })
  })

  it.each([[[]], [[chunk({ content: 'Hi' })]]])('reports an incomplete stream', (data) => {
    expect(errorsOf(read(...data))).toMatchObject([
      { error: { message: 'The stream ended before the answer did.' } },
    ])
  })

  it.each([-1, 1.5, 1e9, '7', null, {}])('limits memory with the index %j of a choice or a call', (index) => {
    const events = read(
      JSON.stringify({
        choices: [
          {
            index,
            delta: { content: 'Hi', tool_calls: [{ index, id: 'a', function: { name: 'f' } }] },
            finish_reason: 'stop',
          },
        ],
      }),
    )
    expect(fold(events).choices.length).toBeLessThan(20)
    expect(callsOf(events)).toHaveLength(1)
  })
})

describe('readChat', () => {
  it.each(['', 'null', '[]', '{}', '{"choices":{}}', '"x"', '{"choices":'])(
    'returns an error for %j',
    (text) => {
      expect(readChat(text)).toMatchObject([{ kind: 'error', error: { code: 'invalid_answer' } }])
    },
  )

  it('returns the error of an error answer', () => {
    expect(readChat('{"error":{"code":"429","message":"Later"}}')).toEqual([
      { kind: 'error', error: { code: '429', message: 'Later' } },
    ])
  })

  it('ignores fields of unexpected types', () => {
    const answer = {
      id: 1,
      created: 'x',
      choices: [null, 3, { index: 2, message: { content: 5, tool_calls: [null, 'x', {}] } }],
      usage: [],
    }
    expect(errorsOf(readChat(JSON.stringify(answer)))).toEqual([])
  })

  it('joins the text of content parts, and converts object arguments to text', () => {
    const message = {
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      tool_calls: [{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }],
    }
    const events = readChat(JSON.stringify({ choices: [{ message, finish_reason: 'tool_calls' }] }))
    expect(fold(events).choices[0]?.pieces).toEqual(['ab'])
    expect(callsOf(events)).toMatchObject([{ input: '{"x":1}' }])
  })
})

describe('audio answers', () => {
  const audio = { data: 'UklGRg==', expires_at: 5, id: 'audio_1', transcript: 'Hi there' }
  const message = { annotations: [], audio, content: null, refusal: null, role: 'assistant' }
  const whole = JSON.stringify({
    choices: [{ finish_reason: 'stop', index: 0, logprobs: null, message }],
    created: 1,
    id: 'chatcmpl-1',
    model: 'gpt-audio',
    object: 'chat.completion',
  })

  it('are read whole and written whole and as a stream without loss', () => {
    const events = readChat(whole)
    const answer = fold(events)
    const written = JSON.parse(String(chatBody(answer, chatFactsOf(answer.start, chatFacts)).render())) as {
      choices: { message: unknown }[]
    }
    expect(written.choices[0]?.message).toEqual(message)

    const writer = new ChatStreamWriter(
      chatFacts,
      { includeUsage: false, obfuscate: false },
      createRandom('x'),
    )
    const stream = events.map((event) => writer.write(event)).join('') + writer.end()
    expect(stream).toContain('"delta":{"content":null,"refusal":null,"role":"assistant"}')
    expect(stream).toContain(
      '"delta":{"audio":{"data":"UklGRg==","expires_at":5,"id":"audio_1"},"content":null}',
    )
    expect(stream).toContain('"delta":{"audio":{"transcript":"Hi there"}}')

    const reader = new ChatReader()
    const again = [...stream.split('\n\n').flatMap((frame) => reader.push(frame)), ...reader.end()]
    const { audio: sound, pieces } = fold(again).choices[0]!
    expect([sound?.id, sound?.expiresAt, sound?.data(0), pieces.join('')]).toEqual([
      'audio_1',
      5,
      'UklGRg==',
      'Hi there',
    ])
  })
})

it('reads and writes the context of an answer with data sources', () => {
  const context = { citations: [{ content: 'x' }], intent: '["x"]' }
  const message = { role: 'assistant', content: 'Hi [doc1]', end_turn: true, context }
  const events = readChat(
    JSON.stringify({ id: 'g', choices: [{ index: 0, message, finish_reason: 'stop' }] }),
  )
  expect(String(chatBody(fold(events), chatFacts).render())).toContain(
    `"content":"Hi [doc1]","context":${JSON.stringify(context)},"refusal"`,
  )
  const writer = new ChatStreamWriter(chatFacts, { includeUsage: false, obfuscate: false }, createRandom('x'))
  expect(events.map((event) => writer.write(event)).join('')).toContain(
    `"delta":{"context":${JSON.stringify(context)}}`,
  )
})

describe('thinking_blocks of a gateway', () => {
  const signed = { type: 'thinking', thinking: 'One', signature: 'S1' }
  const second = { type: 'thinking', thinking: 'Two', signature: 'S2' }
  const redacted = { type: 'redacted_thinking', data: 'R' }
  const thoughts = (events: readonly AnswerEvent[]) => events.filter(({ kind }) => kind === 'thought')

  it('are read with their texts and signatures from a whole answer', () => {
    const message = {
      reasoning_content: 'OneTwo',
      thinking_blocks: [signed, redacted, second],
      content: 'Hi',
    }
    const answer = { choices: [{ index: 0, message, finish_reason: 'stop' }] }
    expect(thoughts(readChat(JSON.stringify(answer)))).toEqual([
      { kind: 'thought', choice: 0, text: 'One', signature: 'S1' },
      { kind: 'thought', choice: 0, text: '', encrypted: 'R', part: 1 },
      { kind: 'thought', choice: 0, text: 'Two', signature: 'S2', part: 2 },
    ])
  })

  it.each([
    [
      'after the whole text',
      [{ reasoning_content: 'On' }, { reasoning_content: 'e' }, { thinking_blocks: [signed] }],
    ],
    [
      'beside each part of it',
      [
        { reasoning_content: 'On', thinking_blocks: [{ ...signed, thinking: 'On', signature: '' }] },
        { reasoning_content: 'e', thinking_blocks: [{ ...signed, thinking: 'e', signature: null }] },
        { reasoning_content: '', thinking_blocks: [{ ...signed, thinking: '' }] },
      ],
    ],
  ])('are read once from a stream: %s', (_, deltas) => {
    const reader = new ChatReader()
    const events = deltas.flatMap((delta) =>
      reader.push(`data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta }] })}\n\n`),
    )
    expect(thoughts(events)).toEqual([
      { kind: 'thought', choice: 0, text: 'On' },
      { kind: 'thought', choice: 0, text: 'e' },
      { kind: 'thought', choice: 0, text: '', signature: 'S1' },
    ])
  })

  it('of several signatures after the whole text are left out', () => {
    const reader = new ChatReader()
    const push = (delta: object) =>
      reader.push(`data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta }] })}\n\n`)
    push({ reasoning_content: 'OneTwo' })
    expect(thoughts(push({ thinking_blocks: [signed, second] }))).toEqual([])
  })
})
