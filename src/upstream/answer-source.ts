import type { AnswerEvent, AnswerReader } from '../answer/answer-events.ts'
import { asBuffer } from '../lib/buffers.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import { UpstreamFailure } from './upstream-failure.ts'

/** A larger answer is not converted, because its events need several times its memory. */
const MAX_CONVERTED_BYTES = 64 * 1024 * 1024

/** How much is read after the end of an answer, so that its connection can be used again. */
const MAX_DRAINED_BYTES = 64 * 1024

/** The bytes of the answer of an upstream. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array, unknown>
  readonly #origin: string
  /** Chunks that were read and not taken yet. */
  #ahead: Buffer[] = []
  #hasEnded = false

  /** @param origin scheme, host and port of the upstream, for messages */
  constructor(chunks: AsyncIterable<Uint8Array>, origin: string) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#origin = origin
  }

  /** Returns the next chunk; undefined after the end. */
  async next(): Promise<Buffer | undefined> {
    const ahead = this.#ahead.shift()
    if (ahead) return ahead
    if (this.#hasEnded) return undefined
    const { done, value } = await this.#chunks.next()
    this.#hasEnded = done === true
    return done === true ? undefined : asBuffer(value as Uint8Array)
  }

  /** Returns the first byte that is neither white space nor a byte order mark, without taking it; undefined without one. */
  async firstByte(): Promise<number | undefined> {
    const read: Buffer[] = []
    let first: number | undefined
    for (let length = 0; first === undefined && length <= MAX_CONVERTED_BYTES;) {
      const chunk = await this.next()
      if (!chunk) break
      read.push(chunk)
      length += chunk.length
      first = chunk.find((byte) => !ignoredBytes.has(byte))
    }
    this.#ahead = read
    return first
  }

  /**
   * Reads the bytes to their end.
   *
   * @throws {UpstreamFailure} if they are too large
   */
  async readAll(): Promise<Buffer> {
    const read: Buffer[] = []
    let length = 0
    for (let chunk = await this.next(); chunk; chunk = await this.next()) {
      read.push(chunk)
      length += chunk.length
      if (length <= MAX_CONVERTED_BYTES) continue
      await this.close()
      throw this.tooLarge()
    }
    return Buffer.concat(read)
  }

  /** The failure of an answer that is too large. */
  tooLarge(): UpstreamFailure {
    return unreadable(this.#origin, `it has more than ${MAX_CONVERTED_BYTES / 1024 / 1024} MB.`)
  }

  /** Stops reading. Aborts the call if the answer is not complete. */
  async close(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    await this.#chunks.return?.()
  }

  /** Reads the rest in the background and discards it, so that the connection can be used again. */
  discard(): void {
    const discard = async (): Promise<void> => {
      for (let length = 0; length < MAX_DRAINED_BYTES;) {
        const chunk = await this.next()
        if (!chunk) return
        length += chunk.length
      }
      await this.close()
    }
    // The answer is complete, so that later failures do not matter.
    discard().catch(() => {})
  }
}

/** White space of JSON, and the bytes of a byte order mark in UTF-8. */
const ignoredBytes: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** The events of an answer that is streamed, in the order of its chunks. */
export class StreamSource {
  readonly #bytes: ByteSource
  readonly #reader: AnswerReader
  readonly #splitter = new EventSplitter()
  #isDone = false
  #hasStarted = false

  constructor(bytes: ByteSource, reader: AnswerReader) {
    this.#bytes = bytes
    this.#reader = reader
  }

  /** Whether all events of the answer have been read. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Whether the model has begun to answer, or the answer has ended. Before, an upstream can still refuse the request. */
  get hasStarted(): boolean {
    return this.#hasStarted || this.#isDone
  }

  /**
   * Returns the events of the next chunk; undefined after the last one. The connection stays open until `close`.
   *
   * @throws the errors of the connection
   * @throws {UpstreamFailure} if an event is too large
   */
  async next(): Promise<readonly AnswerEvent[] | undefined> {
    if (this.#isDone) return undefined
    const chunk = await this.#bytes.next()
    if (!chunk) return this.#end()
    const frames = this.#splitter.push(chunk)
    if (this.#splitter.pendingBytes > MAX_CONVERTED_BYTES) throw this.#bytes.tooLarge()
    const [only] = frames
    if (only && frames.length === 1) return this.#read(only.toString())
    const events: AnswerEvent[] = []
    for (const frame of frames) if (!this.#isDone) events.push(...this.#read(frame.toString()))
    return events
  }

  /** Ends the call. If the answer is complete, its connection is used again. */
  async close(): Promise<void> {
    if (this.#isDone) this.#bytes.discard()
    else await this.#bytes.close()
  }

  #read(frame: string): readonly AnswerEvent[] {
    const events = this.#reader.push(frame)
    this.#isDone = this.#reader.isDone
    if (!this.#hasStarted) this.#hasStarted = events.some(isOfModel) || isStartOfItem(frame)
    return events
  }

  /** Some services do not send a blank line after the last event. */
  #end(): readonly AnswerEvent[] {
    const rest = this.#splitter.rest()
    const events = rest.length > 0 ? this.#read(rest.toString()) : []
    const last = this.#isDone ? [] : this.#reader.end()
    this.#isDone = true
    return [...events, ...last]
  }
}

function isOfModel({ kind }: AnswerEvent): boolean {
  return kind !== 'start' && kind !== 'filter' && kind !== 'usage'
}

/** Readers return no event for the start of an item, after which the model can reason for a long time. */
function isStartOfItem(frame: string): boolean {
  return /"type"\s*:\s*"(?:response\.output_item\.added|content_block_start)"/.test(frame)
}

/** The failure of an answer that cannot be converted. @param why a clause that ends in a full stop */
export function unreadable(origin: string, why: string): UpstreamFailure {
  const message = `Could not convert the answer of ${origin}: ${why} Correct 'form' of the deployment, or the address of its upstream.`
  return new UpstreamFailure('UpstreamAnswerInvalid', message)
}
