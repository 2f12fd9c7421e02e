import { completionFilterJson, promptFilterJson, safeCompletionFilter } from '../wire/content-filters.ts'
import { codePointLength } from '../wire/chat/obfuscation.ts'
import { type Usage, wholeText, type Choice } from '../answer/completion.ts'
import type { Random } from '../lib/random.ts'
import { legacyLogprobsJson } from './completions-logprobs.ts'
import type { CompletionPrompt } from './completions-prompt.ts'
import type { FilteredCompletion } from './content-filter-block.ts'

/** What every object of one legacy completion carries. */
export interface CompletionFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

/** A legacy completion, ready to be rendered. */
export interface LegacyCompletion extends FilteredCompletion {
  readonly facts: CompletionFacts
  readonly prompts: readonly CompletionPrompt[]
  readonly choicesPerPrompt: number
  /** The prompt stands before each choice. */
  readonly echo: boolean
  /** Alternatives listed for each token, 0 to 5; undefined for no log probabilities. */
  readonly logprobs: number | undefined
  readonly random: Random
}

/**
 * The body of a whole legacy completion: compact, keys in OpenAI's order, the filter's results where captures of
 * October 2023 and March 2024 have them.
 */
export function renderCompletion(answer: LegacyCompletion): string {
  return [...completionPieces(answer)].join('')
}

/** The same in pieces, one for each choice. */
export function* completionPieces(answer: LegacyCompletion): Generator<string, undefined> {
  const { completion, facts, found } = answer
  const filter = found === undefined ? safeCompletionFilter : completionFilterJson(found)
  yield `{${headJson(facts)},${promptFiltersJson(answer)},"choices":[`
  for (const [index, choice] of completion.choices.entries()) {
    yield (index > 0 ? ',' : '') + wholeChoice(answer, choice, index, filter)
  }
  yield `],"usage":${usageJson(completion.usage)}}\n`
}

function wholeChoice(answer: LegacyCompletion, choice: Choice, index: number, filter: string): string {
  const finishReason = `"${choice.finishReason}"`
  // A blocked choice shows nothing at all, not even its prompt.
  if (answer.found !== undefined) return choiceJson('', index, finishReason, 'null', filter)
  const prompt = answer.echo ? promptOf(answer, index).readText() : ''
  const text = prompt + wholeText(choice)
  return choiceJson(text, index, finishReason, wholeLogprobs(answer, choice, index), filter)
}

function wholeLogprobs(answer: LegacyCompletion, { pieces }: Choice, index: number): string {
  const { logprobs, echo, random } = answer
  if (logprobs === undefined) return 'null'
  const prompt = promptOf(answer, index)
  const placed = echo
    ? { tokens: [...prompt.readTokens(), ...pieces], offset: 0 }
    : { tokens: pieces, offset: codePointLength(prompt.readText()) }
  return legacyLogprobsJson(placed, logprobs, random)
}

/** The prompt of a choice: choices stand prompt by prompt. */
export function promptOf({ prompts, choicesPerPrompt }: LegacyCompletion, index: number): CompletionPrompt {
  return prompts[Math.floor(index / choicesPerPrompt)] as CompletionPrompt
}

/** The members that every object begins with. */
export function headJson({ id, created, model }: CompletionFacts): string {
  return `"id":"${id}","object":"text_completion","created":${created},"model":${JSON.stringify(model)}`
}

/** The filter's results for each prompt: one that does not pass is refused before. */
export function promptFiltersJson({ prompts }: LegacyCompletion): string {
  const filters = prompts.map((_, index) => promptFilterJson(index))
  return `"prompt_filter_results":[${filters.join(',')}]`
}

/** One choice; all but `text` and `index` are JSON. */
export function choiceJson(
  text: string,
  index: number,
  finishReason: string,
  logprobs: string,
  filter: string,
): string {
  return `{"text":${JSON.stringify(text)},"index":${index},"finish_reason":${finishReason},"logprobs":${logprobs},"content_filter_results":${filter}}`
}

/** The usage in OpenAI's order. */
export function usageJson({ promptTokens, completionTokens }: Usage): string {
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}`
}
