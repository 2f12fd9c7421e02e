import type { Exchange } from '../pipeline/exchange.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

/** A disk that is full must not fill the log. */
const INTERVAL_MS = 60_000

/** What a loss report is made from. */
interface LossReportsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Called for each answer that is lost. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

interface Told {
  atMs: number
  /** How many were lost since. */
  untold: number
}

/**
 * Tells of answers that could not be recorded: the metrics of each, the log at once and then once a minute with their number,
 * for each reason by itself.
 */
export class LossReports {
  readonly #options: LossReportsOptions
  readonly #told = new Map<RecordingLoss, Told>()
  #isFailing = false
  #lost = 0

  constructor(options: LossReportsOptions) {
    this.#options = options
  }

  /** Whether the last interaction could not be written. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** How many answers were lost since the start. */
  get lost(): number {
    return this.#lost
  }

  /** @param why in operator form, with what to do */
  count(reason: RecordingLoss, { logFields }: Pick<Exchange, 'logFields'>, why: string): void {
    const { clock, logger, onLost } = this.#options
    this.#lost++
    if (reason === 'unwritable') this.#isFailing = true
    onLost?.(reason)
    const nowMs = clock.nowMs()
    const told = this.#told.get(reason)
    if (told && nowMs - told.atMs < INTERVAL_MS) {
      told.untold++
      return
    }
    const more = told && told.untold > 0 ? { moreBefore: told.untold } : {}
    this.#told.set(reason, { atMs: nowMs, untold: 0 })
    logger.error({ ...logFields, reason, ...more }, `An answer was passed on but is not recorded. ${why}`)
  }

  /** Called for each interaction that was written. */
  written(): void {
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#options.logger.info({ lost: this.#lost, ...this.#takeUntold() }, 'Recordings are written again.')
  }

  /** Tells what has not been told. */
  close(): void {
    const untold = this.#takeUntold()
    if (Object.keys(untold).length > 0) this.#options.logger.error(untold, 'More answers are not recorded.')
  }

  #takeUntold(): Record<string, number> {
    const untold = [...this.#told].filter(([, told]) => told.untold > 0)
    this.#told.clear()
    return Object.fromEntries(untold.map(([reason, told]) => [reason, told.untold]))
  }
}

/** Why an answer that was to be recorded is in no recording (docs/recording.md). The words stand in the log and in the metrics. */
export const recordingLosses = ['unwritable', 'tooLarge', 'redaction', 'internal'] as const

/** One of `recordingLosses`. */
export type RecordingLoss = (typeof recordingLosses)[number]
