import type { GeneratorLoad } from './generator-load.ts'
import type { LoadPlan } from './load-plan.ts'
import type { LoadEnd, LoadReport, TokenAmounts } from './load-report.ts'
import { loadAddress } from './load-request.ts'
import type { LoadSession } from './load-session.ts'
import type { LoadStatistics } from './load-statistics.ts'

/** A run that is over. Times are in milliseconds on one scale. */
export interface FinishedRun {
  readonly session: LoadSession
  readonly statistics: LoadStatistics
  readonly generator: GeneratorLoad
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
    sendingSeconds: hundredths(sendingSeconds),
    measuredSeconds: hundredths(measuredSeconds),
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
    generator: run.generator.read(),
  }
}

function tokensPerSecond(tokens: TokenAmounts, seconds: number): TokenAmounts {
  return { in: perSecond(tokens.in, seconds), out: perSecond(tokens.out, seconds) }
}

function perSecond(amount: number, seconds: number): number {
  return seconds === 0 ? 0 : hundredths(amount / seconds)
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
