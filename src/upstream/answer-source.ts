import type { AnswerEvent, AnswerReader } from '../answer/answer-events.ts'
import { type ChunkFlow, type ChunkSink, pushedFrom } from '../answer/pushed-chunks.ts'
import { asBuffer } from '../lib/buffers.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import { UpstreamFailure } from './upstream-failure.ts'

/** A larger answer is not converted, because its events need several times its memory. */
const MAX_CONVERTED_BYTES = 64 * 1024 * 1024

/** How much is read after the end of an answer, so that its connection can be used again. */
const MAX_DRAINED_BYTES = 64 * 1024

/** The bytes of the answer of an upstream. They are taken chunk by chunk, until the rest is pushed to a sink. */
export class ByteSource {
  readonly #flow: ChunkFlow
  readonly #origin: string
  /** Chunks that have arrived and were not taken yet. */
  #queue: Buffer[] = []
  #hasEnded = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #sink: ChunkSink | undefined

  /** @param origin scheme, host and port of the upstream, for messages */
  constructor(chunks: AsyncIterable<Uint8Array>, origin: string) {
    this.#origin = origin
    this.#flow = pushedFrom(chunks).pipe({
      write: (chunk) => {
        if (this.#sink) return this.#sink.write(chunk)
        this.#queue.push(asBuffer(chunk))
        this.#signal()
        return false
      },
      end: () => {
        this.#hasEnded = true
        if (this.#sink) this.#sink.end()
        else this.#signal()
      },
      fail: (error) => {
        this.#failure = { error }
        if (this.#sink) this.#sink.fail(error)
        else this.#signal()
      },
    })
  }

  /** Returns the next chunk; undefined after the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#queue.shift()
      if (chunk) return chunk
      if (this.#failure) throw this.#failure.error
      if (this.#hasEnded) return undefined
      const arrived = new Promise<void>((resolve) => (this.#wake = resolve))
      this.#flow.resume()
      await arrived
    }
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
    this.#queue.unshift(...read)
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
      this.close()
      throw this.tooLarge()
    }
    return Buffer.concat(read)
  }

  /**
   * Pushes the rest to a sink, from the first `resume` of the result on, without a promise for each chunk. `next` must not be called
   * any more.
   */
  pushTo(sink: ChunkSink): ChunkFlow {
    this.#sink = sink
    return {
      resume: () => {
        for (let chunk = this.#queue.shift(); chunk; chunk = this.#queue.shift()) {
          if (!sink.write(chunk)) return
        }
        const failure = this.#failure
        if (failure) sink.fail(failure.error)
        else if (this.#hasEnded) sink.end()
        else this.#flow.resume()
      },
      cancel: () => this.close(),
    }
  }

  /** The failure of an answer that is too large. */
  tooLarge(): UpstreamFailure {
    return unreadable(this.#origin, `it has more than ${MAX_CONVERTED_BYTES / 1024 / 1024} MB.`)
  }

  /** Stops reading. Aborts the call if the answer is not complete. */
  close(): void {
    if (this.#hasEnded || this.#failure) return
    this.#hasEnded = true
    this.#queue = []
    this.#flow.cancel()
  }

  /** Discards the rest in the background, so that the connection can be used again. A long rest is aborted. */
  discard(): void {
    let length = 0
    const discarded = {
      write: (chunk: Uint8Array) => {
        length += chunk.length
        if (length > MAX_DRAINED_BYTES) this.close()
        return true
      },
      end: () => {},
      // The answer is complete, so that a failure of the connection does not matter.
      fail: () => {},
    }
    this.#sink = discarded
    this.#queue = []
    if (!this.#hasEnded && !this.#failure) this.#flow.resume()
  }

  #signal(): void {
    const waiting = this.#wake
    this.#wake = undefined
    waiting?.()
  }
}

/** White space of JSON, and the bytes of a byte order mark in UTF-8. */
const ignoredBytes: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** Reads the events of an answer from the chunks of its stream. */
export class StreamEvents {
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
   * Returns the events of a chunk.
   *
   * @throws {UpstreamFailure} if an event is too large
   */
  push(chunk: Uint8Array): readonly AnswerEvent[] {
    if (this.#isDone) return []
    const bytes = asBuffer(chunk)
    if (this.#splitter.pendingBytes === 0 && endsWithEvent(bytes)) return this.#readAll(bytes.toString())
    const frames = this.#splitter.push(bytes)
    if (this.#splitter.pendingBytes > MAX_CONVERTED_BYTES) throw this.#bytes.tooLarge()
    const events: AnswerEvent[] = []
    for (const frame of frames) if (!this.#isDone) events.push(...this.#read(frame.toString()))
    return events
  }

  /** Reads complete events with lines that end in LF, as nearly all chunks have them. Faster than a splitter. */
  #readAll(text: string): readonly AnswerEvent[] {
    let end = text.indexOf('\n\n') + 2
    if (end === text.length) return this.#read(text)
    const events: AnswerEvent[] = []
    for (let start = 0; start < text.length && !this.#isDone; start = end) {
      const blank = text.indexOf('\n\n', start)
      end = blank < 0 ? text.length : blank + 2
      events.push(...this.#read(text.slice(start, end)))
    }
    return events
  }

  /** Returns the events at the end of the stream. Some services do not send a blank line after the last event. */
  end(): readonly AnswerEvent[] {
    if (this.#isDone) return []
    const rest = this.#splitter.rest()
    const events = rest.length > 0 ? this.#read(rest.toString()) : []
    const last = this.#isDone ? [] : this.#reader.end()
    this.#isDone = true
    return [...events, ...last]
  }

  /**
   * Reads the events until the model has begun to answer, or to their end.
   *
   * @throws the errors of the connection
   */
  async read(until: 'start' | 'end'): Promise<AnswerEvent[]> {
    const events: AnswerEvent[] = []
    while (!(until === 'start' ? this.hasStarted : this.#isDone)) {
      const chunk = await this.#bytes.next()
      events.push(...(chunk ? this.push(chunk) : this.end()))
    }
    return events
  }

  #read(frame: string): readonly AnswerEvent[] {
    const events = this.#reader.push(frame)
    this.#isDone = this.#reader.isDone
    if (!this.#hasStarted) this.#hasStarted = events.some(isOfModel) || isStartOfItem(frame)
    return events
  }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Whether a chunk ends with an event, and its lines end in LF. */
function endsWithEvent(bytes: Buffer): boolean {
  const { length } = bytes
  return (
    bytes[length - 1] === LINE_FEED && bytes[length - 2] === LINE_FEED && !bytes.includes(CARRIAGE_RETURN)
  )
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
