import type { z } from 'zod'
import { showValue } from '../../config/show-value.ts'
import { describeFirst } from '../../lib/error-text.ts'
import { nearestNames } from '../../lib/nearest-names.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'

/** A query parameter. */
export interface QueryParameter {
  readonly name: string
  readonly description: string
  /** Of type `string`, `integer` or `boolean`. */
  readonly schema: JsonSchema
  readonly check: z.ZodType
}

/** Made when they are first asked for: JSON Schemas take milliseconds, which a test with many simulators would pay for each. */
const known = new WeakMap<z.ZodObject, readonly QueryParameter[]>()

/** Lists the parameters of a query. */
export function queryParameters(query: z.ZodObject | undefined): readonly QueryParameter[] {
  if (!query) return []
  let parameters = known.get(query)
  if (!parameters) {
    parameters = Object.entries(query.shape).map(([name, check]) => {
      const { description, ...schema } = jsonSchemaOf(check as z.ZodType)
      return { name, description: String(description), schema, check: check as z.ZodType }
    })
    known.set(query, parameters)
  }
  return parameters
}

/** Values by name, in the type of their parameter, or every problem of the query, a sentence or two each. */
export type ReadQuery =
  { readonly values: Readonly<Record<string, unknown>> } | { readonly problems: readonly string[] }

/** Reads a query by the parameters that a route has. A name that it has not is a problem: it would be passed over unseen. */
export function readQuery(given: URLSearchParams, parameters: readonly QueryParameter[]): ReadQuery {
  const values: Record<string, unknown> = {}
  const wrong: (() => string)[] = []
  for (const [name, text] of given) {
    const parameter = parameters.find((known) => known.name === name)
    if (!parameter) {
      wrong.push(() => describeUnknown(name, parameters))
      continue
    }
    const { success, data } = parameter.check.safeParse(typedValue(text, parameter.schema))
    if (success) values[name] = data
    else wrong.push(() => `${name} must be ${rangeOf(parameter)} (got ${showValue(text)}).`)
  }
  if (wrong.length > 0) return { problems: describeFirst(wrong, (describe) => describe()) }
  for (const { name, check } of parameters) values[name] ??= check.parse(undefined)
  return { values }
}

function describeUnknown(name: string, parameters: readonly QueryParameter[]): string {
  const known = parameters.map((parameter) => parameter.name)
  const [nearest] = nearestNames(name, known, 1)
  const hint =
    known.length === 0
      ? 'There are none here.'
      : nearest === undefined
        ? `There are ${known.join(', ')}.`
        : `Did you mean ${nearest}?`
  return `${showValue(name)} is no parameter of this path. ${hint}`
}

/** A text that is not of the type stays as it is, and is refused by the check. */
function typedValue(text: string, { type }: JsonSchema): unknown {
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text
}

function rangeOf({ description, schema }: QueryParameter): string {
  const { type, minimum, maximum, enum: choices } = schema
  if (type === 'boolean') return 'true or false'
  if (Array.isArray(choices)) return `one of ${choices.join(', ')}`
  if (type !== 'integer') return `of its form: ${description}`
  return maximum === undefined
    ? `an integer of at least ${Number(minimum)}`
    : `an integer from ${Number(minimum)} to ${Number(maximum)}`
}
