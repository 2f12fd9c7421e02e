import type { JsonSchema } from '../../config/patch-json-schema.ts'
import { closedObject, nullable } from './json-schemas.ts'

const seconds: JsonSchema = { type: 'number', minimum: 0 }

const running = closedObject({
  running: { const: true },
  round: { type: 'integer', minimum: 0, description: '0 before the first one begins.' },
  rounds: { ...nullable({ type: 'integer', minimum: 1 }), description: 'Null: without end.' },
  elapsed_seconds: seconds,
  phase: nullable(
    closedObject({
      name: { type: 'string' },
      deployment: { ...nullable({ type: 'string' }), description: 'Null: all.' },
      elapsed_seconds: seconds,
    }),
  ),
  next: nullable({ type: 'string' }),
  next_change_in_seconds: nullable({ type: 'number' }),
})

/** How a timetable of incidents stands. */
export const incidentStateSchema: JsonSchema = {
  anyOf: [running, closedObject({ running: { const: false } })],
}
