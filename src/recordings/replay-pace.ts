import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import type { ReplayAnswer } from './replay-answer.ts'

/** How fast recordings of a path are answered. */
export interface Pace {
  /** Until the first token, in milliseconds. */
  readonly firstMs: number
  /** Between tokens, in milliseconds; 0 where no completion was recorded. */
  readonly tokenMs: number
}

/**
 * Learns the pace from recorded answers: the median of the times to the first event and of the times for each token. Of an
 * answer in one piece only the end is known, so all of its time is taken for that of its tokens. Undefined when no time
 * was recorded.
 */
export function learnPace(answers: readonly ReplayAnswer[]): Pace | undefined {
  const firsts: number[] = []
  const perToken: number[] = []
  const totals: number[] = []
  for (const { status, eventsMs, durationMs, usage } of answers) {
    if (status >= 300) continue
    const firstMs = eventsMs?.[0]
    const endMs = eventsMs?.at(-1) ?? durationMs
    if (endMs === undefined) continue
    totals.push(endMs)
    if (firstMs !== undefined) firsts.push(firstMs)
    const tokens = usage?.completionTokens || (eventsMs ? eventsMs.length : 0)
    if (tokens > 0) perToken.push((endMs - (firstMs ?? 0)) / tokens)
  }
  if (totals.length === 0) return undefined
  const firstMs = firsts.length > 0 ? median(firsts) : perToken.length > 0 ? 0 : median(totals)
  return { firstMs, tokenMs: perToken.length > 0 ? median(perToken) : 0 }
}

/** Gives a generated answer the learned pace. */
export function applyPace(reply: Reply, { firstMs, tokenMs }: Pace, exchange: Exchange): void {
  const { timeScale } = exchange.config.latency
  if (timeScale === 0 || reply.status >= 300 || reply.schedule) return
  reply.schedule = schedule(reply, firstMs * timeScale, tokenMs * timeScale, exchange.queuedMs)
}

function schedule({ steps, usage }: Reply, firstMs: number, tokenMs: number, beginMs: number): Schedule {
  const hidden = steps?.hidden ?? usage?.reasoningTokens ?? 0
  const visible = steps?.visible ?? (usage ? usage.completionTokens - usage.reasoningTokens : 0)
  const stepsMs = new Float64Array(Math.max(0, visible))
  for (let step = 0; step < stepsMs.length; step++)
    stepsMs[step] = beginMs + firstMs + (hidden + step) * tokenMs
  return { stepsMs, endMs: stepsMs.at(-1) ?? beginMs + firstMs + hidden * tokenMs }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
