import type { PromptCategory } from '../wire/content-filters.ts'
import type { NamedError } from '../wire/named-errors.ts'
import type { ModelOperation } from '../wire/operations.ts'
import type { DistributionOptions } from './deployment-options.ts'
import type { FaultKind } from './fault-rule.ts'

/** Where in an answer a fault strikes: at most one of the two. */
interface Place {
  /** After so many events of a stream, at least 1. */
  readonly afterEvents?: number | undefined
  /** After this share of a stream's events or a body's bytes, between 0 and 1. */
  readonly afterShare?: number | undefined
}

/** What goes wrong: the name of an error, a kind, or a kind with its parameters (docs/faults.md). Times in milliseconds. */
export type FaultOptions =
  | NamedError
  | Exclude<FaultKind, 'error' | 'delay'>
  | {
      readonly kind: 'error'
      readonly error: NamedError
      readonly retryAfterSeconds?: number | undefined
    }
  | { readonly kind: 'delay'; readonly ms: DistributionOptions }
  | ({ readonly kind: 'stall'; readonly ms?: number | 'forever' | undefined } & Place)
  | { readonly kind: 'cutBeforeHeaders' }
  | ({ readonly kind: 'cut' | 'truncate' | 'malformedEvent' } & Place)
  | ({ readonly kind: 'errorEvent'; readonly message?: string | undefined } & Place)
  | ({
      readonly kind: 'splitEvent'
      readonly parts?: number | undefined
      readonly gapMs?: number | undefined
    } & Place)
  | { readonly kind: 'refusal'; readonly text?: string | undefined }
  | {
      readonly kind: 'contentFilter'
      readonly finds?: 'prompt' | 'completion' | 'late' | undefined
      readonly category?: PromptCategory | undefined
    }

/** A fault with the requests that it may strike, as the file of faults lists it. */
export interface FaultRuleOptions {
  /** Share of the matching requests that it strikes, from 0 to 1. */
  readonly probability: number
  readonly fault: FaultOptions
  /** What metrics and `x-sim-fault` call it; default: its error or kind. */
  readonly name?: string | undefined
  /** Absent: every deployment. */
  readonly deployment?: string | undefined
  /** Absent: every operation. */
  readonly operation?: ModelOperation | undefined
  /** True strikes streams only, false whole answers only. */
  readonly stream?: boolean | undefined
}

/** A phase of a timetable. A time is text such as `90s` or `8m30s`. */
export interface IncidentPhaseOptions {
  readonly name: string
  /** When it begins; default: at the end of the phase before it. */
  readonly at?: string | undefined
  /** At most one of the next three; none lasts for good. */
  readonly duration?: string | undefined
  readonly minutes?: number | undefined
  readonly seconds?: number | undefined
  /** Absent: every deployment. */
  readonly deployment?: string | undefined
  readonly faults?: readonly FaultRuleOptions[] | undefined
  /** What times are multiplied by. */
  readonly latency?:
    | { readonly firstTokenFactor?: number | undefined; readonly perTokenFactor?: number | undefined }
    | undefined
  /** What limits are multiplied by. */
  readonly limits?: { readonly factor: number } | undefined
}

/** A timetable of incidents, as its file has it (docs/incidents.md). */
export interface IncidentOptions {
  readonly phases: readonly IncidentPhaseOptions[]
  /** True, or how often. */
  readonly repeat?: boolean | number | undefined
  readonly startAfter?: string | undefined
}
