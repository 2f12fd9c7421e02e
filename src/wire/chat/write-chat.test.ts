import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { chatFacts, chatUsage, loremChoice } from '../../../tests/support/chat-parts.ts'
import { isAsciiBody } from '../../answer/body.ts'
import type { ChatFacts } from './chat-chunks.ts'
import type { Choice } from '../../answer/completion.ts'
import { chatBody, chatFactsOf, ChatStreamWriter } from './write-chat.ts'

const otherChoice: Choice = { ...loremChoice, pieces: ['日', '本 "x"'], plainText: undefined }
const bodyOf = (choices: readonly Choice[], more: Partial<ChatFacts> = {}) =>
  chatBody({ choices, usage: chatUsage }, { ...chatFacts, ...more })

describe('chatBody', () => {
  it('of lorem text is marked as ASCII', () => {
    const body = bodyOf([loremChoice, loremChoice])
    expect(isAsciiBody(body)).toBe(true)
    expect(body.render()).toMatch(/^[\n -~]*$/)
  })

  it('has the same bytes for text that is not marked as lorem', () => {
    expect(bodyOf([{ ...loremChoice, plainText: undefined }]).render()).toBe(bodyOf([loremChoice]).render())
  })

  it.each<[string, readonly Choice[], Partial<ChatFacts>]>([
    ['text is not lorem', [loremChoice, otherChoice], {}],
    ['model name is not ASCII', [loremChoice], { model: 'modèle' }],
  ])('is not marked as ASCII if its %s', (_, choices, more) => {
    const body = bodyOf(choices, more)
    expect(isAsciiBody(body)).toBe(false)
    expect(JSON.parse(String(body.render()))).toMatchObject({ model: more.model ?? chatFacts.model })
  })

  it('is not marked as ASCII if an extension replaces `render`', () => {
    const body = bodyOf([loremChoice])
    expect(isAsciiBody({ ...body, render: () => 'é' })).toBe(false)
  })
})

const call = { id: 'call_1', kind: 'function', name: 'f', pieces: ['{', '}'] } as const

describe('message of a chat completion', () => {
  const messageOf = (choice: Partial<Choice>, more: Partial<ChatFacts> = {}): unknown =>
    JSON.parse(String(bodyOf([{ ...loremChoice, ...choice }], more).render())).choices[0]

  it('has text and its filter results in addition to calls', () => {
    expect(messageOf({ toolCalls: [call] })).toMatchObject({
      content_filter_results: { hate: { filtered: false } },
      message: { content: 'Lorem ipsum.', tool_calls: [{ id: 'call_1' }] },
    })
    expect(messageOf({ toolCalls: [call] }, { usesFunctions: true })).toMatchObject({
      message: { content: 'Lorem ipsum.', function_call: { name: 'f', arguments: '{}' } },
    })
  })

  it('has no text and no filter results if there are only calls', () => {
    expect(messageOf({ toolCalls: [call], pieces: [], plainText: undefined })).toMatchObject({
      content_filter_results: {},
      message: { content: null, tool_calls: [{ id: 'call_1' }] },
    })
  })

  it('has text, refusal, reasoning and annotations if the service sent them', () => {
    const annotations = [{ type: 'url_citation' }]
    expect(messageOf({ refusal: 'No', thought: 'Hm', annotations })).toMatchObject({
      message: { content: 'Lorem ipsum.', refusal: 'No', reasoning_content: 'Hm', annotations },
    })
  })

  it('has a citation of a web page in the form of the API', () => {
    const page = { url: 'https://a.test', title: 'A', start_index: 0, end_index: 2 }
    const nested = { type: 'url_citation', url_citation: page }
    const annotations = [{ type: 'url_citation', ...page }, nested, { type: 'file_citation', url: 'x' }]
    expect(messageOf({ annotations })).toMatchObject({
      message: { annotations: [nested, nested, annotations[2]] },
    })
  })

  it('has no filter results, fingerprint, tier and usage if the service did not send them', () => {
    const facts = { ...chatFacts, annotates: false, systemFingerprint: undefined }
    const body = chatBody({ choices: [loremChoice], usage: chatUsage, usageUnknown: true }, facts)
    expect(String(body.render())).not.toMatch(/content_filter|fingerprint|tier|usage/)
  })
})

describe('chatFactsOf', () => {
  it('replaces the id of another API', () => {
    const idOf = (id: string): string => chatFactsOf({ id }, chatFacts).idJson
    expect(['resp_1', 'msg_1', ''].map(idOf)).toEqual(Array(3).fill(chatFacts.idJson))
    expect(idOf('chatcmpl-2')).toBe('"chatcmpl-2"')
  })
})

describe('ChatStreamWriter', () => {
  const writer = (more: Partial<ChatFacts> = {}, includeUsage = true) =>
    new ChatStreamWriter({ ...chatFacts, ...more }, { includeUsage, obfuscate: false }, createRandom('s'))
  const write = (events: readonly AnswerEvent[], ...options: Parameters<typeof writer>): string => {
    const to = writer(...options)
    return [...events.map((event) => to.write(event)), to.end()].join('')
  }
  const text = (text: string) => ({ kind: 'text', choice: 0, text }) as const

  it('ends with an error, without [DONE]', () => {
    const written = write([text('Hi'), { kind: 'error', error: { code: 'c', message: 'm' } }])
    expect(written).toMatch(/data: \{"error":\{"message":"m","type":null,"param":null,"code":"c"\}\}\n\n$/)
  })

  it('writes usage only if the request asks for it and the service sent it', () => {
    expect(write([text('Hi'), { kind: 'usage', usage: chatUsage }], {}, false)).not.toContain('usage')
    expect(write([text('Hi')])).not.toContain('prompt_tokens')
  })
})
