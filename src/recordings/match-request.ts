import { singleSlashes, withoutPathPrefix } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { asBuffer } from '../lib/buffers.ts'
import { headerOf, type RecordedRequest } from './interaction.ts'
import { createHash } from 'node:crypto'
import type { MatchConfig } from '../config/config.ts'
import { isMultipart, looksMultipart } from '../wire/multipart.ts'
import { parseJson } from '../lib/parse-json.ts'

/** What of a request counts when recordings are compared with it. */
export interface MatchRequest {
  readonly method: string
  /** Without host and query; several slashes in a row count as one. */
  readonly path: string
  /** Without its question mark. */
  readonly query: string
  readonly host: string
  readonly contentType: string | undefined
  readonly body: Buffer
  /** All values of a header, joined by commas; undefined when it is absent. The name is in lower case. */
  header(name: string): string | undefined
}

const noBody = Buffer.alloc(0)
const address = /^(?:[a-z][\w+.-]*:)?\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i

/** Takes a recorded address apart; one without a host is a path. Unlike URL, it changes nothing and refuses nothing. */
export function splitUri(uri: string): { host: string; path: string; query: string } {
  const match = address.exec(uri)
  const [path = '', query = ''] = match ? [match[2], match[3]] : (uri.split('#')[0] ?? '').split(/\?(.*)/s)
  return { host: match?.[1]?.toLowerCase() ?? '', path: singleSlashes(path) || '/', query }
}

/** What counts of a recorded request; undefined body where the recording has only its hash. */
export function matchRecorded(request: RecordedRequest): MatchRequest {
  const { headers } = request
  return {
    method: request.method,
    ...splitUri(request.uri),
    contentType: headerOf(headers, 'content-type'),
    body: request.body ? asBuffer(request.body) : noBody,
    header: (name) => {
      const values = headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
      return values.length === 0 ? undefined : values.join(', ')
    },
  }
}

