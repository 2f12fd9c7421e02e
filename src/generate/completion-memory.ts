import { boundedTop } from './logprobs.ts'

/** A piece of text is a pointer, and a part of the whole text; measured 14 bytes for each token. */
const bytesPerToken = 15
const bytesPerChoice = 300
/** Tokens of an answer that ends by itself: their median is 151, and nine of ten have fewer. */
const usualTokens = 456
/** Of a token's own log probability, and of each alternative that is listed with it, as JSON. */
const bytesPerLogprob = 80

/** What an answer is to hold. */
export interface AnswerSize {
  readonly choices: number
  /** The limit of each choice, in tokens; undefined where it ends by itself. */
  readonly tokens: number | undefined
  /** Alternatives listed with each token; undefined without log probabilities. */
  readonly top?: number | undefined
  /** Characters of a prompt that each choice repeats; default 0. */
  readonly echoed?: number
}

/** The memory that an answer takes until its client has it, in bytes, roughly. */
export function completionMemory({ choices, tokens = usualTokens, top, echoed = 0 }: AnswerSize): number {
  const all = choices * tokens
  const logprobs = top === undefined ? 0 : all * bytesPerLogprob * (1 + boundedTop(top, all))
  return choices * (bytesPerChoice + echoed) + all * bytesPerToken + logprobs
}
