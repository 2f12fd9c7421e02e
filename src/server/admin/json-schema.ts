import * as z from 'zod'
import {
  type JsonSchema,
  componentSchemas,
  faultListSchema,
  resourceJsonSchema,
  deploymentJsonSchema,
  type ConfigForm,
  settingsJsonSchema,
  upstreamJsonSchema,
} from '../../config/patch-json-schema.ts'

export type { JsonSchema }

/** By id, schemas that the configuration defines. They extend or replace the schema of zod. */
const configSchemas: Readonly<Record<string, (json: JsonSchema) => JsonSchema>> = {
  Config: () => configSchema('shown'),
  ConfigPatch: () => configSchema('patch'),
  Deployment: () => ({
    type: 'object',
    ...deploymentJsonSchema(),
    description: 'An entry of the deployment file.',
  }),
  Upstream: () => ({
    type: 'object',
    properties: upstreamJsonSchema(),
    additionalProperties: false,
    description: 'An entry of upstreams in the configuration file.',
  }),
  ResourceEntry: () => resourceJsonSchema(),
  ResourcePatch: () => resourcePatchSchema(),
  DeploymentState(json) {
    const { properties, required } = deploymentJsonSchema()
    return {
      properties: { ...properties, ...(json['properties'] as object) },
      required: [...required, ...(json['required'] as string[])],
      additionalProperties: false,
    }
  },
}

/** Returns the JSON Schema of a schema without references. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', override: overrideSchema })
  return json
}

/**
 * Returns JSON Schemas by key, for an OpenAPI document. Schemas with an id are in `components` and are referenced.
 */
export function jsonSchemasOf(schemas: Readonly<Record<string, z.ZodType>>): {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly components: Readonly<Record<string, JsonSchema>>
} {
  const whole = z.toJSONSchema(z.object(schemas), { unrepresentable: 'any', override: overrideSchema })
  const text = JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/')
  const { properties = {}, $defs = {} } = JSON.parse(text) as {
    properties?: Record<string, JsonSchema>
    $defs?: Record<string, JsonSchema>
  }
  return { schemas: properties, components: { ...$defs, ...componentSchemas() } }
}

function overrideSchema({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: object }): void {
  const json = jsonSchema as Record<string, unknown>
  const { id = '' } = z.globalRegistry.get(zodSchema) ?? {}
  Object.assign(json, configSchemas[id]?.(json))
  // Omit constraints that always hold: keys are strings, and integers are safe integers.
  delete json['propertyNames']
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum']
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum']
}

/** Returns the schema of the shown configuration, or of a patch. */
function configSchema(form: ConfigForm): JsonSchema {
  const settings = settingsJsonSchema(form)
  const faults = {
    ...faultListSchema,
    description: 'Faults for all deployments (docs/faults.md). A patch replaces the list.',
  }
  const isPatch = form === 'patch'
  const entry = isPatch
    ? deploymentPatchSchema()
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

/** Returns the schema of a patch of a resource, which has no settings of all resources. */
function resourcePatchSchema(): JsonSchema {
  const { properties } = configSchema('patch') as { properties: Readonly<Record<string, JsonSchema>> }
  const { properties: own } = resourceJsonSchema() as { properties: Readonly<Record<string, JsonSchema>> }
  const { faults, ...settings } = properties
  const named = Object.entries(settings).filter(([name]) => Object.hasOwn(own, name))
  const deployments = {
    type: 'object',
    additionalProperties: deploymentPatchSchema(),
    description: 'By name.',
  }
  return { type: 'object', properties: { ...Object.fromEntries(named), faults, deployments } }
}

/** Returns the schema of a patch of a deployment. Null removes the deployment, or a key of it. */
function deploymentPatchSchema(): JsonSchema {
  const { properties } = deploymentJsonSchema()
  return { anyOf: [{ type: 'object', properties: nullableEach(properties) }, { type: 'null' }] }
}

/** Allows null, which removes a key, for each property. */
function nullableEach(properties: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  const entries = Object.entries(properties).map(([key, { description, ...schema }]) => [
    key,
    { anyOf: [schema, { type: 'null' }], description },
  ])
  return Object.fromEntries(entries)
}
