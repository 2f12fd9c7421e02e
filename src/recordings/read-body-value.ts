import { FieldFault } from './field-fault.ts'
import type { RecordedBody, RecordedEvent } from './interaction.ts'
import { withoutTrailing } from './yaml-lines.ts'
import {
  isYamlList,
  isYamlMap,
  numberOf,
  textOf,
  toJson,
  type YamlMap,
  type YamlValue,
} from './yaml-value.ts'

/**
 * The bytes of a body, which may be a text, bytes, or the JSON itself; undefined where there is none. What PyYAML makes of
 * a Python object (`!!python/object/new:_io.BytesIO`, from uploads) holds its bytes at the head of a list.
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

/** The text of a header's value. */
export function headerText(value: YamlValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  // No recorder writes a map or a list in the place of a text, and a credential in one must be seen.
  if (isYamlMap(value) || isYamlList(value)) return JSON.stringify(toJson(value))
  return textOf(value) ?? ''
}

/** The body of a `response`, in any of its forms. */
export function readResponseBody(response: YamlMap): RecordedBody {
  const body = response.get('body') ?? response.get('content') ?? response.get('parsed_body') ?? null
  const events = isYamlMap(body) ? body.get('events') : undefined
  // A list without items is written as nothing by some.
  if (events === undefined || events === null)
    return { kind: 'bytes', bytes: readBodyBytes(body) ?? Buffer.alloc(0) }
  if (!isYamlList(events)) throw new FieldFault('response.body.events must be a list')
  return { kind: 'events', events: events.map(readEvent) }
}

function readEvent(value: YamlValue, index: number): RecordedEvent {
  const place = `response.body.events[${index}]`
  if (!isYamlMap(value)) throw new FieldFault(`${place} must be a map with at_ms and data`)
  const atMs = numberOf(value.get('at_ms')) ?? 0
  const raw = textOf(value.get('raw'))
  if (raw !== undefined) return { atMs, text: raw }
  const data = value.get('data')
  if (data === undefined || data instanceof Uint8Array) {
    throw new FieldFault(`${place} must have data, or raw for an event in a frame of its own`)
  }
  const name = textOf(value.get('event'))
  return { atMs, text: `${name === undefined ? '' : `event: ${name}\n`}${dataLines(data)}\n` }
}

/** Data with line breaks is pretty JSON that somebody laid out by hand; what is no JSON takes several lines. */
function dataLines(value: YamlValue): string {
  const text = textOf(value)
  if (text === undefined) return `data: ${value === null ? '' : JSON.stringify(toJson(value))}\n`
  const trimmed = text.trim()
  if (!/[\r\n]/.test(trimmed)) return `data: ${withoutTrailing(text, '\r\n')}\n`
  try {
    return `data: ${JSON.stringify(JSON.parse(trimmed))}\n`
  } catch {
    return trimmed.replace(/^/gm, 'data: ').concat('\n')
  }
}
