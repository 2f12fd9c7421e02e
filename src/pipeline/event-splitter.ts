const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** What the bytes before the present one were. */
const IN_LINE = 0
/** A line end that nothing can belong to any more: LF, or CR LF. */
const AFTER_LINE_END = 1
/** A CR that an LF may follow. */
const AFTER_RETURN = 2
/** The CR of a blank line, that an LF may follow. */
const AFTER_BLANK_RETURN = 3

/**
 * Cuts the bytes of a stream of server-sent events behind each blank line, wherever its chunks end. Lines end in LF, CR LF
 * or CR, as the standard of server-sent events allows. Joined, what it gives is what it got.
 */
export class EventSplitter {
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #state = IN_LINE

  /** How many bytes the event has so far that is not complete. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** The events that are complete with this chunk. */
  push(chunk: Buffer): Buffer[] {
    const events: Buffer[] = []
    let start = 0
    let state = this.#state
    const cut = (end: number): void => {
      this.#keep(chunk.subarray(start, end))
      events.push(this.rest())
      start = end
      state = IN_LINE
    }
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (state === AFTER_BLANK_RETURN && byte !== LINE_FEED) cut(at)
      if (byte === LINE_FEED) {
        if (state === AFTER_LINE_END || state === AFTER_BLANK_RETURN) cut(at + 1)
        else state = AFTER_LINE_END
      } else if (byte === CARRIAGE_RETURN) {
        if (state === AFTER_RETURN) cut(at + 1)
        else state = state === AFTER_LINE_END ? AFTER_BLANK_RETURN : AFTER_RETURN
      } else state = IN_LINE
    }
    this.#keep(chunk.subarray(start))
    this.#state = state
    return events
  }

  /** Takes what has come of an event that is not complete; empty where nothing has. */
  rest(): Buffer {
    const [only] = this.#pieces
    const whole = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#pendingBytes = 0
    return whole
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.#pieces.push(piece)
    this.#pendingBytes += piece.length
  }
}
