import type { Operation } from '../wire/operations.ts'
import type { CostEstimate } from './rate-limiter.ts'
import type { EstimateRule } from './limit-profile.ts'

/** No count may leave the integers that a number holds exactly, or a window's sum would drift. */
const maxTokens = 2 ** 51

/** The service's estimate counts characters, not tokens: four to a token, as captured for many prompts. */
const charsPerToken = 4

/**
 * The tokens that a request is charged with on arrival, before its body is validated, as the service's own limiter does:
 *
 * - chat: ceil((characters of all text content + what lies between messages) / 4) + overhead + limit x `n`
 * - completions and responses: ceil(characters of each text / 4) + limit x the larger of `n` and `best_of`
 * - embeddings: ceil(characters / 4) of each string, in every era
 *
 * where the limit is the request's own, else the era's default. A prompt of token ids costs their number. Roles, tools,
 * images and audio are not counted. The documentation names the terms ("prompt text and count + max_tokens +
 * best_of"); the rest follows the remaining-tokens headers of captures.
 *
 * What has the wrong type counts as absent. Both results are integers from 0 to 2^51 for any body.
 */
export function estimateCost(operation: Operation, json: unknown, rule: EstimateRule): CostEstimate {
  const body = asRecord(json)
  switch (operation) {
    case 'embeddings':
      return { promptTokens: clamp(promptTokens(body['input'])), completionTokens: 0 }
    case 'chatCompletions': {
      const prompt = rule.countsPrompt ? chatPromptTokens(body['messages'], rule) : 0
      return withCompletion(prompt, body, rule)
    }
    case 'completions':
      return withCompletion(rule.countsPrompt ? promptTokens(body['prompt']) : 0, body, rule)
    case 'responses': {
      const prompt = promptTokens(body['instructions']) + responsesInputTokens(body['input'])
      return withCompletion(rule.countsPrompt ? prompt : 0, body, rule)
    }
    default:
      return { promptTokens: 0, completionTokens: 0 }
  }
}

function withCompletion(prompt: number, body: Record<string, unknown>, rule: EstimateRule): CostEstimate {
  const limit =
    count(body['max_tokens']) ??
    count(body['max_completion_tokens']) ??
    count(body['max_output_tokens']) ??
    rule.defaultMaxTokens
  const choices = Math.max(count(body['n']) ?? 1, count(body['best_of']) ?? 1, 1)
  return { promptTokens: clamp(prompt), completionTokens: clamp(limit * choices) }
}

function chatPromptTokens(messages: unknown, rule: EstimateRule): number {
  if (!Array.isArray(messages)) return rule.overheadTokens
  let chars = Math.max(0, messages.length - 1) * rule.charsBetweenMessages
  for (const message of messages) chars += contentChars(asRecord(message)['content'])
  return Math.ceil(chars / charsPerToken) + rule.overheadTokens
}

function responsesInputTokens(input: unknown): number {
  if (!Array.isArray(input)) return promptTokens(input)
  let chars = 0
  for (const item of input) chars += contentChars(asRecord(item)['content'])
  return Math.ceil(chars / charsPerToken)
}

/** Characters of a text, or of the text parts of a list. */
function contentChars(content: unknown): number {
  if (typeof content === 'string') return content.length
  if (!Array.isArray(content)) return 0
  let chars = 0
  for (const part of content) {
    const text = asRecord(part)['text']
    if (typeof text === 'string') chars += text.length
  }
  return chars
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
