import { parsed, type Parsed, plainFault, validateBody, type Rule } from '../validation/fault.ts'
import { tooManyCompletionsText, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { objectOf, optional, anything, boolean, integer, integerBetween, text } from '../validation/checks.ts'
import {
  logitBias,
  MAX_CHOICES_OLDER,
  penalty,
  stop,
  streamOptions,
  streamOptionsNeedStream,
  temperature,
  topP,
  textOrTokens,
} from '../validation/common-fields.ts'
import type { StreamOptions } from '../chat/chat-request.ts'

/** Most prompts in one request; the service's own bound is not captured, that of embeddings stands in. */
const MAX_PROMPTS = 2048

const fields = objectOf([
  optional('prompt', textOrTokens(MAX_PROMPTS)),
  optional('suffix', text()),
  // Zero is of use here: with `echo` it scores the prompt.
  optional('max_tokens', integerBetween(0, Infinity)),
  optional('n', integerBetween(1, MAX_CHOICES_OLDER)),
  optional('best_of', integerBetween(1, MAX_CHOICES_OLDER)),
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
])

const bestOfCoversChoices: Rule = ({ best_of: bestOf, n }) => {
  if (typeof bestOf !== 'number' || typeof n !== 'number' || bestOf >= n) return undefined
  return plainFault(
    null,
    `You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently ${n}) to be at most 'best_of' (currently ${bestOf}), or omit either parameter if you don't specifically want to use them.)`,
  )
}

/** Most completions that one request may have written; the figure of reports on OpenAI's service. */
const MAX_COMPLETIONS = 128

/** With `max_tokens` 0 nothing is written, and the bound is that of prompts. */
const notTooManyCompletions: Rule = ({ prompt, n, best_of: bestOf, max_tokens: maxTokens }) => {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  const choices = Math.max(1, ...[n, bestOf].filter((count) => typeof count === 'number'))
  const most = maxTokens === 0 ? MAX_PROMPTS : MAX_COMPLETIONS
  if (prompts * choices <= most) return undefined
  return plainFault(null, tooManyCompletionsText(prompts * choices, most))
}

const rules = [bestOfCoversChoices, notTooManyCompletions, streamOptionsNeedStream]

/** What the service refuses in the body of a legacy completions request; undefined when nothing. Never throws. */
export function validateCompletions(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, rules, model)
}

/** Texts, or the token numbers of texts. */
export type TextOrTokens = string | readonly string[] | readonly number[] | readonly (readonly number[])[]

/** The fields of a valid legacy completions request that the simulator reads. Null means absent. */
export interface CompletionsRequest {
  /** Absent: the model starts a document of its own. */
  readonly prompt?: TextOrTokens | null
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  readonly n?: number | null
  readonly best_of?: number | null
  readonly max_tokens?: number | null
  readonly echo?: boolean | null
  readonly suffix?: string | null
  /** How many alternatives a token is listed with. */
  readonly logprobs?: number | null
  readonly stop?: string | readonly string[] | null
  readonly seed?: number | null
  readonly user?: string | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly stream?: boolean | null
  readonly stream_options?: StreamOptions | null
}

/** Checks the body of a legacy completions request. */
export function parseCompletionsRequest(body: unknown, model: Model): Parsed<CompletionsRequest> {
  return parsed<CompletionsRequest>(body, validateCompletions(body, model))
}
