import type { HeaderPairs, Interaction, RecordedBody, RecordedEvent } from './interaction.ts'
import { headerText } from './read-fields.ts'
import { eventFields, headerOrder } from './yaml-format.ts'
import { binaryBlock, utf8Text, yamlText } from './yaml-scalar.ts'
import {
  fromJson,
  isYamlList,
  isYamlMap,
  PlainText,
  textOf,
  toJson,
  type YamlMap,
  type YamlValue,
} from './yaml-value.ts'

/** Writes a list item with its line feed. */
export function writeItem(value: YamlValue): string {
  return `- ${writeNode(value, 2)}\n`
}

/** Writes a map as a file. */
export function writeFile(root: YamlMap): string {
  return `${mapLines(root, 0)}\n`
}

/** Writes a value after the start of its first line. Further lines are indented by `column` spaces. */
function writeNode(value: YamlValue, column: number): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return yamlText(value, column)
  if (value instanceof PlainText) return value.text
  if (value instanceof Uint8Array) return binaryBlock(value, column)
  if (isYamlMap(value)) return value.size === 0 ? '{}' : mapLines(value, column)
  const margin = ' '.repeat(column)
  return value.length === 0
    ? '[]'
    : value.map((item) => `- ${writeNode(item, column + 2)}`).join(`\n${margin}`)
}

function mapLines(map: YamlMap, column: number): string {
  const margin = ' '.repeat(column)
  return [...map]
    .map(([key, value]) => `${keyText(key)}:${writeMember(key, value, column)}`)
    .join(`\n${margin}`)
}

function writeMember(key: string, value: YamlValue, column: number): string {
  // On one line, like the recorder, which recognizes complete items by it.
  if (key === 'context_values' && isYamlMap(value)) return ` ${JSON.stringify(toJson(value))}`
  if (isYamlList(value) && value.length > 0) return `\n${' '.repeat(column)}${writeNode(value, column)}`
  if (isYamlMap(value) && value.size > 0) return `\n${' '.repeat(column + 2)}${writeNode(value, column + 2)}`
  return ` ${writeNode(value, column + 2)}`
}

function keyText(key: string): string {
  return /[\n\r]/.test(key) ? JSON.stringify(key) : yamlText(key, 0)
}

/**
 * Updates the list item of a changed interaction. Unchanged values keep their order and format, and unknown keys stay, because other
 * tools may read them.
 */
export function patchItem(item: YamlMap, before: Interaction, after: Interaction): YamlMap {
  const { request, response } = before
  const patched = new Map(item)
  patched.set(
    'request',
    patchPart(item.get('request'), {
      uri: request.uri === after.request.uri ? undefined : after.request.uri,
      headers: sameHeaders(request.headers, after.request.headers) ? undefined : after.request.headers,
      body: changedBody(asBody(request.body), asBody(after.request.body)),
    }),
  )
  patched.set(
    'response',
    patchPart(item.get('response'), {
      headers: sameHeaders(response.headers, after.response.headers) ? undefined : after.response.headers,
      body: changedBody(response.body, after.response.body),
    }),
  )
  return patched
}

interface PartChanges {
  readonly uri?: string | undefined
  readonly headers?: HeaderPairs | undefined
  readonly body?: RecordedBody | undefined
}

function patchPart(value: YamlValue | undefined, { uri, headers, body }: PartChanges): YamlValue {
  const part = new Map(isYamlMap(value) ? value : [])
  if (uri !== undefined) part.set(textOf(part.get('uri')) === undefined ? 'url' : 'uri', uri)
  if (headers) {
    part.set('headers', patchHeaders(part.get('headers'), headers))
    const order = part.delete('header_order') ? headerOrder(headers) : undefined
    if (order) part.set('header_order', order)
  }
  if (body) {
    // Like `readInteraction`: the first one that is not null.
    const name = ['body', 'content', 'parsed_body'].find((key) => (part.get(key) ?? null) !== null) ?? 'body'
    part.set(name, patchBody(part.get(name) ?? null, body))
  }
  return part
}

function patchHeaders(value: YamlValue | undefined, pairs: HeaderPairs): YamlMap {
  const remaining = new Map<string, string[]>()
  for (const [name, text] of pairs) {
    const values = remaining.get(name) ?? []
    remaining.set(name, values)
    values.push(text)
  }
  const headers = new Map<string, YamlValue>()
  for (const [name, entry] of isYamlMap(value) ? value : []) {
    const values = remaining.get(name)
    if (values === undefined) continue
    remaining.delete(name)
    const previous = (isYamlList(entry) ? entry : [entry]).map(headerText)
    const isSame =
      previous.length === values.length && previous.every((text, index) => text === values[index])
    headers.set(name, isSame ? entry : isYamlList(entry) || values.length > 1 ? values : (values[0] ?? null))
  }
  for (const [name, values] of remaining) headers.set(name, values)
  return headers
}

function patchBody(value: YamlValue, body: RecordedBody): YamlValue {
  if (body.kind === 'bytes') {
    const converted = convertBytes(value, body.bytes)
    if (body.pieces || !isYamlMap(converted) || !converted.has('pieces')) return converted
    return new Map([...converted].filter(([key]) => key !== 'pieces'))
  }
  const events = isYamlMap(value) ? value.get('events') : undefined
  if (!isYamlMap(value) || !isYamlList(events)) return value
  const patched = events.map((event, index) => patchEvent(event, body.events[index]))
  return new Map(value).set('events', patched)
}

function patchEvent(value: YamlValue, event: RecordedEvent | undefined): YamlValue {
  if (!isYamlMap(value) || !event) return value
  const rest = [...value].filter(([key]) => !['raw', 'event', 'data'].includes(key))
  return new Map<string, YamlValue>([...rest, ...eventFields(event.text)])
}

/** Converts bytes to the format of a value: text stays text, and JSON as YAML stays YAML. */
function convertBytes(value: YamlValue, bytes: Uint8Array): YamlValue {
  if (value instanceof Uint8Array) return bytes
  const text = utf8Text(bytes)
  if (isYamlMap(value) && value.has('string')) {
    return new Map(value).set('string', convertBytes(value.get('string') ?? null, bytes))
  }
  if (isYamlMap(value) && value.has('base64_string')) {
    return new Map(value).set('base64_string', Buffer.from(bytes).toString('base64'))
  }
  if (text === undefined) return bytes
  if (value === null || textOf(value) !== undefined) return text
  try {
    return fromJson(JSON.parse(text))
  } catch {
    return text
  }
}

function sameHeaders(left: HeaderPairs, right: HeaderPairs): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function changedBody(
  before: RecordedBody | undefined,
  after: RecordedBody | undefined,
): RecordedBody | undefined {
  return isSameBody(before, after) ? undefined : after
}

function isSameBody(left: RecordedBody | undefined, right: RecordedBody | undefined): boolean {
  if (left?.kind === 'bytes' && right?.kind === 'bytes') return Buffer.compare(left.bytes, right.bytes) === 0
  if (left?.kind !== 'events' || right?.kind !== 'events') return left === right
  return left.events.every(({ text }, index) => text === right.events[index]?.text)
}

function asBody(bytes: Uint8Array | undefined): RecordedBody | undefined {
  return bytes && { kind: 'bytes', bytes }
}
