import { describe, expect, it } from 'vitest'
import type { JsonMembers } from '../conversion.ts'
import { indicatedClaudeTraits } from '../models/claude-traits.ts'
import { modelOfDeployment } from '../models/assume-model.ts'
import { builtInCatalogue } from '../models/model-catalogue.ts'
import { chatToMessages } from './chat-to-messages.ts'

const user = { role: 'user', content: 'Hi' }
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
const result = { role: 'tool', tool_call_id: 'c1', content: 'ok' }
const thought = { type: 'thinking', thinking: 'Hm', signature: 'S' }

const convert = (model: string, body: object, drop: readonly string[] = []) =>
  chatToMessages(
    { messages: [user], ...body },
    {
      model: 'prod',
      drop: new Set(drop),
      maxOutputTokens: 64_000,
      claude: indicatedClaudeTraits(model, modelOfDeployment(model, builtInCatalogue)!),
    },
  )
const bodyOf = (...given: Parameters<typeof convert>): JsonMembers => {
  const converted = convert(...given)
  if (converted.kind === 'refused') throw new Error(converted.error.message)
  return converted.body
}
const enabled = (budget: number) => ({ type: 'enabled', budget_tokens: budget })

describe('reasoning_effort for a Claude model', () => {
  it.each([
    ['minimal', 1_024],
    ['low', 2_048],
    ['medium', 8_192],
    ['high', 16_384],
    ['xhigh', 32_000],
  ])('%s becomes a budget of %d tokens for models that know only a budget', (effort, budget) => {
    for (const model of [
      'claude-sonnet-4-5',
      'claude-haiku-4-5',
      'my-claude-opus-4-1',
      'claude-3-7-sonnet',
    ]) {
      const body = bodyOf(model, { reasoning_effort: effort })
      expect(body['thinking']).toEqual(enabled(budget))
      expect(body).not.toHaveProperty('output_config')
    }
  })

  it.each([
    [1_024, undefined],
    [1_025, enabled(1_024)],
    [4_000, enabled(2_000)],
    [40_000, enabled(16_384)],
  ])('leaves room for the answer of at most %d tokens', (max_completion_tokens, thinking) => {
    const body = bodyOf('claude-sonnet-4-5', { max_completion_tokens, reasoning_effort: 'high' })
    expect(body['thinking']).toEqual(thinking)
    expect(body['max_tokens']).toBe(max_completion_tokens)
  })

  it.each([
    ['claude-opus-4-5', 'xhigh', enabled(32_000), 'high'],
    ['claude-sonnet-4-6', 'xhigh', { type: 'adaptive' }, 'high'],
    ['claude-opus-4-7', 'xhigh', { type: 'adaptive', display: 'summarized' }, 'xhigh'],
    ['claude-opus-5-5', 'minimal', { type: 'adaptive' }, 'low'],
  ])('%s thinks and writes with the nearest effort of %s', (model, effort, thinking, expected) => {
    expect(bodyOf(model, { reasoning_effort: effort })).toMatchObject({
      thinking,
      output_config: { effort: expected },
    })
  })

  it.each([
    ['claude-opus-5-5', 'none'],
    ['claude-3-5-haiku-20241022', 'low'],
    ['claude-3-opus', 'high'],
  ])('%s refuses %s by the name of the parameter, or drops it', (model, reasoning_effort) => {
    expect(convert(model, { reasoning_effort })).toMatchObject({
      kind: 'refused',
      error: { status: 400, param: 'reasoning_effort' },
    })
    const body = bodyOf(model, { reasoning_effort }, ['reasoning_effort'])
    expect(body).not.toHaveProperty('thinking')
    expect(body).not.toHaveProperty('output_config')
  })

  it('none turns thinking off', () => {
    expect(bodyOf('claude-sonnet-4-5', { reasoning_effort: 'none' })['thinking']).toEqual({
      type: 'disabled',
    })
    expect(bodyOf('claude-3-5-haiku', { reasoning_effort: 'none' })).not.toHaveProperty('thinking')
  })

  it.each([
    ['a call that it must make', { tools, tool_choice: 'required' }],
    [
      'the result of a call without its thinking',
      { messages: [user, { role: 'assistant', tool_calls: [call] }, result] },
    ],
  ])('does not think with a budget before %s', (_, body) => {
    const effort = { ...body, reasoning_effort: 'low' }
    expect(bodyOf('claude-sonnet-4-5', effort)).not.toHaveProperty('thinking')
  })

  it('thinks after calls that came back with their thinking, or with an earlier answer without it', () => {
    const assistant = { role: 'assistant', tool_calls: [call], thinking_blocks: [thought] }
    const plain = { role: 'assistant', content: 'Hello' }
    for (const messages of [
      [user, assistant, result],
      [user, plain, user],
      [user, { role: 'assistant', tool_calls: [call] }, result, plain, user],
    ]) {
      const body = bodyOf('claude-sonnet-4-5', { messages, reasoning_effort: 'low' })
      expect(body['thinking']).toEqual(enabled(2_048))
    }
    const adaptive = {
      messages: [user, { role: 'assistant', tool_calls: [call] }, result],
      reasoning_effort: 'low',
    }
    expect(bodyOf('claude-opus-4-7', adaptive)['thinking']).toMatchObject({ type: 'adaptive' })
  })

  it('refuses thinking that the caller asked for itself, if the thinking of the last calls is missing', () => {
    const body = {
      messages: [user, { role: 'assistant', tool_calls: [call] }, result],
      thinking: enabled(2_000),
    }
    expect(convert('claude-sonnet-4-5', body)).toMatchObject({
      kind: 'refused',
      error: { param: 'thinking' },
    })
    expect(bodyOf('claude-sonnet-4-5', body, ['thinking'])).not.toHaveProperty('thinking')
  })

  it.each([
    ['temperature', 'claude-sonnet-4-5', { temperature: 0.5, reasoning_effort: 'low' }],
    ['top_p', 'claude-sonnet-4-5', { top_p: 0.5, reasoning_effort: 'low' }],
    ['top_p', 'claude-sonnet-4-5', { temperature: 0.5, top_p: 0.5 }],
    ['temperature', 'claude-opus-4-7', { temperature: 0.5 }],
  ])('refuses a %s that %s does not accept, or drops it', (param, model, body) => {
    expect(convert(model, body)).toMatchObject({ kind: 'refused', error: { status: 400, param } })
    expect(bodyOf(model, body, [param])).not.toHaveProperty(param)
  })
})
