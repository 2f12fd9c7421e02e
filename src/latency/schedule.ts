import type { Burst } from '../config/latency-profiles.ts'
import type { Conditions } from '../pipeline/conditions.ts'
import type { Schedule } from '../pipeline/reply.ts'
import type { Steps } from '../answer/completion.ts'
import type { Random } from '../lib/random.ts'
import { drawMs } from '../config/draw-ms.ts'
import type { RequestTiming, TokenTiming } from './timing.ts'

const noSteps = new Float64Array(0)

/** What the time of one answer depends on beside its timing. */
export interface Work {
  /** When the model begins, in milliseconds from the start of the request. */
  readonly beginMs: number
  /** Tokens of the prompt that are not in the cache. */
  readonly promptTokens: number
  /** Multiplies every time of the model: the time scale, and what the deployment's load adds. Above 0. */
  readonly factor: number
  /** What an incident makes of the times; absent where there is none. */
  readonly conditions?: Conditions | undefined
}

/**
 * When each token of an answer is due: the first one after its own wait, the prompt's cost and the hidden tokens, each
 * other one a draw after the one before. A whole answer takes as long as its stream.
 */
export function planTokens(steps: Steps, timing: TokenTiming, work: Work, random: Random): Schedule {
  const { perToken, reasoningMsPerToken } = timing
  const { beginMs, factor, conditions } = work
  const tokenFactor = conditions?.perTokenFactor ?? 1
  let dueMs = drawMs(timing.firstToken, random) + timing.promptMsPerToken * work.promptTokens
  if (conditions) dueMs *= conditions.firstTokenFactor
  if (reasoningMsPerToken !== undefined) dueMs += reasoningMsPerToken * steps.hidden * tokenFactor
  else for (let i = 0; i < steps.hidden; i++) dueMs += drawMs(perToken, random) * tokenFactor

  const stepsMs = steps.visible > 0 ? new Float64Array(steps.visible) : noSteps
  for (let i = 0; i < stepsMs.length; i++) {
    if (i > 0 || timing.firstTokenTakesTime) dueMs += drawMs(perToken, random) * tokenFactor
    stepsMs[i] = beginMs + dueMs * factor
  }
  if (timing.burst) gatherBursts(stepsMs, timing.burst, random)
  return { stepsMs, endMs: beginMs + dueMs * factor }
}

/**
 * Lets tokens go in groups, as a filter does that holds text back until it is checked: a group is due with its last
 * token. The first token goes alone, so that neither its time nor that of the end changes.
 */
function gatherBursts(stepsMs: Float64Array, { tokens: [least, largest] }: Burst, random: Random): void {
  for (let start = 1; start < stepsMs.length;) {
    const end = Math.min(stepsMs.length, start + least + random.below(largest - least + 1))
    stepsMs.fill(stepsMs[end - 1] ?? 0, start, end)
    start = end
  }
}

/**
 * When an answer is due that comes at once.
 *
 * @param units what the drawn time is multiplied by: the megabytes of a request that is measured in them, else 1
 */
export function planRequest(timing: RequestTiming, units: number, work: Work, random: Random): Schedule {
  const durationMs = drawMs(timing.perRequest, random) * units + timing.promptMsPerToken * work.promptTokens
  const factor = work.factor * (work.conditions?.firstTokenFactor ?? 1)
  return { stepsMs: noSteps, endMs: work.beginMs + durationMs * factor }
}
