import type { ResourceConfig } from '../config/config.ts'
import type { FilterPhrase } from '../config/settings-schema.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { AnswerOverride } from '../pipeline/exchange.ts'
import { billedTokens, visibleTokens, type Choice, type Completion } from '../answer/completion.ts'

/**
 * Result of the content filter for a request. `prompt` rejects the request (400), `completion` blocks the answer, and
 * `late` blocks a stream after it has started (asynchronous filter). Without streaming there is no asynchronous
 * filter, so `late` is handled as `completion`. `unjudged` passes the answer and reports that it is not filtered.
 */
export type Verdict =
  | { readonly kind: 'pass' | 'unjudged' }
  | { readonly kind: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'completion' | 'late'; readonly category: HarmCategory }

const pass: Verdict = { kind: 'pass' }

/**
 * Checks the texts of a request for the configured phrases. `prompt` takes precedence over `completion`, and
 * `completion` over `late`. Within a list the first configured phrase applies. An override takes precedence over all
 * phrases.
 *
 * @param texts everything that the model reads; not iterated if no phrase is configured, so a generator costs nothing
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

/** A completion after the content filter. */
export interface FilteredCompletion {
  readonly completion: Completion
  /** Category of harm in the choices; absent if they pass. */
  readonly found?: HarmCategory
  /** Found by the asynchronous filter during a stream: its annotations replace the finish event. */
  readonly late: boolean
}

/** The filter signal follows the harm within this many characters (Microsoft Learn, "Content streaming"). */
const MAX_SIGNAL_DELAY = 1_000

/**
 * Applies a verdict to the choices of an answer. A blocked answer has no text, but has the same usage and timing. A
 * stream that is blocked late keeps the first half of its tokens, at most 1,000 characters, and only these are
 * billed. Tool calls have no text to check, so they are removed.
 */
export function filterCompletion(
  completion: Completion,
  verdict: Verdict,
  streamed: boolean,
): FilteredCompletion {
  if (!('category' in verdict) || verdict.kind === 'prompt') return { completion, late: false }
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
  let count = 0
  let characters = 0
  while (count < half) {
    characters += pieces[count]?.length ?? 0
    if (characters > MAX_SIGNAL_DELAY) break
    count++
  }
  return pieces.slice(0, count)
}
