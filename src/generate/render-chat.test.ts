import { describe, expect, it } from 'vitest'
import { isAsciiBody } from '../pipeline/reply.ts'
import type { ChatFacts } from './chat-json.ts'
import type { Choice } from './completion.ts'
import { chatBody } from './render-chat.ts'

const facts: ChatFacts = {
  id: 'chatcmpl-1',
  created: 1,
  model: 'gpt-4o-2024-11-20',
  systemFingerprint: 'fp_1',
  serviceTier: undefined,
  usesFunctions: false,
  logprobs: undefined,
  found: undefined,
}
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 3, reasoningTokens: 0 }
const lorem: Choice = {
  pieces: ['Lorem', ' ipsum', '.'],
  lorem: 'Lorem ipsum.',
  toolCalls: [],
  finishReason: 'stop',
  reasoningTokens: 0,
  overheadTokens: 1,
}
const given: Choice = { ...lorem, pieces: ['日', '本 "x"'], lorem: undefined }
const bodyOf = (choices: readonly Choice[], more: Partial<ChatFacts> = {}) =>
  chatBody({ choices, usage }, { ...facts, ...more })

describe('the body of a whole chat', () => {
  it('of lorem is known to be ASCII', () => {
    const body = bodyOf([lorem, lorem])
    expect(isAsciiBody(body)).toBe(true)
    expect(body.render()).toMatch(/^[\n -~]*$/)
  })

  it('has the same bytes for a text that is not known to be lorem', () => {
    expect(bodyOf([{ ...lorem, lorem: undefined }]).render()).toBe(bodyOf([lorem]).render())
  })

  it.each<[string, readonly Choice[], Partial<ChatFacts>]>([
    ['text was given', [lorem, given], {}],
    ['model has another name', [lorem], { model: 'modèle' }],
  ])('is not known to be ASCII where its %s', (_, choices, more) => {
    const body = bodyOf(choices, more)
    expect(isAsciiBody(body)).toBe(false)
    expect(JSON.parse(String(body.render()))).toMatchObject({ model: more.model ?? facts.model })
  })

  it('gives way to whoever renders it in another way', () => {
    const body = bodyOf([lorem])
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})
