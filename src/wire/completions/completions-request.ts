import type { StreamOptions } from '../chat/chat-request.ts'

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
