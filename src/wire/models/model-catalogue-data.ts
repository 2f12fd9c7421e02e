import { chatModelRows } from './model-catalogue-chat.ts'
import { mediaModelRows } from './model-catalogue-media.ts'
import { provisionedThroughput, requestsPerThousandTokens } from './model-catalogue-quota.ts'
import type { CatalogueRow } from './model-catalogue-row.ts'

/** Every base model that a deployment may name. */
export const catalogueRows: readonly CatalogueRow[] = [...chatModelRows, ...mediaModelRows].map(withQuota)

function withQuota(row: CatalogueRow): CatalogueRow {
  const ratio = requestsPerThousandTokens[row.name]
  const provisioned = provisionedThroughput[row.name]
  return {
    ...row,
    ...(ratio === undefined ? {} : { requestsPerThousandTokens: ratio }),
    ...(provisioned === undefined ? {} : { provisioned }),
  }
}
