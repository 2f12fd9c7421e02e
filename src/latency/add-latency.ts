import type { Exchange } from '../pipeline/exchange.ts'
import type { Hook, Next } from '../pipeline/hook.ts'
import type { Reply, Schedule, Steps } from '../pipeline/reply.ts'
import type { Random } from '../platform/random.ts'
import { planRequestSchedule, planSchedule } from './schedule.ts'

/**
 * Makes the stage that gives an answer the time that a model takes: by its tokens for chat and completions, by the
 * request for embeddings. An answer of 300 or above and one that has a schedule of its own are left alone, and so are
 * all while `latency.timeScale` is 0.
 */
export function createAddLatency(): Hook {
  return async function addLatency(exchange: Exchange, next: Next): Promise<Reply> {
    const reply = await next()
    if (reply.status >= 300 || reply.schedule) return reply
    // Forked even when no time is added, so that the answers of a seed are the same with delays and without.
    const random = exchange.random.fork()
    const schedule = exchange.config.latency.timeScale > 0 ? scheduleOf(exchange, reply, random) : undefined
    if (schedule) reply.schedule = schedule
    return reply
  }
}

function scheduleOf(exchange: Exchange, reply: Reply, random: Random): Schedule | undefined {
  const { latency } = exchange.config
  switch (exchange.route?.operation) {
    case 'chatCompletions':
      return planSchedule(stepsOf(reply), latency.chatCompletions, random, latency.timeScale)
    case 'completions':
      return planSchedule(stepsOf(reply), latency.completions, random, latency.timeScale)
    case 'embeddings':
      return planRequestSchedule(latency.embeddings, random, latency.timeScale)
    default:
      return undefined
  }
}

/** A reply that does not tell its steps, such as an extension's, takes the time of its usage. */
function stepsOf({ steps, usage }: Reply): Steps {
  if (steps) return steps
  if (!usage) return { hidden: 0, visible: 0 }
  return {
    hidden: usage.reasoningTokens,
    visible: Math.max(0, usage.completionTokens - usage.reasoningTokens),
  }
}
