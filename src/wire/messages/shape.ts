import { isRecord } from '../../lib/record.ts'

/**
 * Checks the shape of a value. Returns the message of the first problem, which begins with its path, or undefined. The messages are
 * those of the service, as in public reports: `max_tokens: Field required`.
 */
export type Shape = (value: unknown, path: string) => string | undefined

/** Members of an object by name. A member that is not required has `optional`. */
export type Members = Readonly<Record<string, Shape>>

const optionalShapes = new WeakSet<Shape>()

/** A member that can be absent. */
export function optional(shape: Shape): Shape {
  const made: Shape = (value, path) => (value === undefined ? undefined : shape(value, path))
  optionalShapes.add(made)
  return made
}

/** A member that can be absent or null. */
export function nullable(shape: Shape): Shape {
  return optional((value, path) => (value === null ? undefined : shape(value, path)))
}

/** Any value. */
export const anything: Shape = () => undefined

/** Returns a shape with a condition and the message of values that do not meet it. */
function shapeOf(isValid: (value: unknown) => boolean, message: string): Shape {
  return (value, path) => (isValid(value) ? undefined : `${path}: ${message}`)
}

export const text = shapeOf((value) => typeof value === 'string', 'Input should be a valid string')
export const flag = shapeOf((value) => typeof value === 'boolean', 'Input should be a valid boolean')
export const dictionary = shapeOf(isRecord, 'Input should be a valid dictionary')

/** A text that matches a pattern. */
export function textLike(pattern: RegExp): Shape {
  return (value, path) =>
    text(value, path) ??
    (pattern.test(value as string) ? undefined : `${path}: String should match pattern '${pattern.source}'`)
}

/** A text with a minimum length. */
export function textFrom(minimum: number): Shape {
  return (value, path) =>
    text(value, path) ??
    ((value as string).length >= minimum
      ? undefined
      : `${path}: String should have at least ${minimum} character${minimum === 1 ? '' : 's'}`)
}

/** An integer of at least `minimum`. */
export function integer(minimum: number): Shape {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value))
      return `${path}: Input should be a valid integer`
    return value < minimum ? `${path}: Input should be greater than or equal to ${minimum}` : undefined
  }
}

/** A number between two limits. */
export function numberBetween(minimum: number, maximum: number): Shape {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return `${path}: Input should be a valid number`
    if (value < minimum) return `${path}: Input should be greater than or equal to ${minimum}`
    return value > maximum ? `${path}: Input should be less than or equal to ${maximum}` : undefined
  }
}

/** One of several texts. */
export function oneOf(values: readonly string[]): Shape {
  return shapeOf(
    (value) => typeof value === 'string' && values.includes(value),
    `Input should be ${listOf(values)}`,
  )
}

function listOf(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`)
  const last = quoted.pop() ?? ''
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`
}

/** A list of values of a shape. */
export function listWith(item: Shape): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) return `${path}: Input should be a valid list`
    for (const [index, each] of value.entries()) {
      const problem = item(each, `${path}.${index}`)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

/** A text, or a list of values of a shape. */
export function textOrList(item: Shape): Shape {
  const list = listWith(item)
  return (value, path) => (typeof value === 'string' ? undefined : list(value, path))
}

/** An object with these members and no others. */
export function object(members: Members): Shape {
  const names = Object.keys(members)
  return (value, path) => {
    const prefix = path === '' ? '' : `${path}.`
    if (!isRecord(value)) return `${path === '' ? 'body' : path}: Input should be a valid dictionary`
    for (const name of names) {
      const shape = members[name] ?? anything
      if (value[name] === undefined && !optionalShapes.has(shape)) return `${prefix}${name}: Field required`
      const problem = shape(value[name], `${prefix}${name}`)
      if (problem !== undefined) return problem
    }
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(members, name))
    return unknown === undefined ? undefined : `${prefix}${unknown}: Extra inputs are not permitted`
  }
}

/**
 * An object with one of several shapes, by its member `type`. Paths contain the tag: `messages.0.content.0.text.text`.
 *
 * @param byDefault the tag of objects without one; absent: it is required
 */
export function tagged(shapes: Readonly<Record<string, Members>>, byDefault?: string): Shape {
  const made = new Map(
    Object.entries(shapes).map(([tag, members]) => [
      tag,
      object({ type: tag === byDefault ? nullable(anything) : anything, ...members }),
    ]),
  )
  const tags = [...made.keys()].map((tag) => `'${tag}'`).join(', ')
  return (value, path) => {
    if (!isRecord(value)) return `${path}: Input should be a valid dictionary`
    const tag = value['type'] ?? byDefault
    if (tag === undefined) return `${path}.type: Field required`
    const shape = typeof tag === 'string' ? made.get(tag) : undefined
    if (shape && typeof tag === 'string') return shape(value, `${path}.${tag}`)
    const shown =
      typeof tag === 'string' ? tag.slice(0, MAX_SHOWN_TAG) : JSON.stringify(tag).slice(0, MAX_SHOWN_TAG)
    return `${path}: Input tag '${shown}' found using 'type' does not match any of the expected tags: ${tags}`
  }
}

const MAX_SHOWN_TAG = 100
