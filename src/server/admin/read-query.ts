import { describeFirst } from '../../lib/error-text.ts'
import { nearestNames } from '../../lib/nearest-names.ts'
import { showValue } from '../../config/show-value.ts'
import type { QueryParameter } from './admin-route.ts'

/** Checked values, or what is wrong with them: a sentence or two each. */
export type ReadQuery =
  | { readonly values: Readonly<Record<string, string | number | boolean>> }
  | { readonly problems: readonly string[] }

/** Reads a query by the parameters that a route has. A name that it has not is a problem: it would be passed over unseen. */
export function readQuery(given: URLSearchParams, parameters: readonly QueryParameter[]): ReadQuery {
  const values: Record<string, string | number | boolean> = {}
  const wrong: (() => string)[] = []
  for (const [name, text] of given) {
    const parameter = parameters.find((known) => known.name === name)
    if (!parameter) {
      wrong.push(() => describeUnknown(name, parameters))
      continue
    }
    const value = readValue(text, parameter)
    if (value === undefined) {
      wrong.push(() => `${name} must be ${rangeOf(parameter)} (got ${showValue(text)}).`)
    } else values[name] = value
  }
  return wrong.length > 0 ? { problems: describeFirst(wrong, (describe) => describe()) } : { values }
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

function readValue(text: string, { schema }: QueryParameter): string | number | boolean | undefined {
  const { type, minimum = -Infinity, maximum = Infinity, pattern, enum: choices } = schema
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (type === 'integer') {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    return number >= Number(minimum) && number <= Number(maximum) ? number : undefined
  }
  if (typeof pattern === 'string' && !new RegExp(pattern).test(text)) return undefined
  if (Array.isArray(choices) && !choices.includes(text)) return undefined
  return text
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
