import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'

/**
 * Tells @hono/node-server that the answer is, or will be, written to the Node response. It is the marker of the adapter, with a fixed
 * list of headers: a `Headers` object sorts its entries for each request, which costs microseconds.
 */
export const alreadySent: Response = withListedHeaders(RESPONSE_ALREADY_SENT)

function withListedHeaders(marker: Response): Response {
  const entries = [...marker.headers]
  const headers = Object.defineProperties(new Headers(), {
    has: { value: () => false },
    [Symbol.iterator]: { value: () => entries[Symbol.iterator]() },
  })
  const response = new Response(null)
  // If another Hono server was started before this module was loaded, `Response` is the class of the adapter. The adapter sends such a
  // response without checking the marker, unless one of its properties was read.
  void response.bodyUsed
  return Object.defineProperty(response, 'headers', { value: headers })
}
