import { chatModelRows, claudeRows, mediaModelRows } from './model-catalogue-entries.ts'
import type { CatalogueRow } from './model-catalogue-row.ts'
import type { ProvisionedThroughput } from './models.ts'

/**
 * Requests per minute for each 1,000 tokens per minute, by model. Sources: Microsoft Learn, "Manage Azure OpenAI quota" and the
 * tables of "quotas and limits" (2026-08, Global Standard, first tier). Captured headers agree.
 */
export const requestsPerThousandTokens: Readonly<Record<string, number>> = {
  ...each(1, ['gpt-6.2-astra', 'gpt-6.2-sol', 'gpt-6.1-terra', 'gpt-6.1-sol']),
  ...each(1, ['gpt-6-astra', 'gpt-6-luna', 'gpt-6-sol']),
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
  'gpt-5.5': throughput(1_200, 6),
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

/**
 * Dates of retirement on Azure, by model or by version. Sources: Microsoft Learn, "Model retirement schedule" (2026-07-07) and
 * "Retired models" (2026-04); for gpt-35-turbo-0125, BerriAI/litellm#11116. The service moves these dates.
 */
const retirementDates: Readonly<Record<string, string>> = {
  ...each('2027-04-23', ['gpt-5.5']),
  ...each('2027-03-05', ['gpt-5.4']),
  ...each('2027-03-18', ['gpt-5.4-mini', 'gpt-5.4-nano']),
  ...each('2027-03-06', ['gpt-5.4-pro']),
  ...each('2027-02-25', ['gpt-5.3-codex']),
  ...each('2026-12-12', ['gpt-5.2']),
  // theopenco/llmgateway#3461 (2026-08).
  ...each('2027-07-13', ['gpt-5.2-codex']),
  ...each('2027-05-15', ['gpt-5.1', 'gpt-5.1-codex', 'gpt-5.1-codex-mini']),
  ...each('2026-12-05', ['gpt-5.1-codex-max']),
  ...each('2026-06-29', ['gpt-5-chat', 'gpt-5.1-chat', 'gpt-5.2-chat', 'gpt-5.3-chat']),
  ...each('2027-02-06', ['gpt-5', 'gpt-5-mini', 'gpt-5-nano']),
  ...each('2027-03-17', ['gpt-5-codex']),
  ...each('2027-04-07', ['gpt-5-pro', 'gpt-image-1-mini']),
  ...each('2026-10-14', ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano']),
  ...each('2026-10-01', ['gpt-4o', 'gpt-4o-mini', 'o3-mini']),
  ...each('2025-06-06', ['gpt-4', 'gpt-4-32k']),
  ...each('2025-02-13', ['gpt-35-turbo-0301', 'gpt-35-turbo-0613']),
  ...each('2025-04-30', ['gpt-35-turbo-0125', 'gpt-35-turbo-16k']),
  ...each('2025-01-27', ['davinci-002', 'babbage-002']),
  ...each('2026-10-16', ['o3', 'o4-mini']),
  ...each('2026-12-10', ['o3-pro']),
  ...each('2026-09-18', ['o1-pro']),
  ...each('2026-12-26', ['o3-deep-research']),
  ...each('2026-09-16', ['o1']),
  ...each('2025-07-28', ['o1-preview']),
  ...each('2026-11-15', ['codex-mini']),
  ...each('2027-02-28', ['gpt-audio', 'gpt-realtime']),
  ...each('2027-02-23', ['gpt-audio-1.5', 'gpt-realtime-1.5']),
  ...each('2027-05-06', ['gpt-realtime-2']),
  ...each('2027-06-25', ['gpt-realtime-2.1', 'gpt-realtime-2.1-mini']),
  ...each('2026-12-15', ['gpt-audio-mini', 'gpt-realtime-mini', 'whisper', 'tts', 'tts-hd']),
  ...each('2026-12-15', ['gpt-4o-mini-transcribe', 'gpt-4o-mini-tts']),
  ...each('2026-10-15', ['gpt-4o-transcribe', 'gpt-4o-transcribe-diarize']),
  ...each('2026-10-23', ['gpt-image-1']),
  ...each('2026-12-16', ['gpt-image-1.5']),
  ...each('2027-04-21', ['gpt-image-2']),
  ...each('2026-09-15', ['sora-2']),
  ...each('2027-04-15', ['text-embedding-3-large', 'text-embedding-3-small', 'text-embedding-ada-002']),
  // samarthputhraya/Modelpin 0.5.7 (2026-11-26) and Anthropic, "Claude in Microsoft Foundry": Foundry has the dates of Anthropic.
  ...each('2027-01-22', ['claude-opus-4-5']),
  ...each('2026-08-05', ['claude-opus-4-1']),
  ...each('2026-05-01', ['grok-3', 'grok-3-mini', 'grok-4-fast-reasoning', 'grok-4-fast-non-reasoning']),
}

function each<Value>(value: Value, names: readonly string[]): Record<string, Value> {
  return Object.fromEntries(names.map((name) => [name, value]))
}

function throughput(inputTokensPerMinutePerPtu: number, outputToInputRatio: number): ProvisionedThroughput {
  return { inputTokensPerMinutePerPtu, outputToInputRatio }
}

/** All base models of the built-in catalogue. */
export const catalogueRows: readonly CatalogueRow[] = [
  ...chatModelRows,
  ...claudeRows,
  ...mediaModelRows,
].map(withQuota)

function withQuota(row: CatalogueRow): CatalogueRow {
  const ratio = requestsPerThousandTokens[row.name]
  const provisioned = provisionedThroughput[row.name]
  return {
    ...row,
    ...(ratio === undefined ? {} : { requestsPerThousandTokens: ratio }),
    ...(provisioned === undefined ? {} : { provisioned }),
    ...withRetirement(row),
  }
}

function withRetirement({ name, versions = [] }: CatalogueRow): Pick<CatalogueRow, 'retires'> {
  const all = retirementDates[name]
  if (all !== undefined) return { retires: all }
  const dates = versions.flatMap((version) => {
    const date = retirementDates[`${name}-${version}`]
    return date === undefined ? [] : [[version, date] as const]
  })
  return dates.length === 0 ? {} : { retires: Object.fromEntries(dates) }
}
