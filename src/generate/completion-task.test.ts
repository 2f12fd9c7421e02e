import { describe, expect, it } from 'vitest'
import type { ChatRequest } from '../wire/chat/chat-request.ts'
import { chatTask, usesFunctions } from './completion-task.ts'
import { noCacheUse } from './prompt-cache.ts'

const messages = [{ role: 'user', content: 'x' }] as const
const f = { name: 'f', parameters: { type: 'object' }, strict: true }
const g = { name: 'g' }
const tools = [
  { type: 'function', function: f },
  { type: 'custom', custom: g },
] as const
const end = { end: 1, frame: 0 }
const task = (request: Partial<ChatRequest>) => chatTask({ messages, ...request }, 10, noCacheUse, end)

describe('chatTask', () => {
  it('defaults to one text choice without tools, stop sequences or limit', () => {
    expect(task({})).toEqual({
      promptTokens: 10,
      cacheUse: noCacheUse,
      end,
      count: 1,
      requestedTokens: undefined,
      tools: [],
      toolChoice: { kind: 'none' },
      parallelToolCalls: true,
      history: { rounds: 0, called: [] },
      format: { kind: 'text' },
      stop: [],
      reasoningEffort: undefined,
    })
  })

  it('treats null like an absent value', () => {
    const nothing = { n: null, stop: null, tools: null, tool_choice: null, response_format: null } as const
    expect(task({ ...nothing, functions: null, max_tokens: null, reasoning_effort: null })).toEqual(task({}))
  })

  it('prefers max_completion_tokens over max_tokens', () => {
    expect(task({ max_tokens: 5, max_completion_tokens: 7 }).requestedTokens).toBe(7)
    expect(task({ max_tokens: 5 }).requestedTokens).toBe(5)
  })

  it('distinguishes functions and custom tools', () => {
    expect(task({ tools }).tools).toEqual([
      { kind: 'function', name: 'f', parameters: { type: 'object' }, strict: true },
      { kind: 'custom', name: 'g' },
    ])
  })

  it.each([
    [undefined, { kind: 'auto' }],
    ['auto', { kind: 'auto' }],
    ['none', { kind: 'none' }],
    ['required', { kind: 'required' }],
    [
      { type: 'function', function: { name: 'f' } },
      { kind: 'named', names: ['f'] },
    ],
    [
      { type: 'custom', custom: { name: 'g' } },
      { kind: 'named', names: ['g'] },
    ],
  ] as const)('reads tool_choice %j', (choice, expected) => {
    expect(task({ tools, ...(choice && { tool_choice: choice }) }).toolChoice).toEqual(expected)
  })

  it('removes tools that are not in allowed_tools, for both formats of the list', () => {
    const allowed = [
      { type: 'custom', custom: { name: 'g' } },
      { type: 'function', name: 'f' },
      { type: 'x' },
    ]
    const choose = (mode: 'auto' | 'required', list: typeof allowed) =>
      task({ tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode, tools: list } } })
    expect(choose('auto', allowed).tools).toHaveLength(2)
    expect(choose('required', allowed.slice(0, 1))).toMatchObject({
      tools: [{ name: 'g' }],
      toolChoice: { kind: 'required' },
    })
  })

  it('reads functions only without tools, and disables parallel calls for them', () => {
    const older = { functions: [f], function_call: { name: 'f' } } as const
    expect(usesFunctions({ messages, ...older })).toBe(true)
    expect(task(older)).toMatchObject({ toolChoice: { names: ['f'] }, parallelToolCalls: false })
    expect(usesFunctions({ messages, ...older, tools })).toBe(false)
    expect(task({ ...older, tools })).toMatchObject({ toolChoice: { kind: 'auto' }, parallelToolCalls: true })
  })

  it('counts the calls since the last message of the user', () => {
    const result = { role: 'tool', tool_call_id: 'call_1', content: 'x' } as const
    expect(task({ tools, messages: [...messages, result] }).history.rounds).toBe(1)
    expect(task({ tools, messages: [...messages, result, ...messages] }).history.rounds).toBe(0)
  })

  it('treats a missing JSON schema as any object', () => {
    const format = (schema?: Readonly<Record<string, unknown>>) =>
      task({
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'n', ...(schema && { schema }) },
        },
      })
    expect(format().format).toEqual({ kind: 'json-object' })
    expect(format({ type: 'string' }).format).toEqual({ kind: 'json-schema', schema: { type: 'string' } })
  })
})
