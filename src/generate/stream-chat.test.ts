import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import type { ChatFacts } from './chat-json.ts'
import { isAsciiBody } from '../pipeline/reply.ts'
import type { Choice } from './completion.ts'
import { streamChat } from './stream-chat.ts'

const facts: ChatFacts = {
  id: 'chatcmpl-1',
  created: 1,
  model: 'gpt-4o-2024-11-20',
  systemFingerprint: 'fp_1',
  serviceTier: undefined,
  usesFunctions: false,
  logprobs: undefined,
  found: undefined,
}
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 3, reasoningTokens: 0 }
const choice: Choice = {
  pieces: ['Lorem', ' ipsum', '.'],
  lorem: 'Lorem ipsum.',
  toolCalls: [],
  finishReason: 'stop',
  reasoningTokens: 0,
  overheadTokens: 1,
}
const stream = (choices: readonly Choice[], includeUsage: boolean, obfuscate: boolean, more = {}) =>
  streamChat(
    { choices, usage },
    { ...facts, ...more },
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
    ['of one token', true, false, { pieces: ['Lorem'], lorem: 'Lorem' }, {}],
    ['without a text', false, false, { pieces: [], lorem: '' }, {}],
    ['of a model with a name of its own', false, true, {}, { model: '日本' }],
  ] as const)('is that of a text of any kind: %s', (_, includeUsage, obfuscate, choiceMore, factsMore) => {
    const ofLorem = stream([{ ...choice, ...choiceMore }], includeUsage, obfuscate, factsMore)
    const planned = stream(
      [{ ...choice, ...choiceMore, lorem: undefined }],
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
    const body = stream([choice], false, false)
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})

describe('a stream of several choices, or of a text that JSON escapes', () => {
  it('is rendered event by event', () => {
    const quoted = { ...choice, pieces: ['Lorem', ' "quoted"', ' 日本'], lorem: undefined }
    expect(oneByOne(stream([quoted], false, false))).toContain(String.raw`"content":" \"quoted\""`)
    expect(oneByOne(stream([choice, choice], false, false)).match(/"finish_reason":"stop"/g)).toHaveLength(2)
  })
})
