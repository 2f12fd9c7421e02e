import { describe, expect, it } from 'vitest'
import {
  defaultNormalizations,
  normalizationNames,
  normalizeRequest,
  type NormalizationName,
} from './normalize-request.ts'
import { builtInCatalogue, findModel } from './models/model-catalogue.ts'
import type { Operation } from './route.ts'
import { validateChat } from './chat/validate-chat.ts'
import { validateResponses } from './responses/validate-responses.ts'

const user = { role: 'user', content: 'a' }
const chat = (members: object) => ({ model: 'd', messages: [user], ...members })
const normalize = (
  body: Readonly<Record<string, unknown>>,
  model: string,
  on: readonly NormalizationName[] = [...defaultNormalizations],
  operation: Operation = 'chatCompletions',
) => normalizeRequest(body, operation, model, new Set(on))

describe('the normalisation max-tokens', () => {
  it.each([
    'gpt-5',
    'gpt-5-2025-08-07',
    'my-gpt-5-mini-prod',
    'GPT-5',
    'gpt-5.9-nova',
    'o1',
    'o3-mini',
    'o9',
    'openai/o4-mini',
  ])('renames the limit for %s, in its place', (model) => {
    const body = { model, max_tokens: 5, messages: [user] }
    expect(JSON.stringify(normalize(body, model))).toBe(
      JSON.stringify({ model, max_completion_tokens: 5, messages: [user] }),
    )
  })

  it.each([
    'gpt-35-turbo',
    'gpt-3.5-turbo',
    'gpt-4',
    'gpt-4o',
    'gpt-4.1-mini',
    'gpt-5-chat',
    'grok-3',
    'mistral-large',
    'prod',
  ])('keeps the same body for %s', (model) => {
    const body = chat({ max_tokens: 5 })
    expect(normalize(body, model)).toBe(body)
  })

  it('keeps the limit of the caller if both are set', () => {
    expect(normalize(chat({ max_tokens: 5, max_completion_tokens: 7 }), 'o3')).toEqual(
      chat({ max_completion_tokens: 7 }),
    )
  })

  it('treats null as absent', () => {
    const body = chat({ max_tokens: null })
    expect(normalize(body, 'gpt-5')).toBe(body)
    expect(normalize(chat({ max_tokens: 5, max_completion_tokens: null }), 'gpt-5')).toEqual(
      chat({ max_completion_tokens: 5 }),
    )
  })

  it.each(['completions', 'responses', 'embeddings', 'speech'] as const)(
    'keeps requests of %s',
    (operation) => {
      const body = { model: 'gpt-5', prompt: 'a', max_tokens: 5 }
      expect(normalize(body, 'gpt-5', [...normalizationNames], operation)).toBe(body)
    },
  )

  it('can be switched off', () => {
    const body = chat({ max_tokens: 5 })
    expect(normalize(body, 'gpt-5', ['roles'])).toBe(body)
  })
})

describe('the normalisation roles', () => {
  const roles = (model: string, ...names: readonly string[]) => {
    const body = { messages: names.map((role) => ({ role, content: 'a', name: 'b' })) }
    const { messages } = normalize(body, model) as typeof body
    return messages.map(({ role }) => role)
  }

  it.each(['o1', 'o3', 'gpt-5', 'gpt-4o', 'gpt-35-turbo', 'gpt-4'])('keeps the roles of %s', (model) => {
    const body = chat({ messages: ['developer', 'system', 'user'].map((role) => ({ role, content: 'a' })) })
    expect(normalize(body, model)).toBe(body)
  })

  it.each(['DeepSeek-R1', 'Mistral-Large-3', 'Meta-Llama-3.1-8B-Instruct', 'qwen3-max'])(
    'renames developer for %s',
    (model) => {
      expect(roles(model, 'developer', 'user', 'system')).toEqual(['system', 'user', 'system'])
    },
  )

  it.each(['o1-mini', 'o1-preview'])('renames both for %s', (model) => {
    expect(roles(model, 'developer', 'user', 'system')).toEqual(['user', 'user', 'user'])
  })

  it('keeps function, tool and unknown roles', () => {
    const names = ['function', 'tool', 'assistant', 'human']
    expect(roles('o1-mini', ...names)).toEqual(names)
  })
})

