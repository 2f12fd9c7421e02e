import type { ServerResponse } from 'node:http'
import { wireEncoding } from './render-whole.ts'

/**
 * Writes the parts of a chunked body. Node's own `write` makes four writes of a chunk, joined a tick later; with the frame
 * around the text in one string, a core carries a third more paced streams. The first part takes Node's way, for it brings
 * the headers.
 */
export class PartWriter {
  readonly #outgoing: ServerResponse
  /** Whether the headers have been written; `headersSent` only says that they are made. */
  #headIsOut = false

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /**
   * Writes a part.
   *
   * @param isAscii whether that is known of the text
   * @param onDrain called later, where the part had to be kept for a reader that is behind
   * @returns whether more may follow at once
   */
  write(text: string, isAscii: boolean, onDrain: () => void): boolean {
    if (text === '') return true
    const outgoing = this.#outgoing
    const { socket } = outgoing
    // Without a socket it is not this answer's turn yet on its connection; without chunks the client is of HTTP/1.0.
    const framedByHand =
      this.#headIsOut && outgoing.chunkedEncoding && socket?.writable && outgoing.req.method !== 'HEAD'
    this.#headIsOut = true
    const length = isAscii ? text.length : Buffer.byteLength(text)
    const encoding = wireEncoding(text, length)
    const flows = framedByHand
      ? socket.write(`${length.toString(16)}\r\n${text}\r\n`, encoding)
      : outgoing.write(text, encoding)
    if (!flows) (framedByHand ? socket : outgoing).once('drain', onDrain)
    return flows
  }
}
