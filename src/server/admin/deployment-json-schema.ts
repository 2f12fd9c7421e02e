import { deploymentJsonSchema, type JsonSchema } from '../../config/patch-json-schema.ts'
import { closedObject, nullable } from './json-schemas.ts'

const nonNegative = { type: 'number', minimum: 0 }
const freeInSeconds = { ...nonNegative, description: 'Until the next request is let in; 0: now.' }
const emptyInSeconds = { ...nonNegative, description: 'Until nothing that was used counts any more.' }

const windowSchema = closedObject({
  limit: { type: 'integer', minimum: 1 },
  used: nonNegative,
  remaining: nonNegative,
  window_seconds: { ...nonNegative, description: 'The span that it is counted over.' },
  free_in_seconds: freeInSeconds,
  empty_in_seconds: emptyInSeconds,
})

const limitsSchema: JsonSchema = {
  description: 'Null: it has no limits.',
  anyOf: [
    closedObject({
      kind: { const: 'pay-as-you-go' },
      tokens: { ...nullable(windowSchema), description: 'Null: tokens are not limited.' },
      requests: { ...windowSchema, description: 'In the span in which requests are refused.' },
      requests_in_minute: { ...windowSchema, description: 'As the headers tell them.' },
    }),
    closedObject({
      kind: { const: 'provisioned' },
      utilization: { ...nonNegative, description: '1 is 100 %.' },
      free_in_seconds: freeInSeconds,
      empty_in_seconds: emptyInSeconds,
    }),
    { type: 'null' },
  ],
}

const slotsSchema: JsonSchema = {
  description: 'Null: it neither queues nor slows down.',
  anyOf: [
    closedObject({
      slots: { ...nullable({ type: 'integer', minimum: 1 }), description: 'Null: one for everyone.' },
      working: { type: 'integer', minimum: 0 },
      waiting: { type: 'integer', minimum: 0 },
      free: nullable({ type: 'integer', minimum: 0 }),
    }),
    { type: 'null' },
  ],
}

/** The schemas of deployments, by their names in the document. */
export function deploymentSchemas(): Readonly<Record<string, JsonSchema>> {
  const { properties, required } = deploymentJsonSchema()
  const entry = { type: 'object', properties, required }
  return {
    Deployment: { ...entry, description: 'An entry of the deployment file.' },
    DeploymentState: {
      ...entry,
      description: 'A deployment as it was given, and how it stands.',
      properties: { ...properties, live: closedObject({ limits: limitsSchema, slots: slotsSchema }) },
      required: [...required, 'live'],
      additionalProperties: false,
    },
    DeploymentStates: closedObject({
      deployments: {
        type: 'object',
        additionalProperties: { $ref: '#/components/schemas/DeploymentState' },
        description: 'By name.',
      },
    }),
  }
}
