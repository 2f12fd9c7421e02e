import { Histogram } from '../lib/histogram.ts'
import { roundTo } from '../lib/format-text.ts'
import type { Durations, FailureGroup, LoadMeasures } from './load-report.ts'
import type { RequestOutcome } from './sent-request.ts'

/** Maximum number of failure groups. All further reasons are counted as `other`. */
const MAX_FAILURE_GROUPS = 20

/** Three figures, and hundredths of a millisecond. */
const DURATION_RESOLUTION = { precision: 0.001, lowest: 0.01 }

/** Counts and times of the requests of one run. Memory is bounded. */
export class LoadStatistics {
  readonly #whole = new Histogram(DURATION_RESOLUTION)
  readonly #firstToken = new Histogram(DURATION_RESOLUTION)
  readonly #gap = new Histogram(DURATION_RESOLUTION)
  readonly #tokenTime = new Histogram(DURATION_RESOLUTION)
  readonly #failures = new Map<string, { count: number; example: string }>()
  #retryAfter: { leastMs: number; mostMs: number } | undefined
  readonly #tokens = { in: 0, out: 0 }
  readonly #ended = { ok: 0, tokens: { in: 0, out: 0 } }
  #sent = 0
  #ok = 0
  #limited = 0
  #failed = 0
  #lateStarts = 0

  /**
   * Counts a request that was sent.
   *
   * @param isLate whether it waited for a free connection
   */
  countSent(isLate: boolean): void {
    this.#sent += 1
    if (isLate) this.#lateStarts += 1
  }

  recordGap(gapMs: number): void {
    this.#gap.record(gapMs)
  }

  /** Adds a request that ended. Only successful ones count for the times: errors are fast and would distort them. */
  record(outcome: RequestOutcome): void {
    addTokens(this.#tokens, outcome)
    if (outcome.kind === 'ok') {
      this.#ok += 1
      this.#whole.record(outcome.wholeMs)
      if (outcome.firstTokenMs !== undefined) this.#firstToken.record(outcome.firstTokenMs)
      if (outcome.tokenMs !== undefined) this.#tokenTime.record(outcome.tokenMs)
    } else if (outcome.kind === 'limited') {
      this.#limited += 1
      this.#recordRetryAfter(outcome.retryAfterMs)
    } else {
      this.#failed += 1
      this.#recordFailure(outcome)
    }
  }

  /** Counts an answer that ended within the sending time, including answers to requests of the warm-up. */
  countEnded(outcome: RequestOutcome): void {
    if (outcome.kind === 'ok') this.#ended.ok += 1
    addTokens(this.#ended.tokens, outcome)
  }

  /** Returns what was measured so far. */
  measures(): LoadMeasures {
    const ended = this.#ok + this.#limited + this.#failed
    return {
      requests: {
        sent: this.#sent,
        ok: this.#ok,
        limited: this.#limited,
        failed: this.#failed,
        unfinished: this.#sent - ended,
        lateStarts: this.#lateStarts,
      },
      failures: [...this.#failures].map(([reason, { count, example }]): FailureGroup => ({
        reason,
        count,
        example,
      })),
      retryAfterMs: this.#retryAfter ?? null,
      wholeMs: durationsOf(this.#whole),
      firstTokenMs: durationsOf(this.#firstToken),
      gapMs: durationsOf(this.#gap),
      timePerOutputTokenMs: durationsOf(this.#tokenTime),
      tokens: { ...this.#tokens },
      endedWhileSending: { ok: this.#ended.ok, tokens: { ...this.#ended.tokens } },
    }
  }

  #recordRetryAfter(ms: number | undefined): void {
    if (ms === undefined) return
    this.#retryAfter = {
      leastMs: Math.min(ms, this.#retryAfter?.leastMs ?? ms),
      mostMs: Math.max(ms, this.#retryAfter?.mostMs ?? ms),
    }
  }

  #recordFailure({ reason, detail }: RequestOutcome): void {
    const isKnown = this.#failures.has(reason) || this.#failures.size < MAX_FAILURE_GROUPS
    const group = isKnown ? reason : 'other'
    const { count, example } = this.#failures.get(group) ?? { count: 0, example: detail }
    this.#failures.set(group, { count: count + 1, example })
  }
}

function addTokens(sum: { in: number; out: number }, { usage, outputTokens }: RequestOutcome): void {
  sum.in += usage?.promptTokens ?? 0
  sum.out += outputTokens
}

function durationsOf(histogram: Histogram): Durations | null {
  const { count, max } = histogram
  if (count === 0) return null
  const [p50 = NaN, p90 = NaN, p95 = NaN, p99 = NaN] = histogram
    .quantiles([0.5, 0.9, 0.95, 0.99])
    .map((ms) => roundTo(ms, 2))
  return { count, p50, p90, p95, p99, max: roundTo(Math.max(max, DURATION_RESOLUTION.lowest), 2) }
}
