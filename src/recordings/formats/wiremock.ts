import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { reasonOf } from '../../lib/error-text.ts'
import { readRegularFile } from '../../lib/regular-file.ts'
import type { HeaderPairs, Interaction } from '../interaction.ts'
import { FieldError, missingField, readHeaders } from '../read-fields.ts'
import { isYamlList, isYamlMap, numberOf, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import {
  interactionOf,
  jsonBody,
  jsonText,
  type RecordingFormat,
  requireItem,
  requireStatus,
} from './recording-format.ts'

/**
 * WireMock mappings: one in a file, or a list `mappings`. The body of an answer may be in a file of the folder `__files`.
 *
 * Source: the reference of stub mappings and of record and playback in the WireMock documentation.
 */
export const wiremock: RecordingFormat = {
  name: 'WireMock mapping',
  itemsOf(root, file) {
    if (!isYamlMap(root)) return undefined
    const list = root.get('mappings')
    const mappings = isYamlList(list) ? list : [root]
    if (!mappings.every(isMapping)) return undefined
    return mappings.map((mapping) => ({ at: mapping, read: () => readMapping(mapping, file) }))
  },
}

const urlKinds = ['url', 'urlPath', 'urlPattern', 'urlPathPattern', 'urlPathTemplate']

function isMapping(value: YamlValue): value is YamlMap {
  if (!isYamlMap(value)) return false
  const [request, response] = [value.get('request'), value.get('response')]
  if (!isYamlMap(request) || !isYamlMap(response) || request.has('body')) return false
  return urlKinds.some((name) => request.has(name)) && !isYamlMap(response.get('status'))
}

function readMapping(mapping: YamlMap, file: string): Interaction {
  const request = requireItem(mapping.get('request'), 'request')
  const response = requireItem(mapping.get('response'), 'response')
  for (const name of ['fault', 'proxyBaseUrl']) {
    if (response.has(name)) throw new FieldError(`response.${name} has no answer to replay`)
  }
  const method = textOf(request.get('method')) ?? 'ANY'
  if (method === 'ANY') throw new FieldError('request.method must be the method of a request (got ANY)')
  const { body, isAny } = readBodyPatterns(request, method)
  const interaction = interactionOf(
    {
      method,
      uri: readUrl(request),
      headers: readHeaderPatterns(request.get('headers')),
      body,
      isAnyBody: isAny,
    },
    {
      code: requireStatus(response.get('status') ?? '200', 'response.status'),
      message: textOf(response.get('statusMessage')),
      headers: readHeaders(response.get('headers'), 'response.headers'),
      bytes: readBody(response, file),
      durationMs: numberOf(response.get('fixedDelayMilliseconds')),
    },
  )
  const replayOrder = scenarioOrder(mapping)
  return replayOrder === 0 ? interaction : { ...interaction, contextValues: { replay_order: replayOrder } }
}

/** `url` includes the query, `urlPath` does not. */
function readUrl(request: YamlMap): string {
  const url = textOf(request.get('url'))
  if (url) return url
  const path = textOf(request.get('urlPath'))
  if (path) return `${path}${readQuery(request.get('queryParameters'))}`
  const kind = urlKinds.find((name) => request.has(name))
  const pattern = kind === undefined ? undefined : textOf(request.get(kind))
  if (kind === undefined || !pattern) throw new FieldError(missingField(request, 'request', 'url'))
  const literal = pattern.replace(/^\^|\$$/g, '').replace(/\\([^\w])/g, '$1')
  // A dot matches itself, so that the most frequent pattern, an address without escapes, is an address.
  if (/[*+?()[\]{}|^$]|\\\w/.test(pattern.replace(/\\[^\w]/g, '').replace(/^\^|\$$/g, ''))) {
    throw new FieldError(
      `request.${kind} is a pattern, which replay cannot compare (got ${JSON.stringify(pattern.slice(0, 80))})`,
    )
  }
  return literal
}

function readQuery(parameters: YamlValue | undefined): string {
  if (!isYamlMap(parameters)) return ''
  const pairs = [...parameters].flatMap(([name, pattern]) => {
    const value = isYamlMap(pattern) ? textOf(pattern.get('equalTo')) : undefined
    return value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`]
  })
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function readHeaderPatterns(headers: YamlValue | undefined): HeaderPairs {
  if (!isYamlMap(headers)) return []
  return [...headers].flatMap(([name, pattern]): HeaderPairs => {
    const value = isYamlMap(pattern) ? textOf(pattern.get('equalTo')) : undefined
    return value === undefined ? [] : [[name, value]]
  })
}

/** The body that a request must have. A request with a body and without patterns matches any body. */
function readBodyPatterns(
  request: YamlMap,
  method: string,
): { body: Uint8Array | undefined; isAny: boolean } {
  if (request.has('multipartPatterns')) throw new FieldError('request.multipartPatterns cannot be compared')
  const patterns = request.get('bodyPatterns')
  if (!isYamlList(patterns) || patterns.length === 0) {
    return { body: undefined, isAny: !/^(?:GET|HEAD|DELETE|OPTIONS)$/i.test(method) }
  }
  for (const pattern of patterns.filter(isYamlMap)) {
    const json = pattern.get('equalToJson')
    if (json !== undefined && json !== null)
      return { body: Buffer.from(typeof json === 'string' ? json : jsonText(json)), isAny: false }
    const text = textOf(pattern.get('equalTo'))
    if (text !== undefined) return { body: Buffer.from(text), isAny: false }
    const base64 = textOf(pattern.get('binaryEqualTo'))
    if (base64 !== undefined) return { body: Buffer.from(base64, 'base64'), isAny: false }
  }
  const names = patterns.filter(isYamlMap).flatMap((pattern) => Array.from(pattern.keys()))
  throw new FieldError(
    `request.bodyPatterns must have equalToJson, equalTo or binaryEqualTo (got ${names.join(', ')})`,
  )
}

/** Maximum size of a body file. */
const MAX_BODY_BYTES = 64 * 1024 * 1024

function readBody(response: YamlMap, file: string): Uint8Array | undefined {
  const base64 = textOf(response.get('base64Body'))
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  const json = response.get('jsonBody')
  if (json !== undefined) return Buffer.from(jsonText(json))
  const name = textOf(response.get('bodyFileName'))
  if (name === undefined) return jsonBody(response.get('body'))
  const folder = bodyFolders(file).find((dir) => isInside(dir, name) && existsSync(join(dir, name)))
  if (folder === undefined) {
    throw new FieldError(
      `response.bodyFileName names a file that is not in the folder __files beside the mappings (got ${JSON.stringify(name)})`,
    )
  }
  try {
    return readRegularFile(join(folder, name), MAX_BODY_BYTES)
  } catch (error) {
    throw new FieldError(`the body file ${JSON.stringify(name)} cannot be read: ${reasonOf(error)}`)
  }
}

/** The folder `__files` is beside the folder of the mappings, which can have subfolders. */
function bodyFolders(file: string): string[] {
  const dir = dirname(file)
  return [dir, dirname(dir), dirname(dirname(dir))].map((parent) => join(parent, '__files'))
}

function isInside(dir: string, name: string): boolean {
  return !relative(dir, join(dir, name)).startsWith('..')
}

/** Recorded repeats of a request are states of a scenario: `Started`, `scenario-1-name-2`, `scenario-1-name-3`. */
function scenarioOrder(mapping: YamlMap): number {
  const state = textOf(mapping.get('requiredScenarioState'))
  if (state === undefined || state === 'Started') return 0
  return Number(/-(\d+)$/.exec(state)?.[1] ?? 1)
}
