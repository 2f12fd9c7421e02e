import * as z from 'zod'
import { type DeploymentKey, deploymentKeys } from './deployment-keys.ts'
import { isRecord } from '../lib/record.ts'
import { configFileSchema } from './config-file-schema.ts'
import { mapValues, upstreamSettingsByName } from './file-settings.ts'
import { snakeKey } from './mapping-file.ts'
import { patchableSettings } from './patches.ts'
import { deploymentEntrySchema } from './resolve-deployment.ts'
import { settingsSchema } from './settings-schema.ts'
import { isResourceSetting } from './resource-entry.ts'
import { setAt, type Setting, settingName, settingsTable } from './settings-table.ts'

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The object that a schema describes: the answer of GET /++/config, or a patch of it. */
export type ConfigForm = 'shown' | 'patch'

const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** Components of an OpenAPI document, by their definition in the schema of the configuration file. */
const componentNames: Readonly<Record<string, string>> = {
  latency: 'DeploymentLatency',
  distribution: 'Distribution',
  fault_kind: 'Fault',
  deployment_fault: 'DeploymentFaultRule',
  fault: 'FaultRule',
  incidents: 'IncidentTimetable',
}

/** Schemas for keys of a deployment that are validated separately. */
const partSchemas: Readonly<Record<string, JsonSchema>> = {
  latency: { type: 'object', ...schemaRef('DeploymentLatency') },
  faults: { type: 'array', items: schemaRef('DeploymentFaultRule') },
}

/** The schema of a list of faults for all deployments. */
export const faultListSchema: JsonSchema = { type: 'array', items: schemaRef('FaultRule') }

/** Returns the schemas of latency, faults and timetables by their component, with keys in snake_case. */
export function componentSchemas(): Readonly<Record<string, JsonSchema>> {
  const { definitions } = configFileSchema() as { definitions: Readonly<Record<string, unknown>> }
  const entries = Object.entries(componentNames).map(([name, component]) => [
    component,
    inApi(definitions[name]),
  ])
  return Object.fromEntries(entries) as Readonly<Record<string, JsonSchema>>
}

const variablePointer = '#/definitions/variable'

/** Converts a schema of the configuration file, where values can also be variables and keys in camelCase, to draft 2020-12. */
function inApi(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(inApi)
  if (!isRecord(node)) return node
  const { $ref, anyOf, items, allOf, ...others } = node
  if (typeof $ref === 'string') return schemaRef(componentNames[$ref.replace('#/definitions/', '')] ?? '')
  for (const key of ['patternProperties', 'additionalProperties', 'additionalItems']) delete others[key]
  const rest = mapValues(others, (value, key) =>
    key === 'properties' ? mapValues(value as JsonSchema, inApi) : inApi(value),
  )
  const forms = listOf(anyOf).filter((form) => !isRecord(form) || form['$ref'] !== variablePointer)
  const [single] = forms.map(inApi) as JsonSchema[]
  const parts = listOf(allOf)
  const schemas = parts.map(inApi) as JsonSchema[]
  // A required key with two spellings, of which the first is in snake_case.
  const spelled = parts.flatMap((part) => requiredOf(listOf((part as JsonSchema)['anyOf'])[0]))
  const required = [...requiredOf(node), ...spelled]
  return {
    ...(forms.length === 1 ? single : forms.length > 1 && { anyOf: forms.map(inApi) }),
    ...(spelled.length === 0 && parts.length > 0 && (parts.length === 1 ? schemas[0] : { allOf: schemas })),
    ...rest,
    ...(required.length > 0 && { required }),
    ...(Array.isArray(items)
      ? { prefixItems: items.map(inApi), items: false }
      : items !== undefined && { items: inApi(items) }),
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function requiredOf(schema: unknown): readonly unknown[] {
  return isRecord(schema) ? listOf(schema['required']) : []
}

/** Returns the schema of a deployment, with keys in snake_case. */
export function deploymentJsonSchema(): {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
} {
  const { properties = {}, required = [] } = z.toJSONSchema(deploymentEntrySchema, { unrepresentable: 'any' })
  const described = Object.entries(properties).map(([key, schema]) => [
    snakeKey(key),
    { ...(partSchemas[key] ?? (schema as JsonSchema)), description: describeKey(key) },
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

const keyProperties: Readonly<Record<string, JsonSchema>> = {
  id: {
    type: 'string',
    description: 'That of an existing key, which stays the same; absent: derived from the key.',
  },
  key: { type: 'string', description: 'The key (1 to 256 visible ASCII characters; secret)' },
  hash: { type: 'string', description: 'SHA-256 of the key in hexadecimal digits, instead of the key.' },
  label: { type: ['string', 'null'], description: 'Name for people.' },
  enabled: { type: 'boolean', description: 'Whether requests with the key are accepted; absent: true.' },
  created_at: { type: ['string', 'null'], description: 'Set by the simulator.' },
}

/** Returns the schema of a resource, with all settings that it can have. Null is an absent setting. */
export function resourceJsonSchema(): JsonSchema {
  const whole = z.toJSONSchema(settingsSchema, { unrepresentable: 'any', io: 'input' }) as JsonSchema
  const root: SchemaTree = {}
  for (const setting of settingsTable().filter(isResourceSetting)) {
    const { default: _, pattern, ...checked } = schemaAt(whole, setting.path)
    const isList = checked['type'] === undefined || checked['type'] === 'array'
    const form = isList
      ? { type: ['string', 'number', 'array'] }
      : { ...checked, ...(pattern !== undefined && !setting.secret && { pattern }) }
    setAt(root, settingName(setting).split('.'), leafSchema(setting, form, 'patch'))
  }
  const settings = objectSchema(root, 'patch')
  return {
    ...settings,
    properties: {
      upstream: {
        type: ['string', 'null'],
        description: 'Name of an upstream; absent: that of the default resource.',
      },
      keys: {
        type: 'array',
        items: { anyOf: [{ type: 'string' }, { type: 'object', properties: keyProperties }] },
        description: 'Keys of clients; absent: those that the resource has.',
      },
      deployments: {
        type: 'object',
        additionalProperties: schemaRef('Deployment'),
        description: 'Deployments by name.',
      },
      faults: {
        ...faultListSchema,
        description: 'Faults for all deployments of the resource (docs/faults.md).',
      },
      incidents: {
        ...schemaRef('IncidentTimetable'),
        description: 'Timetable that begins at start (docs/incidents.md).',
      },
      ...(settings['properties'] as JsonSchema),
    },
    description: 'An entry of resources in the configuration file.',
  }
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
    part instanceof Leaf ? part.schema : groupSchema(part, form),
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(form === 'shown' && { required: Object.keys(tree), additionalProperties: false }),
  }
}

/** Null in a patch resets all settings of the group. */
function groupSchema(tree: SchemaTree, form: ConfigForm): JsonSchema {
  const schema = objectSchema(tree, form)
  return form === 'patch' ? { ...schema, type: ['object', 'null'] } : schema
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
