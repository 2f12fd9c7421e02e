import { bodyInPieces, renderedBody, type WholeBody } from '../../answer/body.ts'
import { completionFilterJson, safeCompletionFilter, safePromptFilter } from '../content-filters.ts'
import {
  chatUsageJson,
  finishReasonOf,
  functionCallJson,
  identityJson,
  isAsciiAround,
  logprobsJson,
  tierAndFingerprintJson,
  toolCallJson,
  type ChatFacts,
} from './chat-chunks.ts'
import { textJson, wholeText, type Choice, type Completion, type ToolCall } from '../../answer/completion.ts'

/** The body of a whole chat completion. */
export function chatBody(completion: Completion, facts: ChatFacts): WholeBody {
  if (isLarge(completion, facts)) return bodyInPieces(() => chatPieces(completion, facts))
  const isAscii = isAsciiAround(facts) && completion.choices.every(({ plainText }) => plainText !== undefined)
  return renderedBody(() => renderChat(completion, facts), isAscii)
}

/** Rendered in some ten milliseconds, in tokens; the log probabilities of one take as long as twenty. */
const quickTokens = 50_000
const tokensPerLogprob = 20

function isLarge({ usage }: Completion, { logprobs }: ChatFacts): boolean {
  return usage.completionTokens * (logprobs ? tokensPerLogprob : 1) > quickTokens
}

/**
 * A whole chat completion as text: compact, keys in alphabetical order at every level, a line feed at the end.
 * Put together by hand, since the parts that never change need no serialising.
 */
function renderChat(completion: Completion, facts: ChatFacts): string {
  const choices = completion.choices.map((choice, index) => {
    return choiceStart(choice, index, facts) + logprobsJson(choice.pieces, facts) + choiceEnd(choice, facts)
  })
  return answerStart + choices.join(',') + answerEnd(completion, facts)
}

/** The same in pieces. */
function* chatPieces(completion: Completion, facts: ChatFacts): Generator<string, undefined> {
  yield answerStart
  for (const [index, choice] of completion.choices.entries()) {
    yield (index > 0 ? ',' : '') + choiceStart(choice, index, facts)
    if (facts.logprobs && choice.pieces.length > 0) yield* facts.logprobs(choice.pieces)
    else yield 'null'
    yield choiceEnd(choice, facts)
  }
  yield answerEnd(completion, facts)
}

const answerStart = '{"choices":['

function answerEnd({ usage }: Completion, facts: ChatFacts): string {
  return `],${identityJson(facts)},"object":"chat.completion","prompt_filter_results":[${safePromptFilter(0)}],${tierAndFingerprintJson(facts)},"usage":${chatUsageJson(usage)}}\n`
}

function choiceStart(choice: Choice, index: number, facts: ChatFacts): string {
  return `{"content_filter_results":${filterJson(choice, facts)},"finish_reason":"${finishReasonOf(choice, facts)}","index":${index},"logprobs":`
}

function choiceEnd(choice: Choice, facts: ChatFacts): string {
  return `,"message":${messageJson(choice, facts)}}`
}

/** Calls are not filtered. */
function filterJson({ toolCalls }: Choice, { found }: ChatFacts): string {
  if (toolCalls.length > 0) return '{}'
  return found === undefined ? safeCompletionFilter : completionFilterJson(found)
}

function messageJson(choice: Choice, { usesFunctions }: ChatFacts): string {
  const { pieces, toolCalls, refused } = choice
  const [first] = toolCalls
  if (first === undefined) {
    // A refusal that the content filter blocks has no text either, and is then an empty one.
    if (refused && pieces.length > 0) {
      return `{"annotations":[],"content":null,"refusal":${textJson(choice, wholeText(choice))},"role":"assistant"}`
    }
    return `{"annotations":[],"content":${textJson(choice, wholeText(choice))},"refusal":null,"role":"assistant"}`
  }
  if (usesFunctions) {
    const call = functionCallJson(first.name, inputOf(first))
    return `{"annotations":[],"content":null,"function_call":${call},"refusal":null,"role":"assistant"}`
  }
  const calls = toolCalls.map((call) => toolCallJson(call, inputOf(call))).join(',')
  return `{"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[${calls}]}`
}

function inputOf({ pieces }: ToolCall): string {
  return pieces.join('')
}
