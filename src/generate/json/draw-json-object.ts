import type { Random } from '../../lib/random.ts'
import { drawJson } from './draw-json.ts'

/** What a model asked for some JSON object answers with: a few plausible keys. */
const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    summary: { type: 'string' },
    count: { type: 'integer' },
    score: { type: 'number' },
    active: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['title', 'summary'],
}

/** Draws a small object for a request that asks for JSON without a schema (`response_format` of type `json_object`). */
export function drawJsonObject(random: Random): Record<string, unknown> {
  return drawJson(schema, random) as Record<string, unknown>
}
