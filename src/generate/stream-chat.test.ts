import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import type { ChatFacts } from './chat-json.ts'
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

describe('a stream that is rendered as a whole', () => {
  it.each([
    ['plain', false, false, {}, {}],
    ['with usage and padding', true, true, {}, {}],
    ['a refusal', false, true, { refused: true }, {}],
    ['filtered', true, true, { finishReason: 'content_filter' }, { found: 'violence' }],
    ['without a text', false, false, { pieces: [] }, {}],
    ['of a model with a name of its own', false, true, {}, { model: '日本' }],
  ] as const)('has the bytes of its events: %s', (_, includeUsage, obfuscate, choiceMore, factsMore) => {
    const made = () => stream([{ ...choice, ...choiceMore }], includeUsage, obfuscate, factsMore)
    const body = made()
    const text = oneByOne(made())
    const isAscii = Buffer.byteLength(text) === text.length
    expect(body.renderAll?.(body)).toEqual({ text, isAscii })
  })

  it('is not, where there are several choices, or a text that JSON escapes', () => {
    expect('renderAll' in stream([choice, choice], false, false)).toBe(false)
    const quoted = { ...choice, pieces: ['Lorem', ' "quoted"', ' 日本'], lorem: undefined }
    expect('renderAll' in stream([quoted], false, false)).toBe(false)
    expect(oneByOne(stream([quoted], false, false))).toContain(String.raw`"content":" \"quoted\""`)
  })

  it('gives way to whoever renders events in another way', () => {
    const body = stream([choice], false, false)
    expect(body.renderAll?.({ ...body, render: () => '' })).toBeUndefined()
  })
})
