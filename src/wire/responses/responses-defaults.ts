import type { Model } from '../models/models.ts'

/** What the defaults of a model depend on. */
type NamedModel = Pick<Model, 'name' | 'reasoning'>

/**
 * How hard a model thinks that is not told: captures show `medium` for gpt-5 and gpt-5.2-chat and `none` for gpt-5.4;
 * Azure's documentation names `none` for models from gpt-5.1 on, and `high` as the only effort of the pro models. From
 * gpt-5.6 on, a chat with tools has to switch thought off, so there it is on. Null for models that do not think.
 */
export function defaultEffort({ name, reasoning }: NamedModel): string | null {
  if (!reasoning) return null
  if (name.endsWith('-pro')) return 'high'
  return /^gpt-5\.[1-5](-mini|-nano)?$/.test(name) ? 'none' : 'medium'
}

/** `top_p` of a request that names none: 1 but for two models, as captured in April and July 2026. */
export function defaultTopP({ name }: NamedModel): number {
  if (name === 'gpt-5.2-chat') return 0.85
  return name === 'gpt-5.4' ? 0.98 : 1
}

/** Whether a model's messages tell in `phase` that they are the answer: from gpt-5.4 on (a capture of July 2026). */
export function tellsPhase({ name, reasoning }: NamedModel): boolean {
  return reasoning && /^gpt-(5\.[4-9]|[6-9])/.test(name)
}
