import { z } from 'zod'
import { type DeploymentKey, deploymentKeys } from './deployment-keys.ts'
import { upstreamSettingsByName } from './file-settings.ts'
import { snakeKey } from './mapping-file.ts'
import { patchableSettings } from './patches.ts'
import { deploymentEntrySchema } from './resolve-deployment.ts'
import { settingsSchema } from './settings-schema.ts'
import { setAt, type Setting } from './settings-table.ts'

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The object that a schema describes: the answer of GET /++/config, or a patch of it. */
export type ConfigForm = 'shown' | 'patch'

/** Schemas for keys of a deployment with validation that JSON Schema cannot express. */
const looseSchemas: Readonly<Record<string, JsonSchema>> = {
  latency: { type: 'object' },
  faults: { type: 'array', items: { type: 'object' } },
}

/** Returns the schema of a deployment, with keys in snake_case. */
export function deploymentJsonSchema(): {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
} {
  const { properties = {}, required = [] } = z.toJSONSchema(deploymentEntrySchema, { unrepresentable: 'any' })
  const described = Object.entries(properties).map(([key, schema]) => [
    snakeKey(key),
    { ...(schema as JsonSchema), ...looseSchemas[key], description: describeKey(key) },
  ])
  return { properties: Object.fromEntries(described), required: required.map(snakeKey) }
}

/** Returns the schema of an upstream, with keys in snake_case. A secret can be `[redacted]`. */
export function upstreamJsonSchema(): Readonly<Record<string, JsonSchema>> {
  const whole = z.toJSONSchema(settingsSchema, { unrepresentable: 'any', io: 'input' }) as JsonSchema
  const described = Array.from(upstreamSettingsByName, ([key, setting]) => {
    const { default: fallback, unsetMeaning, unit, range, secret } = setting
    const { default: _, pattern, ...checked } = schemaAt(whole, setting.path)
    const unset = fallback === undefined ? `absent: ${unsetMeaning ?? 'none'}` : `default ${fallback}`
    const facts = [range, unit, unset, secret ? 'secret' : undefined].filter((fact) => fact !== undefined)
    return [
      key,
      {
        ...checked,
        ...(pattern !== undefined && !secret && { pattern }),
        description: `${setting.description} (${facts.join('; ')})`,
      },
    ]
  })
  return Object.fromEntries(described) as Readonly<Record<string, JsonSchema>>
}

function describeKey(key: string): string | undefined {
  const described = (deploymentKeys as Readonly<Record<string, DeploymentKey>>)[key]
  return described && `${described.meaning}; absent: ${described.whenAbsent}.`
}

/**
 * Returns the schema of all settings that can change at run time, without deployments and faults.
 *
 * @param form in a patch all properties are optional, and null resets a setting to its default
 */
export function settingsJsonSchema(form: ConfigForm): JsonSchema {
  const whole = z.toJSONSchema(settingsSchema, { unrepresentable: 'any' }) as JsonSchema
  const root: SchemaTree = {}
  for (const [location, setting] of patchableSettings()) {
    setAt(root, location.split('.'), leafSchema(setting, schemaAt(whole, setting.path), form))
  }
  return objectSchema(root, form)
}

type SchemaTree = { [key: string]: SchemaTree | Leaf }
class Leaf {
  readonly schema: JsonSchema
  constructor(schema: JsonSchema) {
    this.schema = schema
  }
}

function objectSchema(tree: SchemaTree, form: ConfigForm): JsonSchema {
  const properties = Object.entries(tree).map(([key, part]) => [
    key,
    part instanceof Leaf ? part.schema : objectSchema(part, form),
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(form === 'shown' && { required: Object.keys(tree), additionalProperties: false }),
  }
}

function schemaAt(whole: JsonSchema, path: readonly string[]): JsonSchema {
  return path.reduce(
    (node, key) => (node['properties'] as Readonly<Record<string, JsonSchema>>)[key] ?? {},
    whole,
  )
}

/** Returns the schema of a setting. A list is one text; null is an unset setting. */
function leafSchema(setting: Setting, checked: JsonSchema, form: ConfigForm): Leaf {
  const { default: fallback, unsetMeaning, unit, range, env } = setting
  const typed = checked['type'] === undefined || checked['type'] === 'array' ? { type: 'string' } : checked
  const nullable = form === 'patch' || fallback === undefined
  const schema = nullable ? { anyOf: [typed, { type: 'null' }] } : typed
  const unset = fallback === undefined ? `null: ${unsetMeaning ?? 'none'}` : `default ${fallback}`
  const facts = [range, unit, unset, `the variable ${env}`].filter((fact) => fact !== undefined)
  return new Leaf({ ...schema, description: `${setting.description} (${facts.join('; ')})` })
}
