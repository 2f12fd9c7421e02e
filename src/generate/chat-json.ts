import type { HarmCategory } from '../wire/content-filters.ts'
import type { Usage, Choice, ToolCall } from '../answer/completion.ts'

/** What every object of one chat answer carries, and what decides its form. */
export interface ChatFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  /** The model's name with its version. */
  readonly model: string
  /** Null for models that the service runs without one. */
  readonly systemFingerprint: string | null
  /** Undefined for answers that do not tell their tier. */
  readonly serviceTier: string | undefined
  /** The request has `functions`, the older form of `tools`. */
  readonly usesFunctions: boolean
  /** Gives the log probabilities of pieces of text as JSON, in parts to be joined; undefined when the request does not ask for them. */
  readonly logprobs: ((pieces: readonly string[]) => Iterable<string>) | undefined
  /** What the content filter found in the answer; undefined when it passes. */
  readonly found: HarmCategory | undefined
}

/** Whether all but the texts of an answer is ASCII: the names of models nearly always are, what logprobs tell need not be. */
export function isAsciiAround({ model, logprobs }: ChatFacts): boolean {
  return logprobs === undefined && Buffer.byteLength(model) === model.length
}

/** `logprobs` of a choice or of a chunk. */
export function logprobsJson(pieces: readonly string[], { logprobs }: ChatFacts): string {
  return logprobs && pieces.length > 0 ? [...logprobs(pieces)].join('') : 'null'
}

/** The end of every object: from `created` on, without what a chunk or a whole answer puts between. */
export function identityJson({ created, id, model }: ChatFacts): string {
  return `"created":${created},"id":"${id}","model":${JSON.stringify(model)}`
}

/** The tier, for answers that tell it, and the fingerprint. */
export function tierAndFingerprintJson({ serviceTier, systemFingerprint }: ChatFacts): string {
  const tier = serviceTier === undefined ? '' : `"service_tier":"${serviceTier}",`
  const fingerprint = systemFingerprint === null ? 'null' : `"${systemFingerprint}"`
  return `${tier}"system_fingerprint":${fingerprint}`
}

/** Why a choice ends, in the words of the request's API. */
export function finishReasonOf({ finishReason }: Choice, { usesFunctions }: ChatFacts): string {
  return usesFunctions && finishReason === 'tool_calls' ? 'function_call' : finishReason
}

/**
 * A call, as a message or the first of its deltas holds it.
 *
 * @param input the arguments, or what a custom tool is handed; empty in a stream
 * @param index the call's number, in a stream only
 */
export function toolCallJson({ id, kind, name }: ToolCall, input: string, index?: number): string {
  const definition =
    kind === 'custom'
      ? `"custom":{"input":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
      : `"function":${functionCallJson(name, input)}`
  return `{${definition},"id":"${id}",${index === undefined ? '' : `"index":${index},`}"type":"${kind}"}`
}

/** A function with its arguments. */
export function functionCallJson(name: string, input: string): string {
  return `{"arguments":${JSON.stringify(input)},"name":${JSON.stringify(name)}}`
}

/** The usage of a chat answer, keys in alphabetical order as the service sends them. */
export function chatUsageJson(usage: Usage): string {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  return `{"completion_tokens":${completionTokens},"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":${reasoningTokens},"rejected_prediction_tokens":0},"prompt_tokens":${promptTokens},"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":${cachedTokens}},"total_tokens":${promptTokens + completionTokens}}`
}
