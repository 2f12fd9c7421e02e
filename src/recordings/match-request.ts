import { collapseSlashes, stripPathPrefix } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { asBuffer } from '../lib/buffers.ts'
import { headerOf, type RecordedRequest } from './interaction.ts'
import { createHash } from 'node:crypto'
import type { MatchConfig } from '../config/config.ts'
import { isMultipart, looksMultipart } from '../wire/multipart.ts'
import { parseJson } from '../lib/parse-json.ts'
import { type Conversation, conversationOf } from './conversation.ts'
import { type IgnoredFields, MAX_JSON_DEPTH, NormalizedJsonWriter, tooDeep } from './normalize-json.ts'

/** The properties of a request that are compared with recordings. */
export interface MatchRequest {
  readonly method: string
  /** Without host and query. Repeated slashes are replaced by one. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly host: string
  readonly contentType: string | undefined
  readonly body: Buffer
  /** All values of a header, joined by commas; undefined if it is missing. @param name in lower case */
  header(name: string): string | undefined
}

const emptyBody = Buffer.alloc(0)
const addressPattern = /^(?:[a-z][\w+.-]*:)?\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i

/** Parses a recorded address, or a path without a host. Unlike `URL`, it normalizes nothing except slashes and never throws. */
export function splitUri(uri: string): { host: string; path: string; query: string } {
  const match = addressPattern.exec(uri)
  const [path = '', query = ''] = match ? [match[2], match[3]] : (uri.split('#')[0] ?? '').split(/\?(.*)/s)
  return { host: match?.[1]?.toLowerCase() ?? '', path: collapseSlashes(path) || '/', query }
}

/** Prepares a recorded request for matching. The body is empty if the recording has only its hash. */
export function matchRecorded(request: RecordedRequest): MatchRequest {
  const { headers } = request
  return {
    method: request.method,
    ...splitUri(request.uri),
    contentType: headerOf(headers, 'content-type'),
    body: request.body ? asBuffer(request.body) : emptyBody,
    header: (name) => {
      const values = headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(', ')
    },
  }
}

