import type { MetricsJson } from '../../metrics/merge-metrics.ts'
import type { OperatorErrorCode } from '../../lib/operator-error.ts'
import type { JournalMethods } from './journal-messages.ts'
import type { LimitMethods } from './limit-messages.ts'
import type { Packed } from './packed.ts'
import type { PageMethods } from './remote-pages.ts'
import type { ResponseMethods } from './response-messages.ts'
import type { SlotMethods } from './slot-messages.ts'
import type { TurnMethods } from './turn-desk.ts'

/** What a worker tells of itself while it starts. */
export type LifeMethods = {
  /** Asks who it is and what it is to be like; gives a `WorkerBirth`. */
  'life.begin': (nothing: null) => Packed
  /** It is about to listen, and hears of all changes from now on; gives the state of this moment. */
  'life.join': (nothing: null) => Packed
  'life.listening': (url: string) => void
  /** It cannot start. */
  'life.failed': (failure: readonly [code: OperatorErrorCode | null, message: string]) => void
}

/** What a worker is told when it begins. */
export interface WorkerBirth {
  readonly number: number
  readonly workingDirectory: string
  /** In the place of the configured one, which may be 0. */
  readonly port: number
  /** See `packState`. */
  readonly state: Packed
}

/** What a worker may ask the primary. */
export type PrimaryMethods = LifeMethods &
  LimitMethods &
  SlotMethods &
  ResponseMethods &
  TurnMethods &
  JournalMethods &
  PageMethods

/** What a worker has counted. */
export interface WorkerReport {
  readonly metrics: MetricsJson
  /** The recordings that it has not used, where REPLAY_STRICT asks; undefined elsewhere. */
  readonly unused: readonly string[] | undefined
}

/** What the primary may ask a worker. */
export type WorkerMethods = {
  /** Takes over a state (`packState`). */
  take: (state: Packed) => Promise<void>
  /** Forgets what was used, stored and cached here. */
  reset: (nothing: null) => Promise<void>
  /** Takes up recording files that have changed; null: any may have. */
  refresh: (paths: readonly string[] | null) => Promise<void>
  /** Gives a `WorkerReport`. */
  report: (nothing: null) => Promise<Packed>
  /** Does nothing: its answer comes behind all that the worker has told before. */
  sync: (nothing: null) => null
  /** Takes no more connections, waits for running answers, closes; gives the last `WorkerReport`. */
  stop: (graceMs: number) => Promise<Packed>
}
