import { describe, expect, it } from 'vitest'
import { createStreamReader, createWholeReader, SentRequest } from './sent-request.ts'

const chunk = (value: object): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string): string => chunk({ choices: [{ delta: { content }, index: 0 }] })

const chat = [
  chunk({ choices: [], prompt_filter_results: [] }),
  chunk({ choices: [{ delta: { role: 'assistant', content: '' } }] }),
  delta('one'),
  delta(' zwölf'),
  chunk({ choices: [{ delta: {}, finish_reason: 'stop' }] }),
  chunk({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } }),
  'data: [DONE]\n\n',
].join('')

describe('a stream reader', () => {
  it('counts only chunks with text: not role, filter results, end and usage', () => {
    const reader = createStreamReader()
    expect(reader.take(Buffer.from(chat))).toBe(2)
    expect(reader.reading()).toEqual({
      usage: { promptTokens: 9, outputTokens: 2 },
      tokenEvents: 2,
      isComplete: true,
      errorMessage: undefined,
      isLimited: false,
    })
  })

  it('reads the same events independent of where chunks end', () => {
    const reader = createStreamReader()
    for (const byte of Buffer.from(chat)) reader.take(Buffer.of(byte))
    expect(reader.reading()).toMatchObject({ tokenEvents: 2, isComplete: true })
  })

  it('reports a stream without its last event as incomplete', () => {
    const reader = createStreamReader()
    reader.take(Buffer.from(chat.slice(0, chat.indexOf('data: [DONE]'))))
    expect(reader.reading().isComplete).toBe(false)
  })

  it('reads the last event of a stream without a blank line at its end', () => {
    const reader = createStreamReader()
    reader.take(Buffer.from(`${delta('one')}data: [DONE]\n`))
    expect(reader.reading()).toMatchObject({ tokenEvents: 1, isComplete: true })
  })

  it('reports an error event', () => {
    const reader = createStreamReader()
    reader.take(Buffer.from(delta('one') + chunk({ error: { message: 'The server had an error.' } })))
    expect(reader.reading().errorMessage).toBe('The server had an error.')
  })

  it('reads the usage and the end of a stream of the Responses API', () => {
    const reader = createStreamReader()
    const usage = { input_tokens: 5, output_tokens: 1 }
    reader.take(Buffer.from(chunk({ type: 'response.created', response: { error: null, usage: null } })))
    expect(reader.take(Buffer.from(chunk({ type: 'response.output_text.delta', delta: 'a' })))).toBe(1)
    reader.take(Buffer.from(chunk({ type: 'response.completed', response: { error: null, usage } })))
    expect(reader.reading()).toEqual({
      usage: { promptTokens: 5, outputTokens: 1 },
      tokenEvents: 1,
      isComplete: true,
      errorMessage: undefined,
      isLimited: false,
    })
  })

  it.each([
    [
      {
        type: 'error',
        error: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'Slow down.' },
      },
    ],
    [{ type: 'response.failed', response: { error: { code: 'no_capacity', message: 'Slow down.' } } }],
    [{ error: { code: '429', message: 'Slow down.' } }],
  ])('reports a limit in a stream with status 200: %j', (event) => {
    const reader = createStreamReader()
    reader.take(Buffer.from(chunk({ type: 'response.created', response: { error: null } }) + chunk(event)))
    expect(reader.reading()).toMatchObject({ isLimited: true, errorMessage: 'Slow down.' })
    const request = new SentRequest(0, true, () => {})
    request.takeHead(200, { 'content-type': 'text/event-stream', 'retry-after': '4' })
    request.takeBody(Buffer.from(chunk(event)), 1)
    expect(request.end(2)).toMatchObject({ kind: 'limited', reason: '429', retryAfterMs: 4_000 })
  })

  it('keeps the message of a nested error, also if the response failed without one before', () => {
    const reader = createStreamReader()
    reader.take(Buffer.from(chunk({ type: 'response.failed', response: { error: null } })))
    reader.take(Buffer.from(chunk({ type: 'error', error: { code: 'server_error', message: 'It broke.' } })))
    expect(reader.reading()).toMatchObject({ isLimited: false, errorMessage: 'It broke.' })
  })

  it('reports the message of a failed response', () => {
    const reader = createStreamReader()
    reader.take(
      Buffer.from(chunk({ type: 'response.failed', response: { error: { message: 'It broke.' } } })),
    )
    expect(reader.reading()).toMatchObject({ isComplete: false, errorMessage: 'It broke.' })
  })

  it('reads the text of completions', () => {
    const reader = createStreamReader()
    const stream = chunk({ choices: [{ text: 'a' }] }) + chunk({ choices: [{ text: '' }] })
    expect(reader.take(Buffer.from(stream))).toBe(1)
  })
})

describe('a whole-answer reader', () => {
  it('reads the usage, of embeddings without output tokens', () => {
    const reader = createWholeReader()
    reader.take(Buffer.from('{"data":[],"usage":{"prompt_to'))
    reader.take(Buffer.from('kens":4,"total_tokens":4}}'))
    expect(reader.reading().usage).toEqual({ promptTokens: 4, outputTokens: 0 })
  })

  it('ignores a body that is not JSON, for example of a gateway', () => {
    const reader = createWholeReader()
    reader.take(Buffer.from('<html>502 Bad Gateway</html>'))
    expect(reader.reading()).toMatchObject({ usage: undefined, errorMessage: undefined })
  })
})
