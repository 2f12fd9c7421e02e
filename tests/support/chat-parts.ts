import type { ChatFacts } from '../../src/wire/chat/chat-chunks.ts'
import type { Choice } from '../../src/answer/completion.ts'

/** What stands around the texts of a plain chat. */
export const chatFacts: ChatFacts = {
  idJson: '"chatcmpl-1"',
  created: 1,
  model: 'gpt-4o-2024-11-20',
  systemFingerprint: 'fp_1',
  serviceTier: undefined,
  form: {
    hasServiceTier: false,
    routing: undefined,
    checkpoint: undefined,
    hasCacheWriteTokens: false,
    hasFingerprint: true,
    removed: undefined,
  },
  times: undefined,
  usesFunctions: false,
  logprobs: undefined,
  annotates: true,
  found: undefined,
}

export const chatUsage = { promptTokens: 1, cachedTokens: 0, completionTokens: 3, reasoningTokens: 0 }

/** A choice of three tokens of lorem. */
export const loremChoice: Choice = {
  pieces: ['Lorem', ' ipsum', '.'],
  plainText: 'Lorem ipsum.',
  toolCalls: [],
  finishReason: 'stop',
  reasoningTokens: 0,
  overheadTokens: 1,
}
