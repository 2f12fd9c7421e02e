import type { Operation } from '../openai/operations.ts'

/** No count may leave the integers that a number holds exactly, or a window's sum would drift. */
const maxTokens = Number.MAX_SAFE_INTEGER

/** The service's estimate counts characters, not tokens: four to a token, as captured for many prompts. */
const charsPerToken = 4

/**
 * The tokens that a request is charged with on arrival, before its body is validated, as the service's own limiter does:
 *
 * - chat: ceil(characters of all text content / 4) + (`max_tokens`, else `max_completion_tokens`, else 0) x `n`
 * - completions: the same over `prompt`, with the larger of `n` and `best_of`
 * - embeddings: ceil(characters / 4) of each string
 *
 * A prompt of token ids costs their number. Roles, tools, images and audio are not counted. The documentation names
 * the terms ("prompt text and count + max_tokens + best_of"); the division by four and the missing default of
 * `max_tokens` follow the remaining-tokens headers of captures from 2025 on.
 *
 * What has the wrong type counts as absent. The result is an integer from 0 to 2^53 - 1 for any body.
 */
export function estimateTokens(operation: Operation, json: unknown): number {
  const body = asRecord(json)
  if (operation === 'embeddings') return clamp(promptTokens(body['input']))
  const prompt =
    operation === 'chatCompletions'
      ? Math.ceil(messageChars(body['messages']) / charsPerToken)
      : promptTokens(body['prompt'])
  const completion = count(body['max_tokens']) ?? count(body['max_completion_tokens']) ?? 0
  const choices = Math.max(count(body['n']) ?? 1, count(body['best_of']) ?? 1, 1)
  return clamp(prompt + completion * choices)
}

function messageChars(messages: unknown): number {
  if (!Array.isArray(messages)) return 0
  let chars = 0
  for (const message of messages) {
    const content = asRecord(message)['content']
    if (typeof content === 'string') chars += content.length
    else if (Array.isArray(content)) for (const part of content) chars += textPartChars(asRecord(part))
  }
  return chars
}

function textPartChars(part: Record<string, unknown>): number {
  return part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'].length : 0
}

/** Tokens of a string, a list of strings, a list of token ids or a list of such lists. */
function promptTokens(prompt: unknown): number {
  if (typeof prompt === 'string') return Math.ceil(prompt.length / charsPerToken)
  if (!Array.isArray(prompt)) return 0
  let tokens = 0
  for (const item of prompt) {
    if (typeof item === 'string') tokens += Math.ceil(item.length / charsPerToken)
    else if (typeof item === 'number') tokens++
    else if (Array.isArray(item)) tokens += item.length
  }
  return tokens
}

/** A count that a body gives; JSON allows 1e999, which is read as Infinity. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && !Number.isNaN(value) ? clamp(Math.ceil(value)) : undefined
}

function clamp(tokens: number): number {
  return Math.min(Math.max(tokens, 0), maxTokens)
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
