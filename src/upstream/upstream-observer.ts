import type { Exchange } from '../pipeline/exchange.ts'
import type { UpstreamFailureCode } from './upstream-failure.ts'

/** One attempt to send a request to an upstream. */
export interface UpstreamAttempt {
  /** Name of the upstream. */
  readonly upstream: string
  /** Status of the answer; undefined without an answer. */
  readonly status: number | undefined
  /** Why the attempt failed, before or within the answer; undefined for a complete answer. */
  readonly code: UpstreamFailureCode | 'ClientDisconnected' | undefined
  /** From the start of the attempt, with its credential and connection, to the end of the answer. */
  readonly ms: number
  /** From the start of the attempt to the headers of the answer; undefined without an answer. */
  readonly firstByteMs: number | undefined
  /** 0 for the first attempt, 1 for the first repetition. */
  readonly retry: number
  /** Whether a repetition follows. */
  readonly willRetry: boolean
  /** Id of the request at the upstream: `apim-request-id`, `x-request-id` or `request-id` of its answer. */
  readonly upstreamRequestId: string | undefined
}

/** Is notified of all attempts, for metrics and logs. */
export interface UpstreamObserver {
  /** Called once for each attempt, when its answer has ended. Must not throw. */
  onAttempt(attempt: UpstreamAttempt, exchange: Exchange): void
}
