import { modelId } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { serviceYears } from './models-dates.ts'

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
