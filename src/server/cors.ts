import type { Exchange } from '../pipeline/exchange.ts'
import type { HeaderList, Reply } from '../pipeline/reply.ts'

/** Lets pages of other origins call the data plane. Without cookies: the key is in a header. */
export interface Cors {
  /** Returns the answer to a preflight request; undefined for any other request. */
  preflight(request: Request): Response | undefined
  /** Adds the headers to an answer of the data plane. Changes and returns the reply. */
  addTo(exchange: Pick<Exchange, 'headers'>, reply: Reply): Reply
}

/** Methods of the data plane. */
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** Request headers of the official clients. A preflight request also gets the headers that it asks for. */
const clientHeaders = [
  'authorization',
  'api-key',
  'x-api-key',
  'content-type',
  'accept',
  'openai-organization',
  'openai-project',
  'openai-beta',
  'anthropic-version',
  'anthropic-beta',
  'anthropic-dangerous-direct-browser-access',
  'x-ms-client-request-id',
  'x-ms-useragent',
  'idempotency-key',
]

/** Response headers that every script may need. */
const exposedHeaders = ['x-request-id', 'apim-request-id', 'request-id', 'retry-after', 'retry-after-ms']

/** Further response headers that scripts can read if an answer has them: limits, region, model and so on. */
const exposedName = /^(?:x-|openai-|anthropic-|azure|location$|operation-location$)/i

const MAX_AGE_SECONDS = 7_200

/** A header name: characters of a token (RFC 9110). */
const headerName = /^[\w!#$%&'*+.^`|~-]{1,256}$/

/** @param origins `*` or origins, as in CORS_ORIGINS */
export function createCors(origins: readonly string[]): Cors {
  const allowsAny = origins.includes('*')
  const allowed = new Set(origins.map(normalizedOrigin))
  /** Value of Access-Control-Allow-Origin; undefined for an origin that is not allowed, and without one. */
  const allowedOrigin = (origin: string | undefined): string | undefined => {
    if (allowsAny) return '*'
    return origin !== undefined && allowed.has(origin.toLowerCase()) ? origin : undefined
  }
  return {
    preflight({ method, headers }) {
      const requestMethod = headers.get('access-control-request-method')
      const origin = headers.get('origin')
      if (method !== 'OPTIONS' || origin === null || requestMethod === null) return undefined
      const answer = new Headers({
        Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      })
      const value = allowedOrigin(origin)
      if (value !== undefined) {
        answer.set('Access-Control-Allow-Origin', value)
        answer.set('Access-Control-Allow-Methods', ALLOWED_METHODS)
        answer.set(
          'Access-Control-Allow-Headers',
          allowedHeaders(headers.get('access-control-request-headers') ?? ''),
        )
        answer.set('Access-Control-Max-Age', String(MAX_AGE_SECONDS))
      }
      return new Response(null, { status: 204, headers: answer })
    },
    addTo({ headers: { origin } }, reply) {
      const { headers } = reply
      removeCorsHeaders(headers)
      if (!allowsAny) addVary(headers)
      const value = allowedOrigin(origin)
      if (value === undefined) return reply
      headers.append('Access-Control-Allow-Origin', value)
      headers.append('Access-Control-Expose-Headers', exposedOf(headers))
      return reply
    },
  }
}

/** Origins as browsers send them: in lower case, and without the default port. */
function normalizedOrigin(origin: string): string {
  return /^https?:/i.test(origin) ? new URL(origin).origin : origin.toLowerCase()
}

function allowedHeaders(requested: string): string {
  const names = requested
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => headerName.test(name))
  return [...new Set([...clientHeaders, ...names])].join(', ')
}

function exposedOf(headers: HeaderList): string {
  const names = new Set(exposedHeaders)
  for (const [name] of headers) if (exposedName.test(name)) names.add(name.toLowerCase())
  return [...names].join(', ')
}

/** Removes those of a forwarded or replayed answer, which are about other origins. */
function removeCorsHeaders(headers: HeaderList): void {
  const names = Array.from(headers, ([name]) => name)
  for (const name of names) if (/^access-control-/i.test(name)) headers.delete(name)
}

/** Caches must not serve the answer for one origin to another. */
function addVary(headers: HeaderList): void {
  const vary = headers.get('Vary')
  if (vary === undefined) headers.append('Vary', 'Origin')
  else if (!/(?:^|,)\s*(?:origin|\*)\s*(?:,|$)/i.test(vary)) headers.set('Vary', `${vary}, Origin`)
}
