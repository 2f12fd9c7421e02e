/** What a Web Response is made of. */
export interface WebResponseFields {
  /** From 200 to 999. */
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
}

/** The largest status that the constructor takes; a client of a socket sees larger ones as they are. */
const MAX_STATUS = 599

/**
 * Makes a Web Response as `fetch` gives it, where the constructor is stricter: a status that has no body gets none, and one
 * from 600 on stands.
 *
 * @throws {TypeError} for a phrase that cannot be sent
 */
export function webResponse(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  { status, ...rest }: WebResponseFields,
): Response {
  const sent = mayHaveBody(status) ? body : null
  if (status <= MAX_STATUS) return new Response(sent, { status, ...rest })
  return Object.defineProperties(new Response(sent, { status: MAX_STATUS, ...rest }), {
    status: { value: status },
    ok: { value: false },
  })
}

/** Whether a Response of this status may have a body; the others refuse even an empty one. */
export function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304
}

/** What a caller in the same process gets in the place of an answer whose connection is broken on purpose. */
export class ConnectionCut extends TypeError {
  override readonly name = 'ConnectionCut'
  /** What Node's own `fetch` names such an end, in the cause of its TypeError. */
  readonly code: 'ECONNRESET' | 'UND_ERR_SOCKET'

  constructor(how: 'reset' | 'close') {
    super(
      how === 'reset'
        ? 'The connection was reset, as a fault asked for.'
        : 'The connection was closed before the answer was complete, as a fault asked for.',
    )
    this.code = how === 'reset' ? 'ECONNRESET' : 'UND_ERR_SOCKET'
  }
}
