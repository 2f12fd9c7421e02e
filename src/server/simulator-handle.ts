import type { JournalEntry, JournalFilter } from '../journal/journal-entry.ts'
import type { RetryReport } from '../journal/retry-report.ts'
import type { Clock } from '../lib/clock.ts'
import type { ConfigOptions } from '../config/config-options.ts'
import type { LineLogLevel } from '../lib/line-logger.ts'
import type { Logger } from '../lib/logger.ts'
import type { VirtualClock } from '../lib/virtual-clock.ts'
import type { ExtensionSource } from './start-simulator.ts'

/** Where `listen` opens a port. */
export interface ListenOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number | undefined
  /** Default `127.0.0.1`: only programs of this machine reach it. */
  readonly host?: string | undefined
}

/** A simulator in this process. */
export interface SimulatorHandle<C extends Clock = Clock> extends AsyncDisposable {
  /**
   * The endpoint for clients: `http://simulator.localhost`, which only `fetch` of this object reaches, until `listen` has
   * opened a port, and then the address of that.
   */
  readonly url: string
  /** The key that callers must send, as `api-key` or as bearer token. */
  readonly apiKey: string
  /** The key of the administration under `/++/`: the same, unless the options set another one. */
  readonly adminApiKey: string
  /**
   * The standard `fetch`, answered in this process and without a socket, whatever the host of the URL. It needs no `this`.
   * An aborted signal rejects with its reason; a connection that a fault cuts rejects with TypeError "fetch failed", or
   * breaks the body with TypeError "terminated", both with a `cause` that has a code such as `ECONNRESET`.
   */
  readonly fetch: typeof globalThis.fetch
  /** The time that counts here; `clock.advance(ms)` moves a virtual one, and runs what is due on the way. */
  readonly clock: C
  /**
   * Opens a port, for clients in other processes, or such that take no `fetch`.
   *
   * @throws {OperatorError} LISTEN_FAILED when the address is taken or not allowed
   * @throws {Error} when it listens already, or is closed
   */
  listen(options?: ListenOptions): Promise<{ readonly url: string }>
  /**
   * The requests so far, oldest first, as they stand now. With the option `journal` only.
   *
   * @throws {Error} when nothing is kept
   */
  requests(filter?: JournalFilter): JournalEntry[]
  /**
   * What the clients' retries are like: those that came too early, or could not succeed. With the option `journal` only.
   *
   * @throws {Error} when nothing is kept
   */
  retryReport(): RetryReport
  /** What can change while it runs, in the form in which `patch` takes it. */
  config(): Readonly<Record<string, unknown>>
  /**
   * Changes that: `{ latency: { time_scale: 1 } }`, `{ openai_deployments: { chat: { tokens_per_minute: 100 } } }`. A JSON
   * merge patch: null puts a setting back to its default, and removes a deployment.
   *
   * @throws {OperatorError} CONFIG_INVALID with every problem; nothing has changed then
   */
  patch(change: Readonly<Record<string, unknown>>): Promise<void>
  /** Forgets everything since the start: patches, used limits, requests, stored responses, turns of recordings. */
  reset(): Promise<void>
  /** The metrics in the text form of Prometheus. */
  metrics(): Promise<string>
  /**
   * Takes no more requests, waits for running answers (`shutdownGraceSeconds`, default 1), cuts the others, writes recordings
   * and closes extensions. A further call waits for the first.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost, RECORDINGS_UNUSED where `recordings.replay.strict`
   * asks for it
   */
  close(): Promise<void>
}

/** Whose time counts: the machine's, one that stands still until it is moved, or a clock of the caller. */
export type ClockChoice = 'system' | 'virtual' | Clock

/** The clock that a choice gives: one with `advance` for `virtual`. */
export type ChosenClock<C extends ClockChoice> = C extends 'virtual'
  ? VirtualClock
  : C extends Clock
    ? C
    : Clock

/** What `createSimulator` takes: the configuration, and what only a program can give. */
export interface SimulatorOptions<C extends ClockChoice = ClockChoice> extends Omit<
  ConfigOptions,
  'clock' | 'log'
> {
  /**
   * With `virtual`, or a virtual clock that several simulators share, time passes only by `clock.advance(ms)`: windows of
   * limits, waiting times, incidents. Default `system`.
   */
  readonly clock?: C | undefined
  /** In the order in which they act: extensions, functions that make one, or paths of files, folders and packages. */
  readonly extensions?: readonly ExtensionSource[] | undefined
  /** The least severity of the lines on standard error, `silent` for none, or a logger of one's own; default `warn`. */
  readonly log?: LineLogLevel | 'silent' | Logger | undefined
  /** What relative paths start from; default: the working directory of the process. */
  readonly workingDirectory?: string | undefined
}
