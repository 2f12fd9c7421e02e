import { chatModelRows, mediaModelRows } from './model-catalogue-entries.ts'
import type { CatalogueRow } from './model-catalogue-row.ts'
import type { ProvisionedThroughput } from './models.ts'

/**
 * Requests per minute for each 1,000 tokens per minute, by model. Sources: Microsoft Learn, "Manage Azure OpenAI quota" and the
 * tables of "quotas and limits" (2026-08, Global Standard, first tier). Captured headers agree.
 */
export const requestsPerThousandTokens: Readonly<Record<string, number>> = {
  ...each(1, ['gpt-6.1-sol', 'gpt-6-astra', 'gpt-6-luna', 'gpt-6-sol']),
  ...each(1, ['gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-5.5']),
  ...each(10, ['gpt-5.4', 'gpt-5.2', 'gpt-5.1', 'gpt-5']),
  ...each(1, ['gpt-5-mini', 'gpt-5-nano', 'gpt-5-chat', 'gpt-5.1-chat', 'gpt-5.2-chat', 'gpt-chat-latest']),
  ...each(1, ['gpt-5-codex', 'gpt-5.1-codex', 'gpt-5.1-codex-mini', 'gpt-5.1-codex-max']),
  ...each(1, ['gpt-5.2-codex', 'gpt-5.3-codex']),
  ...each(1, ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'model-router', 'o3', 'o4-mini']),
  ...each(10, ['gpt-4o-mini']),
  ...each(6, ['gpt-4o', 'gpt-4-turbo', 'gpt-4', 'gpt-4-32k', 'gpt-4o-audio-preview']),
  ...each(6, ['gpt-35-turbo', 'gpt-35-turbo-16k', 'gpt-35-turbo-instruct']),
  ...each(6, ['text-embedding-3-large', 'text-embedding-3-small', 'text-embedding-ada-002']),
  ...each(1 / 6, ['o1', 'o1-preview']),
  ...each(0.1, ['o3-mini', 'o1-mini', 'o3-pro']),
  ...each(2, ['gpt-realtime']),
}

/** Throughput per PTU, by model. Source: Microsoft Learn, "What is provisioned throughput" (2026). */
export const provisionedThroughput: Readonly<Record<string, ProvisionedThroughput>> = {
  'gpt-5.4': throughput(2_400, 6),
  'gpt-5.3-codex': throughput(3_400, 8),
  'gpt-5.2': throughput(3_400, 8),
  'gpt-5.2-codex': throughput(3_400, 8),
  'gpt-5.1': throughput(4_750, 8),
  'gpt-5.1-codex': throughput(4_750, 8),
  'gpt-5': throughput(4_750, 8),
  'gpt-5-mini': throughput(23_750, 8),
  'gpt-4.1': throughput(3_000, 4),
  'gpt-4.1-mini': throughput(14_900, 4),
  'gpt-4.1-nano': throughput(59_400, 4),
  o3: throughput(3_000, 4),
  'o4-mini': throughput(5_400, 4),
  'o3-mini': throughput(2_500, 4),
  o1: throughput(230, 4),
  'gpt-4o': throughput(2_500, 4),
  'gpt-4o-mini': throughput(37_000, 4),
}

function each(ratio: number, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, ratio]))
}

function throughput(inputTokensPerMinutePerPtu: number, outputToInputRatio: number): ProvisionedThroughput {
  return { inputTokensPerMinutePerPtu, outputToInputRatio }
}

/** All base models of the built-in catalogue. */
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
