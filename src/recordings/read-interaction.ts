import { isGoVcrItem, readGoVcrItem } from './formats/go-vcr.ts'
import { isHttpInteraction, readHttpInteraction } from './formats/http-interactions.ts'
import {
  describeValue,
  FieldError,
  missingField,
  readBodyBytes,
  readHeaders,
  requireMap,
} from './read-fields.ts'
import type {
  Interaction,
  RecordedRequest,
  RecordedResponse,
  RecordedBody,
  RecordedEvent,
  BodyPiece,
  HeaderPairs,
} from './interaction.ts'
import {
  isYamlList,
  isYamlMap,
  numberOf,
  textOf,
  toJson,
  type YamlMap,
  type YamlValue,
} from './yaml-value.ts'
import { withoutTrailing } from './yaml-scalar.ts'

/** An interaction, or the reason why the value is not one. */
type InteractionRead = { readonly interaction: Interaction } | { readonly problem: string }

/**
 * Converts a list item to an interaction. Accepts the formats of this simulator, of the Python simulator and of VCR.py, and those of
 * other tools that write a list. Older versions of VCR.py have `status_code` and `content` instead of `status` and `body`.
 */
export function readInteraction(value: YamlValue): InteractionRead {
  try {
    if (!isYamlMap(value)) throw new FieldError('an interaction must be a map with request and response')
    if (isGoVcrItem(value)) return { interaction: readGoVcrItem(value) }
    if (isHttpInteraction(value)) return { interaction: readHttpInteraction(value) }
    const context = value.get('context_values') ?? null
    return {
      interaction: {
        request: readRequest(requireMap(value, 'request')),
        response: readResponse(requireMap(value, 'response')),
        contextValues: isYamlMap(context) ? (toJson(context) as Record<string, unknown>) : {},
      },
    }
  } catch (error) {
    if (error instanceof FieldError) return { problem: error.message }
    throw error
  }
}

/** Converts the `request` of a list item. */
function readRequest(map: YamlMap): RecordedRequest {
  const method = textOf(map.get('method'))
  if (!method) throw new FieldError(missingField(map, 'request', 'method'))
  const uri = textOf(map.get('uri')) ?? textOf(map.get('url'))
  if (!uri) throw new FieldError(missingField(map, 'request', 'uri'))
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
  // Statuses below 200 are not final, and a status has three digits.
  if (code === undefined || !Number.isInteger(code) || code < 200 || code > 999) {
    throw new FieldError(
      `response.status.code must be an integer from 200 to 999 (got ${describeValue(codeValue)})`,
    )
  }
  if (!['body', 'content', 'parsed_body'].some((name) => map.has(name))) {
    throw new FieldError(missingField(map, 'response', 'body'))
  }
  const durationMs = numberOf(map.get('duration_ms'))
  return {
    status: { code, message: textOf(status.get('message') ?? status.get('reason')) || undefined },
    headers: inOrder(readHeaders(map.get('headers'), 'response.headers'), map.get('header_order')),
    body: readResponseBody(map),
    durationMs: durationMs === undefined ? undefined : Math.max(0, durationMs),
  }
}

/** Orders headers by a list of their names. A list that does not fit, such as that of an edited recording, is ignored. */
function inOrder(headers: HeaderPairs, order: YamlValue | undefined): HeaderPairs {
  if (!isYamlList(order) || order.length !== headers.length) return headers
  const byName = new Map<string, HeaderPairs[number][]>()
  for (const header of headers) {
    const values = byName.get(header[0]) ?? []
    byName.set(header[0], values)
    values.push(header)
  }
  const positions = new Map<string, number>()
  const ordered = order.flatMap((value) => {
    const name = textOf(value) ?? ''
    const position = positions.get(name) ?? 0
    positions.set(name, position + 1)
    return byName.get(name)?.slice(position, position + 1) ?? []
  })
  return ordered.length === headers.length ? ordered : headers
}

/** The body of a `response` in any of the supported formats. */
function readResponseBody(response: YamlMap): RecordedBody {
  const body = response.get('body') ?? response.get('content') ?? response.get('parsed_body') ?? null
  const events = isYamlMap(body) ? body.get('events') : undefined
  // Some tools write an empty list as null.
  if (events === undefined || events === null) return readBytes(body)
  if (!isYamlList(events)) throw new FieldError('response.body.events must be a list')
  return { kind: 'events', events: events.map(readEvent) }
}

function readBytes(body: YamlValue): RecordedBody {
  const bytes = readBodyBytes(body) ?? Buffer.alloc(0)
  const list = isYamlMap(body) ? body.get('pieces') : undefined
  if (!isYamlList(list)) return { kind: 'bytes', bytes }
  const pieces = list.map((value): BodyPiece => {
    const [atMs, length] = isYamlList(value) ? value.map(numberOf) : []
    return { atMs: atMs ?? 0, length: length ?? 0 }
  })
  return { kind: 'bytes', bytes, pieces }
}

function readEvent(value: YamlValue, index: number): RecordedEvent {
  const place = `response.body.events[${index}]`
  if (!isYamlMap(value)) throw new FieldError(`${place} must be a map with at_ms and data`)
  const atMs = numberOf(value.get('at_ms')) ?? 0
  const raw = textOf(value.get('raw'))
  if (raw !== undefined) return { atMs, text: raw }
  const data = value.get('data')
  if (data === undefined || data instanceof Uint8Array) {
    throw new FieldError(`${place} must have data, or raw for an event with another framing`)
  }
  const name = textOf(value.get('event'))
  return { atMs, text: `${name === undefined ? '' : `event: ${name}\n`}${dataLines(data)}\n` }
}

/** Data with line breaks is either JSON that was formatted by hand, or text of several `data:` lines. */
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
