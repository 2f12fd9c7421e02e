/** The head of a Web Response. */
export interface WebResponseFields {
  /** From 200 to 999. */
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
}

/** Maximum status that the Response constructor accepts. Clients of a socket get larger ones unchanged. */
const MAX_CONSTRUCTOR_STATUS = 599

/**
 * Creates a Web Response as `fetch` returns it. The constructor is stricter: this function omits the body of a status without
 * one, and allows statuses from 600.
 *
 * @throws {TypeError} for an invalid reason phrase
 */
export function webResponse(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  { status, ...rest }: WebResponseFields,
): Response {
  const sent = mayHaveBody(status) ? body : null
  if (status <= MAX_CONSTRUCTOR_STATUS) return new Response(sent, { status, ...rest })
  return Object.defineProperties(new Response(sent, { status: MAX_CONSTRUCTOR_STATUS, ...rest }), {
    status: { value: status },
    ok: { value: false },
  })
}

/** Returns whether a Response with this status may have a body. For other statuses the constructor rejects even an empty one. */
export function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304
}

/** Thrown to a caller in the same process when a fault cuts the connection. */
export class ConnectionCut extends TypeError {
  override readonly name = 'ConnectionCut'
  /** The code that `fetch` of Node sets in the cause of its TypeError. */
  readonly code: 'ECONNRESET' | 'UND_ERR_SOCKET'

  constructor(how: 'reset' | 'close') {
    super(
      how === 'reset'
        ? 'The connection was reset by a simulated fault.'
        : 'The connection was closed before the answer was complete, by a simulated fault.',
    )
    this.code = how === 'reset' ? 'ECONNRESET' : 'UND_ERR_SOCKET'
  }
}
