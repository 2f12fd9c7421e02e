import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { chatFacts, chatUsage, loremChoice } from '../../tests/support/chat-parts.ts'
import { isAsciiBody } from '../answer/body.ts'
import type { Choice } from '../answer/completion.ts'
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

describe('a stream of lorem', () => {
  it.each([
    ['plain', false, false, {}, {}],
    ['with usage and padding', true, true, {}, {}],
    ['a refusal', false, true, { refused: true }, {}],
    ['filtered', true, true, { finishReason: 'content_filter' }, { found: 'violence' }],
    ['of one token', true, false, { pieces: ['Lorem'], plainText: 'Lorem' }, {}],
    ['without a text', false, false, { pieces: [], plainText: '' }, {}],
    ['of a model with a name of its own', false, true, {}, { model: '日本' }],
  ] as const)('is that of a text of any kind: %s', (_, includeUsage, obfuscate, choiceMore, factsMore) => {
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
  })

  it('is not taken for ASCII where somebody renders it in another way', () => {
    const body = stream([loremChoice], false, false)
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})

describe('a stream of several choices, or of a text that JSON escapes', () => {
  it('is rendered event by event', () => {
    const quoted = { ...loremChoice, pieces: ['Lorem', ' "quoted"', ' 日本'], plainText: undefined }
    expect(oneByOne(stream([quoted], false, false))).toContain(String.raw`"content":" \"quoted\""`)
    expect(
      oneByOne(stream([loremChoice, loremChoice], false, false)).match(/"finish_reason":"stop"/g),
    ).toHaveLength(2)
  })
})
