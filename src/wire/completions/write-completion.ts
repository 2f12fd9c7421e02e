import {
  completionFilterJson,
  promptFilterJson,
  safeCompletionFilter,
  type HarmCategory,
  unjudgedFilterMembers,
} from '../content-filters.ts'
import { codePointLength } from '../sse.ts'
import { wholeText, type Choice, type Completion, type Usage } from '../../answer/completion.ts'

/** The fields in every object of one legacy completion. */
export interface CompletionFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

/** A prompt that the answer can repeat. */
export interface EchoedPrompt {
  /** Returns the prompt as text, also if the request has token ids. */
  readText(): string
  /**
   * Returns the text of each token. The concatenation is the prompt. If a character consists of several tokens, the last one has
   * the character and the others are empty.
   */
  readTokens(): string[]
}

/** Consecutive tokens and their position. */
export interface TokenSpans {
  readonly tokens: readonly string[]
  /** Position of the first token, in code points from the start of the prompt. */
  readonly offset: number
}

/** All values for rendering a legacy completion. */
export interface LegacyCompletion {
  readonly completion: Completion
  readonly facts: CompletionFacts
  /** Harm that the content filter detected in the choices. */
  readonly found?: HarmCategory
  /** Whether the asynchronous filter detected it during the stream. Its annotations are then sent instead of the finish chunk. */
  readonly late: boolean
  /** Whether the content filter could not judge the choices. A stream then has no filter results of the prompts. */
  readonly unjudged: boolean
  readonly prompts: readonly EchoedPrompt[]
  readonly choicesPerPrompt: number
  /** Whether each choice starts with the prompt. */
  readonly echo: boolean
  /** Returns the log probabilities of tokens as JSON. Undefined if the request does not ask for them. */
  readonly logprobs: ((spans: TokenSpans) => string) | undefined
}

/**
 * Renders the body of a legacy completion that is not streamed: compact, with keys in OpenAI's order. The filter results have the
 * position of captures of October 2023 and March 2024.
 */
export function renderCompletion(answer: LegacyCompletion): string {
  return [...completionPieces(answer)].join('')
}

/** Like `renderCompletion`, as one string for each choice. */
export function* completionPieces(answer: LegacyCompletion): Generator<string, undefined> {
  const { completion, facts, found } = answer
  const filter = filterMembers(
    answer,
    found === undefined ? safeCompletionFilter : completionFilterJson(found),
  )
  yield `{${headJson(facts)},${promptFiltersJson(answer)},"choices":[`
  for (const [index, choice] of completion.choices.entries()) {
    yield (index > 0 ? ',' : '') + wholeChoice(answer, choice, index, filter)
  }
  yield `],"usage":${usageJson(completion.usage)}}\n`
}

function wholeChoice(answer: LegacyCompletion, choice: Choice, index: number, filter: string): string {
  const finishReason = `"${choice.finishReason}"`
  // A blocked choice is empty, also without its prompt.
  if (answer.found !== undefined) return choiceJson('', index, finishReason, 'null', filter)
  const prompt = answer.echo ? promptOf(answer, index).readText() : ''
  const text = prompt + wholeText(choice)
  return choiceJson(text, index, finishReason, wholeLogprobs(answer, choice, index), filter)
}

function wholeLogprobs(answer: LegacyCompletion, { pieces }: Choice, index: number): string {
  const { logprobs, echo } = answer
  if (logprobs === undefined) return 'null'
  const prompt = promptOf(answer, index)
  const spans = echo
    ? { tokens: [...prompt.readTokens(), ...pieces], offset: 0 }
    : { tokens: pieces, offset: codePointLength(prompt.readText()) }
  return logprobs(spans)
}

/** Returns the prompt of a choice. Choices are ordered by prompt. */
export function promptOf({ prompts, choicesPerPrompt }: LegacyCompletion, index: number): EchoedPrompt {
  return prompts[Math.floor(index / choicesPerPrompt)] as EchoedPrompt
}

/** The first fields of every object. */
export function headJson({ id, created, model }: CompletionFacts): string {
  return `"id":"${id}","object":"text_completion","created":${created},"model":${JSON.stringify(model)}`
}

/** Filter results of each prompt. Always safe, since a blocked prompt is rejected earlier. */
export function promptFiltersJson({ prompts }: LegacyCompletion): string {
  const filters = prompts.map((_, index) => promptFilterJson(index))
  return `"prompt_filter_results":[${filters.join(',')}]`
}

/**
 * The filter members of a choice.
 *
 * @param results its filter results as JSON
 */
export function filterMembers({ unjudged }: LegacyCompletion, results: string): string {
  return unjudged ? unjudgedFilterMembers : `"content_filter_results":${results}`
}

/** One choice. All parameters except `text` and `index` are JSON; `filter` has members without braces. */
export function choiceJson(
  text: string,
  index: number,
  finishReason: string,
  logprobs: string,
  filter: string,
): string {
  return `{"text":${JSON.stringify(text)},"index":${index},"finish_reason":${finishReason},"logprobs":${logprobs},${filter}}`
}

/** The usage, with keys in OpenAI's order. */
export function usageJson({ promptTokens, completionTokens }: Usage): string {
  return `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}`
}
