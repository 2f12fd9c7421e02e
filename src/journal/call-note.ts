import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Usage } from '../answer/completion.ts'
import type { RecordedCall } from './recorded-call.ts'

/** What the journal is told of a request when its answer is planned. */
export interface CallNote extends Omit<
  RecordedCall,
  'id' | 'atEpochMs' | 'retry' | 'firstByteMs' | 'durationMs' | 'aborted'
> {
  /** Which attempt it is by its own account: 0 for the first one; undefined where it says nothing. */
  readonly attempt: number | undefined
  /** What it has in common with requests that repeat it; absent where the body is there to find it out. */
  readonly fingerprint?: string | undefined
}

/** What the journal is told when the answer has been sent. Times are milliseconds from the start of the request. */
export interface EndNote {
  /** Known by now, for answers of a real service. */
  readonly usage: Usage | undefined
  readonly firstByteMs: number | undefined
  readonly durationMs: number
  /** From when on the client may have had all of it: a process may be held up between that and the end that it notes. */
  readonly answeredMs: number
  readonly aborted: boolean
  /** The status of an answer that failed, or `cut`; undefined for one that did not. */
  readonly failure: string | undefined
}

/** Where requests are noted: in this process, or at a place where those of many processes come together. */
export interface JournalBook {
  /** Notes a request, and gives what notes its end. Requests are told in the order of their answers' planning. */
  planned(note: CallNote): (end: EndNote) => void
}

/** The parts of a request by which a repetition is known. */
export type FingerprintedRequest = Pick<Exchange, 'method' | 'path' | 'query' | 'headers'> & {
  readonly body: Buffer | undefined
}

/** The status of an answer that failed, or `cut`; undefined for one that did not. */
export function failureOf({ status, interruption }: Reply): string | undefined {
  if (interruption && typeof interruption.how !== 'number') return 'cut'
  return status >= 400 ? String(status) : undefined
}
