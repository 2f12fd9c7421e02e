import type { Model } from './models/models.ts'
import { isAnthropicOperation, type AnthropicOperation, type Operation, type Route } from './route.ts'

/**
 * Dated API versions of the data plane. Sources: Microsoft Learn ("API version lifecycle") and the folders of
 * Azure/azure-rest-api-specs. The list is complete: later API changes use the v1 paths.
 */
export const apiVersions: readonly string[] = [
  '2022-12-01',
  '2023-03-15-preview',
  '2023-05-15',
  '2023-06-01-preview',
  '2023-07-01-preview',
  '2023-08-01-preview',
  '2023-09-01-preview',
  '2023-10-01-preview',
  '2023-12-01-preview',
  '2024-02-01',
  '2024-02-15-preview',
  '2024-03-01-preview',
  '2024-04-01-preview',
  '2024-05-01-preview',
  '2024-06-01',
  '2024-07-01-preview',
  '2024-08-01-preview',
  '2024-09-01-preview',
  '2024-10-01-preview',
  '2024-10-21',
  '2024-12-01-preview',
  '2025-01-01-preview',
  '2025-02-01-preview',
  '2025-03-01-preview',
  '2025-04-01-preview',
]

/**
 * Versions of the model inference API (`/models/...`), in addition to the dated versions of the data plane from the first one on. Sources:
 * captures of August 2026; Microsoft Learn ("Azure AI Model Inference REST API reference").
 */
const inferenceVersions = new Set(['2024-05-01-preview', '2025-04-01', '2025-05-15-preview'])
const FIRST_INFERENCE_VERSION = '2024-05-01-preview'

/** Values of `api-version` that v1 paths accept. They do not require one. */
const v1ApiVersions: readonly string[] = ['preview', 'v1', 'latest']

/** First API version with each operation. In older versions, its path does not exist. Anthropic's API has no api-versions. */
export const firstVersions: Readonly<Record<Exclude<Operation, AnthropicOperation>, string>> = {
  chatCompletions: '2023-03-15-preview',
  completions: '2022-12-01',
  embeddings: '2022-12-01',
  responses: '2025-03-01-preview',
  // Documented only for OpenAI, without an api-version.
  countInputTokens: '2025-04-01-preview',
  // Documented without an api-version (Microsoft Learn, "Compact conversation").
  compactConversation: '2025-04-01-preview',
  getResponse: '2025-03-01-preview',
  deleteResponse: '2025-03-01-preview',
  cancelResponse: '2025-03-01-preview',
  listInputItems: '2025-03-01-preview',
  // All image models. Only edits need a newer version (pollinations/pollinations#8239, Azure/azure-sdk-for-net#49697).
  imageGenerations: '2023-12-01-preview',
  // Azure/azure-sdk-for-net#49697: the path does not exist in older versions.
  imageEdits: '2025-04-01-preview',
  speech: '2024-02-15-preview',
  transcriptions: '2023-09-01-preview',
  translations: '2023-09-01-preview',
  listModels: '2022-12-01',
  getModel: '2022-12-01',
}

/** Operations for which an older version has its own error (`feature-gates.ts`), instead of the 404 of an unknown path. */
export const operationsWithOwnError: ReadonlySet<Operation> = new Set<Operation>([
  'responses',
  'getResponse',
  'deleteResponse',
  'cancelResponse',
  'listInputItems',
])

/** Models that need a newer API version than their operation. Keys are prefixes of model names. The longest match applies. */
export const firstModelVersions: Readonly<Record<string, string>> = {
  'gpt-4o-mini-transcribe': '2025-03-01-preview',
  'gpt-4o-transcribe': '2025-03-01-preview',
  'gpt-4o-mini-tts': '2025-03-01-preview',
  'o1-preview': '2024-09-01-preview',
  'o1-mini': '2024-09-01-preview',
  'o3-mini': '2024-12-01-preview',
  o1: '2024-12-01-preview',
  'o4-mini': '2024-12-01-preview',
  o3: '2024-12-01-preview',
}

/** `not-found`: the path does not exist in this version. `not-supported`: the service does not have this version. */
export type ApiVersionFault = 'not-found' | 'not-supported' | undefined

const wellFormed = /^\d{4}-\d{2}-\d{2}(-preview)?$/
const dated = new Set(apiVersions)
const v1 = new Set(v1ApiVersions)

/** Checks the `api-version` of a request. Returns undefined for a valid version. */
export function apiVersionFault(
  version: string | undefined,
  { operation, dated: isDated, isInference }: Pick<Route, 'operation' | 'dated' | 'isInference'>,
): ApiVersionFault {
  // Anthropic's API has its version in a header. Its query is ignored.
  if (isAnthropicOperation(operation)) return undefined
  if (isInference) return inferenceVersionFault(version)
  if (!isDated) return version === undefined || v1.has(version) ? undefined : 'not-supported'
  if (version === undefined || !wellFormed.test(version)) return 'not-found'
  if (!dated.has(version)) return 'not-supported'
  if (operationsWithOwnError.has(operation)) return undefined
  return isBefore(version, firstVersions[operation]) ? 'not-found' : undefined
}

function inferenceVersionFault(version: string | undefined): ApiVersionFault {
  if (version === undefined || !wellFormed.test(version)) return 'not-found'
  if (inferenceVersions.has(version)) return undefined
  return dated.has(version) && !isBefore(version, FIRST_INFERENCE_VERSION) ? undefined : 'not-supported'
}

const modelPrefixes = Object.entries(firstModelVersions).sort(([a], [b]) => b.length - a.length)

/** Returns the first API version that supports the model if `version` is older, else undefined. */
export function requiredNewerVersion(version: string, model: Model): string | undefined {
  const first = modelPrefixes.find(([start]) => model.name.startsWith(start))?.[1]
  return first !== undefined && isBefore(version, first) ? first : undefined
}

/** Compares by date. On the same date, the preview is the older version. */
export function isBefore(version: string, other: string): boolean {
  const date = version.slice(0, 10)
  const otherDate = other.slice(0, 10)
  return date === otherDate ? version.length > other.length : date < otherDate
}
