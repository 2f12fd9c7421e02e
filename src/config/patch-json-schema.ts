import { z } from 'zod'
import { type DeploymentKey, deploymentKeys } from './deployment-keys.ts'
import { snakeKey } from './mapping-file.ts'
import { patchableSettings } from './patches.ts'
import { deploymentEntrySchema } from './resolve-deployment.ts'
import { settingsSchema } from './settings-schema.ts'
import { setAt, type Setting } from './settings-table.ts'

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a schema describes: what GET /++/config shows, or the part of it that a patch may hold. */
export type ConfigForm = 'shown' | 'patch'

/** Those of a deployment's keys whose own check has no form as a JSON Schema. */
const loose: Readonly<Record<string, JsonSchema>> = {
  latency: { type: 'object' },
  faults: { type: 'array', items: { type: 'object' } },
}

/** The schema of a deployment's entry, in snake_case. */
export function deploymentJsonSchema(): {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
} {
  const { properties = {}, required = [] } = z.toJSONSchema(deploymentEntrySchema, { unrepresentable: 'any' })
  const described = Object.entries(properties).map(([key, schema]) => [
    snakeKey(key),
    { ...(schema as JsonSchema), ...loose[key], description: describeKey(key) },
  ])
  return { properties: Object.fromEntries(described), required: required.map(snakeKey) }
}

function describeKey(key: string): string | undefined {
  const described = (deploymentKeys as Readonly<Record<string, DeploymentKey>>)[key]
  return described && `${described.meaning}; absent: ${described.whenAbsent}.`
}

/**
 * The schema of all settings that can change at run time, without the deployments and the faults.
 *
 * @param form a patch may leave out anything, and null puts a setting back to its default
 */
export function settingsJsonSchema(form: ConfigForm): JsonSchema {
  const whole = z.toJSONSchema(settingsSchema, { unrepresentable: 'any' }) as JsonSchema
  const root: SchemaTree = {}
  for (const [place, setting] of patchableSettings()) {
    setAt(root, place.split('.'), leafSchema(setting, schemaAt(whole, setting.path), form))
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

/** A list stands there in the one text in which it was given; null is what nobody set. */
function leafSchema(setting: Setting, checked: JsonSchema, form: ConfigForm): Leaf {
  const { default: fallback, unsetMeaning, unit, range, env } = setting
  const typed = checked['type'] === undefined || checked['type'] === 'array' ? { type: 'string' } : checked
  const nullable = form === 'patch' || fallback === undefined
  const schema = nullable ? { anyOf: [typed, { type: 'null' }] } : typed
  const usual = fallback === undefined ? `null: ${unsetMeaning ?? 'none'}` : `default ${fallback}`
  const facts = [range, unit, usual, `the variable ${env}`].filter((fact) => fact !== undefined)
  return new Leaf({ ...schema, description: `${setting.description} (${facts.join('; ')})` })
}
