import type { ResourceConfig } from '../config/config.ts'
import type { FilterPhrase } from '../config/settings-schema.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { AnswerOverride } from '../pipeline/exchange.ts'
import { billedTokens, visibleTokens, type Choice, type Completion } from '../answer/completion.ts'

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
  forced?: AnswerOverride,
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

/** A completion as the content filter lets it out. */
export interface FilteredCompletion {
  readonly completion: Completion
  /** What was found in the choices; absent where they pass. */
  readonly found?: HarmCategory
  /** Found by the asynchronous filter, in the midst of a stream: its annotations take the place of the finish. */
  readonly late: boolean
}

/** The signal comes at the latest so many characters after the harm (Microsoft Learn, "Content streaming"). */
const LATEST_SIGNAL = 1_000

/**
 * Applies a verdict to the choices of an answer. A blocked answer has no text, yet is billed for what the model wrote,
 * and takes its time. A stream that is found out late keeps the first half of its tokens, at most a thousand
 * characters, and is billed for these. What calls tools has no text to be judged, and is blocked whole.
 */
export function filterCompletion(
  completion: Completion,
  verdict: Verdict,
  streamed: boolean,
): FilteredCompletion {
  if (verdict.kind === 'pass' || verdict.kind === 'prompt') return { completion, late: false }
  const found = verdict.category
  if (!streamed || verdict.kind === 'completion') {
    return { completion: { ...completion, choices: completion.choices.map(blockChoice) }, found, late: false }
  }
  const choices = completion.choices.map(cutChoice)
  let completionTokens = 0
  for (const choice of choices) completionTokens += billedTokens(choice)
  return { completion: { choices, usage: { ...completion.usage, completionTokens } }, found, late: true }
}

function blockChoice(choice: Choice): Choice {
  const overheadTokens = choice.overheadTokens + visibleTokens(choice)
  return {
    ...choice,
    pieces: [],
    plainText: undefined,
    toolCalls: [],
    finishReason: 'content_filter',
    overheadTokens,
  }
}

function cutChoice(choice: Choice): Choice {
  const pieces = firstHalf(choice.pieces)
  return {
    ...choice,
    pieces,
    plainText: undefined,
    toolCalls: [],
    finishReason: 'content_filter',
    overheadTokens: 0,
  }
}

function firstHalf(pieces: readonly string[]): readonly string[] {
  const half = Math.ceil(pieces.length / 2)
  let kept = 0
  let characters = 0
  while (kept < half) {
    characters += pieces[kept]?.length ?? 0
    if (characters > LATEST_SIGNAL) break
    kept++
  }
  return pieces.slice(0, kept)
}
