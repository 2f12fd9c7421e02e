import type { EncodingName } from '../../tokens/encoding.ts'
import type { ProvisionedThroughput } from './models.ts'
import type { ModelOperation } from '../route.ts'

/** A base model as the catalogue lists it; `model-catalogue.ts` makes one `Model` of each version. */
export interface CatalogueRow {
  readonly name: string
  /** Newest first, as the portal names them: `2024-11-20`. */
  readonly versions?: readonly string[]
  /** What answers carry where that is not `<name>-<version>`. */
  readonly answersAs?: string
  readonly aliases?: readonly string[]
  readonly encoding?: EncodingName
  readonly contextTokens: number
  readonly maxOutputTokens: number
  readonly operations: readonly ModelOperation[]
  readonly reasoning?: boolean
  readonly embeddingSize?: number
  readonly shortensEmbeddings?: boolean
  readonly requestsPerThousandTokens?: number
  readonly provisioned?: ProvisionedThroughput
  /** Versions whose limits differ from the newest one's. */
  readonly olderLimits?: Readonly<Record<string, { contextTokens?: number; maxOutputTokens?: number }>>
}
