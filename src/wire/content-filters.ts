import { dataEvent } from './sse.ts'

// Annotations of Azure's content filter as JSON. The order of keys is that of captures of March 2026 (openllmetry). The parameter
// `category` is the detected category. All other categories are reported as safe.

/** Harm categories that the filter rates in prompts and completions. */
export type HarmCategory = 'hate' | 'self_harm' | 'sexual' | 'violence'

/** Categories that the filter can detect in a prompt. */
export type PromptCategory = HarmCategory | 'jailbreak'

/** Severities that the service blocks by default. */
type Severity = 'high' | 'medium'

/** A range of text, in characters from the start of the prompt. */
export interface FilterOffsets {
  /** All text before this offset is fully checked. */
  readonly checkOffset: number
  readonly startOffset: number
  readonly endOffset: number
}

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** Filter results for the text of a completion. For tool calls, the caller writes `{}`. */
export function completionFilterJson(category?: HarmCategory, severity: Severity = 'high'): string {
  const resultOf = harmResults(category, severity)
  return `{"hate":${resultOf('hate')},"protected_material_code":${undetected},"protected_material_text":${undetected},"self_harm":${resultOf('self_harm')},"sexual":${resultOf('sexual')},"violence":${resultOf('violence')}}`
}

/** Filter results for a prompt, as in an entry of `prompt_filter_results`. */
function promptResultsJson(category?: PromptCategory): string {
  const jailbreak = category === 'jailbreak' ? '{"detected":true,"filtered":true}' : undetected
  return promptResults(category, jailbreak)
}

/** Filter results for a prompt in an error. The keys of `jailbreak` have another order there (capture of May 2026). */
export function promptErrorResultsJson(category: PromptCategory): string {
  const found = category === 'jailbreak'
  return promptResults(category, `{"filtered":${found},"detected":${found}}`)
}

/** An entry of `prompt_filter_results`. `prompt_index` is the first key, although other keys are in alphabetical order. */
export function promptFilterJson(promptIndex: number, category?: PromptCategory): string {
  return `{"prompt_index":${promptIndex},"content_filter_results":${promptResultsJson(category)}}`
}

/**
 * A chunk of the asynchronous filter. Its choice has no text and no delta. With a category, it is the last chunk: `[DONE]`
 * follows, without a usage chunk. Source: Microsoft Learn, "Content streaming". The order of keys and the missing `usage` are
 * those of a public recording of a Foundry deployment of September 2026.
 */
export function filterAnnotationJson(index: number, offsets: FilterOffsets, category?: HarmCategory): string {
  const { checkOffset, startOffset, endOffset } = offsets
  const finishReason = category === undefined ? 'null' : '"content_filter"'
  return `{"choices":[{"content_filter_offsets":{"check_offset":${checkOffset},"start_offset":${startOffset},"end_offset":${endOffset}},"content_filter_results":${completionFilterJson(category, 'medium')},"finish_reason":${finishReason},"index":${index}}],"created":0,"id":"","model":"","object":""}`
}

/**
 * The filter members of a choice that the filter could not judge, in whole answers (capture of February 2026) and in all chunks of a
 * stream (public capture of September 2026).
 */
export const unjudgedFilterMembers =
  '"content_filter_result":{"error":{"code":"content_filter_error","message":"The contents are not filtered"}},"content_filter_results":{}'

/** Filter results for a completion without detected harm. */
export const safeCompletionFilter = completionFilterJson()

/** The entry of `prompt_filter_results` for a prompt without detected harm. */
export function safePromptFilter(promptIndex: number): string {
  return promptFilterJson(promptIndex)
}

function promptResults(category: PromptCategory | undefined, jailbreak: string): string {
  const resultOf = harmResults(category, 'high')
  return `{"hate":${resultOf('hate')},"jailbreak":${jailbreak},"self_harm":${resultOf('self_harm')},"sexual":${resultOf('sexual')},"violence":${resultOf('violence')}}`
}

function harmResults(
  found: PromptCategory | undefined,
  severity: Severity,
): (category: HarmCategory) => string {
  return (category) => (category === found ? `{"filtered":true,"severity":"${severity}"}` : safe)
}

/**
 * The events with which the asynchronous filter ends a choice during a stream, instead of a finish chunk. The first event
 * reports the first half of the sent text as safe. The second event reports harm in the whole text.
 *
 * @param promptLength length of the prompt in characters; offsets count from its start
 * @param sentLength characters of the choice that were sent
 */
export function lateFilterEvents(
  choice: number,
  promptLength: number,
  sentLength: number,
  found: HarmCategory,
): string {
  // In recordings, `check_offset` is the length of the prompt in all events of an answer.
  const start = { checkOffset: promptLength, startOffset: promptLength }
  const half = promptLength + Math.floor(sentLength / 2)
  const passes = filterAnnotationJson(choice, { ...start, endOffset: half })
  const blocks = filterAnnotationJson(choice, { ...start, endOffset: promptLength + sentLength }, found)
  return dataEvent(passes) + dataEvent(blocks)
}
