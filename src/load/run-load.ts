import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from './connection-pool.ts'
import { DRAIN_SECONDS, type LoadPlan } from './load-plan.ts'
import { summariseRun, type LoadEnd, type LoadMeasures, type LoadReport } from './load-report.ts'
import { createBodies, loadAddress } from './load-request.ts'
import { LoadSession } from './load-session.ts'
import { LoadStatistics } from './load-statistics.ts'
import { targetSimulator } from './target-simulator.ts'
import { connectionReason, tlsAdvice } from '../lib/error-text.ts'
import { createLoopLag } from '../lib/loop-lag.ts'
import { roundTo } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'

/** Progress of a run. */
export interface LoadProgress {
  readonly phase: 'warm-up' | 'load' | 'drain'
  /** Time of sending, including the warm-up. */
  readonly elapsedSeconds: number
  readonly totalSeconds: number
  readonly measures: LoadMeasures
}

/** Cancellation and observers of a run. */
export interface LoadControl {
  /** Ends the run immediately. The report has what was measured so far. */
  readonly signal: AbortSignal
  /** Called before the load with a problem that makes the results misleading. */
  readonly onWarning?: (text: string) => void
  /** Called twice a second. */
  readonly onProgress?: (progress: LoadProgress) => void
}

const PROGRESS_INTERVAL_MS = 500
const POLL_INTERVAL_MS = 25
/** Sending starts when all connections are open, or after this time with those that are. */
const MAX_OPENING_SECONDS = 5

/**
 * Sends load and measures the answers.
 *
 * Ends after the warm-up, the duration and at most `DRAIN_SECONDS` for pending requests. Ends earlier on the signal, if no connection
 * can be opened any more, or if all answers are 401, 403 or 404.
 *
 * @throws {OperatorError} LOAD_FAILED if the target does not answer at the start
 */
export async function runLoad(
  plan: LoadPlan,
  { signal, onProgress, onWarning }: LoadControl,
): Promise<LoadReport> {
  await reachTarget(plan.url)
  const target = targetSimulator(plan)
  const warning = await target.checkDeployment()
  if (warning !== undefined) onWarning?.(warning)
  const { connections, requestsPerSecond, warmupSeconds } = plan
  const totalSeconds = warmupSeconds + plan.durationSeconds
  const statistics = new LoadStatistics()
  const session = createSession(plan, statistics)
  const generator = watchGenerator()
  const pool = openPool({
    address: loadAddress(plan),
    headers: { 'api-key': plan.apiKey, 'content-type': 'application/json', 'user-agent': 'aoai-sim-load' },
    connections,
    events: session,
  })
  const isEnding = (): boolean =>
    signal.aborted || session.unreachable !== undefined || session.refusal !== undefined
  let ticks: NodeJS.Timeout | undefined
  let arrivals: Pace | undefined
  try {
    await waitUntil(
      performance.now() + MAX_OPENING_SECONDS * 1_000,
      () => isEnding() || session.ready === connections,
    )
    const startMs = performance.now()
    const countFromMs = startMs + warmupSeconds * 1_000
    const endMs = startMs + totalSeconds * 1_000
    ticks = setInterval(() => {
      const nowMs = performance.now()
      onProgress?.({
        phase: nowMs < countFromMs ? 'warm-up' : nowMs < endMs ? 'load' : 'drain',
        elapsedSeconds: Math.min(totalSeconds, (nowMs - startMs) / 1_000),
        totalSeconds,
        measures: statistics.measures(),
      })
    }, PROGRESS_INTERVAL_MS)
    session.start(countFromMs)
    if (requestsPerSecond !== undefined) arrivals = startArrivals(requestsPerSecond, session, endMs)
    await waitUntil(countFromMs, isEnding)
    generator.restart()
    const restarted = target.restart()
    await waitUntil(endMs, isEnding)
    arrivals?.stop()
    session.stopSending()
    const stoppedMs = performance.now()
    await waitUntil(stoppedMs + DRAIN_SECONDS * 1_000, () => isEnding() || session.pending === 0)
    const ended = endOf(session, signal)
    await restarted
    const simulator = await target.read()
    return summariseRun(plan, {
      session,
      statistics,
      generator: generator.read(),
      countFromMs,
      stoppedMs,
      ended,
      simulator,
    })
  } finally {
    clearInterval(ticks)
    arrivals?.stop()
    pool.close()
  }
}

