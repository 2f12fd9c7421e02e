import type { EncodingName } from '../../tokens/encoding.ts'
import type { ModelOperation } from '../route.ts'
import type { ModelCapabilities } from './model-capabilities.ts'

/** Providers of models that OpenAI does not provide. */
export type ModelProvider = 'xai' | 'anthropic'

/** The properties of a base model. */
export interface Model {
  /** Name without a version, as in the deployment file: `gpt-4o-mini`. */
  readonly name: string
  /** Version, usually a date: `2024-07-18`. Absent for models without versions. */
  readonly version?: string
  /** Name in answers, usually with the version: `gpt-4o-mini-2024-07-18`. */
  readonly versionedName: string
  /** Name in messages of errors: `name`, or the requested name of a model that is not in the catalogue. */
  readonly errorName: string
  /** Other names of the model: `gpt-3.5-turbo` for `gpt-35-turbo`. */
  readonly aliases: readonly string[]
  readonly encoding: EncodingName
  /** The provider if it is not OpenAI. Answers of its models have another form. */
  readonly provider?: ModelProvider
  /** Maximum tokens of prompt and completion together; 0 for models without token limits (images, audio files). */
  readonly contextTokens: number
  /** Maximum tokens of a completion; 0 for models that do not write text. */
  readonly maxOutputTokens: number
  /** Operations that the simulator supports for this model. Empty for models that it cannot serve. */
  readonly operations: readonly ModelOperation[]
  /** Whether it is a reasoning model, which rejects sampling parameters. */
  readonly reasoning: boolean
  /** What the model accepts and does. */
  readonly capabilities: ModelCapabilities
  /** Default dimensions of an embedding. Absent for other models. */
  readonly embeddingSize?: number
  /** Whether a request can set fewer `dimensions`. */
  readonly shortensEmbeddings?: boolean
  /**
   * Requests per minute for each 1,000 tokens per minute of quota. Absent if unknown, or if the service counts only
   * requests.
   */
  readonly requestsPerThousandTokens?: number
  /** Absent if no values are published. */
  readonly provisioned?: ProvisionedThroughput
  /** Date on which the service retires the model (`2026-10-01`). Absent if unknown. */
  readonly retires?: string
}

/** The throughput of one provisioned-throughput unit (PTU) of a model. */
export interface ProvisionedThroughput {
  /** Prompt tokens per minute of one unit. */
  readonly inputTokensPerMinutePerPtu: number
  /** Number of prompt tokens that count as much as one output token. */
  readonly outputToInputRatio: number
}
