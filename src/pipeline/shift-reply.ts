import type { Exchange } from './exchange.ts'
import type { Reply, Schedule } from './reply.ts'

const noSteps = new Float64Array(0)

/** The times of a reply; one that is due at once is due now. */
export function scheduleOf({ schedule }: Reply, { clock, startedMs }: Exchange): Schedule {
  return schedule ?? { stepsMs: noSteps, endMs: clock.nowMs() - startedMs }
}

/** A reply that comes later as a whole; earlier, where `byMs` is negative. A live body keeps its own time. */
export function shift(reply: Reply, byMs: number, exchange: Exchange): Reply {
  const { stepsMs, endMs } = scheduleOf(reply, exchange)
  return { ...reply, schedule: { stepsMs: stepsMs.map((dueMs) => dueMs + byMs), endMs: endMs + byMs } }
}
