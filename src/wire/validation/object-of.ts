import {
  faultHere,
  isObject,
  missing,
  notOneOf,
  quotedList,
  under,
  wrongType,
  type Check,
  type Fault,
  type JsonObject,
} from './fault.ts'
import { namesNear } from './spelling.ts'

/** A key that an object may have. The order of fields is the order in which faults are reported. */
export interface Field {
  readonly name: string
  readonly check: Check
  readonly required: boolean
}

/** A field that may be absent; null counts as absent. */
export function optional(name: string, check: Check): Field {
  return { name, check, required: false }
}

/** A field that must be there; null is a value of the wrong type. */
export function required(name: string, check: Check): Field {
  return { name, check, required: true }
}

interface Entry {
  readonly step: string
  readonly check: Check
  readonly rank: number
  readonly required: boolean
}

/** A fault that is to come last ranks behind all fields of an object. */
const lastRank = 1_000

/**
 * Accepts objects with the given fields. `unknownKeys: 'refuse'` also refuses other keys. Reported first is a
 * missing field, then an unknown key, then the fault of the earliest field: the order measured on the service.
 */
export function objectOf(fields: readonly Field[], unknownKeys: 'refuse' | 'ignore' = 'refuse'): Check {
  const table = new Map<string, Entry>(
    fields.map(({ name, check, required }, rank) => [name, { step: `.${name}`, check, rank, required }]),
  )
  const requiredNames = fields.filter((field) => field.required).map((field) => field.name)
  const strict = unknownKeys === 'refuse'

  return (value) => {
    if (!isObject(value)) return wrongType('an object', value)
    for (const name of requiredNames) {
      if (value[name] === undefined) return missing(`.${name}`)
    }
    let first: Fault | undefined
    let firstRank = Infinity
    // Over the keys sent, not the fields known: a request names five of forty. JSON.parse gives own keys only.
    // oxlint-disable-next-line guard-for-in
    for (const key in value) {
      const entry = table.get(key)
      if (entry === undefined) {
        if (strict) return unknownKey(key, value, table)
        continue
      }
      const item = value[key]
      if ((item === null || item === undefined) && !entry.required) continue
      const fault = entry.check(item)
      if (fault === undefined) continue
      const rank = fault.last === true ? lastRank + entry.rank : entry.rank
      if (rank >= firstRank) continue
      first = under(entry.step, fault)
      firstRank = rank
    }
    return first
  }
}

function unknownKey(key: string, object: JsonObject, table: ReadonlyMap<string, Entry>): Fault {
  const near = namesNear(key, table.keys()).filter((name) => object[name] === undefined)
  const help = near.length === 0 ? '' : ` Did you mean ${quotedList(near, 'or')}?`
  const message = (path: string) => `Unknown parameter: '${path}'.${help}`
  return under(`.${key}`, faultHere('unknown_parameter', message))
}

/** Accepts objects whose `tag` names the check that they must pass. */
export function variantsOf(tag: string, variants: ReadonlyMap<string, Check>): Check {
  const supported = [...variants.keys()]
  return (value) => {
    if (!isObject(value)) return wrongType('an object', value)
    const name = value[tag]
    if (name === undefined) return missing(`.${tag}`)
    if (typeof name !== 'string') {
      return under(`.${tag}`, wrongType(`one of ${quotedList(supported, 'or')}`, name))
    }
    const check = variants.get(name)
    return check ? check(value) : under(`.${tag}`, notOneOf(name, supported))
  }
}
