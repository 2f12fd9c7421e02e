import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'

/**
 * Tells the adapter that the answer has gone to Node's own response, or will. It is the adapter's own marker, but
 * with headers that are listed once: real ones are sorted anew for each request, which costs microseconds.
 */
export const alreadySent: Response = withListedHeaders(RESPONSE_ALREADY_SENT)

function withListedHeaders(marker: Response): Response {
  const entries = [...marker.headers]
  const headers = Object.defineProperties(new Headers(), {
    has: { value: () => false },
    [Symbol.iterator]: { value: () => entries[Symbol.iterator]() },
  })
  return Object.defineProperty(new Response(null), 'headers', { value: headers })
}
