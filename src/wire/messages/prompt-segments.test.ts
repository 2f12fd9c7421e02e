import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { findModel } from '../models/model-catalogue.ts'
import type { CountedRequest } from './messages-request.ts'
import { promptSegments, totalOf } from './prompt-segments.ts'

const count = (name: string, request: Omit<CountedRequest, 'model'>): number => {
  const model = findModel(name)!
  return totalOf(promptSegments({ model: name, ...request }, model, loadEncoding(model.encoding)))
}

const user = (content: CountedRequest['messages'][number]['content']) => ({ role: 'user', content }) as const

const noParameters = { additionalProperties: false, properties: {}, type: 'object' }
const country = { name: 'get_user_country', description: '', input_schema: noParameters }
const city = { type: 'string' }
const result = {
  name: 'final_result',
  description: 'The final response which ends this conversation',
  input_schema: { properties: { city, country: city }, required: ['city', 'country'], type: 'object' },
}
const any = { type: 'any' } as const

/** Counts of Anthropic's API in cassettes of pydantic/pydantic-ai, 2025 and 2026. Claude Sonnet 4 is counted like later models. */
const bills: readonly [
  name: string,
  model: string,
  request: Omit<CountedRequest, 'model'>,
  tokens: number,
][] = [
  ['a question', 'claude-opus-4-6', { messages: [user('What is 2+2?')] }, 14],
  ['a question with the later tokenizer', 'claude-opus-5', { messages: [user('What is 2+2?')] }, 13],
  ['a greeting', 'claude-sonnet-4-5', { messages: [user('Hello, Claude')] }, 10],
  [
    'a greeting with a system prompt',
    'claude-sonnet-4-5',
    { system: 'You are a scientist', messages: [user('Hello, Claude')] },
    14,
  ],
  [
    'thinking with a budget',
    'claude-sonnet-4-5',
    { thinking: { type: 'enabled', budget_tokens: 1_024 }, messages: [user('How do I cross the street?')] },
    43,
  ],
  [
    'a forced tool with parameters',
    'claude-opus-4-6',
    { tools: [result], tool_choice: any, messages: [user('What is the capital of France?')] },
    671,
  ],
  [
    'two tools, of which one is forced',
    'claude-sonnet-4-5',
    {
      tools: [country, result],
      tool_choice: any,
      messages: [user('What is the largest city in the user country?')],
    },
    711,
  ],
  [
    'a call and its result',
    'claude-sonnet-4-5',
    {
      tools: [country, result],
      tool_choice: any,
      messages: [
        user('What is the largest city in the user country?'),
        { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'get_user_country', input: {} }] },
        user([{ type: 'tool_result', tool_use_id: 'a', content: 'Mexico', is_error: false }]),
      ],
    },
    762,
  ],
  [
    'a tool without parameters',
    'claude-sonnet-4-5',
    {
      tools: [country],
      messages: [
        user(
          'What is the largest city in the user country? Use the get_user_country tool and then your own world knowledge.',
        ),
      ],
    },
    383,
  ],
]

describe('the estimate of the tokens of a prompt', () => {
  it.each(bills)('is within 5 %% or 2 tokens of the bill: $0 ($1)', (_, model, request, tokens) => {
    expect(Math.abs(count(model, request) - tokens)).toBeLessThanOrEqual(Math.max(2, tokens * 0.05))
  })

  it('is 30 % higher with the later tokenizer', () => {
    const messages = [user('The quick brown fox jumps over the lazy dog. '.repeat(100))]
    expect(count('claude-opus-5-5', { messages }) / count('claude-opus-4-5', { messages })).toBeCloseTo(
      1.2,
      1,
    )
  })

  it('counts images by their size, up to a limit', () => {
    const image = (url: string) =>
      count('claude-sonnet-4-5', { messages: [user([{ type: 'image', source: { type: 'url', url } }])] })
    expect(image('https://example.com/750x100.png')).toBe(107)
    expect(image('https://example.com/4000x4000.png')).toBe(1_568 + 7)
  })
})
