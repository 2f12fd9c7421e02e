import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const model = findModel('gpt-5.6-terra')!
const user = { role: 'user', content: 'ping' }
const wrong = { probe: 'wrong type' }

const paramOf = (fragment: object): string | null | undefined => {
  const error = validateChat({ ...fragment }, model)
  return error && (JSON.parse(errorBody(error)) as { error: { param: string | null } }).error.param
}

/** Fields in the measured order in which the service reports faults, each with an invalid value. */
const measuredOrder: readonly (readonly [name: string, value: unknown])[] = [
  ['messages', 'wrong'],
  ['functions', 'wrong'],
  ['tools', 'wrong'],
  ['parallel_tool_calls', wrong],
  ['max_completion_tokens', wrong],
  ['max_tokens', 32],
  ['n', wrong],
  ['stop', ['ZZ']],
  ['temperature', wrong],
  ['top_p', wrong],
  ['presence_penalty', wrong],
  ['frequency_penalty', wrong],
  ['logprobs', wrong],
  ['top_logprobs', wrong],
  ['user', wrong],
  ['seed', wrong],
  ['safety_identifier', wrong],
  ['prompt_cache_key', wrong],
  ['prompt_cache_retention', wrong],
  ['service_tier', wrong],
  ['stream', wrong],
  ['stream_options', 'wrong'],
  ['store', wrong],
  ['metadata', 'wrong'],
  ['verbosity', wrong],
]

describe('order of faults', () => {
  it.each(measuredOrder.slice(1).map((later, i) => [measuredOrder[i]![0], later[0]] as const))(
    'has %s before %s, independent of the order in the request',
    (earlier, later) => {
      const values = Object.fromEntries(measuredOrder)
      const messages = earlier === 'messages' ? {} : { messages: [user] }
      expect(paramOf({ [later]: values[later], ...messages, [earlier]: values[earlier] })).toBe(earlier)
    },
  )

  it.each([
    ['missing messages before an unknown key', { zzz: 1 }, 'messages'],
    ['an unknown key before a wrong type', { n: 'x', messages: [], zzz: 1 }, 'zzz'],
    ['an unknown key before a refused parameter', { stop: ['ZZ'], messages: [user], zzz: 1 }, 'zzz'],
    [
      'a refused stop before a refused temperature',
      { temperature: 0.5, stop: 'x', messages: [user] },
      'stop',
    ],
    [
      'metadata before a refused temperature',
      { temperature: 0.5, metadata: 'x', messages: [user] },
      'metadata',
    ],
    ['verbosity before refused logprobs', { logprobs: true, verbosity: 'x', messages: [user] }, 'verbosity'],
    [
      'a refused temperature before missing content',
      { messages: [{ role: 'user' }], temperature: 0.5 },
      'temperature',
    ],
    [
      'a wrong content before a missing one',
      { messages: [{ role: 'user' }, { role: 'user', content: 7 }] },
      'messages[1].content',
    ],
    [
      'a bad role before a missing content',
      { messages: [{ role: 'user' }, { role: 'x' }] },
      'messages[1].role',
    ],
    [
      'the first of two missing contents',
      { messages: [{ role: 'user' }, { role: 'user' }] },
      'messages.[0].content',
    ],
  ])('has %s', (_, fragment, param) => {
    expect(paramOf(fragment)).toBe(param)
  })
})
