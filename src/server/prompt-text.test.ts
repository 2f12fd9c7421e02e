import { describe, expect, it } from 'vitest'
import { promptText } from './extension-kit.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const user = (content: unknown) => ({ role: 'user', content })

describe('promptText', () => {
  it.each<[string, unknown, string | undefined]>([
    [
      'the last user message of a chat, regardless of later messages',
      { messages: [user('first'), user('last'), { role: 'tool', content: '7' }] },
      'last',
    ],
    [
      'the text parts of a message, as lines',
      { messages: [user([{ type: 'text', text: 'a' }, { type: 'image_url' }, { type: 'text', text: 'b' }])] },
      'a\nb',
    ],
    ['the input of a response', { input: 'ask' }, 'ask'],
    [
      'the last user item of an input',
      { input: [user([{ type: 'input_text', text: 'ask' }]), { type: 'function_call_output', output: '7' }] },
      'ask',
    ],
    ['the prompt of a completion', { prompt: 'once' }, 'once'],
    ['several prompts, as lines', { prompt: ['one', 'two'] }, 'one\ntwo'],
    ['an empty text', { messages: [user('')] }, ''],
    ['undefined for a prompt of tokens', { prompt: [1, 2] }, undefined],
    ['undefined without a user message', { messages: [{ role: 'system', content: 'x' }] }, undefined],
    ['undefined without content', { messages: [user(null), null, 5] }, undefined],
    ['undefined for JSON that is not an object', 'text', undefined],
    ['undefined for null', null, undefined],
    ['undefined for invalid JSON', undefined, undefined],
  ])('returns %s', (_, json, expected) => {
    expect(promptText(testExchange({ body: JSON.stringify(json) ?? '{' }))).toBe(expected)
  })
})
