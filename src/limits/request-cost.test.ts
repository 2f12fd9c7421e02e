import { describe, expect, it } from 'vitest'
import type { Operation } from '../wire/route.ts'
import { limitProfile } from './limit-plan.ts'
import { estimateCost } from './admit.ts'

/** An era without overhead. */
const plainRule = limitProfile('2025-08').estimate

const estimateTokens = (operation: Operation, body: unknown, rule = plainRule): number => {
  const { promptTokens, completionTokens } = estimateCost(operation, body, rule)
  return promptTokens + completionTokens
}
const chat = (body: object, rule = plainRule): number => estimateTokens('chatCompletions', body, rule)
const user = (content: unknown): object => ({ role: 'user', content })

describe('estimateCost', () => {
  it('charges a quarter of the characters of a chat, rounded up once', () => {
    expect(chat({ messages: [user("Count r's in strawberry")] })).toBe(6)
    expect(chat({ messages: [user('abc'), user('abcd'), user('ab')] })).toBe(3)
  })

  it('counts only the text parts of content', () => {
    const content = [
      { type: 'text', text: 'abcdefgh' },
      { type: 'image_url', image_url: { url: 'x'.repeat(1_000) } },
      { type: 'text', text: 7 },
      null,
    ]
    expect(chat({ messages: [user(content)], tools: [{ type: 'function' }] })).toBe(2)
  })

  it('adds max_tokens or max_completion_tokens for each choice', () => {
    const messages = [user('abcd')]
    expect(chat({ messages, max_tokens: 100 })).toBe(101)
    expect(chat({ messages, max_completion_tokens: 50 })).toBe(51)
    expect(chat({ messages, max_tokens: 100, max_completion_tokens: 50 })).toBe(101)
    expect(chat({ messages, max_tokens: null, max_completion_tokens: 50, n: 3 })).toBe(151)
  })

  it('uses the larger of n and best_of for completions', () => {
    const body = { prompt: ['abcd', 'abcde'], max_tokens: 10, n: 2, best_of: 4 }
    expect(estimateTokens('completions', body)).toBe(43)
  })

  it('rounds up each string of embeddings, as in captures', () => {
    expect(estimateTokens('embeddings', { input: 'x'.repeat(34) })).toBe(9)
    expect(estimateTokens('embeddings', { input: ['x'.repeat(34), 'x'.repeat(21)] })).toBe(15)
  })

  it('counts token ids one by one', () => {
    expect(estimateTokens('embeddings', { input: [1, 2, 3] })).toBe(3)
    expect(estimateTokens('completions', { prompt: [[1, 2], [3]] })).toBe(3)
  })

  it('reads the input and instructions of a response', () => {
    const body = {
      instructions: 'abcd',
      input: [user([{ type: 'input_text', text: 'abcdefgh' }])],
      max_output_tokens: 10,
    }
    expect(estimateTokens('responses', body)).toBe(1 + 2 + 10)
    expect(estimateTokens('responses', { input: 'abcde' })).toBe(2)
  })

  it.each([
    ['2024-02', { messages: [user('x'.repeat(67))] }, 16],
    ['2024-10', { messages: [user('x'.repeat(67))] }, 657],
    ['2024-10', { messages: [user('x'.repeat(67))], n: 2 }, 17 + 1_280],
    ['2024-10', { messages: [user('x'.repeat(67))], max_tokens: 100 }, 117],
    ['2025-08', { messages: [user('x'.repeat(23))] }, 6],
    ['2026-03', { messages: [user('x'.repeat(34))] }, 14],
  ] as const)('matches the captures of %s', (era, body, tokens) => {
    expect(chat(body, limitProfile(era).estimate)).toBe(tokens)
  })

  it('returns a safe, non-negative integer for any body', () => {
    const values = [-1, 1.5, Infinity, -Infinity, NaN, 1e300, '5', null, true, [], {}, [[{}]], undefined]
    for (const operation of [
      'chatCompletions',
      'completions',
      'embeddings',
      'responses',
      'speech',
    ] as const) {
      for (const value of values) {
        const bodies = [
          value,
          { messages: value, prompt: value, input: value },
          { messages: [value], prompt: [value], input: [value] },
          { messages: [user(value), user([value])] },
          { max_tokens: value, n: value },
          { max_tokens: 10, n: value, best_of: value },
        ]
        for (const body of bodies) {
          const tokens = estimateTokens(operation, body)
          expect(Number.isSafeInteger(tokens)).toBe(true)
          expect(tokens).toBeGreaterThanOrEqual(0)
        }
      }
    }
  })

  it('returns 0 for a negative max_tokens and the maximum for an infinite one', () => {
    expect(chat({ max_tokens: -5 })).toBe(0)
    expect(chat({ max_tokens: Infinity })).toBe(2 ** 51)
  })
})
