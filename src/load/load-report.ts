import { roundTo } from '../lib/number-format.ts'
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

/** Failures of one kind. */
export interface FailureGroup {
  /** A status, `error in stream`, `interrupted stream` or `lost connection`. */
  readonly reason: string
  readonly count: number
  /** What the first of them said. */
  readonly example: string
}

/** Tokens of prompts and of answers, as a number or per second. */
export interface TokenAmounts {
  readonly in: number
  readonly out: number
}

/** What a run measured. Times are in milliseconds and of answers that succeeded. */
export interface LoadMeasures {
  readonly requests: {
    /** Always `ok + limited + failed + unfinished`. */
    readonly sent: number
    readonly ok: number
    /** Answered by 429. */
    readonly limited: number
    readonly failed: number
    /** Still under way when the run ended. */
    readonly unfinished: number
    /** Open loop: due while all connections were busy, and sent late; their times begin when they were due. */
    readonly lateStarts: number
  }
  readonly failures: readonly FailureGroup[]
  /** How long 429s said to wait. */
  readonly retryAfterMs: { readonly leastMs: number; readonly mostMs: number } | null
  /** From when a request was due to the end of its answer. */
  readonly wholeMs: Durations | null
  /** From when a request was due to the first text of its stream. */
  readonly firstTokenMs: Durations | null
  /** Between one event with text and the next. */
  readonly gapMs: Durations | null
  /** Of each stream: from its first to its last text, by the number of its tokens less one. */
  readonly timePerOutputTokenMs: Durations | null
  /** As the answers bill them; events with text where they do not. Prompts of failed requests are not known. */
  readonly tokens: TokenAmounts
  /** Answers that ended within the sending time, those to requests of the warm-up included. */
  readonly endedWhileSending: { readonly ok: number; readonly tokens: TokenAmounts }
}

/** Why a run ended. `refused`: every answer so far was 401, 403 or 404. */
export type LoadEnd = 'duration' | 'signal' | 'unreachable' | 'refused'

/** All of a run, as `--json` prints it. */
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
    /** What was asked for; null in a closed loop. */
    readonly requestsPerSecond: number | null
    readonly durationSeconds: number
    readonly warmupSeconds: number
  }
  readonly ended: LoadEnd
  /** Where it ended for `refused`: what all answers were, those of the warm-up included. */
  readonly refusal: FailureGroup | null
  /** From the end of the warm-up to the end of the sending. */
  readonly sendingSeconds: number
  /** From the end of the warm-up to the last answer. */
  readonly measuredSeconds: number
  /** Open loop: requests that were due and never sent, since no connection became free. */
  readonly neverSent: number
  /** Sent, by `sendingSeconds`. */
  readonly sentPerSecond: number
  /** `tokens` by `sendingSeconds`, as for `sentPerSecond`: what the requests of a second cost, as limits count it. */
  readonly tokensPerSecond: TokenAmounts
  /** The throughput: what came back within `sendingSeconds`, and its rates. */
  readonly endedWhileSending: LoadMeasures['endedWhileSending'] & {
    readonly okPerSecond: number
    readonly tokensPerSecond: TokenAmounts
  }
  /** What the target says of itself; null where it is not a simulator that answers at `/metrics`. */
  readonly simulator: {
    /** Whether it has the deployment; null where that does not matter, or the key does not let it be asked. */
    readonly deploymentConfigured: boolean | null
    /** Tokens and answers that it sent at a planned time, from the end of the warm-up on. */
    readonly parts: number
    /** Those of them that were more than 25 ms late. */
    readonly lateParts: number
    /** Whether the times are likely the simulator's own rather than those of what it simulates. */
    readonly wasBottleneck: boolean
  } | null
  /** How busy the command itself was. */
  readonly generator: {
    /** How late its timers were. */
    readonly loopLagMs: { readonly p99: number; readonly max: number }
    /** Share of the time in which it was at work, from 0 to 1. */
    readonly utilization: number
    /** Whether the times are likely its own rather than the service's. */
    readonly wasBottleneck: boolean
  }
}

/** A run that is over. Times are in milliseconds on one scale. */
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
