import type { TextOrTokens } from '../completions/completions-request.ts'

/** The fields of a valid embeddings request that the simulator reads. Null means absent. */
export interface EmbeddingsRequest {
  readonly input: TextOrTokens
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  readonly dimensions?: number | null
  /** `base64` is of little-endian 32-bit floats; absent means `float`. */
  readonly encoding_format?: 'float' | 'base64' | null
  readonly user?: string | null
  readonly input_type?: string | null
}
