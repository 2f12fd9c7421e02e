import type { IncomingMessage } from 'node:http'
import { malformedRequest, unknownTransferCoding } from '../wire/connection-errors.ts'
import type { ServiceError } from '../wire/errors.ts'

/** A target in absolute form: its host, without a user in front, and what follows (RFC 9112, 3.2.2). */
const absoluteForm = /^https?:\/\/(?:[^/?#@]*@)?([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i

/**
 * Checks what Node's parser lets pass, and brings the target into its usual form, a path with a query, so that nobody has to
 * know another one.
 *
 * @returns what the request is refused with; undefined for nearly all
 */
export function checkHead(incoming: IncomingMessage): ServiceError | undefined {
  if (!hasProperHost(incoming)) return malformedRequest()
  const coding = incoming.headers['transfer-encoding']
  // The parser takes any list that ends with chunked, and undoes nothing else.
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return unknownTransferCoding()
  return incoming.url?.startsWith('/') || takePath(incoming) ? undefined : malformedRequest()
}

/** One Host, which only a client of HTTP/1.0 may leave out (RFC 9112, 3.2). */
function hasProperHost({ rawHeaders, httpVersionMinor }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && (name === 'Host' || name.toLowerCase() === 'host')) hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0)
}

/** Puts the path in the place of another form of the target; false where it is none. */
function takePath(incoming: IncomingMessage): boolean {
  const { url = '', method, headers } = incoming
  // What a server as a whole can do is what its root can.
  if (url === '*' && method === 'OPTIONS') {
    incoming.url = '/'
    return true
  }
  const [found, host, path = ''] = absoluteForm.exec(url) ?? []
  if (found === undefined) return false
  headers.host = host
  incoming.url = path.startsWith('/') ? path : `/${path}`
  return true
}
