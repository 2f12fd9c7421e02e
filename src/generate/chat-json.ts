import type { Usage } from '../pipeline/reply.ts'

/** What every object of one chat answer carries. */
export interface ChatFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  /** The model's name with its version. */
  readonly model: string
  /** Null for models that the service runs without one. */
  readonly systemFingerprint: string | null
}

/** The usage of a chat answer, keys in alphabetical order as the service sends them. */
export function chatUsageJson(usage: Usage): string {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  return `{"completion_tokens":${completionTokens},"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":${reasoningTokens},"rejected_prediction_tokens":0},"prompt_tokens":${promptTokens},"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":${cachedTokens}},"total_tokens":${promptTokens + completionTokens}}`
}
