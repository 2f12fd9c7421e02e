import type { HarmCategory } from '../wire/content-filters.ts'
import { billedTokens, visibleTokens, type Choice, type Completion } from '../answer/completion.ts'
import type { Verdict } from './content-filter.ts'

/** A completion as the content filter lets it out. */
export interface FilteredCompletion {
  readonly completion: Completion
  /** What was found in the choices; absent where they pass. */
  readonly found?: HarmCategory
  /** Found by the asynchronous filter, in the midst of a stream: its annotations take the place of the finish. */
  readonly late: boolean
}

/** The signal comes at the latest so many characters after the harm (Microsoft Learn, "Content streaming"). */
const latestSignal = 1_000

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
    if (characters > latestSignal) break
    kept++
  }
  return pieces.slice(0, kept)
}
