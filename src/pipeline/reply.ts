import type { EventsBody, LiveBody, WholeBody } from '../answer/body.ts'
import type { Steps, Usage } from '../answer/completion.ts'
import type { ServiceError, ServiceLayer } from '../wire/errors.ts'
import type { HeaderList } from './header-list.ts'

export type ReplyBody = WholeBody | EventsBody | LiveBody

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

/** What the service's headers of a reply tell of it, beside what its exchange knows. */
export interface ServiceFacts {
  /** Which layer of the service answers. */
  readonly layer: ServiceLayer
  /** Undefined for the one answer without a content type, the 404 of an unknown deployment. */
  readonly contentType: string | undefined
  /** Whether the body has no known length. */
  readonly chunked: boolean
}

/** A plan of an answer. Its body is not rendered before it is sent, so that an answer nobody waits for costs no text. */
export interface Reply {
  status: number
  /** Status phrase, where the service's is not the standard one. */
  reason?: string
  headers: HeaderList
  body: ReplyBody
  /**
   * What the service's own headers depend on, or the error whose headers and body are to be written: both happens once, on the
   * way out, just inside the hooks of extensions. Until then `headers` has only what follows them. Absent for a reply that
   * is complete.
   */
  service?: ServiceFacts | ServiceError | undefined
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
