import { anyBody, type Interaction, type RecordedRequest } from '../interaction.ts'
import { describeValue, FieldError, missingField } from '../read-fields.ts'
import { isYamlMap, numberOf, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'

/** An interaction of a file that is read as a whole. */
export interface FormatItem {
  /** The map at which the interaction begins, for its line. */
  readonly at: YamlMap
  /**
   * Returns the interaction, or undefined if the tool keeps something else there, such as a request without an answer.
   *
   * @throws {FieldError} if it cannot be replayed
   */
  readonly read: () => Interaction | undefined
}

/** A file format of a tool. */
export interface RecordingFormat {
  /** As messages name it: `HAR file`. */
  readonly name: string
  /**
   * Returns the interactions of a file, or undefined if the file has another format.
   *
   * @param root the content of the file
   * @param file the path of the file
   */
  readonly itemsOf: (root: YamlValue, file: string) => readonly FormatItem[] | undefined
}

/** The interactions of a list of entries, each of which is a map. */
export function entryItems(
  entries: readonly YamlValue[],
  read: (entry: YamlMap) => Interaction | undefined,
): FormatItem[] {
  return entries.map((value, index) => ({
    at: isYamlMap(value) ? value : new Map(),
    read: () => read(requireItem(value, `entry ${index + 1}`)),
  }))
}

/** The map in a list or under a key. @throws {FieldError} if it is not a map */
export function requireItem(value: YamlValue | undefined, what: string): YamlMap {
  if (isYamlMap(value)) return value
  throw new FieldError(`${what} must be a map (got ${describeValue(value)})`)
}

/** The text under a key. @throws {FieldError} if it is missing or empty */
export function requireText(map: YamlMap, where: string, name: string): string {
  const text = textOf(map.get(name))
  if (text) return text
  throw new FieldError(missingField(map, where, name))
}

/** Converts the status of an answer. @throws {FieldError} if it is not final or not an HTTP status */
export function requireStatus(value: YamlValue | undefined, where: string): number {
  const code = numberOf(value)
  if (code !== undefined && Number.isInteger(code) && code >= 200 && code <= 999) return code
  throw new FieldError(`${where} must be an integer from 200 to 999 (got ${describeValue(value)})`)
}

/**
 * Creates the interaction of a tool that stores an answer as bytes.
 *
 * @param request `isAnyBody`: its body was not stored, so every body matches
 */
export function interactionOf(
  request: Omit<RecordedRequest, 'bodyHash'> & { readonly isAnyBody?: boolean },
  answer: {
    readonly code: number
    readonly message?: string | undefined
    readonly headers: Interaction['response']['headers']
    readonly bytes: Uint8Array | undefined
    readonly durationMs?: number | undefined
  },
): Interaction {
  const { code, message, headers, bytes, durationMs } = answer
  const { isAnyBody, ...recorded } = request
  return {
    request: { ...recorded, method: request.method.toUpperCase(), bodyHash: isAnyBody ? anyBody : undefined },
    response: {
      status: { code, message: message || undefined },
      headers,
      body: { kind: 'bytes', bytes: bytes ?? Buffer.alloc(0) },
      durationMs: durationMs === undefined ? undefined : Math.max(0, durationMs),
    },
    contextValues: {},
  }
}

/** The bytes of a JSON value that a tool stores as a value. A text is itself the body; undefined for null. */
export function jsonBody(value: YamlValue | undefined): Uint8Array | undefined {
  if (value === undefined || value === null) return undefined
  if (value instanceof Uint8Array) return value
  return Buffer.from(typeof value === 'string' ? value : jsonText(value))
}

/** Writes a value as JSON. Numbers keep their digits, which `JSON.parse` would round. */
export function jsonText(value: YamlValue): string {
  if (value === null || typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (isYamlMap(value))
    return `{${[...value].map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(',')}}`
  const text = textOf(value)
  if (text !== undefined) return text
  return `[${(value as readonly YamlValue[]).map(jsonText).join(',')}]`
}

const hex = /^(?:[\da-f]{2})+$/i
const base64 = /^[\w+/-]+={0,2}$/

/** The bytes of a text in hexadecimal digits; undefined for any other text. */
export function fromHex(text: string): Buffer | undefined {
  return hex.test(text) ? Buffer.from(text, 'hex') : undefined
}

/** The bytes of a text in base64 without line breaks; undefined for any other text. */
export function fromBase64(text: string): Buffer | undefined {
  return base64.test(text) ? Buffer.from(text, 'base64') : undefined
}
