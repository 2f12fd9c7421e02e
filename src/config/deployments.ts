import type { Model } from '../openai/models.ts'

/** A named model with its limits, as a client addresses it. */
export interface Deployment {
  readonly name: string
  readonly model: Model
  /** Tokens in a minute; absent means that tokens are not limited. */
  readonly tokensPerMinute?: number
  /** Requests in a minute; absent leaves it to the limiter to derive it from `tokensPerMinute`. */
  readonly requestsPerMinute?: number
  /** Numbers in an embedding when the request names no `dimensions`; absent means the model's own size. */
  readonly embeddingSize?: number
}
