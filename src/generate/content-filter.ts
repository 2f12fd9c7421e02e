import type { ResourceConfig, FilterPhrase } from '../config/config.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { ForcedAnswer } from '../pipeline/forced-answer.ts'

/**
 * What the content filter makes of a request: `prompt` refuses it (400), `completion` blocks the answer, and `late`
 * finds harm in a stream that is already under way (the asynchronous filter). An answer that is not streamed has no
 * asynchronous filter: there, `late` means `completion`.
 */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'completion' | 'late'; readonly category: HarmCategory }

const pass: Verdict = { kind: 'pass' }

/**
 * Judges the texts of a request by the phrases of the configuration. Of several that occur, one of `prompt` wins over
 * one of `completion`, and that over one of `late`; among equals, the one that is configured first. A forced verdict
 * wins over all of them.
 *
 * @param texts everything that the model would read; not looked at where no phrase is configured, so that a generator
 *   costs nothing then
 */
export function judgeContent(
  texts: Iterable<string>,
  config: ResourceConfig,
  forced?: ForcedAnswer,
): Verdict {
  if (forced?.verdict) return forced.verdict
  const { prompt, completion, late } = config.contentFilter
  if (prompt.length + completion.length + late.length === 0) return pass

  const lowered = Array.from(texts, (text) => text.toLowerCase())
  const inPrompt = findPhrase(prompt, lowered)
  if (inPrompt) return { kind: 'prompt', category: inPrompt.category }
  const inCompletion = findPhrase(completion, lowered)
  if (inCompletion) return { kind: 'completion', category: inCompletion.category }
  const later = findPhrase(late, lowered)
  return later ? { kind: 'late', category: later.category } : pass
}

function findPhrase<P extends FilterPhrase>(
  phrases: readonly P[],
  lowered: readonly string[],
): P | undefined {
  return phrases.find(({ phrase }) => lowered.some((text) => text.includes(phrase)))
}
