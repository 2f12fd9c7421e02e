import { describe, expect, it } from 'vitest'
import type { Hook } from '../../src/pipeline/stage.ts'
import { createExtendedSimulator } from '../support/test-simulator.ts'

/** An answer of a real service that ended by itself. */
interface Billed {
  readonly from: string
  readonly model: string
  readonly profile: string
  readonly text: string
  readonly tokens: number
  readonly api?: 'responses'
}

/**
 * Captured answers without reasoning and calls. The rules were made from the first list. The second list only validates them.
 */
const madeWith: readonly Billed[] = [
  { from: 'crewAI 2026-01', model: 'gpt-4o-mini', profile: '2026-04', text: 'Hello!', tokens: 3 },
  { from: 'crewAI 2026-04', model: 'gpt-5.2-chat', profile: '2026-04', text: 'Hello! 😊', tokens: 13 },
  {
    from: 'ruby_llm 2026-08',
    model: 'gpt-5.6-luna',
    profile: '2026-08',
    text: 'Berlin is currently **15°C** with winds around **10 km/h**.',
    tokens: 20,
    api: 'responses',
  },
  {
    from: 'ruby_llm 2026-08',
    model: 'gpt-5.6-luna',
    profile: '2026-08',
    text: 'OK',
    tokens: 5,
    api: 'responses',
  },
  { from: 'LiteLLM 2026-10', model: 'gpt-5.4', profile: '2026-09', text: 'Hello.', tokens: 5 },
  { from: 'LiteLLM 2026-10', model: 'gpt-5.6-sol', profile: '2026-09', text: 'Hello.', tokens: 5 },
  { from: 'LiteLLM 2026-10', model: 'gpt-5.6-luna', profile: '2026-09', text: 'Hello!', tokens: 5 },
  { from: 'LiteLLM 2026-10', model: 'gpt-6.1-sol', profile: '2026-09', text: 'Hello!', tokens: 5 },
]

const judgedBy: readonly Billed[] = [
  {
    from: 'a gateway 2026-08-01',
    model: 'gpt-5.4-mini',
    profile: '2026-08',
    text: 'Hi! How can I help?',
    tokens: 11,
  },
  {
    from: 'pydantic-ai 2026-07',
    model: 'gpt-5.4',
    profile: '2026-07',
    text: 'Paris',
    tokens: 5,
    api: 'responses',
  },
  {
    from: 'pydantic-ai 2026-07',
    model: 'gpt-5.6-sol',
    profile: '2026-07',
    text: 'Paris',
    tokens: 5,
    api: 'responses',
  },
  { from: 'LiteLLM 2026-10', model: 'gpt-6-luna', profile: '2026-09', text: 'Hello!', tokens: 5 },
]

async function billedTokens({ model, profile, text, api }: Billed): Promise<number> {
  const hook: Hook = (exchange, next) => {
    exchange.forced = { text }
    return next()
  }
  const { post } = await createExtendedSimulator([{ name: 'text', hooks: [hook] }], {
    deployments: { one: { model, wireProfile: profile } },
  })
  // Short prompts with a small limit are answered without reasoning.
  const path = api === 'responses' ? '/openai/v1/responses' : '/openai/v1/chat/completions'
  const input = [{ role: 'user', content: 'Say hello.' }]
  const limited =
    api === 'responses' ? { input, max_output_tokens: 64 } : { messages: input, max_completion_tokens: 64 }
  const response = await post(path, { model: 'one', ...limited })
  const { usage } = (await response.json()) as { usage: Record<string, number> }
  return usage['completion_tokens'] ?? usage['output_tokens'] ?? NaN
}

describe('an answer that ends by itself is billed as in a capture', () => {
  it.each([...madeWith, ...judgedBy])('$from: $model, $text', async (billed) => {
    expect(await billedTokens(billed)).toBe(billed.tokens)
  })
})
