import type { MetricsJson } from '../../metrics/merge-metrics.ts'
import type { OperatorErrorCode } from '../../lib/operator-error.ts'
import type { MaybePromise, Port } from '../../lib/port.ts'
import { deserialize, serialize } from 'node:v8'

/** What a worker tells its primary while it starts. */
export interface WorkerLife {
  /** Asks who it is and what it is to be like; gives a `WorkerBirth`. */
  begin(): MaybePromise<V8Serialized>
  /** It is about to listen, and hears of all changes from now on; gives the state of this moment. */
  join(): MaybePromise<V8Serialized>
  listening(url: string): void
  /** It cannot start. */
  failed(code: OperatorErrorCode | undefined, message: string): void
}

export const workerLifePort: Port<WorkerLife> = {
  name: 'life',
  methods: {
    begin: { kind: 'request' },
    join: { kind: 'request' },
    listening: { kind: 'notification' },
    failed: { kind: 'notification' },
  },
}

/** What a worker is told when it begins. */
export interface WorkerBirth {
  readonly number: number
  readonly workingDirectory: string
  /** In the place of the configured one, which may be 0. */
  readonly port: number
  /** With all changes; see `packInputs`. */
  readonly inputs: V8Serialized
}

/** What a worker has counted. */
export interface WorkerReport {
  readonly metrics: MetricsJson
  /** The recordings that it has not used, where REPLAY_STRICT asks; undefined elsewhere. */
  readonly unused: readonly string[] | undefined
}

/** What the primary asks of a worker. */
export interface WorkerControl {
  /** Takes over a state (`packState`). */
  take(state: V8Serialized): Promise<void>
  /** Forgets what was used, stored and cached here. */
  reset(): Promise<void>
  /** Takes up recording files that have changed; undefined: any may have. */
  refresh(paths: readonly string[] | undefined): Promise<void>
  /** Gives a `WorkerReport`. */
  report(): Promise<V8Serialized>
  /** Takes no more connections, waits for running answers, closes; gives the last `WorkerReport`. */
  stop(graceMs: number): Promise<V8Serialized>
}

export const workerControlPort: Port<WorkerControl> = {
  name: 'worker',
  methods: {
    take: { kind: 'request' },
    reset: { kind: 'request' },
    refresh: { kind: 'request' },
    report: { kind: 'request' },
    stop: { kind: 'request' },
  },
}

/** A value with what JSON cannot carry (maps, infinity, bytes), for the few messages that have such; see `pack`. */
export type V8Serialized = string

/** Packs plain data; objects that stand in it twice stay one. */
export function serializeValue(value: unknown): V8Serialized {
  return serialize(value).toString('base64')
}

/** Gives back what was packed. Both ends are the same program, so that the caller knows its type. */
export function deserializeValue(packed: V8Serialized): unknown {
  return deserialize(Buffer.from(packed, 'base64'))
}
