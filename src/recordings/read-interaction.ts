import type { HeaderPairs, Interaction, RecordedRequest, RecordedResponse, RecordedBody, RecordedEvent } from './interaction.ts'
import { isYamlList, isYamlMap, numberOf, textOf, toJson, type YamlMap, type YamlValue } from './yaml-value.ts'
import { withoutTrailing } from './yaml-scalar.ts'

/** An interaction, or a sentence about what keeps the value from being one. */
type InteractionRead = { readonly interaction: Interaction } | { readonly fault: string }

/**
 * Makes an interaction of a list item: of this simulator's, the Python simulator's or VCR.py's, whose older versions have
 * `status_code` and `content` in place of `status` and `body`.
 */
export function readInteraction(value: YamlValue): InteractionRead {
  try {
    if (!isYamlMap(value)) throw new FieldFault('an interaction must be a map with request and response')
    const context = value.get('context_values') ?? null
    return {
      interaction: {
        request: readRequest(requireMap(value, 'request')),
        response: readResponse(requireMap(value, 'response')),
        contextValues: isYamlMap(context) ? (toJson(context) as Record<string, unknown>) : {},
      },
    }
  } catch (error) {
    if (error instanceof FieldFault) return { fault: error.message }
    throw error
  }
}

/** Makes a recorded request of the `request` of a list item. */
function readRequest(map: YamlMap): RecordedRequest {
  const method = textOf(map.get('method'))
  if (!method) throw new FieldFault(lacks(map, 'request', 'method'))
  const uri = textOf(map.get('uri')) ?? textOf(map.get('url'))
  if (!uri) throw new FieldFault(lacks(map, 'request', 'uri'))
  return {
    method: method.toUpperCase(),
    uri,
    headers: readHeaders(map.get('headers'), 'request.headers'),
    body: readBodyBytes(map.get('body') ?? null) ?? readBodyBytes(map.get('parsed_body') ?? null),
    bodyHash: textOf(map.get('body_hash')),
  }
}

function readResponse(map: YamlMap): RecordedResponse {
  const statusMap = map.get('status') ?? null
  const status = isYamlMap(statusMap) ? statusMap : new Map<string, YamlValue>()
  const codeValue = status.get('code') ?? map.get('status_code') ?? (isYamlMap(statusMap) ? null : statusMap)
  const code = numberOf(codeValue)
  // Anything below 200 is not an answer, and HTTP ends at 599.
  if (code === undefined || !Number.isInteger(code) || code < 200 || code > 599) {
    throw new FieldFault(`response.status.code must be an integer from 200 to 599 (got ${show(codeValue)})`)
  }
  if (!['body', 'content', 'parsed_body'].some((name) => map.has(name))) {
    throw new FieldFault(lacks(map, 'response', 'body'))
  }
  const durationMs = numberOf(map.get('duration_ms'))
  return {
    status: { code, message: textOf(status.get('message') ?? status.get('reason')) || undefined },
    headers: readHeaders(map.get('headers'), 'response.headers'),
    body: readResponseBody(map),
    durationMs: durationMs === undefined ? undefined : Math.max(0, durationMs),
  }
}

/** Header values stand in lists, or alone; a name without a value is an empty header. */
function readHeaders(value: YamlValue | undefined, place: string): HeaderPairs {
  if (value === undefined || value === null) return []
  if (!isYamlMap(value)) throw new FieldFault(`${place} must map names to lists of values`)
  return [...value].flatMap(([name, entry]): HeaderPairs => {
    const values = isYamlList(entry) ? entry : [entry]
    return values.map((item) => [name, headerText(item)] as const)
  })
}

function requireMap(map: YamlMap, name: string): YamlMap {
  const value = map.get(name)
  if (isYamlMap(value)) return value
  if (value === undefined) throw new FieldFault(lacks(map, 'the interaction', name))
  throw new FieldFault(`${name} must be a map (got ${show(value)})`)
}

function lacks(map: YamlMap, where: string, name: string): string {
  const names = [...map.keys()].join(', ')
  return `${where} has no ${name} (it has ${names === '' ? 'nothing' : names})`
}

function show(value: YamlValue | undefined): string {
  if (value === undefined || value === null) return 'nothing'
  const text = textOf(value)
  if (text !== undefined) return JSON.stringify(text.slice(0, 40))
  return isYamlList(value) ? 'a list' : isYamlMap(value) ? 'a map' : 'bytes'
}

/** Says what a field of a recording has to be. Thrown and caught inside this folder only. */
class FieldFault extends Error {}

/**
 * The bytes of a body, which may be a text, bytes, or the JSON itself; undefined where there is none. What PyYAML makes of
 * a Python object (`!!python/object/new:_io.BytesIO`, from uploads) holds its bytes at the head of a list.
 */
function readBodyBytes(value: YamlValue): Uint8Array | undefined {
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
function readResponseBody(response: YamlMap): RecordedBody {
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
