import { modelId } from './model-catalogue.ts'
import type { Model } from './models.ts'

/** A base model as the service lists it, with its keys in the order of captures (2026-08). */
export function renderModel(model: Model): string {
  const { created, retired, stage } = serviceYears(model)
  const can = (operation: Model['operations'][number]): boolean => model.operations.includes(operation)
  return JSON.stringify({
    status: 'succeeded',
    capabilities: {
      fine_tune: false,
      inference: true,
      completion: can('completions'),
      chat_completion: can('chatCompletions'),
      embeddings: can('embeddings'),
    },
    lifecycle_status: stage,
    deprecation: { inference: retired },
    id: modelId(model),
    created_at: created,
    object: 'model',
  })
}

/** When a model came and goes, as the list of base models tells. */
export interface ModelLifecycle {
  /** Unix seconds. */
  readonly created: number
  /** Unix seconds: the end of inference. */
  readonly retired: number
  readonly stage: 'preview' | 'generally-available'
}

/** Years of the versions from before 2024, which name only month and day. */
const yearsOfShortVersions: Readonly<Record<string, number>> = {
  '0125': 2024,
  '0301': 2023,
  '0314': 2023,
  '0613': 2023,
  '0914': 2023,
  '1106': 2023,
}

/** For a model without a version. */
const defaultDate = '2024-01-01'

const DAY_MS = 86_400_000

/**
 * A model is dated to the day before its version, as gpt-4o-2024-11-20 is in a capture, and is served for at least a
 * year and a half (Microsoft Learn, "Model retirements": twelve months, and six more for who has it already).
 */
function serviceYears({ name, version }: Model): ModelLifecycle {
  const created = new Date(Date.parse(dateOf(version)) - DAY_MS)
  const retired = new Date(created.getTime() + DAY_MS)
  retired.setUTCMonth(retired.getUTCMonth() + 18)
  return {
    created: created.getTime() / 1_000,
    retired: retired.getTime() / 1_000,
    stage: name.includes('preview') ? 'preview' : 'generally-available',
  }
}

function dateOf(version = defaultDate): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(version) && !Number.isNaN(Date.parse(version))) return version
  const year = yearsOfShortVersions[version]
  return year === undefined ? defaultDate : `${year}-${version.slice(0, 2)}-${version.slice(2)}`
}
