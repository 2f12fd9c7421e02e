import { parsed, type Parsed, plainFault, validateBody, type Rule } from '../validation/fault.ts'
import { tooManyCompletionsText, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { objectOf, optional, anything, boolean, integer, integerBetween, text } from '../validation/checks.ts'
import {
  logitBias,
  penalty,
  stop,
  streamOptions,
  streamOptionsNeedStream,
  temperature,
  topP,
  textOrTokens,
} from '../validation/common-fields.ts'
import type { StreamOptions } from '../chat/chat-request.ts'

/** Maximum number of prompts per request. The limit of the service is not captured. This is that of embeddings. */
const MAX_PROMPTS = 2048

/** Maximum `n` and `best_of`. */
const MAX_CHOICES = 128

/** The fields of a completions request. */
export const completionsFields = [
  optional('prompt', textOrTokens(MAX_PROMPTS)),
  optional('suffix', text()),
  // 0 is valid: with `echo`, the answer has the log probabilities of the prompt.
  optional('max_tokens', integerBetween(0, Infinity)),
  optional('n', integerBetween(1, MAX_CHOICES)),
  optional('best_of', integerBetween(1, MAX_CHOICES)),
  optional('stop', stop),
  optional('temperature', temperature),
  optional('top_p', topP),
  optional('presence_penalty', penalty),
  optional('frequency_penalty', penalty),
  optional('logprobs', integerBetween(0, 5)),
  optional('echo', boolean),
  optional('user', text()),
  optional('seed', integer),
  optional('stream', boolean),
  optional('stream_options', streamOptions),
  optional('logit_bias', logitBias),
  optional('model', anything),
]
const fields = objectOf(completionsFields)

const bestOfCoversChoices: Rule = ({ best_of: bestOf, n }) => {
  if (typeof bestOf !== 'number' || typeof n !== 'number' || bestOf >= n) return undefined
  return plainFault(
    null,
    `You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently ${n}) to be at most 'best_of' (currently ${bestOf}), or omit either parameter if you don't specifically want to use them.)`,
  )
}

/** Maximum number of completions per request (public reports about OpenAI's service). */
const MAX_COMPLETIONS = 128

/** With `max_tokens` 0, nothing is generated and the limit is that of prompts. */
const notTooManyCompletions: Rule = ({ prompt, n, best_of: bestOf, max_tokens: maxTokens }) => {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  const choices = Math.max(1, ...[n, bestOf].filter((count) => typeof count === 'number'))
  const max = maxTokens === 0 ? MAX_PROMPTS : MAX_COMPLETIONS
  if (prompts * choices <= max) return undefined
  return plainFault(null, tooManyCompletionsText(prompts * choices, max))
}

const rules = [bestOfCoversChoices, notTooManyCompletions, streamOptionsNeedStream]

/** Validates the body of a legacy completions request. Returns the error of the service, or undefined. Never throws. */
export function validateCompletions(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, rules, model)
}

/** One or more texts, as strings or as token ids. */
export type TextOrTokens = string | readonly string[] | readonly number[] | readonly (readonly number[])[]

/** The fields of a valid legacy completions request that the simulator uses. Null means absent. */
export interface CompletionsRequest {
  /** Absent: the model starts a new document. */
  readonly prompt?: TextOrTokens | null
  /** The deployment, if the path does not contain it. Otherwise ignored and of any type. */
  readonly model?: unknown
  readonly n?: number | null
  readonly best_of?: number | null
  readonly max_tokens?: number | null
  readonly echo?: boolean | null
  readonly suffix?: string | null
  /** Number of alternatives listed for each token. */
  readonly logprobs?: number | null
  readonly stop?: string | readonly string[] | null
  readonly seed?: number | null
  readonly user?: string | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly stream?: boolean | null
  readonly stream_options?: StreamOptions | null
}

/** Parses and validates the body of a legacy completions request. */
export function parseCompletionsRequest(body: unknown, model: Model): Parsed<CompletionsRequest> {
  return parsed<CompletionsRequest>(body, validateCompletions(body, model))
}
