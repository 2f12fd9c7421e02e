import type { HeaderList } from './header-list.ts'

/** Tokens that an answer is billed for. */
export interface Usage {
  readonly promptTokens: number
  /** Part of `promptTokens` that came from the prompt cache. */
  readonly cachedTokens: number
  /** All tokens of the completion, hidden reasoning included. */
  readonly completionTokens: number
  /** Part of `completionTokens` that the client never sees. */
  readonly reasoningTokens: number
}

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

export type ReplyBody = WholeBody | EventsBody | LiveBody

/** The work of a model in tokens, as it happens in time. */
export interface Steps {
  /** Tokens that are thought before the first visible one. */
  readonly hidden: number
  /** Tokens that become visible one after the other; of several choices, the longest counts. */
  readonly visible: number
}

/** When the parts of an answer are due, in milliseconds from the start of the request. */
export interface Schedule {
  /** Due time of each step, ascending: one a token for generated text. */
  readonly stepsMs: Float64Array
  /** Due time of the end: of a whole body, and of events beyond the last step. */
  readonly endMs: number
}

/** How an answer is broken on purpose. The carriers do it, since only they know the connection. */
export interface Interruption {
  /** `head` is before the first byte; a number is the share of a whole body's bytes. Events are broken off after the last one. */
  readonly at: 'head' | number
  /**
   * `reset` drops the connection (TCP RST), `close` ends it in order (FIN) although the answer is not complete. A number
   * is a pause in milliseconds, after which the rest of a whole body follows; Infinity waits for the client to leave.
   */
  readonly how: 'reset' | 'close' | number
}

/** A plan of an answer. Its body is not rendered before it is sent, so that an answer nobody waits for costs no text. */
export interface Reply {
  status: number
  /** Status phrase, where the service's is not the standard one. */
  reason?: string
  headers: HeaderList
  body: ReplyBody
  usage?: Usage
  /** What the latency of the answer depends on; absent where it depends on the request alone. */
  steps?: Steps
  /** Which limit refused the request; `capacity` is a full queue in front of the deployment. */
  limitedBy?: 'tokens' | 'requests' | 'capacity'
  /** Absent for an answer that is due at once, and for a live one. */
  schedule?: Schedule
  /** Whether the answer has taken its time already, at a real service, so that no latency is added. */
  ownTime?: boolean
  /** Absent for an answer that is sent as it is. */
  interruption?: Interruption
}

/** A body of known text. */
export function textBody(text: string | Uint8Array): WholeBody {
  return { kind: 'whole', render: () => text }
}
