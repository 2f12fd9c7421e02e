import { filterAnnotationJson, type HarmCategory } from '../wire/content-filters.ts'
import { dataEvent } from '../wire/sse.ts'

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