function createSession(plan: LoadPlan, statistics: LoadStatistics): LoadSession {
  return new LoadSession({
    now: () => performance.now(),
    later: (action, delayMs) => void setTimeout(action, delayMs).unref(),
    makeBody: createBodies(plan),
    isStream: plan.isStream,
    honoursRetryAfter: plan.honoursRetryAfter,
    isOpenLoop: plan.requestsPerSecond !== undefined,
    statistics,
  })
}

/** Starts an open loop. A request due exactly at the end is not sent: it would be one more than rate times duration. */
function startArrivals(perSecond: number, session: LoadSession, endMs: number): Pace {
  return keepPace({
    perSecond,
    now: () => performance.now(),
    later: (action, delayMs) => {
      const timer = setTimeout(action, delayMs)
      return () => clearTimeout(timer)
    },
    onDue: (dueMs) => {
      if (dueMs < endMs) session.arrive(dueMs)
    },
  })
}

async function waitUntil(timeMs: number, isOver: () => boolean): Promise<void> {
  for (
    let leftMs = timeMs - performance.now();
    leftMs > 0 && !isOver();
    leftMs = timeMs - performance.now()
  ) {
    await sleep(Math.min(POLL_INTERVAL_MS, leftMs))
  }
}

function endOf(session: LoadSession, signal: AbortSignal): LoadEnd {
  if (session.unreachable !== undefined) return 'unreachable'
  if (session.refusal) return 'refused'
  return signal.aborted ? 'signal' : 'duration'
}

/** A running pace. */
export interface Pace {
  stop(): void
}

/** Options of `keepPace`. Times are in milliseconds. */
export interface PaceOptions {
  readonly perSecond: number
  readonly now: () => number
  /** Calls back after a delay. Returns a function that cancels it. */
  readonly later: (action: () => void, delayMs: number) => () => void
  readonly onDue: (dueMs: number) => void
}

/**
 * Calls `onDue` at even intervals, starting now. If a timer fires late, all calls that are due follow immediately, each with its due
 * time. So the average rate is exact.
 */
export function keepPace({ perSecond, now, later, onDue }: PaceOptions): Pace {
  const startMs = now()
  let calls = 0
  let cancel = (): void => {}
  const dueOf = (call: number): number => startMs + (call * 1_000) / perSecond
  const catchUp = (): void => {
    for (const nowMs = now(); dueOf(calls) <= nowMs; calls++) onDue(dueOf(calls))
    cancel = later(catchUp, Math.max(0, dueOf(calls) - now()))
  }
  catchUp()
  return { stop: () => cancel() }
}

/** Enough for DNS, TCP and TLS over a slow network. */
const REACH_TIMEOUT_MS = 10_000

/**
 * Checks that the target answers over HTTP, or over HTTPS with a valid certificate. Any answer will do. The key is not sent.
 *
 * @throws {OperatorError} LOAD_FAILED if it does not answer
 */
async function reachTarget(url: URL): Promise<void> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) })
    await response.body?.cancel()
  } catch (error) {
    const reason = connectionReason(error)
    const fix = tlsAdvice(url, reason) ?? 'Start the target, or set --url to its address.'
    throw new OperatorError('LOAD_FAILED', `Could not reach ${url.origin}: ${reason}. ${fix}`, {
      cause: error,
    })
  }
}

/** At this loop lag, measured gaps are those of the generator: a fast model sends a token every 20 ms. */
const MAX_LAG_MS = 20
/** At this utilization, requests wait for each other in the single thread of the generator. */
const MAX_UTILIZATION = 0.9

/** Measures the load on this process. */
interface GeneratorLoad {
  /** Discards previous measurements. */
  restart(): void
  /** Returns the measurements since the last restart. */
  read(): LoadReport['generator']
}

/** Starts measuring this process. */
function watchGenerator(): GeneratorLoad {
  const lag = createLoopLag()
  let from = performance.eventLoopUtilization()
  return {
    restart() {
      lag.take()
      from = performance.eventLoopUtilization()
    },
    read() {
      const { p99Ms, maxMs } = lag.take()
      const { utilization } = performance.eventLoopUtilization(from)
      return {
        loopLagMs: { p99: roundTo(p99Ms, 2), max: roundTo(maxMs, 2) },
        utilization: roundTo(utilization, 2),
        wasBottleneck: p99Ms >= MAX_LAG_MS || utilization >= MAX_UTILIZATION,
      }
    },
  }
}
