import {
  completionFilterJson,
  promptFilterJson,
  safeCompletionFilter,
  type HarmCategory,
} from '../content-filters.ts'
import { codePointLength } from '../sse.ts'
import { wholeText, type Choice, type Completion, type Usage } from '../../answer/completion.ts'

/** What every object of one legacy completion carries. */
export interface CompletionFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

/** A prompt as an answer may repeat it. */
export interface EchoedPrompt {
  /** The prompt as text, whatever form it came in. */
  readText(): string
  /**
   * The text of each token; joined, they are the prompt. Of tokens that share a character, the last one has it and the
   * others are empty.
   */
  readTokens(): string[]
}

/** Tokens of a text with their place in it. */
export interface TokenSpans {
  readonly tokens: readonly string[]
  /** Where the first token begins, in code points from the start of the prompt. */
  readonly offset: number
}

/** A legacy completion, ready to be rendered. */
export interface LegacyCompletion {
  readonly completion: Completion
  readonly facts: CompletionFacts
  /** What the content filter found in the choices; absent where they pass. */
  readonly found?: HarmCategory
  /** Found by the asynchronous filter, in the midst of a stream: its annotations take the place of the finish. */
  readonly late: boolean
  readonly prompts: readonly EchoedPrompt[]
  readonly choicesPerPrompt: number
  /** The prompt stands before each choice. */
  readonly echo: boolean
  /** Gives the log probabilities of tokens as JSON; undefined when the request does not ask for them. */
  readonly logprobs: ((placed: TokenSpans) => string) | undefined
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
  const { logprobs, echo } = answer
  if (logprobs === undefined) return 'null'
  const prompt = promptOf(answer, index)
  const placed = echo
    ? { tokens: [...prompt.readTokens(), ...pieces], offset: 0 }
    : { tokens: pieces, offset: codePointLength(prompt.readText()) }
  return logprobs(placed)
}

/** The prompt of a choice: choices stand prompt by prompt. */
export function promptOf({ prompts, choicesPerPrompt }: LegacyCompletion, index: number): EchoedPrompt {
  return prompts[Math.floor(index / choicesPerPrompt)] as EchoedPrompt
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
