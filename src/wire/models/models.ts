import type { EncodingName } from '../../tokens/encoding.ts'
import type { ModelOperation } from '../route.ts'

/** What the simulator knows of a base model. */
export interface Model {
  /** The name without a version, as in the deployment file: `gpt-4o-mini`. */
  readonly name: string
  /** The version, mostly a date: `2024-07-18`; absent for a model that has none. */
  readonly version?: string
  /** The name as answers carry it, mostly with the version: `gpt-4o-mini-2024-07-18`. */
  readonly versionedName: string
  /** Other spellings that mean this model: `gpt-3.5-turbo` for `gpt-35-turbo`. */
  readonly aliases: readonly string[]
  readonly encoding: EncodingName
  /** Most tokens of prompt and completion together; 0 for models that are not measured in tokens (images, audio files). */
  readonly contextTokens: number
  /** Most tokens of a completion; 0 for models that write none. */
  readonly maxOutputTokens: number
  /** What the simulator can do with the model; empty for models that it only knows by name. */
  readonly operations: readonly ModelOperation[]
  /** Thinks before it answers, and refuses sampling parameters. */
  readonly reasoning: boolean
  /** Numbers in an embedding when the request names no `dimensions`; absent for models that make none. */
  readonly embeddingSize?: number
  /** Whether a request may ask for fewer `dimensions`. */
  readonly shortensEmbeddings?: boolean
  /**
   * Requests a minute that a deployment may take for each 1,000 tokens a minute of its quota; absent where it is not
   * known, or where only requests are counted.
   */
  readonly requestsPerThousandTokens?: number
  /** Absent where no figures are published. */
  readonly provisioned?: ProvisionedThroughput
}

/** What one provisioned-throughput unit (PTU) of a model carries. */
export interface ProvisionedThroughput {
  /** Prompt tokens that a unit takes in a minute. */
  readonly inputTokensPerMinutePerPtu: number
  /** As many prompt tokens count as much as one token of the answer. */
  readonly outputToInputRatio: number
}
