import { isDeeperThan, isRecord, ownValue } from '../lib/record.ts'
import {
  apiNames,
  dropNameOf,
  isDropped,
  notConvertible,
  type ApiForm,
  type ConversionOptions,
  type Converted,
  type JsonMembers,
} from './conversion.ts'
import { malformedJson, modelError, type ServiceError } from './errors.ts'
import type { ClaudeTraits } from './models/claude-traits.ts'
import { arrayOf, anything, boolean, decimalBetween, integer, text, variantsOf } from './validation/checks.ts'
import {
  faultError,
  isSet,
  missing,
  plainFault,
  prefixPath,
  wrongType,
  type Check,
  type Fault,
} from './validation/fault.ts'

/** How a parameter of a request is converted. The tables in docs/gateway.md are generated from it. */
export type Parameter = { readonly name: string } & (
  | {
      /** The target has the parameter with the same name and meaning. */
      readonly kind: 'same'
      readonly type: Check
    }
  | {
      readonly kind: 'converted'
      /** What it becomes, for the documentation. */
      readonly becomes: string
      /** Returns members of the converted request. Not called for null. */
      readonly convert: (value: unknown, conversion: Conversion, body: JsonMembers) => JsonMembers
    }
  | {
      /** The target has no equivalent: 400, unless the value is the default. */
      readonly kind: 'none'
      readonly isDefault?: (value: unknown) => boolean
      /** The default, for the documentation. */
      readonly defaultText?: string
      /** Reason in the error, if it is not that the target has no equivalent. */
      readonly why?: string
    }
)

/** Types of values that are the same in both APIs. The service checks their limits. */
export const types = {
  boolean,
  decimal: decimalBetween(-Infinity, Infinity),
  integer,
  object: (value: unknown) => (isRecord(value) ? undefined : wrongType('an object', value)),
  objects: arrayOf(anything, { expected: 'an array of objects' }),
  strings: arrayOf(text(), { expected: 'an array of strings' }),
  text: text(),
} as const satisfies Readonly<Record<string, Check>>

/** Returns whether a list or an object is empty. */
export function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0
}

/** Ends a conversion. Never leaves `convertRequest`. */
class Refusal extends Error {
  readonly error: ServiceError

  constructor(error: ServiceError) {
    super(error.message)
    this.error = error
  }
}

/** The conversion of one request. Its methods throw what `convertRequest` returns as an error. */
export class Conversion {
  readonly source: ApiForm
  readonly target: ApiForm
  /** The API of the upstream, if the converted request is converted again. */
  readonly upstreamForm: ApiForm
  /** What the Claude model accepts; undefined for other models. */
  readonly claude: ClaudeTraits | undefined
  readonly #drop: ReadonlySet<string>

  constructor(source: ApiForm, target: ApiForm, { drop, claude, upstreamForm = target }: ConversionOptions) {
    this.source = source
    this.target = target
    this.upstreamForm = upstreamForm
    this.claude = claude
    this.#drop = drop
  }

