import { describe, expect, it } from 'vitest'
import { addedMessages, conversationOf } from './conversation.ts'
import { NormalizedJsonWriter } from './normalize-json.ts'

const parse = (messages: readonly unknown[], more: object = {}, field = 'messages') =>
  conversationOf(
    '',
    { model: 'gpt-4o', [field]: messages, ...more },
    new Map(),
    new NormalizedJsonWriter(new Set(['ids'])),
  )

/** How many messages were added; undefined if the recording does not answer the request. */
const compare = (requested: readonly unknown[], recorded: readonly unknown[], field?: string) => {
  const [left, right] = [parse(requested, {}, field), parse(recorded, {}, field)]
  return left && right && left.key === right.key ? addedMessages(left, right) : undefined
}

const system = { role: 'system', content: 'Be brief.' }
const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: string) => ({ role: 'assistant', content })
const call = (id: string) => ({
  role: 'assistant',
  tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }],
})
const result = (tool_call_id: string, content = 'ok') => ({ role: 'tool', tool_call_id, content })
const reminder = { role: 'developer', content: 'Today is a holiday.' }
const tagged = user('<system-reminder>Three files have changed.</system-reminder>')
const taggedParts = user([
  { type: 'text', text: '<environment_context>\n<cwd>/</cwd>\n</environment_context>' },
])

describe('a conversation', () => {
  it.each([
    ['a message of the developer', [reminder], 1],
    ['tagged context', [tagged, taggedParts], 2],
    ['nothing', [], 0],
    ['a question', [user('And in French?')], undefined],
    ['a question after context', [reminder, user('And in French?')], undefined],
    ['a tagged question', [user('<question>Why?</question>')], undefined],
    ['an answer', [assistant('4')], undefined],
    ['an answer and a question', [assistant('4'), user('Why?')], undefined],
    ['a tool result', [result('a')], undefined],
  ])('with %s at its end', (_, added, expected) => {
    const recorded = [system, user('2+2?')]
    expect(compare([...recorded, ...added], recorded)).toBe(expected)
  })

  it('can have context at the end of each turn', () => {
    const recorded = [system, user('2+2?'), call('a'), result('a'), assistant('4'), user('3+3?')]
    const requested = [
      system,
      user('2+2?'),
      reminder,
      call('b'),
      result('b'),
      tagged,
      assistant('4'),
      user('3+3?'),
      tagged,
    ]
    expect(compare(requested, recorded)).toBe(3)
  })

  it.each([
    ['another question', [system, user('2+3?'), reminder]],
    ['another system prompt', [user('2+2?'), reminder]],
    ['context before the question', [system, reminder, user('2+2?')]],
    ['less context', [system]],
  ])('does not match with %s', (_, requested) =>
    expect(compare(requested, [system, user('2+2?')])).toBeUndefined(),
  )

  it.each([
    ['another answer', [user('a'), assistant('y'), user('b')]],
    ['another result', [user('a'), assistant('x'), user('c')]],
    ['fewer turns', [user('a')]],
    ['context directly after an answer', [user('a'), assistant('x'), reminder, user('b')]],
  ])('with several turns does not match with %s', (_, requested) =>
    expect(compare(requested, [user('a'), assistant('x'), user('b')])).toBeUndefined(),
  )

  it('that ends with an answer does not match with context after it', () => {
    const recorded = [user('a'), assistant('x')]
    expect(compare([...recorded, reminder], recorded)).toBeUndefined()
  })

  it('keeps calls and results together, also with ids in added context', () => {
    const turns = (first: string, second: string, more: readonly unknown[] = []) => [
      user('a'),
      ...more,
      call(first),
      result(second),
    ]
    const other = { role: 'developer', content: 'Request 0b54ab9c-6d07-4c69-9b3e-0f1d2e3c4b5a' }
    expect(compare(turns('x', 'x', [other]), turns('y', 'y'))).toBe(1)
    expect(compare(turns('x', 'z', [other]), turns('y', 'y'))).toBeUndefined()
  })

  it('is also that of the Responses API', () => {
    const recorded = [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a' }] },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: '1' },
    ]
    expect(compare([...recorded, reminder], recorded, 'input')).toBe(1)
    expect(
      compare([...recorded, { type: 'message', role: 'assistant', content: 'b' }], recorded, 'input'),
    ).toBeUndefined()
  })

  it.each([
    ['a prompt', { prompt: 'a' }],
    ['an input text', { input: 'a' }],
    ['only a system prompt', { messages: [system] }],
    ['a list', []],
    ['deep JSON', { messages: [user(Array.from({ length: 2_000 }).reduce<unknown>((inner) => [inner], 1))] }],
  ])('does not exist for %s', (_, body) =>
    expect(conversationOf('', body, new Map(), new NormalizedJsonWriter(new Set()))).toBeUndefined(),
  )

  it('includes other fields of the request', () => {
    expect(parse([user('a')], { temperature: 1 })?.key).not.toBe(parse([user('a')])?.key)
  })
})
