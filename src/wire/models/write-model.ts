import { modelId } from './model-catalogue.ts'
import type { Model } from './models.ts'

/**
 * Renders an entry of the list of base models, with keys in the order of captures (2026-08).
 *
 * @param id default: that of the model
 */
export function renderModel(model: Model, id = modelId(model)): string {
  const { created, retired, stage } = lifecycleOf(model)
  const supports = (operation: Model['operations'][number]): boolean => model.operations.includes(operation)
  return JSON.stringify({
    status: 'succeeded',
    capabilities: {
      fine_tune: false,
      inference: true,
      completion: supports('completions'),
      chat_completion: supports('chatCompletions'),
      embeddings: supports('embeddings'),
    },
    lifecycle_status: stage,
    deprecation: { inference: retired },
    id,
    created_at: created,
    object: 'model',
  })
}

/** The lifecycle of a model in the list of base models. */
export interface ModelLifecycle {
  /** Unix seconds. */
  readonly created: number
  /** End of inference, in Unix seconds. */
  readonly retired: number
  readonly stage: 'preview' | 'generally-available'
}

/** Years of older versions, which consist only of month and day. */
const yearByShortVersion: Readonly<Record<string, number>> = {
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
 * The creation date is the day before the version, as in a capture of gpt-4o-2024-11-20. The model retires 18 months after its
 * version (Microsoft Learn, "Model retirements": at least 12 months, and 6 more for existing customers).
 */
function lifecycleOf({ name, version }: Model): ModelLifecycle {
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
  // Versions of Claude models have no hyphens.
  if (/^\d{8}$/.test(version))
    return dateOf(`${version.slice(0, 4)}-${version.slice(4, 6)}-${version.slice(6)}`)
  if (/^\d{4}-\d{2}-\d{2}$/.test(version) && !Number.isNaN(Date.parse(version))) return version
  const year = yearByShortVersion[version]
  return year === undefined ? defaultDate : `${year}-${version.slice(0, 2)}-${version.slice(2)}`
}