  /** Whether the deployment drops a parameter. */
  drops(name: string): boolean {
    return isDropped(this.#drop, name)
  }

  /** Leaves out a value without an equivalent if the deployment drops it, and otherwise refuses the request. */
  leaveOut(param: string, why?: string, dropName = dropNameOf(param)): void {
    if (!this.drops(dropName)) throw new Refusal(notConvertible(param, this.target, why, dropName))
  }

  /** Leaves out the members of an object that are not known, like `leaveOut`. `path` is empty for the request itself. */
  leaveOutOthers(object: JsonMembers, path: string, known: { has(name: string): boolean }): void {
    for (const name of Object.keys(object)) {
      if (known.has(name)) continue
      this.leaveOut(
        path === '' ? name : `${path}.${name}`,
        `it is not a parameter of ${apiNames[this.source]}`,
      )
    }
  }

  /** Refuses a value that the check does not accept. */
  expect(value: unknown, path: string, check: Check): void {
    const fault = check(value)
    if (fault !== undefined) this.refuse(path, fault)
  }

  /** Refuses the request for a fault at a path. */
  refuse(path: string, fault: Fault): never {
    throw new Refusal(faultError(prefixPath(path, fault)))
  }

  /** Refuses options of a stream without `stream`, as both APIs do. */
  expectStream(body: JsonMembers, param: string): void {
    if (body['stream'] === true) return
    const message = `The '${param}' parameter is only allowed when 'stream' is enabled.`
    this.refuse('', plainFault(param, message))
  }

  /** Returns a required string. */
  text(object: JsonMembers, name: string, path: string): string {
    const value = object[name]
    if (value === undefined) this.refuse(path, missing(`.${name}`))
    this.expect(value, `${path}.${name}`, types.text)
    return value as string
  }

  /** Returns an object. */
  object(value: unknown, path: string): JsonMembers {
    this.expect(value, path, types.object)
    return value as JsonMembers
  }

  /** Returns a required object. */
  objectIn(object: JsonMembers, name: string, path: string): JsonMembers {
    if (object[name] === undefined) this.refuse(path, missing(`.${name}`))
    return this.object(object[name], `${path}.${name}`)
  }

  /** Returns the objects of a list, each with its path. */
  objects(value: unknown, path: string): readonly (readonly [object: JsonMembers, path: string])[] {
    this.expect(value, path, types.objects)
    return (value as readonly unknown[]).map((item, index) => {
      const at = `${path}[${index}]`
      return [this.object(item, at), at]
    })
  }

  /** Returns the conversion for a type (`type` of an object) from a table. */
  byType<T>(object: JsonMembers, path: string, table: ReadonlyMap<string, T>, tag = 'type'): T {
    const check = variantsOf(tag, new Map([...table.keys()].map((type) => [type, anything])))
    this.expect(object, path, check)
    return table.get(object[tag] as string) as T
  }

  /** Returns the members with the given names that are set, if they have the type. */
  members(object: JsonMembers, path: string, checks: Readonly<Record<string, Check>>): JsonMembers {
    const members: Record<string, unknown> = {}
    for (const [name, check] of Object.entries(checks)) {
      const value = object[name]
      if (!isSet(value)) continue
      this.expect(value, `${path}.${name}`, check)
      members[name] = value
    }
    return members
  }
}

/** The body of a request can be nested in so many levels. Deeper ones could overflow the stack when they are written. */
const MAX_NESTING = 200

/**
 * Converts the parameters of a request as a table says. Never throws: what a caller sent can have any type.
 *
 * @param finish changes what depends on several parameters
 */
export function convertRequest(
  body: unknown,
  parameters: ReadonlyMap<string, Parameter>,
  conversion: Conversion,
  finish: (converted: Record<string, unknown>, body: JsonMembers) => void,
): Converted {
  if (!isRecord(body)) return { kind: 'refused', error: malformedJson() }
  if (isDeeperThan(body, MAX_NESTING)) return { kind: 'refused', error: nestedTooDeep() }
  try {
    const converted: Record<string, unknown> = {}
    conversion.leaveOutOthers(body, '', parameters)
    for (const parameter of parameters.values()) {
      const value = ownValue(body, parameter.name)
      if (isSet(value)) addParameter(converted, parameter, value, conversion, body)
    }
    finish(converted, body)
    return { kind: 'converted', body: converted }
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', error: error.error }
    throw error
  }
}

function nestedTooDeep(): ServiceError {
  const message = `Could not convert the request: it has more than ${MAX_NESTING} nested levels. Send fewer.`
  return { ...modelError(message, null, 'invalid_value'), envelope: 'compact' }
}

function addParameter(
  converted: Record<string, unknown>,
  parameter: Parameter,
  value: unknown,
  conversion: Conversion,
  body: JsonMembers,
): void {
  const { name } = parameter
  if (parameter.kind === 'none') {
    if (parameter.isDefault?.(value) !== true) conversion.leaveOut(name, parameter.why)
  } else if (parameter.kind === 'same') {
    conversion.expect(value, name, parameter.type)
    converted[name] = value
  } else {
    addMembers(converted, parameter.convert(value, conversion, body))
  }
}

/** Lists and objects of several parameters are joined. For other values, the earlier one applies. */
function addMembers(converted: Record<string, unknown>, members: JsonMembers): void {
  for (const [name, value] of Object.entries(members)) {
    const before = converted[name]
    if (before === undefined) converted[name] = value
    else if (Array.isArray(before) && Array.isArray(value)) converted[name] = [...before, ...value]
    else if (isRecord(before) && isRecord(value)) converted[name] = { ...before, ...value }
  }
}
