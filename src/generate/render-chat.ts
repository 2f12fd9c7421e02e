import { safeCompletionFilter, safePromptFilter } from '../openai/content-filters.ts'
import { chatUsageJson, type ChatFacts } from './chat-json.ts'
import type { Choice, Completion } from './completion.ts'

/**
 * The body of a whole chat completion: compact, keys in alphabetical order at every level, a line feed at the end.
 * Put together by hand, since the parts that never change need no serialising.
 */
export function renderChat(completion: Completion, facts: ChatFacts): string {
  const choices = completion.choices.map(choiceJson).join(',')
  return `{"choices":[${choices}],"created":${facts.created},"id":"${facts.id}","model":${JSON.stringify(facts.model)},"object":"chat.completion","prompt_filter_results":[${safePromptFilter(0)}],"system_fingerprint":${JSON.stringify(facts.systemFingerprint)},"usage":${chatUsageJson(completion.usage)}}\n`
}

function choiceJson(choice: Choice, index: number): string {
  const content = JSON.stringify(choice.pieces.join(''))
  return `{"content_filter_results":${safeCompletionFilter},"finish_reason":"${choice.finishReason}","index":${index},"logprobs":null,"message":{"annotations":[],"content":${content},"refusal":null,"role":"assistant"}}`
}