describe('the normalisations that are off by default', () => {
  it.each<[NormalizationName, string, Operation, object, object]>([
    [
      'max-completion-tokens',
      'mistral-large',
      'chatCompletions',
      { max_completion_tokens: 5 },
      { max_tokens: 5 },
    ],
    [
      'sampling',
      'gpt-5',
      'chatCompletions',
      { temperature: 0, top_p: 0.5, stop: ['a'], logit_bias: { 1: 2 }, presence_penalty: 0, max_tokens: 5 },
      { presence_penalty: 0, max_tokens: 5 },
    ],
    ['sampling', 'gpt-5.1', 'chatCompletions', { temperature: 0 }, { temperature: 0 }],
    ['sampling', 'gpt-5', 'responses', { temperature: 0, top_p: 1 }, { top_p: 1 }],
    [
      'sampling',
      'gpt-5',
      'responses',
      { include: ['a', 'message.output_text.logprobs'] },
      { include: ['a'] },
    ],
    ['sampling', 'gpt-4o', 'chatCompletions', { temperature: 0, stop: 'a' }, { temperature: 0, stop: 'a' }],
    ['effort', 'gpt-5', 'chatCompletions', { reasoning_effort: 'none' }, { reasoning_effort: 'minimal' }],
    ['effort', 'gpt-5', 'chatCompletions', { reasoning_effort: 'xhigh' }, { reasoning_effort: 'high' }],
    [
      'effort',
      'o3',
      'responses',
      { reasoning: { effort: 'minimal', summary: 'auto' } },
      { reasoning: { effort: 'low', summary: 'auto' } },
    ],
    ['effort', 'gpt-4o', 'responses', { reasoning: { effort: 'low' } }, {}],
    ['effort', 'gpt-4o', 'chatCompletions', { reasoning_effort: 'low' }, {}],
    ['effort', 'gpt-5', 'chatCompletions', { reasoning_effort: 'huge' }, { reasoning_effort: 'huge' }],
    ['verbosity', 'o3', 'chatCompletions', { verbosity: 'low' }, {}],
    [
      'verbosity',
      'gpt-4o',
      'responses',
      { text: { verbosity: 'low', format: { type: 'text' } } },
      { text: { format: { type: 'text' } } },
    ],
    ['parallel-tool-calls', 'o3', 'chatCompletions', { parallel_tool_calls: false }, {}],
    ['stream-options', 'gpt-4o', 'chatCompletions', { stream_options: { include_usage: true } }, {}],
    [
      'stream-options',
      'davinci-002',
      'completions',
      { stream: false, stream_options: {} },
      { stream: false },
    ],
  ])('%s changes requests to %s (%s)', (name, model, operation, before, after) => {
    expect(normalize(before as Record<string, unknown>, model, [name], operation)).toEqual(after)
    expect(normalize(before as Record<string, unknown>, model, [], operation)).toBe(before)
    expect(defaultNormalizations.has(name)).toBe(false)
  })
})

it('the effort is normalised before sampling, which depends on it', () => {
  const body = { reasoning_effort: 'none', temperature: 0 }
  expect(normalize(body, 'gpt-5', ['sampling', 'effort'])).toEqual({ reasoning_effort: 'minimal' })
})

describe('a normalised request', () => {
  const hard = chat({
    messages: [{ role: 'system', content: 'a' }, user],
    max_tokens: 50,
    temperature: 0,
    top_p: 0.5,
    stop: ['a'],
    logit_bias: { 1: 2 },
    presence_penalty: 1,
    logprobs: true,
    top_logprobs: 2,
    reasoning_effort: 'minimal',
    verbosity: 'low',
    stream_options: { include_usage: true },
  })
  const models = builtInCatalogue.versions.filter(
    ({ operations, capabilities }) => operations.includes('chatCompletions') && !capabilities.audioOutput,
  )

  it.each(models.map((model) => [model.versionedName, model] as const))(
    'of all kinds is valid for %s',
    (_, model) => {
      const body = normalizeRequest(hard, 'chatCompletions', model, new Set(normalizationNames))
      expect(validateChat(body, model)).toBeUndefined()
    },
  )

  const hardResponse = {
    input: 'a',
    temperature: 0,
    top_p: 0.5,
    presence_penalty: 1,
    include: ['message.output_text.logprobs', 'file_search_call.results'],
    top_logprobs: 2,
    reasoning: { effort: 'minimal' },
    text: { verbosity: 'low' },
    stream_options: { include_obfuscation: false },
  }
  const responsesModels = builtInCatalogue.versions.filter(({ operations }) =>
    operations.includes('responses'),
  )

  it.each(responsesModels.map((model) => [model.versionedName, model] as const))(
    'of the Responses API is valid for %s',
    (_, model) => {
      const body = normalizeRequest(hardResponse, 'responses', model, new Set(normalizationNames))
      expect(validateResponses(body, model)).toBeUndefined()
    },
  )

  it('is not validated: wrong types are kept', () => {
    const on = new Set(normalizationNames)
    const values = [null, 0, 'a', [], [null], {}, true, [[]], [{ role: 1 }]]
    const names = ['messages', 'max_tokens', 'reasoning', 'reasoning_effort', 'text', 'verbosity', 'stop']
    for (const model of ['o1-mini', 'gpt-5', 'mistral', '']) {
      for (const operation of ['chatCompletions', 'responses', undefined] as const) {
        for (const name of names) {
          for (const value of values) {
            expect(() => normalizeRequest({ [name]: value }, operation, model, on)).not.toThrow()
          }
        }
      }
    }
  })

  it('accepts a model of the catalogue', () => {
    const body = chat({ max_tokens: 5 })
    expect(normalizeRequest(body, 'chatCompletions', findModel('o3')!, defaultNormalizations)).toEqual(
      chat({ max_completion_tokens: 5 }),
    )
  })
})
