import {
  type ConfigForm,
  deploymentJsonSchema,
  type JsonSchema,
  settingsJsonSchema,
} from '../../config/patch-json-schema.ts'

/** The schema of the configuration: as it is shown, or of a patch. */
export function configSchema(form: ConfigForm): JsonSchema {
  const settings = settingsJsonSchema(form)
  const faults = {
    type: 'array',
    items: { type: 'object' },
    description: 'What goes wrong, over all deployments (docs/faults.md); a patch replaces the list.',
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
