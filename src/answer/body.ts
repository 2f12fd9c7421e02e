/** A body that is sent in one piece. `render` is called once, when the answer is due. */
export interface WholeBody {
  readonly kind: 'whole'
  render(): string | Uint8Array
  /**
   * `render` itself, where it is known to give ASCII: such a text need not be looked through for its length. A copy of the body
   * that renders in another way has another `render`, and so is not taken for ASCII.
   */
  readonly asciiRender?: () => string | Uint8Array
  /** What `render` joins, for a body so large that rendering it in one go would hold up others. */
  readonly pieces?: () => Iterable<string>
  /** `render` itself, where `pieces` is the same in pieces, as in `asciiRender`. */
  readonly piecesRender?: () => string | Uint8Array
}

/**
 * A body that is sent event by event. Events are rendered one by one when they are due, in order, each once.
 * An event becomes due with the step of the reply's schedule that it names: its token's number, for generated text.
 */
export interface EventsBody {
  readonly kind: 'events'
  readonly count: number
  /** The step, from 0, that event `index` waits for; never lower than that of the event before it. */
  stepOf(index: number): number
  /** The bytes of event `index` as text, framing included. */
  render(index: number): string
  /** `render` itself, where it is known to give ASCII, as in `WholeBody`. */
  readonly asciiRender?: (index: number) => string
}

/** A body that is rendered when it is due; `isAscii` where that is known of what it gives. */
export function renderedBody(render: WholeBody['render'], isAscii: boolean): WholeBody {
  return { kind: 'whole', render, ...(isAscii && { asciiRender: render }) }
}

/** A body of events, which `render` gives as in `EventsBody`; `isAscii` where that is known of what it gives. */
export function renderedEvents(
  count: number,
  stepOf: EventsBody['stepOf'],
  render: EventsBody['render'],
  isAscii: boolean,
): EventsBody {
  return { kind: 'events', count, stepOf, render, ...(isAscii && { asciiRender: render }) }
}

/** A large body, which is rendered piece by piece when it is due: a piece takes some milliseconds at most. */
export function bodyInPieces(pieces: () => Iterable<string>): WholeBody {
  const render = (): string => [...pieces()].join('')
  return { kind: 'whole', render, pieces, piecesRender: render }
}

/** The pieces of a body; undefined for one that is rendered in one go. */
export function piecesOf(body: WholeBody): Iterable<string> | undefined {
  return body.piecesRender === body.render ? body.pieces?.() : undefined
}

/** Whether a body is known to give ASCII. */
export function isAsciiBody(body: WholeBody | EventsBody): boolean {
  return body.asciiRender !== undefined && body.asciiRender === body.render
}

/**
 * A body that comes from elsewhere while it is sent, such as the stream of a real service. The next chunk is asked for
 * once the client has taken the one before; when the client leaves, the iteration is ended. Its answer keeps its own time.
 */
export interface LiveBody {
  readonly kind: 'live'
  /** Walked through once, and not at all when the client has left before. A rejection cuts the connection, and is logged unless it is a `ReportedFailure`. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** A body of known text. */
export function textBody(text: string | Uint8Array): WholeBody {
  return { kind: 'whole', render: () => text }
}

/** A rendered body. */
export interface WholeContent {
  readonly content: string | Uint8Array
  /** Bytes on the wire. */
  readonly length: number
}

/** Renders a body that is sent in one piece. */
export function renderWhole(body: WholeBody): WholeContent {
  const content = body.render()
  if (typeof content !== 'string') return { content, length: content.byteLength }
  return { content, length: isAsciiBody(body) ? content.length : Buffer.byteLength(content) }
}

/** Whether a text is pure ASCII; for short ones, since it is looked through. */
export function isAsciiText(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** Pure ASCII has as many bytes as characters; Node writes it a third faster as latin1 than as UTF-8. */
export function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
