import type { Exchange } from '../pipeline/exchange.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

/** Minimum time between two log lines with the same reason. */
const LOG_INTERVAL_MS = 60_000

/** Dependencies of `LossReports`. */
interface LossReportsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Called for each answer that is not recorded. */
  readonly onLost?: ((loss: RecordingLoss) => void) | undefined
}

interface Reported {
  atMs: number
  /** How many were lost since then. */
  suppressed: number
}

/**
 * Reports answers that could not be recorded: each one to the metrics, and to the log at most once a minute for each reason, with
 * the number of answers since the previous line.
 */
export class LossReports {
  readonly #options: LossReportsOptions
  readonly #reports = new Map<RecordingLoss, Reported>()
  #isFailing = false
  #lost = 0

  constructor(options: LossReportsOptions) {
    this.#options = options
  }

  /** Whether the last write failed. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** How many answers were not recorded since the start. */
  get lost(): number {
    return this.#lost
  }

  /** @param why cause and advice, as sentences */
  report(reason: RecordingLoss, { logFields }: Pick<Exchange, 'logFields'>, why: string): void {
    const { clock, logger, onLost } = this.#options
    this.#lost++
    if (reason === 'unwritable') this.#isFailing = true
    onLost?.(reason)
    const nowMs = clock.nowMs()
    const reported = this.#reports.get(reason)
    if (reported && nowMs - reported.atMs < LOG_INTERVAL_MS) {
      reported.suppressed++
      return
    }
    const more = reported && reported.suppressed > 0 ? { moreBefore: reported.suppressed } : {}
    this.#reports.set(reason, { atMs: nowMs, suppressed: 0 })
    logger.error({ ...logFields, reason, ...more }, `An answer was passed on but is not recorded. ${why}`)
  }

  /** Call for each interaction that was written. */
  written(): void {
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#options.logger.info(
      { lost: this.#lost, ...this.#takeSuppressed() },
      'Recordings are written again.',
    )
  }

  /** Logs the answers that have not been logged yet. */
  close(): void {
    const suppressed = this.#takeSuppressed()
    if (Object.keys(suppressed).length > 0)
      this.#options.logger.error(suppressed, 'More answers are not recorded.')
  }

  #takeSuppressed(): Record<string, number> {
    const suppressed = [...this.#reports].filter(([, reported]) => reported.suppressed > 0)
    this.#reports.clear()
    return Object.fromEntries(suppressed.map(([reason, reported]) => [reason, reported.suppressed]))
  }
}

/** Why an answer was not recorded (docs/recording.md). The log and the metrics contain these words. */
export const recordingLosses = ['unwritable', 'tooLarge', 'redaction', 'internal'] as const

/** One of `recordingLosses`. */
export type RecordingLoss = (typeof recordingLosses)[number]
