import type { EncodingName } from '../../tokens/encoding.ts'
import type { ModelProvider, ProvisionedThroughput } from './models.ts'
import type { ModelOperation } from '../route.ts'
import type { CapabilityChanges } from './model-capabilities.ts'

/** A base model in the catalogue. `model-catalogue.ts` creates a `Model` for each version. */
export interface CatalogueRow {
  readonly name: string
  /** Newest first, as in the portal: `2024-11-20`. */
  readonly versions?: readonly string[]
  /** The model name in answers, if it is not `<name>-<version>`. */
  readonly answersAs?: string
  readonly aliases?: readonly string[]
  readonly encoding?: EncodingName
  readonly provider?: ModelProvider
  readonly contextTokens: number
  readonly maxOutputTokens: number
  readonly operations: readonly ModelOperation[]
  readonly reasoning?: boolean
  /** Changes of the capabilities that the name implies (`model-capability-rows.ts`). */
  readonly capabilities?: CapabilityChanges
  readonly embeddingSize?: number
  readonly shortensEmbeddings?: boolean
  readonly requestsPerThousandTokens?: number
  readonly provisioned?: ProvisionedThroughput
  /** Date of retirement, for all versions or by version: `2026-10-01`. */
  readonly retires?: string | Readonly<Record<string, string>>
  /** Limits of older versions, if they differ from those of the newest one. */
  readonly olderLimits?: Readonly<Record<string, { contextTokens?: number; maxOutputTokens?: number }>>
}
