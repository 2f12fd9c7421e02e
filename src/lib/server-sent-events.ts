/** The fields of a server-sent event. */
export interface ServerSentEvent {
  /** Undefined for an event without a name. */
  readonly event: string | undefined
  /** Undefined for an event without data, such as a comment. */
  readonly data: string | undefined
}

/** An event as nearly all services send it. Faster than reading each line. */
const commonEvent = /^(?:event: ([^\r\n]*)\n)?data: ([^\r\n]*)\n\n$/

/** Reads the fields of one server-sent event (WHATWG HTML, 9.2). Lines end in LF, CR LF or CR. */
export function readEvent(text: string): ServerSentEvent {
  const common = commonEvent.exec(text)
  if (common) return { event: common[1], data: common[2] }
  let event: string | undefined
  let data: string | undefined
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    const field = line.slice(0, colon).replace(/^\uFEFF/, '')
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (field === 'event') event = value
  }
  return { event, data }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

// States: what precedes the current byte.
const IN_LINE = 0
/** A complete line end: LF or CR LF. */
const AFTER_LINE_END = 1
/** A CR. An LF may follow and belongs to it. */
const AFTER_RETURN = 2
/** The CR of a blank line. An LF may follow and belongs to it. */
const AFTER_BLANK_RETURN = 3

/**
 * Splits the bytes of an event stream after each blank line, independent of where chunks end. Lines end in LF, CR LF or CR,
 * as the standard allows. Concatenated, its output is its input.
 */
export class EventSplitter {
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #state = IN_LINE

  /** Size of the incomplete event so far, in bytes. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Takes a chunk and returns the events that it completes. */
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

  /** Takes out the bytes of the incomplete event. Empty if there are none. */
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
