import type { ConfigOptions } from '../config/config-options.ts'
import type { Clock } from '../lib/clock.ts'
import type { LineLogLevel } from '../lib/line-logger.ts'
import type { Logger } from '../lib/logger.ts'
import type { VirtualClock } from '../lib/virtual-clock.ts'
import type { ExtensionSource } from './start-simulator.ts'

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
