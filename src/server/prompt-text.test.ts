import { describe, expect, it } from 'vitest'
import { promptText } from './extension-kit.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const user = (content: unknown) => ({ role: 'user', content })

describe('promptText', () => {
  it.each<[string, unknown, string | undefined]>([
    [
      'the last user message of a chat, whatever follows it',
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
    ['nothing of a prompt in tokens', { prompt: [1, 2] }, undefined],
    ['nothing where no user speaks', { messages: [{ role: 'system', content: 'x' }] }, undefined],
    ['nothing where the content is missing', { messages: [user(null), null, 5] }, undefined],
    ['nothing of what is no object', 'text', undefined],
    ['nothing of null', null, undefined],
    ['nothing of what is no JSON', undefined, undefined],
  ])('gives %s', (_, json, expected) => {
    expect(promptText(testExchange({ body: JSON.stringify(json) ?? '{' }))).toBe(expected)
  })
})
