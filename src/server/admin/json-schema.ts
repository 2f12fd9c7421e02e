import { z } from 'zod'
import {
  type JsonSchema,
  deploymentJsonSchema,
  type ConfigForm,
  settingsJsonSchema,
} from '../../config/patch-json-schema.ts'

export type { JsonSchema }

/** By name, what the configuration checks in its own way: what its own documents say is put in the place of, or added to, what zod says. */
const ofConfig: Readonly<Record<string, (json: JsonSchema) => JsonSchema>> = {
  Config: () => configSchema('shown'),
  ConfigPatch: () => configSchema('patch'),
  Deployment: () => ({
    type: 'object',
    ...deploymentJsonSchema(),
    description: 'An entry of the deployment file.',
  }),
  DeploymentState(json) {
    const { properties, required } = deploymentJsonSchema()
    return {
      properties: { ...properties, ...(json['properties'] as object) },
      required: [...required, ...(json['required'] as string[])],
      additionalProperties: false,
    }
  },
}

/** The JSON Schema of one schema that refers to no other. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', override: mend })
  return json
}

/**
 * The JSON Schemas of several, by key, and of those that have an id by that: they are referred to as components of an
 * OpenAPI document.
 */
export function jsonSchemasOf(schemas: Readonly<Record<string, z.ZodType>>): {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly components: Readonly<Record<string, JsonSchema>>
} {
  const whole = z.toJSONSchema(z.object(schemas), { unrepresentable: 'any', override: mend })
  const text = JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/')
  const { properties = {}, $defs = {} } = JSON.parse(text) as {
    properties?: Record<string, JsonSchema>
    $defs?: Record<string, JsonSchema>
  }
  return { schemas: properties, components: $defs }
}

function mend({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: object }): void {
  const json = jsonSchema as Record<string, unknown>
  const { id = '' } = z.globalRegistry.get(zodSchema) ?? {}
  Object.assign(json, ofConfig[id]?.(json))
  // That keys are texts, and that JavaScript can hold a number, goes without saying.
  delete json['propertyNames']
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum']
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum']
}

/** The schema of the configuration: as it is shown, or of a patch. */
function configSchema(form: ConfigForm): JsonSchema {
  const settings = settingsJsonSchema(form)
  const faults = {
    type: 'array',
    items: { type: 'object' },
    description: 'Faults for all deployments (docs/faults.md). A patch replaces the list.',
  }
  const isPatch = form === 'patch'
  const { properties } = deploymentJsonSchema()
  const entry = isPatch
    ? { anyOf: [{ type: 'object', properties: nullableEach(properties) }, { type: 'null' }] }
    : { $ref: '#/components/schemas/Deployment', unevaluatedProperties: false }
  const own = {
    faults: isPatch ? { anyOf: [faults, { type: 'null' }] } : faults,
    openai_deployments: { type: 'object', additionalProperties: entry, description: 'By name.' },
  }
  return {
    ...settings,
    properties: { ...(settings['properties'] as object), ...own },
    ...(!isPatch && { required: [...(settings['required'] as readonly string[]), ...Object.keys(own)] }),
  }
}

/** Null takes a key away. */
function nullableEach(properties: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  const entries = Object.entries(properties).map(([key, { description, ...schema }]) => [
    key,
    { anyOf: [schema, { type: 'null' }], description },
  ])
  return Object.fromEntries(entries)
}
