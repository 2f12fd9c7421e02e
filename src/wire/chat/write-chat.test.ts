import { describe, expect, it } from 'vitest'
import { chatFacts, chatUsage, loremChoice } from '../../../tests/support/chat-parts.ts'
import { isAsciiBody } from '../../answer/body.ts'
import type { ChatFacts } from './chat-chunks.ts'
import type { Choice } from '../../answer/completion.ts'
import { chatBody } from './write-chat.ts'

const given: Choice = { ...loremChoice, pieces: ['日', '本 "x"'], plainText: undefined }
const bodyOf = (choices: readonly Choice[], more: Partial<ChatFacts> = {}) =>
  chatBody({ choices, usage: chatUsage }, { ...chatFacts, ...more })

describe('the body of a whole chat', () => {
  it('of lorem is known to be ASCII', () => {
    const body = bodyOf([loremChoice, loremChoice])
    expect(isAsciiBody(body)).toBe(true)
    expect(body.render()).toMatch(/^[\n -~]*$/)
  })

  it('has the same bytes for a text that is not known to be lorem', () => {
    expect(bodyOf([{ ...loremChoice, plainText: undefined }]).render()).toBe(bodyOf([loremChoice]).render())
  })

  it.each<[string, readonly Choice[], Partial<ChatFacts>]>([
    ['text was given', [loremChoice, given], {}],
    ['model has another name', [loremChoice], { model: 'modèle' }],
  ])('is not known to be ASCII where its %s', (_, choices, more) => {
    const body = bodyOf(choices, more)
    expect(isAsciiBody(body)).toBe(false)
    expect(JSON.parse(String(body.render()))).toMatchObject({ model: more.model ?? chatFacts.model })
  })

  it('gives way to whoever renders it in another way', () => {
    const body = bodyOf([loremChoice])
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})
