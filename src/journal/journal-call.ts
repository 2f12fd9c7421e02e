import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Usage } from '../answer/completion.ts'
import type { Retry } from './retry-findings.ts'

/** A request as the journal keeps it: what is needed to tell of it, as it came. Entries are made of it when they are read. */
export interface JournalCall {
  readonly id: number
  readonly atEpochMs: number
  readonly startedMs: number
  /** The one of the answer's headers (`apim-request-id`), the log and the upstream. */
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly query: string
  /** As they were sent, with credentials. */
  readonly headers: Exchange['headers']
  /** The keys of all resources and of their upstreams at that time, to be kept out of what is told. */
  readonly secrets: readonly string[]
  /** Undefined where it is not kept. */
  body: Buffer | undefined
  readonly bodyBytes: number
  readonly operation: string | undefined
  readonly resource: string
  readonly deployment: string | undefined
  readonly spilledOverFrom: string | undefined
  readonly client: string
  readonly caller: string | undefined
  readonly status: number
  readonly limitedBy: Reply['limitedBy']
  readonly retryAfterMs: number | undefined
  readonly streamed: boolean
  /** What it repeats, by its looks. */
  readonly retry: Retry | undefined
  /** Known when the answer has been sent, for answers of a real service. */
  usage: Usage | undefined
  firstByteMs: number | undefined
  durationMs: number | undefined
  aborted: boolean | undefined
}
