import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { NamedError } from '../wire/named-errors.ts'
import type { ModelOperation } from '../wire/route.ts'
import type { Distribution } from './distribution.ts'

/** Where in an answer a fault strikes; at most one of the two is given. */
export interface FaultPlace {
  /** After so many events of a stream. A fault with it strikes streams only. */
  readonly afterEvents?: number
  /** After this share of a stream's events, or of a whole body's bytes; between 0 and 1. */
  readonly afterShare?: number
}

/** What goes wrong. Times in milliseconds, as they are: the time scale does not change them. */
export type Fault =
  /** An error of the service in the place of an answer. */
  | { readonly kind: 'error'; readonly error: NamedError; readonly retryAfterSeconds?: number }
  /** The whole answer comes later. */
  | { readonly kind: 'delay'; readonly ms: Distribution }
  /** Nothing more comes for a while, Infinity for ever: before the first byte, or at a place. */
  | ({ readonly kind: 'stall'; readonly ms: number } & FaultPlace)
  /** The connection is reset before anything is sent. */
  | { readonly kind: 'cutBeforeHeaders' }
  /** The connection is reset in the midst of the answer. */
  | ({ readonly kind: 'cut' } & FaultPlace)
  /** A body ends in order before it is complete; a stream lacks its end. */
  | ({ readonly kind: 'truncate' } & FaultPlace)
  /** An open stream reports an error and ends. */
  | ({ readonly kind: 'errorEvent'; readonly message?: string } & FaultPlace)
  /** The JSON of one event is cut in half. */
  | ({ readonly kind: 'malformedEvent' } & FaultPlace)
  /** One event comes in `parts` pieces, `gapMs` apart. */
  | ({ readonly kind: 'splitEvent'; readonly parts: number; readonly gapMs: number } & FaultPlace)
  /** The model refuses, in these words. */
  | { readonly kind: 'refusal'; readonly text: string }
  /** The content filter finds something. */
  | { readonly kind: 'contentFilter'; readonly finds: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'contentFilter'; readonly finds: 'completion' | 'late'; readonly category: HarmCategory }

/** The name of a kind of fault. */
export type FaultKind = Fault['kind']

/** A fault with the requests that it may strike. */
export interface FaultRule {
  /** What it is called in metrics and in `x-sim-fault`: its own name, or else that of its error or kind. */
  readonly label: string
  /** Share of the requests that it strikes, from 0 to 1. */
  readonly probability: number
  /** Absent: every deployment. */
  readonly deployment?: string
  /** Absent: every operation. */
  readonly operation?: ModelOperation
  /** Whether only streams or only whole answers are struck; absent: both. */
  readonly stream?: boolean
  readonly fault: Fault
}

/** The kinds that only streams have. */
const streamKinds: ReadonlySet<FaultKind> = new Set(['errorEvent', 'malformedEvent', 'splitEvent'])

/** Whether a fault strikes streams only. */
export function needsStream(fault: Fault): boolean {
  return streamKinds.has(fault.kind) || ('afterEvents' in fault && fault.afterEvents !== undefined)
}

const refusing: readonly ModelOperation[] = ['chatCompletions', 'responses']
const filtered: readonly ModelOperation[] = ['chatCompletions', 'completions', 'responses']

/** The operations whose answers a fault can strike; undefined for all. */
export function operationsOf({ kind }: Fault): readonly ModelOperation[] | undefined {
  if (kind === 'refusal') return refusing
  return kind === 'contentFilter' ? filtered : undefined
}
