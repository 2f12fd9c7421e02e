import { describe, expect, it } from 'vitest'
import type { AnswerOverride } from '../../src/pipeline/exchange.ts'
import type { Hook } from '../../src/pipeline/stage.ts'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { createExtendedSimulator, deploymentPath, eventsOf } from '../support/test-simulator.ts'

const path = deploymentPath('gpt-4o', 'chat/completions')
const messages = [{ role: 'user', content: 'Hi' }]
/** 👩‍🚀 and 𓀀 are several tokens each, with token boundaries within a character. */
const text = 'Hello 👩‍🚀, read this: 𓀀𓁐!'
const tokens = loadEncoding('o200k_base').count(text)

/** A simulator with a hook that sets the answer. */
const start = async (forced: AnswerOverride) => {
  const hook: Hook = (exchange, next) => {
    exchange.forced = forced
    return next()
  }
  const { post } = await createExtendedSimulator([{ name: 'forced', hooks: [hook] }])
  return {
    post,
    chat: async (more: object = {}, headers: Record<string, string> = {}) =>
      (await post(path, { messages, ...more }, headers)).json() as Promise<Chat>,
  }
}

interface Chat {
  readonly choices: readonly {
    readonly message: { readonly content: string | null; readonly refusal: string | null }
    readonly finish_reason: string
    readonly logprobs: { readonly content: readonly { readonly token: string }[] } | null
  }[]
  readonly usage: { readonly completion_tokens: number }
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[]
  readonly usage?: { readonly completion_tokens: number } | null
}

describe('a text that is set by a hook', () => {
  it('is billed for its tokens, in the encoding of the model', async () => {
    const { chat, post } = await start({ text })
    expect((await chat()).usage.completion_tokens).toBe(tokens)
    const older = await post(deploymentPath('gpt-4', 'chat/completions'), { messages })
    const { usage } = (await older.json()) as Chat
    expect(usage.completion_tokens).toBe(loadEncoding('cl100k_base').count(text))
  })

  it('is streamed in complete characters, one piece per event, with the same bill', async () => {
    const { post } = await start({ text })
    const response = await post(path, { messages, stream: true, stream_options: { include_usage: true } })
    const events = eventsOf(await response.text())
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as Chunk)
    const contents = chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? [])
    expect(contents.join('')).toBe(text)
    expect(contents.slice(1)).not.toContain('')
    expect(contents.join('')).not.toContain('\ufffd')
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(tokens)
  })

  it('is used for each choice', async () => {
    const { choices, usage } = await (await start({ text })).chat({ n: 3 })
    expect(choices.map(({ message }) => message.content)).toEqual([text, text, text])
    expect(usage.completion_tokens).toBe(3 * tokens)
  })

  it.each([1, 5, tokens - 1, tokens])('is cut by a limit of %s tokens', async (max_tokens) => {
    const { choices, usage } = await (await start({ text })).chat({ max_tokens })
    expect(text.startsWith(choices[0]?.message.content ?? 'nothing')).toBe(true)
    expect(choices[0]?.finish_reason).toBe('length')
    expect(usage.completion_tokens).toBe(max_tokens)
  })

  it('ends before a stop text', async () => {
    const { choices } = await (await start({ text })).chat({ stop: [', read'] })
    expect(choices[0]).toMatchObject({ message: { content: 'Hello 👩‍🚀' }, finish_reason: 'stop' })
  })

  it('replaces tool calls and text in a requested format', async () => {
    const { chat } = await start({ text })
    const tools = [
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
    ]
    expect((await chat({ tools, tool_choice: 'required' })).choices[0]?.message.content).toBe(text)
    const response_format = { type: 'json_object' }
    const formatted = await chat({ response_format, messages: [{ role: 'user', content: 'JSON' }] })
    expect(formatted.choices[0]?.message.content).toBe(text)
  })

  it('can be empty', async () => {
    const { choices, usage } = await (await start({ text: '' })).chat()
    expect(choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'stop' })
    expect(usage.completion_tokens).toBe(0)
  })

  it('has log probabilities on request', async () => {
    const { choices } = await (await start({ text: 'Hello you' })).chat({ logprobs: true })
    expect(choices[0]?.logprobs?.content.map(({ token }) => token)).toEqual(['Hello', ' you'])
  })

  it('is streamed by the Responses API', async () => {
    const { post } = await start({ text })
    const response = await post('/openai/v1/responses', { model: 'gpt-4o', input: 'Hi', stream: true })
    const deltas = [...(await response.text()).matchAll(/^data: (.*output_text\.delta.*)$/gm)].map(
      ([, data = '']) => (JSON.parse(data) as { delta: string }).delta,
    )
    expect(deltas.join('')).toBe(text)
  })

  it('is kept when the request has x-sim- headers', async () => {
    const { chat } = await start({ text })
    expect((await chat({}, { 'x-sim-delay-ms': '0' })).choices[0]?.message.content).toBe(text)
    const { usage } = await chat({}, { 'x-sim-tokens': '3' })
    expect(usage.completion_tokens).toBe(3)
  })

  it('does not replace refusals and content filter results', async () => {
    const { choices } = await (await start({ text, refusal: 'Ne, 👩‍🚀!' })).chat()
    expect(choices[0]?.message).toMatchObject({ content: null, refusal: 'Ne, 👩‍🚀!' })
    const { post } = await start({ text, verdict: { kind: 'prompt', category: 'violence' } })
    expect((await post(path, { messages })).status).toBe(400)
  })
})
