import { describe, expect, it } from 'vitest'
import { chat, chatStream } from '../support/chat-wire.ts'
import { createTestSimulator, deploymentPath, eventsOf } from '../support/test-simulator.ts'

const env = {
  CONTENT_FILTER_PROMPT: 'violence: refuse me',
  CONTENT_FILTER_COMPLETION: 'hate: block me',
  CONTENT_FILTER_LATE: 'sexual: stop me late',
}
const path = deploymentPath('gpt-4o-mini', 'chat/completions')
const say = (content: string) => ({ messages: [{ role: 'user', content }], max_tokens: 40 })

describe('the content filter', () => {
  it('refuses a prompt with 400, for streams as well', async () => {
    const { post } = createTestSimulator({ env })
    for (const stream of [false, true]) {
      const response = await post(path, { ...say('Please REFUSE me.'), stream })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code: 'content_filter', param: 'prompt' } })
    }
  })

  it('blocks an answer: no text, but the full bill', async () => {
    const body = await chat(createTestSimulator({ env }), { ...say('block me'), logprobs: true })
    expect(body.choices[0]).toMatchObject({
      content_filter_results: { hate: { filtered: true, severity: 'high' }, violence: { filtered: false } },
      finish_reason: 'content_filter',
      logprobs: null,
      message: { content: '' },
    })
    expect(body.usage.completion_tokens).toBe(40)
  })

  it('blocks a stream with its finish chunk', async () => {
    const chunks = await chatStream(createTestSimulator({ env }), say('block me'))
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { content: '', refusal: null, role: 'assistant' },
      {},
    ])
    expect(chunks[1]?.choices[0]).toMatchObject({
      content_filter_results: { hate: { filtered: true } },
      finish_reason: 'content_filter',
    })
  })

  it('in asynchronous mode passes some tokens, then ends the stream with annotations and without usage', async () => {
    const { post } = createTestSimulator({ env })
    const body = { ...say('stop me late'), stream: true, stream_options: { include_usage: true } }
    const events = eventsOf(await (await post(path, body)).text())
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as { choices: { delta?: object }[] })
    const tokens = chunks.filter((chunk) => chunk.choices[0]?.delta && 'content' in chunk.choices[0].delta)
    expect(tokens).toHaveLength(1 + 20)
    const [passes, blocks] = chunks.slice(-2)
    expect(passes?.choices[0]).toMatchObject({
      finish_reason: null,
      content_filter_offsets: { check_offset: 12, start_offset: 12 },
    })
    expect(passes?.choices[0]).not.toHaveProperty('delta')
    expect(blocks?.choices[0]).toMatchObject({
      finish_reason: 'content_filter',
      content_filter_results: { sexual: { filtered: true } },
    })
  })

  it('in asynchronous mode blocks an answer that is not streamed', async () => {
    const body = await chat(createTestSimulator({ env }), say('stop me late'))
    expect(body.choices[0]).toMatchObject({ finish_reason: 'content_filter', message: { content: '' } })
  })
})
