import { describe, expect, it } from 'vitest'
import { createStreamReader, createWholeReader } from './sent-request.ts'

const chunk = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string): string => chunk({ choices: [{ delta: { content }, index: 0 }] })

const chat = [
  chunk({ choices: [], prompt_filter_results: [] }),
  chunk({ choices: [{ delta: { role: 'assistant', content: '' } }] }),
  delta('one'),
  delta(' two'),
  chunk({ choices: [{ delta: {}, finish_reason: 'stop' }] }),
  chunk({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } }),
  'data: [DONE]\n\n',
].join('')

describe('a stream', () => {
  it('has as many text events as chunks with text: not the role, the filter results, the end and the usage', () => {
    const reader = createStreamReader()
    expect(reader.take(chat)).toBe(2)
    expect(reader.reading()).toEqual({
      usage: { promptTokens: 9, outputTokens: 2 },
      tokenEvents: 2,
      isComplete: true,
      errorMessage: undefined,
    })
  })

  it('reads the same however its bytes are cut', () => {
    const reader = createStreamReader()
    for (const character of chat) reader.take(character)
    expect(reader.reading()).toMatchObject({ tokenEvents: 2, isComplete: true })
  })

  it('is not complete without its last event', () => {
    const reader = createStreamReader()
    reader.take(chat.slice(0, chat.indexOf('data: [DONE]')))
    expect(reader.reading().isComplete).toBe(false)
  })

  it('tells of an error in it', () => {
    const reader = createStreamReader()
    reader.take(delta('one') + chunk({ error: { message: 'The server had an error.' } }))
    expect(reader.reading().errorMessage).toBe('The server had an error.')
  })

  it('of responses ends with its own event, which has the usage', () => {
    const reader = createStreamReader()
    const usage = { input_tokens: 5, output_tokens: 1 }
    reader.take(chunk({ type: 'response.created', response: { error: null, usage: null } }))
    expect(reader.take(chunk({ type: 'response.output_text.delta', delta: 'a' }))).toBe(1)
    reader.take(chunk({ type: 'response.completed', response: { error: null, usage } }))
    expect(reader.reading()).toEqual({
      usage: { promptTokens: 5, outputTokens: 1 },
      tokenEvents: 1,
      isComplete: true,
      errorMessage: undefined,
    })
  })

  it('of responses that failed tells why', () => {
    const reader = createStreamReader()
    reader.take(chunk({ type: 'response.failed', response: { error: { message: 'It broke.' } } }))
    expect(reader.reading()).toMatchObject({ isComplete: false, errorMessage: 'It broke.' })
  })

  it('of completions has its text in the choice itself', () => {
    const reader = createStreamReader()
    expect(reader.take(chunk({ choices: [{ text: 'a' }] }) + chunk({ choices: [{ text: '' }] }))).toBe(1)
  })
})

describe('a whole answer', () => {
  it('tells its usage, of embeddings without tokens out', () => {
    const reader = createWholeReader()
    reader.take('{"data":[],"usage":{"prompt_to')
    reader.take('kens":4,"total_tokens":4}}')
    expect(reader.reading().usage).toEqual({ promptTokens: 4, outputTokens: 0 })
  })

  it('that is no JSON, as that of a gateway, says nothing and breaks nothing', () => {
    const reader = createWholeReader()
    reader.take('<html>502 Bad Gateway</html>')
    expect(reader.reading()).toMatchObject({ usage: undefined, errorMessage: undefined })
  })
})
