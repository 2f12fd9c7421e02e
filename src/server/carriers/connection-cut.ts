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
