import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { parseChatRequest } from '../chat/validate-chat.ts'
import { parseCompletionsRequest } from '../completions/completions-request.ts'
import { parseEmbeddingsRequest } from '../embeddings/embeddings-request.ts'

const chatModel = findModel('gpt-4o')!
const embeddingModel = findModel('text-embedding-3-small')!

describe('request parsers', () => {
  it('return a valid body itself, not a copy', () => {
    const chat = { messages: [{ role: 'user', content: 'x' }] }
    const parsed = parseChatRequest(chat, chatModel)
    expect(parsed.ok && parsed.request).toBe(chat)
    expect(parseCompletionsRequest({ prompt: 'x' }, chatModel).ok).toBe(true)
    expect(parseEmbeddingsRequest({ input: 'x' }, embeddingModel).ok).toBe(true)
  })

  it('return the error of the service for an invalid body', () => {
    for (const parsed of [
      parseChatRequest({}, chatModel),
      parseCompletionsRequest({ prompt: 1 }, chatModel),
      parseEmbeddingsRequest({}, embeddingModel),
    ]) {
      expect(parsed).toMatchObject({ ok: false, error: { status: 400, layer: 'model' } })
    }
  })
})
