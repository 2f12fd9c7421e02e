import { describe, expect, it } from 'vitest'
import { guessPath } from './guess-path.ts'

describe('guessPath', () => {
  it.each([
    ['/v1/chat/completions', { model: 'gpt-4o', messages: [] }],
    ['/v1/responses', { model: 'gpt-4o', input: 'Hello' }],
    ['/v1/responses', { model: 'gpt-4o', prompt: { id: 'pmpt_1' } }],
    ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hello' }],
    ['/v1/embeddings', { model: 'mine', input: 'Hello', dimensions: 8 }],
    ['/v1/moderations', { model: 'omni-moderation-latest', input: 'Hello' }],
    ['/v1/audio/speech', { model: 'tts-1', input: 'Hello', voice: 'alloy' }],
    ['/v1/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'Hello' }],
    ['/v1/completions', { model: 'davinci-002', prompt: ['a', 'b'] }],
    ['/v1/images/generations', { model: 'gpt-image-1', prompt: 'A cat' }],
  ])('returns %s for a body such as %j', (path, body) => {
    expect(guessPath(Buffer.from(JSON.stringify(body)))).toBe(path)
  })

  it.each([undefined, '', '[1]', 'null', '{"model":"gpt-4o"}', '{"messages"'])(
    'throws for the body %s, which no operation has',
    (body) => {
      expect(() => guessPath(body === undefined ? undefined : Buffer.from(body))).toThrow(
        'its body does not show the operation',
      )
    },
  )
})
