import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from './connection-pool.ts'
import { drainSeconds, type LoadPlan } from './load-plan.ts'
import { summariseRun, type LoadEnd, type LoadMeasures, type LoadReport } from './load-report.ts'
import { createBodies, loadAddress } from './load-request.ts'
import { LoadSession } from './load-session.ts'
import { LoadStatistics } from './load-statistics.ts'
import { targetSimulator } from './target-simulator.ts'
import { connectionReason } from '../lib/error-text.ts'
import { createLoopLag } from '../lib/loop-lag.ts'
import { roundTo } from '../lib/number-format.ts'
import { OperatorError } from '../lib/operator-error.ts'

/** How far a run is. */
export interface LoadProgress {
  readonly phase: 'warm-up' | 'load' | 'drain'
  /** Of the sending, the warm-up included. */
  readonly elapsedSeconds: number
  readonly totalSeconds: number
  readonly measures: LoadMeasures
}

/** How a run is ended early and watched. */
export interface LoadControl {
  /** Ends the run at once; what was measured is reported. */
  readonly signal: AbortSignal
  /** Called before the load with what would make it say little. */
  readonly onWarning?: (text: string) => void
  /** Called twice a second. */
  readonly onProgress?: (progress: LoadProgress) => void
}

const progressMs = 500
const lookMs = 25
/** Sending begins when all connections stand, and after this long with those that do. */
const openingSeconds = 5

/**
 * Sends load and measures what comes back. Ends by itself after warm-up and duration, and at most `drainSeconds` for
 * what is still under way then; earlier by the signal, or when the address cannot be reached any more.
 *
 * @throws {OperatorError} LOAD_FAILED when nothing answers at the address at the beginning
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
      performance.now() + openingSeconds * 1_000,
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
    }, progressMs)
    session.start(countFromMs)
    if (requestsPerSecond !== undefined) arrivals = startArrivals(requestsPerSecond, session, endMs)
    await waitUntil(countFromMs, isEnding)
    generator.restart()
    const noted = target.restart()
    await waitUntil(endMs, isEnding)
    arrivals?.stop()
    session.stopSending()
    const stoppedMs = performance.now()
    await waitUntil(stoppedMs + drainSeconds * 1_000, () => isEnding() || session.underWay === 0)
    const ended = endOf(session, signal)
    await noted
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

/** The last arrival may fall on the very end, which would be one request more than the rate and the duration make. */
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
    await sleep(Math.min(lookMs, leftMs))
  }
}

function endOf(session: LoadSession, signal: AbortSignal): LoadEnd {
  if (session.unreachable !== undefined) return 'unreachable'
  if (session.refusal) return 'refused'
  return signal.aborted ? 'signal' : 'duration'
}

/** Calls at even times. */
export interface Pace {
  stop(): void
}

/** How to keep a pace. Times are in milliseconds. */
export interface PaceOptions {
  readonly perSecond: number
  readonly now: () => number
  /** Calls back after a time, and gives what takes it back. */
  readonly later: (action: () => void, delayMs: number) => () => void
  readonly onDue: (dueMs: number) => void
}

/**
 * Calls `perSecond` times a second from now on, evenly, whatever becomes of what it starts. A timer that comes late makes up
 * for all that was due in between, and says of each when that was, so the rate holds over any longer time.
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

/** Long enough for a name, a connection and a certificate across the world. */
const timeoutMs = 10_000

/**
 * Finds out whether something answers at an address by HTTP, with a certificate that can be trusted where it is HTTPS. What it
 * answers does not matter, and no key is sent.
 *
 * @throws {OperatorError} LOAD_FAILED when nothing does
 */
async function reachTarget(url: URL): Promise<void> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
  } catch (error) {
    const reason = connectionReason(error)
    const cure = reason.includes('wrong version number')
      ? `Most likely it does not use TLS: set --url to http://${url.host}.`
      : 'Start what should answer there, or set --url to where it runs.'
    throw new OperatorError('LOAD_FAILED', `Could not reach ${url.origin}: ${reason}. ${cure}`, {
      cause: error,
    })
  }
}

/** From here on the times of a stream are likely those of the generator: as much as one gap of a quick model. */
const mostLagMs = 20
/** From here on requests wait for one another in the generator's one thread. */
const mostUtilization = 0.9

/** Watches how busy the process that makes the load is itself. */
interface GeneratorLoad {
  /** Forgets what was before. */
  restart(): void
  /** What was seen since the start. */
  read(): LoadReport['generator']
}

/** Starts watching this process. */
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
        wasBottleneck: p99Ms >= mostLagMs || utilization >= mostUtilization,
      }
    },
  }
}
