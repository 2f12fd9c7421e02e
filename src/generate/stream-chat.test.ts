import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { chatFacts, chatUsage, loremChoice } from '../../tests/support/chat-parts.ts'
import { isAsciiBody } from '../answer/body.ts'
import type { AnswerEvent } from '../answer/answer-events.ts'
import type { Choice, FinishReason } from '../answer/completion.ts'
import { promptFilterEvent, type ChatFacts } from '../wire/chat/chat-chunks.ts'
import { ChatStreamWriter } from '../wire/chat/write-chat.ts'
import { streamChat } from './stream-chat.ts'

const stream = (choices: readonly Choice[], includeUsage: boolean, obfuscate: boolean, more = {}) =>
  streamChat(
    { choices, usage: chatUsage },
    { ...chatFacts, ...more },
    { includeUsage, obfuscate },
    undefined,
    createRandom('s'),
  )
const oneByOne = (body: ReturnType<typeof stream>): string =>
  Array.from({ length: body.count }, (_, index) => body.render(index)).join('')

const stepsOf = (body: ReturnType<typeof stream>): number[] =>
  Array.from({ length: body.count }, (_, index) => body.stepOf(index))

describe('stream of lorem', () => {
  it.each([
    ['plain', false, false, {}, {}],
    ['with usage and padding', true, true, {}, {}],
    ['a refusal', false, true, { refused: true }, {}],
    ['filtered', true, true, { finishReason: 'content_filter' }, { found: 'violence' }],
    ['of one token', true, false, { pieces: ['Lorem'], plainText: 'Lorem' }, {}],
    ['without a text', false, false, { pieces: [], plainText: '' }, {}],
    ['of a model with a non-ASCII name', false, true, {}, { model: '日本' }],
  ] as const)(
    'has the bytes of the general stream: %s',
    (_, includeUsage, obfuscate, choiceMore, factsMore) => {
      const ofLorem = stream([{ ...loremChoice, ...choiceMore }], includeUsage, obfuscate, factsMore)
      const planned = stream(
        [{ ...loremChoice, ...choiceMore, plainText: undefined }],
        includeUsage,
        obfuscate,
        factsMore,
      )
      const text = oneByOne(ofLorem)
      expect(text).toBe(oneByOne(planned))
      expect(stepsOf(ofLorem)).toEqual(stepsOf(planned))
      expect(isAsciiBody(ofLorem)).toBe(Buffer.byteLength(text) === text.length)
      expect(isAsciiBody(planned)).toBe(false)
    },
  )

  it('is not marked as ASCII if another renderer is used', () => {
    const body = stream([loremChoice], false, false)
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})

describe('stream of several choices, or of a text with JSON escapes', () => {
  it('is rendered event by event', () => {
    const quoted = { ...loremChoice, pieces: ['Lorem', ' "quoted"', ' 日本'], plainText: undefined }
    expect(oneByOne(stream([quoted], false, false))).toContain(String.raw`"content":" \"quoted\""`)
    expect(
      oneByOne(stream([loremChoice, loremChoice], false, false)).match(/"finish_reason":"stop"/g),
    ).toHaveLength(2)
  })
})

const call = { id: 'call_1', kind: 'function', name: 'f', pieces: ['{', '}'] } as const

describe('stream that is written event by event', () => {
  const write = (events: readonly AnswerEvent[], more: Partial<ChatFacts>): string => {
    const to = new ChatStreamWriter(
      { ...chatFacts, ...more },
      { includeUsage: true, obfuscate: false },
      createRandom('s'),
    )
    return [...events.map((event) => to.write(event)), to.end()].join('')
  }
  const started = { kind: 'call', choice: 0, call: 0, tool: 'function', id: 'call_1', name: 'f' } as const
  const input = (text: string) => ({ kind: 'arguments', choice: 0, call: 0, text }) as const
  const text = (text: string) => ({ kind: 'text', choice: 0, text }) as const
  const finish = (reason: FinishReason) => ({ kind: 'finish', choice: 0, reason }) as const

  it.each<[string, readonly AnswerEvent[], Partial<Choice>, Partial<ChatFacts>]>([
    ['text', [text('Lorem'), text(' ipsum'), text('.'), finish('stop')], {}, {}],
    [
      'a call',
      [started, input('{'), input('}'), finish('tool_calls')],
      { pieces: [], toolCalls: [call], finishReason: 'tool_calls' },
      {},
    ],
    [
      'text and a call',
      [text('Lorem'), text(' ipsum'), text('.'), started, input('{'), input('}'), finish('tool_calls')],
      { toolCalls: [call], finishReason: 'tool_calls' },
      {},
    ],
    [
      'a function',
      [started, input('{'), input('}'), finish('tool_calls')],
      { pieces: [], toolCalls: [call], finishReason: 'tool_calls' },
      { usesFunctions: true },
    ],
    [
      'a refusal',
      [
        { kind: 'refusal', choice: 0, text: 'Lorem' },
        { kind: 'refusal', choice: 0, text: ' ipsum' },
        { kind: 'refusal', choice: 0, text: '.' },
        finish('stop'),
      ],
      { refused: true },
      {},
    ],
  ])('has the bytes of a planned stream: %s', (_, events, choice, facts) => {
    const body = stream([{ ...loremChoice, plainText: undefined, ...choice }], true, false, facts)
    const written = write([...events, { kind: 'usage', usage: chatUsage }], facts)
    expect(promptFilterEvent + written).toBe(oneByOne(body))
  })
})