/** Prepares a live request for matching. */
export function matchExchange(exchange: Exchange): MatchRequest {
  const { method, servicePath, query, headers, body } = exchange
  return {
    method,
    path: servicePath,
    query,
    host: headers.host?.toLowerCase() ?? '',
    contentType: headers['content-type'],
    body,
    header: (name) => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

/** Computes the keys by which recordings are stored and found. Requests that match have equal keys. */
export interface MatchKeys {
  /**
   * The key of a request with its body, with placeholders for the parts that MATCH_NORMALIZE names.
   *
   * @param onJson called with the parsed body if it is JSON
   */
  keyOf(request: MatchRequest, onJson?: (value: unknown) => void): string
  /** The key of a request with its body as it is. Absent without MATCH_NORMALIZE: `keyOf` returns it. */
  readonly exactKeyOf?: ((request: MatchRequest) => string) | undefined
  /** The conversation of a request. Absent without MATCH_CONVERSATION=prefix. */
  readonly conversationOf?: ((request: MatchRequest) => Conversation | undefined) | undefined
  /** The key of a request of which only the MD5 of the body is known (`bodyHash`). */
  hashKeyOf(request: MatchRequest, bodyHash: string): string
  /** The path, without the parts that the configuration ignores. */
  pathOf(request: MatchRequest): string
  /** The body as it is compared: JSON without ignored fields, or the bytes of any other body. */
  comparedBody(
    request: MatchRequest,
  ):
    | { readonly kind: 'json'; readonly value: unknown }
    | { readonly kind: 'bytes' | 'form'; readonly bytes: Buffer }
}

/** A body as it is compared: JSON with sorted keys and without ignored fields, a form with a fixed boundary. */
type ComparedBody =
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'bytes' | 'form'; readonly bytes: Buffer }

/** Creates match keys for a configuration. */
export function createMatchKeys(config: MatchConfig): MatchKeys {
  const ignored = ignoredFieldsTree(config.ignoreFields)
  const normalizers = new Set(config.normalize)
  const createWriter = (): NormalizedJsonWriter => new NormalizedJsonWriter(normalizers)
  const isNormalized = normalizers.size > 0
  const pathOf = ({ path }: MatchRequest): string => (config.anyPrefix ? stripPathPrefix(path) : path)
  const headOf = (request: MatchRequest): string => {
    const lines = [request.method, pathOf(request)]
    if (config.host) lines.push(request.host)
    if (config.apiVersion) lines.push(apiVersionOf(request.query))
    for (const name of config.headers) lines.push(request.header(name) ?? '')
    return `${lines.join('\n')}\n`
  }
  const bodyOf = (request: MatchRequest, onJson?: (value: unknown) => void): ComparedBody =>
    comparedBody(request, ignored, isNormalized ? createWriter() : undefined, onJson)
  const keyWith = (request: MatchRequest, body: ComparedBody): string => {
    const hash = createHash('sha256').update(`${headOf(request)}${body.kind}\n`)
    return digest(body.kind === 'json' ? hash.update(body.text) : hash.update(body.bytes))
  }
  return {
    pathOf,
    comparedBody(request) {
      const body = bodyOf(request)
      return body.kind === 'json' ? { kind: 'json', value: JSON.parse(body.text) as unknown } : body
    },
    keyOf: (request, onJson) => keyWith(request, bodyOf(request, onJson)),
    exactKeyOf: isNormalized ? (request) => keyWith(request, comparedBody(request, ignored)) : undefined,
    conversationOf:
      config.conversation === 'prefix'
        ? (request) => conversationOf(headOf(request), jsonOf(request.body), ignored, createWriter())
        : undefined,
    hashKeyOf: (request, bodyHash) =>
      digest(createHash('sha256').update(`${headOf(request)}md5\n${bodyHash.toLowerCase()}`)),
  }
}

/** The value of `api-version` in a query; empty if it is missing. */
export function apiVersionOf(query: string): string {
  return /(?:^|&)api-version=([^&]*)/.exec(query)?.[1] ?? ''
}

/** Half of a SHA-256 hash avoids collisions, and halves the memory for keys. */
function digest(hash: ReturnType<typeof createHash>): string {
  return hash.digest('base64').slice(0, 22)
}

/** A form or text above this length is compared without normalizers. */
const MAX_NORMALIZED_BYTES = 1024 * 1024

/** @param writer normalizes the body; undefined: compares it as it is */
function comparedBody(
  { body, contentType }: MatchRequest,
  ignored: IgnoredFields,
  writer?: NormalizedJsonWriter,
  onJson?: (value: unknown) => void,
): ComparedBody {
  const formType = multipartType(body, contentType)
  if (formType !== undefined) {
    // YAML scalars convert CRLF to LF, so a form that was recorded as text has lost its CRLF.
    return {
      kind: 'form',
      bytes: normalizedBytes(withoutCarriageReturns(withFixedBoundary(body, formType)), writer),
    }
  }
  const value = jsonOf(body)
  if (value !== undefined) onJson?.(value)
  const text = value === undefined ? undefined : canonicalJson(value, ignored, writer)
  return text === undefined ? { kind: 'bytes', bytes: normalizedBytes(body, writer) } : { kind: 'json', text }
}

/** The content type of a form, also for other bodies with a boundary (`multipart/mixed`) and for forms without a content type. */
function multipartType(body: Buffer, contentType: string | undefined): string | undefined {
  if (isMultipart(contentType)) return contentType
  if (looksMultipart(body)) return 'multipart/form-data'
  return contentType !== undefined && /^\s*multipart\//i.test(contentType)
    ? contentType.replace(/^\s*multipart\/[^;]*/i, 'multipart/form-data')
    : undefined
}

function normalizedBytes(bytes: Buffer, writer: NormalizedJsonWriter | undefined): Buffer {
  if (!writer || bytes.length > MAX_NORMALIZED_BYTES) return bytes
  return Buffer.from(writer.text(bytes.toString('latin1')), 'latin1')
}

/** The value of a JSON object or array; undefined for any other body. */
function jsonOf(body: Buffer): unknown {
  return looksLikeJson(body) ? parseJson(body) : undefined
}

/** Ignores the content type, which clients and recordings may omit. */
function looksLikeJson(body: Buffer): boolean {
  let at = 0
  while (isSpace(body[at])) at++
  return body[at] === 0x7b || body[at] === 0x5b
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function withoutCarriageReturns(bytes: Buffer): Buffer {
  const result = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let copied = 0
  for (let at = bytes.indexOf('\r\n'); at >= 0; at = bytes.indexOf('\r\n', copied)) {
    length += bytes.copy(result, length, copied, at)
    copied = at + 1
  }
  length += bytes.copy(result, length, copied)
  return result.subarray(0, length)
}

/** Converts paths such as `stream_options.include_usage` to a tree. */
function ignoredFieldsTree(paths: readonly string[]): IgnoredFields {
  const root = new Map<string, true | IgnoredFields>()
  for (const path of paths) {
    const names = path.split('.')
    let node = root
    for (const [index, name] of names.entries()) {
      if (index === names.length - 1) {
        node.set(name, true)
        break
      }
      const child = node.get(name)
      if (child === true) break
      const next = (child ?? new Map()) as Map<string, true | IgnoredFields>
      node.set(name, next)
      node = next
    }
  }
  return root
}

/**
 * Writes JSON independent of key order, white space and number format, without ignored fields. The path of an ignored field skips
 * lists. Undefined if the value is nested too deeply: such bodies are compared byte by byte.
 */
function canonicalJson(
  value: unknown,
  ignored: IgnoredFields,
  writer: NormalizedJsonWriter | undefined,
): string | undefined {
  try {
    return writer ? writer.write(value, ignored) : writeJson(value, ignored, 0)
  } catch (error) {
    if (error === tooDeep) return undefined
    throw error
  }
}

const nothingIgnored: IgnoredFields = new Map()

function writeJson(value: unknown, ignored: IgnoredFields, depth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (depth === MAX_JSON_DEPTH) throw tooDeep
  if (Array.isArray(value)) {
    return `[${value.map((item) => writeJson(item, ignored, depth + 1)).join(',')}]`
  }
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const ignoredBelow = ignored.get(name)
    if (ignoredBelow === true) continue
    const item = (value as Record<string, unknown>)[name]
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${writeJson(item, ignoredBelow ?? nothingIgnored, depth + 1)}`
  }
  return `{${text}}`
}

/** Replaces the delimiter of a form, as in recordings of the Python simulator. */
const fixedDelimiter = Buffer.from('--AOAI-API-SIMULATOR-BOUNDARY')

/**
 * The hexadecimal MD5 of a body, compatible with the Python simulator: the delimiter of a form is replaced by a fixed one at the
 * start and after each line feed. It identifies a body and has no security purpose.
 */
export function bodyHash(body: Uint8Array, contentType: string | undefined): string {
  return createHash('md5')
    .update(withFixedBoundary(asBuffer(body), contentType))
    .digest('hex')
}

/** A form with a fixed boundary; any other body unchanged. */
function withFixedBoundary(body: Buffer, contentType: string | undefined): Buffer {
  const delimiter = delimiterOf(body, contentType)
  if (delimiter === undefined) return body
  const chunks: Buffer[] = []
  let done = 0
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== LINE_FEED) continue
    chunks.push(body.subarray(done, at), fixedDelimiter)
    done = at + delimiter.length
  }
  return Buffer.concat([...chunks, body.subarray(done)])
}

const LINE_FEED = 0x0a

function delimiterOf(body: Buffer, contentType: string | undefined): Buffer | undefined {
  if (!isMultipart(contentType)) return undefined
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(contentType ?? '')
  const name = boundary?.[1] ?? boundary?.[2]
  if (name !== undefined) return Buffer.from(`--${name}`)
  // Without the parameter, uses the first line, because a form begins with its delimiter.
  const firstLine = /^--[^\r\n]{1,200}/.exec(body.toString('latin1', 0, 202))?.[0]
  return firstLine === undefined ? undefined : Buffer.from(firstLine, 'latin1')
}
