import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const model = findModel('gpt-4o')!
const user = { role: 'user', content: 'ping' }
const calls = (...ids: string[]): object => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
})
const answer = (id: string): object => ({ role: 'tool', tool_call_id: id, content: '1' })
const refusal = (...messages: object[]): unknown => {
  const error = validateChat({ messages }, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

describe('toolHistoryFault', () => {
  it('accepts calls if the next messages answer all of them, in any order', () => {
    expect(refusal(user, calls('a', 'b'), answer('b'), answer('a'), user)).toBeUndefined()
  })

  it.each([
    [
      'calls that the next message does not answer',
      [user, calls('a', 'b'), answer('a'), user],
      'messages.[3].role',
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: b",
    ],
    [
      'calls that end the history',
      [user, calls('a', 'b')],
      'messages',
      "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: a, b",
    ],
    [
      'an answer to nothing',
      [user, answer('a')],
      'messages.[1].role',
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    ],
    [
      'an answer to a call of another turn',
      [user, calls('a'), answer('b')],
      'messages.[2].tool_call_id',
      "Invalid parameter: 'tool_call_id' of 'b' not found in 'tool_calls' of previous message.",
    ],
    [
      'an answer without an id',
      [user, calls('a'), { role: 'tool', content: '1' }],
      'messages.[2].tool_call_id',
      "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
    ],
    [
      'a function message without a name',
      [user, { role: 'function', content: '1' }],
      'messages.[1].name',
      "Missing parameter 'name': messages with role 'function' must have a 'name'.",
    ],
  ])('rejects %s', (_, messages, param, message) => {
    expect(refusal(...messages)).toEqual({ message, type: 'invalid_request_error', param, code: null })
  })
})
