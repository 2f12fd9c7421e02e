import { roundTo } from '../lib/format-text.ts'
import type { LoadPlan } from './load-plan.ts'
import { loadAddress } from './load-request.ts'
import type { LoadSession } from './load-session.ts'
import type { LoadStatistics } from './load-statistics.ts'

/** How long something took, in milliseconds. */
export interface Durations {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Failures with the same reason. */
export interface FailureGroup {
  /** A status, `error in stream`, `interrupted stream` or `lost connection`. */
  readonly reason: string
  readonly count: number
  /** Message of the first one. */
  readonly example: string
}

/** Tokens of prompts and of answers: a number or a rate per second. */
export interface TokenAmounts {
  readonly in: number
  readonly out: number
}

/** Measurements of a run. Times are in milliseconds and of successful answers only. */
export interface LoadMeasures {
  readonly requests: {
    /** Always `ok + limited + failed + unfinished`. */
    readonly sent: number
    readonly ok: number
    /** Answered by 429. */
    readonly limited: number
    readonly failed: number
    /** Still pending when the run ended. */
    readonly unfinished: number
    /** Open loop: requests sent late because all connections were busy. Their times start when they were due. */
    readonly lateStarts: number
  }
  readonly failures: readonly FailureGroup[]
  /** Range of the `retry-after` of the 429s. */
  readonly retryAfterMs: { readonly leastMs: number; readonly mostMs: number } | null
  /** From the due time of a request to the end of its answer. */
  readonly wholeMs: Durations | null
  /** From the due time of a request to the first text of its stream. */
  readonly firstTokenMs: Durations | null
  /** Between two events with text. */
  readonly gapMs: Durations | null
  /** Time from the first to the last text of a stream, divided by its tokens minus one. */
  readonly timePerOutputTokenMs: Durations | null
  /** From the `usage` of the answers, or else the number of events with text. Prompts of failed requests are not included. */
  readonly tokens: TokenAmounts
  /** Answers that ended within the sending time, including answers to requests of the warm-up. */
  readonly endedWhileSending: { readonly ok: number; readonly tokens: TokenAmounts }
}

/** Why a run ended. `refused`: all answers were 401, 403 or 404. */
export type LoadEnd = 'duration' | 'signal' | 'unreachable' | 'refused'

/** The report of a run, in the form of `--json`. */
export interface LoadReport extends LoadMeasures {
  readonly target: {
    readonly address: string
    readonly deployment: string
    readonly operation: string
    readonly stream: boolean
  }
  readonly load: {
    readonly workload: string | null
    readonly connections: number
    /** The requested rate. Null in a closed loop. */
    readonly requestsPerSecond: number | null
    readonly durationSeconds: number
    readonly warmupSeconds: number
  }
  readonly ended: LoadEnd
  /** The common answer of a run that ended as `refused`, including the warm-up. */
  readonly refusal: FailureGroup | null
  /** From the end of the warm-up to the end of the sending. */
  readonly sendingSeconds: number
  /** From the end of the warm-up to the last answer. */
  readonly measuredSeconds: number
  /** Open loop: requests that were due but never sent, because no connection became free. */
  readonly neverSent: number
  /** Requests sent, divided by `sendingSeconds`. */
  readonly sentPerSecond: number
  /** `tokens` divided by `sendingSeconds`, for comparison with a token limit. */
  readonly tokensPerSecond: TokenAmounts
  /** The throughput: answers that ended within `sendingSeconds`, and their rates. */
  readonly endedWhileSending: LoadMeasures['endedWhileSending'] & {
    readonly okPerSecond: number
    readonly tokensPerSecond: TokenAmounts
  }
  /** What the target reports about itself. Null if it is not a simulator with `/metrics`. */
  readonly simulator: {
    /** Whether it has the deployment. Null outside of generate mode, or if the key is rejected. */
    readonly deploymentConfigured: boolean | null
    /** Tokens and answers that it sent at a planned time, since the end of the warm-up. */
    readonly parts: number
    /** Those that were more than 25 ms late. */
    readonly lateParts: number
    /** Whether the simulator was too slow for the latency that it simulates. */
    readonly wasBottleneck: boolean
  } | null
  /** Load on the command itself. */
  readonly generator: {
    /** How late its timers fired. */
    readonly loopLagMs: { readonly p99: number; readonly max: number }
    /** Share of the time in which its event loop was busy, from 0 to 1. */
    readonly utilization: number
    /** Whether the command was too slow, so that the times are too high. */
    readonly wasBottleneck: boolean
  }
}

/** A run that ended. Times are in milliseconds on the scale of `performance.now()`. */
export interface FinishedRun {
  readonly session: LoadSession
  readonly statistics: LoadStatistics
  readonly generator: LoadReport['generator']
  readonly countFromMs: number
  readonly stoppedMs: number
  readonly ended: LoadEnd
  readonly simulator: LoadReport['simulator']
}

/** Makes the report of a run. */
export function summariseRun(plan: LoadPlan, run: FinishedRun): LoadReport {
  const { session, countFromMs, stoppedMs } = run
  const measures = run.statistics.measures()
  const { endedWhileSending } = measures
  const sendingSeconds = Math.max(0, stoppedMs - countFromMs) / 1_000
  const measuredSeconds = Math.max(0, Math.max(stoppedMs, session.lastEndMs) - countFromMs) / 1_000
  return {
    target: {
      address: loadAddress(plan).href,
      deployment: plan.deployment,
      operation: plan.operation,
      stream: plan.isStream,
    },
    load: {
      workload: plan.workload ?? null,
      connections: plan.connections,
      requestsPerSecond: plan.requestsPerSecond ?? null,
      durationSeconds: plan.durationSeconds,
      warmupSeconds: plan.warmupSeconds,
    },
    ended: run.ended,
    refusal: session.refusal ?? null,
    sendingSeconds: roundTo(sendingSeconds, 2),
    measuredSeconds: roundTo(measuredSeconds, 2),
    neverSent: session.neverSent,
    sentPerSecond: perSecond(measures.requests.sent, sendingSeconds),
    tokensPerSecond: tokensPerSecond(measures.tokens, sendingSeconds),
    ...measures,
    endedWhileSending: {
      ...endedWhileSending,
      okPerSecond: perSecond(endedWhileSending.ok, sendingSeconds),
      tokensPerSecond: tokensPerSecond(endedWhileSending.tokens, sendingSeconds),
    },
    simulator: run.simulator,
    generator: run.generator,
  }
}

function tokensPerSecond(tokens: TokenAmounts, seconds: number): TokenAmounts {
  return { in: perSecond(tokens.in, seconds), out: perSecond(tokens.out, seconds) }
}

function perSecond(amount: number, seconds: number): number {
  return seconds === 0 ? 0 : roundTo(amount / seconds, 2)
}
