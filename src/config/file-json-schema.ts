import * as z from 'zod'
import { distributionSchema } from './distribution.ts'
import { faultSchema } from './fault-rules.ts'
import { camelKey, fileForms } from './mapping-file.ts'
import type { JsonSchema } from './patch-json-schema.ts'
import type { Setting } from './settings-table.ts'

/** The schema of `{ env: NAME }`. */
export const variable: JsonSchema = {
  description: 'The value of a variable of the environment or of .env.',
  type: 'object',
  properties: { env: { type: 'string', minLength: 1, description: 'Name of the variable.' } },
  required: ['env'],
  additionalProperties: false,
}

/** A reference to the definition of `variable`. */
export const variableRef: JsonSchema = { $ref: '#/definitions/variable' }

/** Returns the schema of a mapping with these keys, each also in camelCase. Editors complete only the keys in snake_case. */
export function mappingSchema(
  properties: Readonly<Record<string, unknown>>,
  pointer: string,
  aliases: Readonly<Record<string, string>> = {},
): JsonSchema {
  const camel = Object.keys(properties).flatMap((key) =>
    camelKey(key) === key ? [] : [[camelKey(key), key]],
  )
  const patterns = [...camel, ...Object.entries(aliases)].map(([other, key]) => [
    `^${other ?? ''}$`,
    { $ref: `${pointer}/properties/${key ?? ''}` },
  ])
  return {
    type: 'object',
    properties,
    ...(patterns.length > 0 && { patternProperties: Object.fromEntries(patterns) as JsonSchema }),
    additionalProperties: false,
  }
}

const numberText = String.raw`^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$`
const booleanText = '^(true|on|yes|1|false|off|no|0)$'

/** Returns the schema of a setting: its values, their text in a variable, or the variable itself. */
export function settingSchema(setting: Setting): JsonSchema {
  const { description, range, unit, default: fallback, unsetMeaning, env, secret } = setting
  const { default: _, ...checked } = jsonOf(setting.schema)
  const unset = fallback === undefined ? `unset: ${unsetMeaning ?? 'none'}` : `default ${fallback}`
  const facts = [range, unit, unset, `variable ${env}`, secret ? 'secret' : undefined]
  const value = fallback === undefined ? undefined : setting.read(fallback)
  return {
    description: `${description} (${facts.filter((fact) => fact !== undefined).join('; ')})`,
    anyOf: [...valueForms(checked, setting.read), variableRef],
    ...(value !== undefined && { default: Array.isArray(value) ? fallback : value }),
  }
}

/** Words that some settings accept in addition to the documented ones. */
const synonyms = ['on', 'off', 'yes', 'no', '1', '0', 'WARNING', 'CRITICAL']

/** Returns the alternatives of a value with those that are text in a variable. */
function valueForms(schema: JsonSchema, read: Setting['read']): JsonSchema[] {
  const { anyOf, type, enum: words } = schema
  if (Array.isArray(anyOf)) return (anyOf as JsonSchema[]).flatMap((form) => valueForms(form, read))
  if (type === 'integer' || type === 'number')
    return [{ ...schema, type: [type, 'string'], pattern: numberText }]
  if (type === 'boolean') return [schema, { type: 'string', pattern: booleanText }]
  if (type === 'array') return [schema, { type: 'string', minLength: 1 }]
  if (!Array.isArray(words)) return [schema]
  const others = synonyms.filter((word) => words.includes(read(word)) && !words.includes(word))
  return [
    schema,
    ...(words.includes('true') ? [{ type: 'boolean' }] : []),
    ...(others.length > 0 ? [{ enum: others }] : []),
  ]
}

/** Definitions of values that occur in many places. */
const shared: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [faultSchema, 'fault_kind'],
  [distributionSchema, 'distribution'],
])

/** Returns the JSON Schema of a value in a file, before it is converted. */
export function jsonOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    reused: 'inline',
    override({ zodSchema, jsonSchema }) {
      // A pattern of JSON Schema has no flags.
      if (zodSchema instanceof z.ZodString && ignoresCase(zodSchema)) delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      const forms = zodSchema instanceof z.ZodType ? fileForms.get(zodSchema) : undefined
      const definition = (zodSchema as unknown) === schema ? undefined : shared.get(zodSchema as unknown)
      if (!forms && definition === undefined) return
      const own = { ...jsonSchema }
      for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key]
      const replaced =
        definition === undefined
          ? (forms?.form ?? { anyOf: [forms?.also, own] })
          : { $ref: `#/definitions/${definition}` }
      Object.assign(jsonSchema, replaced)
    },
  })
  return json
}

function ignoresCase({ def }: z.ZodString): boolean {
  return (def.checks ?? []).some(
    ({ _zod: { def: check } }) => 'pattern' in check && (check.pattern as RegExp).ignoreCase,
  )
}
