import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { asBuffer } from '../../lib/buffers.ts'
import { chunkSocket, writeHeadAndChunk } from '../node-internals.ts'
import { batchWrite } from './parts.ts'

/** Larger chunks are written as they are, because copying them costs more than several writes. */
const MAX_COPIED_BYTES = 4_096

/** Chunks of one tick are written at the latest when they have this size. */
const MAX_JOINED_BYTES = 16_384

/**
 * Writes a live body. Call `writeHead` of the response before.
 *
 * The head, the chunks and the end that arrive in one tick are one write. Services often send the head with the first event, and the
 * last event with the end, and each write costs as much as the rest of a chunk.
 */
export class LiveWriter {
  readonly #outgoing: ServerResponse
  readonly #onDrain: () => void
  /** Chunks that are not written yet. */
  #text = ''
  #isScheduled = false
  #isStalled = false
  #isEnded = false

  /**
   * Sends the head at the end of this tick.
   *
   * @param onDrain called when the client has read after `write` returned false
   */
  constructor(outgoing: ServerResponse, onDrain: () => void) {
    this.#outgoing = outgoing
    this.#onDrain = onDrain
    this.#schedule()
  }

  /** Writes a chunk at the end of this tick. Returns false if the caller must wait for `onDrain` before it writes more. */
  write(bytes: Uint8Array): boolean {
    if (bytes.byteLength > MAX_COPIED_BYTES) {
      if (this.#text !== '') this.flush()
      this.#watchDrain(this.#outgoing, this.#outgoing.write(bytes))
      return !this.#isStalled
    }
    this.#text += asBuffer(bytes).toString('latin1')
    // A body that never waits would not let the tick end.
    if (this.#text.length >= MAX_JOINED_BYTES) this.flush()
    else this.#schedule()
    return !this.#isStalled
  }

  /** Ends the body. */
  end(): void {
    this.#isEnded = true
    if (!this.#isScheduled) this.flush()
  }

  /** Writes what is prepared. */
  flush(): void {
    const outgoing = this.#outgoing
    const text = this.#text
    this.#text = ''
    if (outgoing.destroyed) return
    const socket = chunkSocket(outgoing)
    if (!socket) {
      if (text !== '') this.#watchDrain(outgoing, outgoing.write(text, 'latin1'))
      else if (!this.#isEnded) outgoing.flushHeaders()
      if (this.#isEnded) outgoing.end()
      return
    }
    const canContinue = writeHeadAndChunk(outgoing, socket, text, this.#isEnded)
    if (!this.#isEnded) this.#watchDrain(socket, canContinue)
  }

  /** After all tasks of this tick and those that they schedule, such as the end of a body. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    batchWrite(this.#soon)
  }

  readonly #soon = (): void => batchWrite(this.#flushScheduled)

  readonly #flushScheduled = (): void => {
    this.#isScheduled = false
    this.flush()
  }

  #watchDrain(stream: Writable, canContinue: boolean): void {
    if (canContinue || this.#isStalled) return
    this.#isStalled = true
    stream.once('drain', () => {
      this.#isStalled = false
      this.#onDrain()
    })
  }
}
