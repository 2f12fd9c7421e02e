import { FieldFault } from './field-fault.ts'
import type { HeaderPairs, Interaction, RecordedRequest, RecordedResponse } from './interaction.ts'
import { headerText, readBodyBytes, readResponseBody } from './read-body-value.ts'
import {
  isYamlList,
  isYamlMap,
  numberOf,
  textOf,
  toJson,
  type YamlMap,
  type YamlValue,
} from './yaml-value.ts'

/** An interaction, or a sentence about what keeps the value from being one. */
export type InteractionRead = { readonly interaction: Interaction } | { readonly fault: string }

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
