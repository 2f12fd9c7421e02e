import { singleSlashes } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { asBuffer } from '../lib/as-buffer.ts'
import { headerOf, type RecordedRequest } from './interaction.ts'

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
