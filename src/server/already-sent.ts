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
  const response = new Response(null)
  // The adapter sends one of its own kind without asking for the marker, as long as nobody has looked into it; `Response` is of
  // that kind where another server of Hono was started before this module was loaded.
  void response.bodyUsed
  return Object.defineProperty(response, 'headers', { value: headers })
}
