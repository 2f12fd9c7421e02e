import type { Latency, TokenLatency } from '../config/config.ts'
import type { Schedule, Steps } from '../pipeline/reply.ts'
import type { Random } from '../platform/random.ts'
import { createNormal } from './normal.ts'

const noSteps = new Float64Array(0)

/**
 * When each token of an answer is due: after the wait for the first token, every token takes a draw of its own, the
 * first visible one too, so that N tokens take the wait and N times the mean, and a whole answer as long as its stream.
 * Hidden tokens take their time before the first visible one.
 *
 * @param timeScale multiplies every time; above 0
 */
export function planSchedule(
  steps: Steps,
  latency: TokenLatency,
  random: Random,
  timeScale: number,
): Schedule {
  const normal = createNormal(random)
  const { meanMs, stdDevMs } = latency.perToken
  let dueMs = normal(latency.firstToken.meanMs, latency.firstToken.stdDevMs)
  for (let i = 0; i < steps.hidden; i++) dueMs += normal(meanMs, stdDevMs)
  const stepsMs = steps.visible > 0 ? new Float64Array(steps.visible) : noSteps
  for (let i = 0; i < stepsMs.length; i++) {
    dueMs += normal(meanMs, stdDevMs)
    stepsMs[i] = dueMs * timeScale
  }
  return { stepsMs, endMs: dueMs * timeScale }
}

/** An answer that comes at once, after one draw. */
export function planRequestSchedule(latency: Latency, random: Random, timeScale: number): Schedule {
  return { stepsMs: noSteps, endMs: createNormal(random)(latency.meanMs, latency.stdDevMs) * timeScale }
}
