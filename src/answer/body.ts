/** A body that is sent in one piece. `render` is called once, when the answer is due. */
export interface WholeBody {
  readonly kind: 'whole'
  render(): string | Uint8Array
  /**
   * The same function as `render` if it returns ASCII, so that the length in bytes is known. A copy of the body with another
   * `render` no longer counts as ASCII.
   */
  readonly asciiRender?: () => string | Uint8Array
  /** The parts that `render` joins, for a body that is too large to render without blocking other requests. */
  readonly pieces?: () => Iterable<string>
  /** The same function as `render` if `pieces` is valid for it, like `asciiRender`. */
  readonly piecesRender?: () => string | Uint8Array
}

/**
 * A body that is sent event by event. Each event is rendered once when it is due, in order. An event is due at its step of the
 * reply's schedule, which is the index of its token for generated text.
 */
export interface EventsBody {
  readonly kind: 'events'
  readonly count: number
  /** The step of event `index`, from 0. Must not decrease with `index`. */
  stepOf(index: number): number
  /** The text of event `index`, including framing. */
  render(index: number): string
  /** The same function as `render` if it returns ASCII, as in `WholeBody`. */
  readonly asciiRender?: (index: number) => string
}

/** Creates a body that is rendered when it is due. `isAscii`: `render` is known to return ASCII. */
export function renderedBody(render: WholeBody['render'], isAscii: boolean): WholeBody {
  return { kind: 'whole', render, ...(isAscii && { asciiRender: render }) }
}

/** Creates a body of events. `isAscii`: `render` is known to return ASCII. */
export function renderedEvents(
  count: number,
  stepOf: EventsBody['stepOf'],
  render: EventsBody['render'],
  isAscii: boolean,
): EventsBody {
  return { kind: 'events', count, stepOf, render, ...(isAscii && { asciiRender: render }) }
}

/** Creates a body of events that are already rendered. Each one is a step. */
export function listedEvents(events: readonly string[]): EventsBody {
  return {
    kind: 'events',
    count: events.length,
    stepOf: (index) => index,
    render: (index) => events[index] ?? '',
  }
}

/** Creates a large body that is rendered piece by piece when it is due. A piece must take only a few milliseconds. */
export function bodyInPieces(pieces: () => Iterable<string>): WholeBody {
  const render = (): string => [...pieces()].join('')
  return { kind: 'whole', render, pieces, piecesRender: render }
}

/** Returns a body with the same bytes that passes its content to `onContent` when it is rendered. */
export function watchedWhole(body: WholeBody, onContent: (content: string | Uint8Array) => void): WholeBody {
  const render = (): string | Uint8Array => {
    const content = body.render()
    onContent(content)
    return content
  }
  function* watchedPieces(): Generator<string> {
    const pieces: string[] = []
    for (const piece of piecesOf(body) ?? []) {
      pieces.push(piece)
      yield piece
    }
    onContent(pieces.join(''))
  }
  const isInPieces = piecesOf(body) !== undefined
  return {
    ...renderedBody(render, isAsciiBody(body)),
    ...(isInPieces && { pieces: watchedPieces, piecesRender: render }),
  }
}

/** Returns a body with the same events that passes each one to `onEvent` when it is rendered, with its step. */
export function watchedEvents(body: EventsBody, onEvent: (text: string, step: number) => void): EventsBody {
  const render = (index: number): string => {
    const text = body.render(index)
    onEvent(text, body.stepOf(index))
    return text
  }
  return renderedEvents(body.count, (index) => body.stepOf(index), render, isAsciiBody(body))
}

/** The pieces of a body; undefined if it is rendered as a whole. */
export function piecesOf(body: WholeBody): Iterable<string> | undefined {
  return body.piecesRender === body.render ? body.pieces?.() : undefined
}

/** Whether a body is known to be ASCII. */
export function isAsciiBody(body: WholeBody | EventsBody): boolean {
  return body.asciiRender !== undefined && body.asciiRender === body.render
}

/**
 * A body that arrives while it is sent, such as the stream of a real service. The next chunk is requested after the client has
 * received the previous one. When the client disconnects, the iteration ends. The answer has no schedule.
 */
export interface LiveBody {
  readonly kind: 'live'
  /**
   * Iterated at most once, and not at all if the client has already disconnected. A rejection resets the connection, and is logged
   * unless it is a `ReportedFailure`.
   */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Creates a body of constant text. */
export function textBody(text: string | Uint8Array): WholeBody {
  return { kind: 'whole', render: () => text }
}

/** A rendered body. */
export interface WholeContent {
  readonly content: string | Uint8Array
  /** Bytes on the wire. */
  readonly length: number
}

/** Renders a body as a whole. */
export function renderWhole(body: WholeBody): WholeContent {
  const content = body.render()
  if (typeof content !== 'string') return { content, length: content.byteLength }
  return { content, length: isAsciiBody(body) ? content.length : Buffer.byteLength(content) }
}

/** Whether a text is ASCII. Linear time, so use it for short texts. */
export function isAsciiText(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** Encoding to write a text to a socket. Node.js writes ASCII about 30 % faster as latin1 than as UTF-8. */
export function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
