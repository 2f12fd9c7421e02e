import { endToEndHeaders, hopByHop, namedByConnection } from '../pipeline/end-to-end-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { redactHeaderValue } from '../lib/credential-texts.ts'
import { HeaderList } from '../pipeline/header-list.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** What the call upstream has of its own. */
const replaced: ReadonlySet<string> = new Set(['accept-encoding', 'content-length', 'expect', 'host'])

/** Whether a header is for the simulator alone: what lets the caller in here, and what asks for faults. */
function staysHere(name: string): boolean {
  return replaced.has(name) || name.startsWith('x-sim-') || isCredentialName(name, 'header')
}

/** Methods whose requests mostly have no body, and then no length either. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/** By this header the service lets callers name their requests. */
const ownName = 'x-ms-client-request-id'

/**
 * The headers of a request as they go upstream: names and values in turn, without credentials of the caller. The operator's
 * take their place. A request without a name of its own goes by its id here.
 * Plain bodies are asked for, so that what is recorded can be read and what streams is not held up by a compressor.
 */
export function forwardedHeaders(
  { id, method, headers, body }: Pick<Exchange, 'id' | 'method' | 'headers' | 'body'>,
  target: UpstreamTarget,
  credential: readonly string[],
): string[] {
  const host = target.origin.slice(target.origin.indexOf('//') + 2)
  const raw = ['host', host, ...credential, 'accept-encoding', 'identity']
  const ofConnection = namedByConnection(headers.connection)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || hopByHop.has(name) || staysHere(name) || ofConnection.has(name)) continue
    for (const one of Array.isArray(value) ? value : [value]) raw.push(name, redactHeaderValue(one))
  }
  if (headers[ownName] === undefined) raw.push(ownName, id)
  if (body.length > 0 || !bodiless.has(method)) raw.push('content-length', String(body.length))
  return raw
}

/** Headers that do not fit a body any more that has been decoded. */
const ofEncoding: ReadonlySet<string> = new Set(['content-encoding', 'content-length'])

/**
 * The headers of an answer as they go to the client, in their order and case, several of one name included.
 *
 * @param raw names and values in turn, as they came
 * @param decoded whether the body was compressed and is not any more
 */
export function returnedHeaders(raw: readonly string[], decoded: boolean): HeaderList {
  const headers = endToEndHeaders(new HeaderList([...raw]))
  if (decoded) for (const name of ofEncoding) headers.delete(name)
  return headers
}
