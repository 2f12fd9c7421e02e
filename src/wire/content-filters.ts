import { dataEvent } from './sse.ts'

/**
 * The annotations of Azure's content filter, as JSON in the order of the service's newest era (openllmetry's captures
 * of March 2026). A category that is named is the one that was found; the others pass.
 */

/** The categories of harm that the filter grades, in prompts and in completions. */
export type HarmCategory = 'hate' | 'self_harm' | 'sexual' | 'violence'

/** What can be found in a prompt. */
export type PromptCategory = HarmCategory | 'jailbreak'

/** How bad a harm is. The service's default configuration blocks from `medium` on. */
type Severity = 'high' | 'medium'

/** A stretch of text, in characters from the start of the prompt. */
export interface FilterOffsets {
  /** Everything before this is checked for good. */
  readonly checkOffset: number
  readonly startOffset: number
  readonly endOffset: number
}

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** What the filter says of a completion's text; `{}` for calls of tools is the caller's to write. */
export function completionFilterJson(category?: HarmCategory, severity: Severity = 'high'): string {
  const grade = gradeOf(category, severity)
  return `{"hate":${grade('hate')},"protected_material_code":${undetected},"protected_material_text":${undetected},"self_harm":${grade('self_harm')},"sexual":${grade('sexual')},"violence":${grade('violence')}}`
}

/** What the filter says of a prompt, as an entry of `prompt_filter_results` holds it. */
function promptResultsJson(category?: PromptCategory): string {
  const jailbreak = category === 'jailbreak' ? '{"detected":true,"filtered":true}' : undetected
  return promptResults(category, jailbreak)
}

/** As `promptResultsJson`, for an error: there `jailbreak` has its keys in another order (a capture of May 2026). */
export function promptErrorResultsJson(category: PromptCategory): string {
  const found = category === 'jailbreak'
  return promptResults(category, `{"filtered":${found},"detected":${found}}`)
}

/**
 * What the filter says of one prompt: an entry of `prompt_filter_results`. The service keeps `prompt_index` first here,
 * against its alphabetical order.
 */
export function promptFilterJson(promptIndex: number, category?: PromptCategory): string {
  return `{"prompt_index":${promptIndex},"content_filter_results":${promptResultsJson(category)}}`
}

/**
 * A message of the asynchronous filter: a chunk of a stream whose choice has neither text nor delta. With a category it
 * is the last one: `[DONE]` follows at once, without a usage chunk (Microsoft Learn, "Content streaming"; order and
 * absence of `usage` as in a public recording of a Foundry deployment of September 2026).
 */
export function filterAnnotationJson(index: number, offsets: FilterOffsets, category?: HarmCategory): string {
  const { checkOffset, startOffset, endOffset } = offsets
  const finishReason = category === undefined ? 'null' : '"content_filter"'
  return `{"choices":[{"content_filter_offsets":{"check_offset":${checkOffset},"start_offset":${startOffset},"end_offset":${endOffset}},"content_filter_results":${completionFilterJson(category, 'medium')},"finish_reason":${finishReason},"index":${index}}],"created":0,"id":"","model":"","object":""}`
}

/** What the filter says of a completion that passes. */
export const safeCompletionFilter = completionFilterJson()

/** What the filter says of one prompt that passes. */
export function safePromptFilter(promptIndex: number): string {
  return promptFilterJson(promptIndex)
}

function promptResults(category: PromptCategory | undefined, jailbreak: string): string {
  const grade = gradeOf(category, 'high')
  return `{"hate":${grade('hate')},"jailbreak":${jailbreak},"self_harm":${grade('self_harm')},"sexual":${grade('sexual')},"violence":${grade('violence')}}`
}

function gradeOf(found: PromptCategory | undefined, severity: Severity): (category: HarmCategory) => string {
  return (category) => (category === found ? `{"filtered":true,"severity":"${severity}"}` : safe)
}

/**
 * How the asynchronous filter ends a choice in the midst of a stream, in place of its finish: an annotation that passes
 * the first half of what was sent, then one that finds harm in all of it.
 *
 * @param promptLength characters of the prompt, from whose start the filter counts
 * @param sentLength characters of the choice that were sent
 */
export function lateFilterEvents(
  choice: number,
  promptLength: number,
  sentLength: number,
  found: HarmCategory,
): string {
  // Recorded, `check_offset` stays at the length of the prompt for the whole of an answer.
  const start = { checkOffset: promptLength, startOffset: promptLength }
  const half = promptLength + Math.floor(sentLength / 2)
  const passes = filterAnnotationJson(choice, { ...start, endOffset: half })
  const blocks = filterAnnotationJson(choice, { ...start, endOffset: promptLength + sentLength }, found)
  return dataEvent(passes) + dataEvent(blocks)
}