/** What counts of a live request. */
export function matchExchange(exchange: Exchange): MatchRequest {
  const { method, path, query, headers, body } = exchange
  return {
    method,
    path,
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

/** Makes the keys under which requests are stored and looked up. Equal requests have equal keys. */
export interface MatchKeys {
  /** The key of a request with its body. */
  keyOf(request: MatchRequest): string
  /** The key of a request whose body is known by its MD5 only (`bodyHash`). */
  hashKeyOf(request: MatchRequest, bodyHash: string): string
  /** The path as far as it counts. */
  pathOf(request: MatchRequest): string
  /** A JSON body without the fields that do not count; undefined for any other body. */
  comparedJson(request: MatchRequest): { readonly value: unknown } | undefined
}

/** A body in the form in which it is compared: JSON sorted and without ignored fields, a form with a fixed boundary. */
type ComparedBody =
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'bytes' | 'form'; readonly bytes: Buffer }

/** Makes keys by the rules of a configuration. */
export function createMatchKeys(config: MatchConfig): MatchKeys {
  const ignored = ignoredFields(config.ignoreFields)
  const pathOf = ({ path }: MatchRequest): string => (config.anyPrefix ? withoutPathPrefix(path) : path)
  const headOf = (request: MatchRequest): string => {
    const lines = [request.method, pathOf(request)]
    if (config.host) lines.push(request.host)
    if (config.apiVersion) lines.push(apiVersionOf(request.query))
    for (const name of config.headers) lines.push(request.header(name) ?? '')
    return `${lines.join('\n')}\n`
  }
  return {
    pathOf,
    comparedJson(request) {
      const body = compare(request, ignored)
      return body.kind === 'json' ? { value: JSON.parse(body.text) as unknown } : undefined
    },
    keyOf(request) {
      const body = compare(request, ignored)
      const hash = createHash('sha256').update(`${headOf(request)}${body.kind}\n`)
      return digest(body.kind === 'json' ? hash.update(body.text) : hash.update(body.bytes))
    },
    hashKeyOf: (request, bodyHash) =>
      digest(createHash('sha256').update(`${headOf(request)}md5\n${bodyHash.toLowerCase()}`)),
  }
}

/** The value of `api-version` in a query; empty when it is absent. */
export function apiVersionOf(query: string): string {
  return /(?:^|&)api-version=([^&]*)/.exec(query)?.[1] ?? ''
}

/** Half of SHA-256 tells more requests apart than a disk holds, and half as much is kept in memory. */
function digest(hash: ReturnType<typeof createHash>): string {
  return hash.digest('base64').slice(0, 22)
}

function compare({ body, contentType }: MatchRequest, ignored: IgnoredFields): ComparedBody {
  const formType = isMultipart(contentType)
    ? contentType
    : looksMultipart(body)
      ? 'multipart/form-data'
      : undefined
  if (formType !== undefined) {
    // YAML's plain layouts turn CRLF into LF, so a form that was recorded as text has lost it.
    return { kind: 'form', bytes: withoutCarriageReturns(withFixedBoundary(body, formType)) }
  }
  if (looksLikeJson(body)) {
    const value = parseJson(body)
    const text = value === undefined ? undefined : canonicalJson(value, ignored)
    if (text !== undefined) return { kind: 'json', text }
  }
  return { kind: 'bytes', bytes: body }
}

/** Whatever its content type says: clients forget it, and recordings lose it. */
function looksLikeJson(body: Buffer): boolean {
  let at = 0
  while (isSpace(body[at])) at++
  return body[at] === 0x7b || body[at] === 0x5b
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function withoutCarriageReturns(bytes: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let done = 0
  for (let at = bytes.indexOf('\r\n'); at >= 0; at = bytes.indexOf('\r\n', done)) {
    length += bytes.copy(kept, length, done, at)
    done = at + 1
  }
  length += bytes.copy(kept, length, done)
  return kept.subarray(0, length)
}

/** Fields that do not count: by name, down to a leaf, which is `true`. */
type IgnoredFields = ReadonlyMap<string, true | IgnoredFields>

/** Deeper than any request; a body beyond it is compared byte by byte. */
const MAX_DEPTH = 1_000

/** Sorts paths such as `stream_options.include_usage` into a tree. */
function ignoredFields(paths: readonly string[]): IgnoredFields {
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
 * Writes JSON in one form whatever the order of its keys, its white space and its way to write numbers, without the
 * fields that do not count; lists are passed through. Undefined for what is nested beyond reason.
 */
function canonicalJson(value: unknown, ignored: IgnoredFields): string | undefined {
  try {
    return write(value, ignored, 0)
  } catch (error) {
    if (error === tooDeep) return undefined
    throw error
  }
}

const tooDeep = Symbol('nested too deep')
const nothingIgnored: IgnoredFields = new Map()

function write(value: unknown, ignored: IgnoredFields, depth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (depth === MAX_DEPTH) throw tooDeep
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, ignored, depth + 1)).join(',')}]`
  }
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const under = ignored.get(name)
    if (under === true) continue
    const item = (value as Record<string, unknown>)[name]
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${write(item, under ?? nothingIgnored, depth + 1)}`
  }
  return `{${text}}`
}

/** What takes the place of a form's delimiter, as in recordings of the Python simulator. */
const fixedDelimiter = Buffer.from('--AOAI-API-SIMULATOR-BOUNDARY')

/**
 * The MD5 of a body in hexadecimal, as the Python simulator makes it: the delimiter of a form is replaced by a fixed one
 * at the start and after each line feed. It names a body; it protects nothing.
 */
export function bodyHash(body: Uint8Array, contentType: string | undefined): string {
  return createHash('md5')
    .update(withFixedBoundary(asBuffer(body), contentType))
    .digest('hex')
}

/** A form with a fixed boundary; any other body as it is. */
function withFixedBoundary(body: Buffer, contentType: string | undefined): Buffer {
  const delimiter = delimiterOf(body, contentType)
  if (delimiter === undefined) return body
  const pieces: Buffer[] = []
  let done = 0
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== LINE_FEED) continue
    pieces.push(body.subarray(done, at), fixedDelimiter)
    done = at + delimiter.length
  }
  return Buffer.concat([...pieces, body.subarray(done)])
}

const LINE_FEED = 0x0a

function delimiterOf(body: Buffer, contentType: string | undefined): Buffer | undefined {
  if (!isMultipart(contentType)) return undefined
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(contentType ?? '')
  const name = boundary?.[1] ?? boundary?.[2]
  if (name !== undefined) return Buffer.from(`--${name}`)
  // A recording may have lost the parameter, but a form begins with its delimiter.
  const firstLine = /^--[^\r\n]{1,200}/.exec(body.toString('latin1', 0, 202))?.[0]
  return firstLine === undefined ? undefined : Buffer.from(firstLine, 'latin1')
}
