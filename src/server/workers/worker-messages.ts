import type { MetricsJson } from '../../metrics/merge-metrics.ts'
import type { OperatorErrorCode } from '../../lib/operator-error.ts'
import type { MaybePromise, Port } from '../../lib/port.ts'
import { deserialize, serialize } from 'node:v8'

/** Calls from a worker to its primary during start-up. */
export interface WorkerStartup {
  /** Returns the configuration of the worker: a `WorkerInit`. */
  init(): MaybePromise<V8Serialized>
  /** Called before the worker listens. Subscribes it to all changes, and returns the current state (`serializeState`). */
  join(): MaybePromise<V8Serialized>
  listening(url: string): void
  /** Called when the worker cannot start. */
  failed(code: OperatorErrorCode | undefined, message: string): void
}

export const workerStartupPort: Port<WorkerStartup> = {
  name: 'startup',
  methods: {
    init: { kind: 'request' },
    join: { kind: 'request' },
    listening: { kind: 'notification' },
    failed: { kind: 'notification' },
  },
}

/** The configuration of a new worker. */
export interface WorkerInit {
  readonly number: number
  readonly workingDirectory: string
  /** Replaces the configured port, which can be 0. */
  readonly port: number
  /** All inputs of the configuration, with all changes (`serializeInputs`). */
  readonly inputs: V8Serialized
}

/** Metrics and unused recordings of a worker. */
export interface WorkerReport {
  readonly metrics: MetricsJson
  /** Recordings that the worker has not used; undefined without REPLAY_STRICT. */
  readonly unused: readonly string[] | undefined
}

/** Calls from the primary to a worker. */
export interface WorkerControl {
  /** Applies a state (`serializeState`). Returns false if it has only changes, and the worker lacks the state before them. */
  applyState(state: V8Serialized): Promise<boolean>
  /** Adds keys that texts of the worker must not contain, and of which its configuration has only the hash. */
  learnKeys(keys: readonly string[]): Promise<void>
  /** Clears usage, stored data and caches of the worker. */
  reset(): Promise<void>
  /** Reloads changed recording files; undefined: all files. */
  refresh(paths: readonly string[] | undefined): Promise<void>
  /** Reports how recordings were used. Resolves after everything was sent. */
  flushRecordingUse(): MaybePromise<void>
  /**
   * Returns a `WorkerReport`.
   *
   * @param names only these metrics of the simulator; undefined: all
   */
  report(names: readonly string[] | undefined): Promise<V8Serialized>
  /** Closes the port, waits up to `graceMs` for running answers, and returns the last `WorkerReport`. */
  stop(graceMs: number): Promise<V8Serialized>
}

export const workerControlPort: Port<WorkerControl> = {
  name: 'worker',
  methods: {
    applyState: { kind: 'request' },
    learnKeys: { kind: 'request' },
    reset: { kind: 'request' },
    refresh: { kind: 'request' },
    flushRecordingUse: { kind: 'request' },
    report: { kind: 'request' },
    stop: { kind: 'request' },
  },
}

/** A value in base64, serialized by V8, for messages with values that JSON does not support: maps, infinity, bytes. */
export type V8Serialized = string

/** Serializes plain data. An object that occurs twice stays one object. */
export function serializeValue(value: unknown): V8Serialized {
  return serialize(value).toString('base64')
}

/** Returns a value that `serializeValue` has serialized. Both processes run the same program, so the caller knows the type. */
export function deserializeValue(serialized: V8Serialized): unknown {
  return deserialize(Buffer.from(serialized, 'base64'))
}
