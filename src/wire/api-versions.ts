import type { Model } from './models/models.ts'
import type { Operation } from './route.ts'

/**
 * The dated versions of the data plane, as Microsoft Learn ("API version lifecycle") and the folders of
 * Azure/azure-rest-api-specs list them. There are no newer ones: the v1 paths took their place.
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

/** What the v1 paths take; they need none. */
const v1ApiVersions: readonly string[] = ['preview', 'v1', 'latest']

/** The version that brought each operation; in an older one its path does not exist. */
export const firstVersions: Readonly<Record<Operation, string>> = {
  chatCompletions: '2023-03-15-preview',
  completions: '2022-12-01',
  embeddings: '2022-12-01',
  responses: '2025-03-01-preview',
  getResponse: '2025-03-01-preview',
  deleteResponse: '2025-03-01-preview',
  cancelResponse: '2025-03-01-preview',
  listInputItems: '2025-03-01-preview',
  imageGenerations: '2023-12-01-preview',
  speech: '2024-02-15-preview',
  transcriptions: '2023-09-01-preview',
  translations: '2023-09-01-preview',
  listModels: '2022-12-01',
  getModel: '2022-12-01',
}

/** Models that need a newer version than their operation; a name stands for all names that it starts, the longest first. */
export const firstModelVersions: Readonly<Record<string, string>> = {
  'gpt-4o-mini-transcribe': '2025-03-01-preview',
  'gpt-4o-transcribe': '2025-03-01-preview',
  'gpt-4o-mini-tts': '2025-03-01-preview',
  'gpt-image-': '2025-04-01-preview',
  'o1-preview': '2024-09-01-preview',
  'o1-mini': '2024-09-01-preview',
  'o3-mini': '2024-12-01-preview',
  o1: '2024-12-01-preview',
  'o4-mini': '2024-12-01-preview',
  o3: '2024-12-01-preview',
}

/** What is wrong with a version, if anything: nothing answers in it, or the service does not know it. */
export type ApiVersionFault = 'not-found' | 'not-supported' | undefined

const wellFormed = /^\d{4}-\d{2}-\d{2}(-preview)?$/
const known = new Set(apiVersions)
const knownV1 = new Set(v1ApiVersions)

/**
 * Judges the `api-version` of a request.
 *
 * @param dated whether the path needs a version: `/openai/deployments/...` does, `/openai/v1/...` does not
 */
export function judgeApiVersion(
  version: string | undefined,
  operation: Operation,
  dated: boolean,
): ApiVersionFault {
  if (!dated) return version === undefined || knownV1.has(version) ? undefined : 'not-supported'
  if (version === undefined || !wellFormed.test(version)) return 'not-found'
  if (!known.has(version)) return 'not-supported'
  return isBefore(version, firstVersions[operation]) ? 'not-found' : undefined
}

const modelStarts = Object.entries(firstModelVersions).sort(([a], [b]) => b.length - a.length)

/** The version that a model needs, where a known one is too old for it. */
export function tooOldForModel(version: string, model: Model): string | undefined {
  const first = modelStarts.find(([start]) => model.name.startsWith(start))?.[1]
  return first !== undefined && isBefore(version, first) ? first : undefined
}

/** Versions are in the order of their dates; of one date the preview comes first. */
function isBefore(version: string, other: string): boolean {
  const date = version.slice(0, 10)
  const otherDate = other.slice(0, 10)
  return date === otherDate ? version.length > other.length : date < otherDate
}
