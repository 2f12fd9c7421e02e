import type { HeaderPairs } from './interaction.ts'
import { isYamlList, isYamlMap, textOf, toJson, type YamlMap, type YamlValue } from './yaml-value.ts'

/** An invalid field of a recording. Thrown by the readers of formats, caught by `readInteraction`. */
export class FieldError extends Error {
  constructor(message: string) {
    // A stack trace would take most of the time for a file with many errors.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** The map under a key. @throws {FieldError} if it is missing or not a map */
export function requireMap(map: YamlMap, name: string): YamlMap {
  const value = map.get(name)
  if (isYamlMap(value)) return value
  if (value === undefined) throw new FieldError(missingField(map, 'the interaction', name))
  throw new FieldError(`${name} must be a map (got ${describeValue(value)})`)
}

/** The reason why a map is refused without a key. @param where the map, in words */
export function missingField(map: YamlMap, where: string, name: string): string {
  const names = [...map.keys()].join(', ')
  return `${where} has no ${name} (it has ${names === '' ? 'nothing' : names})`
}

/** A value in words, for a message. */
export function describeValue(value: YamlValue | undefined): string {
  if (value === undefined || value === null) return 'nothing'
  const text = textOf(value)
  if (text !== undefined) return JSON.stringify(text.slice(0, 40))
  return isYamlList(value) ? 'a list' : isYamlMap(value) ? 'a map' : 'bytes'
}

/** A header value is a list or a scalar; null is an empty header. */
export function readHeaders(value: YamlValue | undefined, path: string): HeaderPairs {
  if (value === undefined || value === null) return []
  if (!isYamlMap(value)) throw new FieldError(`${path} must map names to lists of values`)
  return [...value].flatMap(([name, entry]): HeaderPairs => {
    const values = isYamlList(entry) ? entry : [entry]
    return values.map((item) => [name, headerText(item)] as const)
  })
}

/** The text of a header value. */
export function headerText(value: YamlValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  // No recorder writes a map or a list as a header value, but credentials in one must be found.
  if (isYamlMap(value) || isYamlList(value)) return JSON.stringify(toJson(value))
  return textOf(value) ?? ''
}

/**
 * The bytes of a body, which may be text, bytes or JSON; undefined if it is null. A Python object of an upload
 * (`!!python/object/new:_io.BytesIO`) has its bytes as the first element of a list.
 */
export function readBodyBytes(value: YamlValue): Uint8Array | undefined {
  if (value === null) return undefined
  if (value instanceof Uint8Array) return value
  const text = textOf(value)
  if (text !== undefined) return Buffer.from(text)
  if (isYamlMap(value)) {
    const state = value.get('state') ?? null
    if (isYamlList(state)) return readBodyBytes(state[0] ?? null)
    const base64 = textOf(value.get('base64_string'))
    if (base64 !== undefined) return Buffer.from(base64, 'base64')
    if (value.has('string')) return readBodyBytes(value.get('string') ?? null)
  }
  return Buffer.from(JSON.stringify(toJson(value)))
}
