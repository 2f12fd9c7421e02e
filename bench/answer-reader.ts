/** State of an answer after the last piece. */
export interface ReadAnswer {
  readonly status: number
  /** Number of events in the last piece. */
  readonly events: number
  readonly isComplete: boolean
}

const endOfHead = Buffer.from('\r\n\r\n')
const eventMark = Buffer.from('data: ')
const lastChunk = '0\r\n\r\n'

/** Parses one HTTP/1.1 answer from pieces, as far as a load generator needs it: status, events, end. */
export class AnswerReader {
  #head: Buffer = Buffer.alloc(0)
  #status = 0
  /** Remaining bytes of the body; undefined for chunked bodies. */
  #left: number | undefined
  #tail = ''

  read(piece: Buffer): ReadAnswer {
    let body = piece
    if (this.#status === 0) {
      const bytes = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece])
      const end = bytes.indexOf(endOfHead)
      if (end < 0) {
        this.#head = bytes
        return { status: 0, events: 0, isComplete: false }
      }
      const head = bytes.toString('latin1', 0, end + 2)
      this.#status = Number(head.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      this.#left = length === undefined ? undefined : Number(length)
      body = bytes.subarray(end + endOfHead.length)
    }
    return { status: this.#status, events: countEvents(body), isComplete: this.#isComplete(body) }
  }

  #isComplete(body: Buffer): boolean {
    if (this.#left !== undefined) {
      this.#left -= body.length
      return this.#left <= 0
    }
    // An event ends with two line feeds, so this sequence occurs only at the end.
    this.#tail = (this.#tail + body.toString('latin1', Math.max(0, body.length - lastChunk.length))).slice(
      -lastChunk.length,
    )
    return this.#tail === lastChunk
  }
}

function countEvents(body: Buffer): number {
  let count = 0
  for (let at = body.indexOf(eventMark); at >= 0; at = body.indexOf(eventMark, at + eventMark.length))
    count += 1
  return count
}
