import type { JournalEntry, JournalFilter } from '../journal/journal-entry.ts'
import type { RetryReport, RetryReportFilter } from '../journal/retry-report.ts'
import type { Clock } from '../lib/clock.ts'
import type { ConfigOptions } from '../config/config-options.ts'
import type { LineLogLevel } from '../lib/line-logger.ts'
import type { Logger } from '../lib/logger.ts'
import type { VirtualClock } from '../lib/virtual-clock.ts'
import type { ExtensionSource } from './start-simulator.ts'

/** Options of `listen`. */
export interface ListenOptions {
  /** Port. 0, the default, selects a free port. */
  readonly port?: number | undefined
  /** Address. Default `127.0.0.1`, which only this machine can reach. */
  readonly host?: string | undefined
}

/** A simulator in this process. */
export interface SimulatorHandle<C extends Clock = Clock> extends AsyncDisposable {
  /**
   * The endpoint for clients. Before `listen`: `http://simulator.localhost`, which only `fetch` of this object can reach. After `listen`:
   * the address of the port.
   */
  readonly url: string
  /** The key that callers must send, as `api-key` or as bearer token. */
  readonly apiKey: string
  /** The key of the admin API under `/++/`. Default: `apiKey`. */
  readonly adminApiKey: string
  /**
   * The standard `fetch`, answered in this process without a socket, for any host in the URL. It does not need `this`.
   *
   * With an aborted signal it rejects with the reason of the signal. If a fault cuts the connection, it rejects with TypeError "fetch
   * failed", or the body fails with TypeError "terminated". Both have a `cause` with a code such as `ECONNRESET`.
   */
  readonly fetch: typeof globalThis.fetch
  /** The clock of this simulator. `clock.advance(ms)` advances a virtual clock and runs the timers that become due. */
  readonly clock: C
  /**
   * Opens a port, for clients in other processes or without a `fetch` option.
   *
   * @throws {OperatorError} LISTEN_FAILED if the address is in use or not allowed
   * @throws {Error} if it listens already, or is closed
   */
  listen(options?: ListenOptions): Promise<{ readonly url: string }>
  /**
   * Returns the requests of the journal, oldest first. Requires the option `journal`.
   *
   * @throws {Error} if the journal is off
   */
  requests(filter?: JournalFilter): JournalEntry[]
  /**
   * Returns a report on client retries: retries that were too early, or could not succeed. Requires the option `journal`.
   *
   * @throws {Error} if the journal is off
   */
  retryReport(filter?: RetryReportFilter): RetryReport
  /** Returns the settings that can change at run time, in the format of `patch`. */
  config(): Readonly<Record<string, unknown>>
  /**
   * Changes the configuration with a JSON merge patch: `{ latency: { time_scale: 1 } }`, or
   * `{ openai_deployments: { chat: { tokens_per_minute: 100 } } }`. Null resets a setting to its default and removes a deployment.
   *
   * @throws {OperatorError} CONFIG_INVALID with all problems; nothing has changed then
   */
  patch(change: Readonly<Record<string, unknown>>): Promise<void>
  /** Resets to the state after start-up: patches, limit usage, journal, stored responses, positions in repeated recordings. */
  reset(): Promise<void>
  /** Returns the metrics in the Prometheus text format. */
  metrics(): Promise<string>
  /**
   * Rejects new requests, waits for running answers (`shutdownGraceSeconds`, default 1), cuts the remaining ones, writes recordings
   * and closes extensions. Further calls wait for the first.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if recordings are lost, RECORDINGS_UNUSED with `recordings.replay.strict` if
   * recordings were not used
   */
  close(): Promise<void>
}

/** The clock source: the system clock, a virtual clock that only `advance` moves, or a clock object. */
export type ClockChoice = 'system' | 'virtual' | Clock

/** The type of the clock for a choice; `virtual` has `advance`. */
export type ChosenClock<C extends ClockChoice> = C extends 'virtual'
  ? VirtualClock
  : C extends Clock
    ? C
    : Clock

/** Options of `createSimulator`: the configuration, and objects that only a program can pass. */
export interface SimulatorOptions<C extends ClockChoice = ClockChoice> extends Omit<
  ConfigOptions,
  'clock' | 'log'
> {
  /**
   * Default `system`. With `virtual`, or a virtual clock that several simulators share, only `clock.advance(ms)` advances time: limit
   * windows, latency, incidents.
   */
  readonly clock?: C | undefined
  /** Extensions in the order of their hooks: extension objects, functions that return one, or paths of files, folders or packages. */
  readonly extensions?: readonly ExtensionSource[] | undefined
  /** Minimum level of log lines on standard error, `silent` for none, or a custom logger. Default `warn`. */
  readonly log?: LineLogLevel | 'silent' | Logger | undefined
  /** Base of relative paths. Default: the working directory of the process. */
  readonly workingDirectory?: string | undefined
}
