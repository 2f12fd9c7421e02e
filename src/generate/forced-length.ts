import type { ForcedAnswer } from '../pipeline/forced-answer.ts'
import type { CompletionLength } from './completion-length.ts'

/**
 * The length of a text of which some is decided beforehand.
 *
 * @param drawn what it would be else
 * @param room tokens that the request and the model leave for it
 */
export function forceLength(drawn: CompletionLength, forced: ForcedAnswer, room: number): CompletionLength {
  const { tokens = drawn.tokens, finishReason } = forced
  // The token that ends a text counts as one, so a text of exactly the limit has no room for it.
  if (finishReason === 'stop') return { tokens: Math.max(1, Math.min(tokens, room - 1)), cut: false }
  if (finishReason === 'length') return { tokens: Math.min(tokens, room), cut: true }
  if (forced.tokens === undefined) return drawn
  return tokens < room ? { tokens, cut: false } : { tokens: room, cut: true }
}

/** How many tokens of a text that has its own length are written: half of it, where it is to end for its length. */
export function forcedLimit({ tokens, finishReason }: ForcedAnswer, length: number): number {
  if (finishReason === 'stop') return Infinity
  return tokens ?? (finishReason === 'length' ? Math.max(1, Math.floor(length / 2)) : Infinity)
}
