import type { LiveBody } from '../answer/body.ts'
import type { Latency as LatencySettings, ResourceConfig, TokenLatency } from '../config/config.ts'
import type { Load } from '../config/deployment-latency.ts'
import { drawMs } from '../config/distribution.ts'
import { asBuffer } from '../lib/buffers.ts'
import { isEventStream } from '../pipeline/stream-events.ts'
import { sleep } from '../lib/waiting.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import { isSimulated } from '../pipeline/source-rules.ts'
import { highDemand, HIGH_DEMAND_RETRY_AFTER_SECONDS, temporarilyUnable } from '../wire/errors.ts'
import type { Exchange, IncidentEffects } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { type ReplyOrPromise, type Stage, mapMaybe } from '../pipeline/stage.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import type { Steps } from '../answer/completion.ts'
import type { ConcurrencyLimiter, SlotGrant, SlotRefusal } from './concurrency-limiter.ts'
import type { Random } from '../lib/random.ts'
import { planRequest, planTokens, type Work, type Timing, timingOf } from './timing.ts'

const BYTES_PER_MEGABYTE = 1024 * 1024

/** Status of nginx for a client that disconnected before its answer. Only metrics show it. */
const CLIENT_LEFT_STATUS = 499

/** Dependencies of the latency stage. */
export interface LatencyDeps {
  readonly slots: ConcurrencyLimiter
}

/**
 * Creates the stage that delays an answer like a model. If all slots of the deployment are in use, the request first waits for one.
 * Answers with status 300 or above, and answers with a schedule, are not delayed. With `latency.timeScale` 0, nothing is delayed, and
 * slots are not limited.
 */
export function createLatency({ slots }: LatencyDeps): Stage {
  return function addLatency(exchange, next) {
    const { deployment, config } = exchange
    const { timeScale } = config.latency
    const { load, concurrency } = deployment?.latency ?? {}
    if (!deployment || timeScale === 0 || !(load || concurrency)) return addSchedule(exchange, next, 1)
    const proceed = (answer: SlotGrant | SlotRefusal): ReplyOrPromise =>
      typeof answer === 'string'
        ? refusal(answer, exchange)
        : addSchedule(exchange, next, slowdownBy(load, answer.others))
    const taken = slots.take({ resource: config.id, deployment: deployment.name, concurrency, timeScale })
    return mapMaybe(taken, (result) => {
      if (result === 'queue-full') return refusal(result, exchange)
      const { lease, grant } = result
      exchange.onEnd(() => slots.end(lease))
      return grant ? proceed(grant) : waitForSlot(exchange, slots, lease).then(proceed)
    })
  }
}

/** Adds the schedule to the reply of the next stages. `slowdown` multiplies its times. */
function addSchedule(exchange: Exchange, next: () => ReplyOrPromise, slowdown: number): ReplyOrPromise {
  const { deployment, config } = exchange
  const { timeScale } = config.latency
  // Counted from now, not from the arrival of the request: a slow upload or a queue is not time of the model.
  const beginMs = exchange.clock.nowMs() - exchange.startedMs
  return mapMaybe(next(), (reply) => {
    if (reply.status >= 300 || reply.schedule) return reply
    if (reply.ownTime)
      return isSimulated(exchange) ? reply : delayForwarded(exchange, reply, beginMs, slowdown)
    // Forked also without delay, so that the answers for a seed do not depend on delays.
    const random = exchange.random.fork()
    if (timeScale === 0) return reply
    const timing = timingOf(exchange.route?.operation, deployment, config.latency)
    if (timing) reply.schedule = planSchedule(exchange, reply, timing, beginMs, timeScale * slowdown, random)
    return reply
  })
}

const noLatency: LatencySettings = { meanMs: 0, stdDevMs: 0 }
const noTokenLatency: TokenLatency = { perToken: noLatency, firstToken: noLatency }
/** Latency settings for forwarded answers, for which only the `latency` of the deployment counts. */
const zeroLatency: ResourceConfig['latency'] = {
  timeScale: 1,
  profile: 'off',
  chatCompletions: noTokenLatency,
  completions: noTokenLatency,
  embeddings: noLatency,
  translations: noLatency,
}

/**
 * Delays a forwarded answer to at least the `latency` of its deployment, counted from the request; the time of the real service is
 * included. Each event of a stream is delayed like a token.
 */
function delayForwarded(exchange: Exchange, reply: Reply, beginMs: number, slowdown: number): Reply {
  const { deployment, config, random, conditions } = exchange
  const factor = config.latency.timeScale * slowdown
  const timing = timingOf(exchange.route?.operation, deployment, zeroLatency)
  if (!timing || factor === 0) return reply
  const draws = random.fork()
  const { body } = reply
  if (body.kind !== 'live') {
    reply.schedule = planSchedule(exchange, reply, timing, beginMs, factor, draws)
    return reply
  }
  const first = planSchedule(
    exchange,
    { ...reply, steps: { hidden: 0, visible: 1 } },
    timing,
    beginMs,
    factor,
    draws,
  )
  const tokenFactor = factor * (conditions?.perTokenFactor ?? 1)
  const nextMs =
    timing.kind === 'tokens' && isEventStream(reply.headers)
      ? () => drawMs(timing.perToken, draws) * tokenFactor
      : undefined
  reply.body = { kind: 'live', chunks: paceChunks(body, exchange, first.stepsMs[0] ?? first.endMs, nextMs) }
  return reply
}

/** Delays chunks until they are due. `nextMs` returns the time between two events of a stream. */
async function* paceChunks(
  { chunks }: LiveBody,
  exchange: Exchange,
  firstDueMs: number,
  nextMs: (() => number) | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  const { clock, startedMs } = exchange
  const splitter = new EventSplitter()
  let dueMs = firstDueMs
  for await (const chunk of chunks) {
    const pieces = nextMs ? splitter.push(asBuffer(chunk)) : [chunk]
    for (const piece of pieces) {
      const waitMs = startedMs + dueMs - clock.nowMs()
      if (waitMs > 0) await sleep(waitMs, exchange.clock, exchange.signal)
      yield piece
      if (nextMs) dueMs += nextMs()
    }
  }
  const rest = splitter.rest()
  if (rest.length > 0) yield rest
}

/** Factor of all times while a deployment processes `others` other requests: 1 + slowdown x (others / requests)^exponent. */
export function slowdownBy(load: Load | undefined, others: number): number {
  return load ? 1 + load.slowdown * (others / load.requests) ** load.exponent : 1
}

async function waitForSlot(
  exchange: Exchange,
  slots: ConcurrencyLimiter,
  lease: unknown,
): Promise<SlotGrant | SlotRefusal> {
  const sinceMs = exchange.clock.nowMs()
  const answer = (await slots.wait(lease)) ?? 'left'
  // The round trip to shared state is not a wait.
  const waited = typeof answer === 'string' ? answer !== 'queue-full' : answer.waited
  if (waited) exchange.queuedMs = exchange.clock.nowMs() - sinceMs
  return answer
}

function planSchedule(
  exchange: Exchange,
  reply: Reply,
  timing: Timing,
  beginMs: number,
  factor: number,
  random: Random,
): Schedule {
  const { promptTokens = 0, cachedTokens = 0 } = reply.usage ?? {}
  const { serviceTier = 'default' } = reply
  const conditions = serviceTier === 'default' ? exchange.conditions : withTier(exchange, serviceTier)
  const work: Work = { beginMs, promptTokens: promptTokens - cachedTokens, factor, conditions }
  if (timing.kind === 'tokens') {
    const sent = reply.unbuffered && timing.burst ? { ...timing, burst: undefined } : timing
    return planTokens(stepsOf(reply), sent, work, random)
  }
  const units = timing.perMegabyte ? exchange.body.length / BYTES_PER_MEGABYTE : 1
  return planRequest(timing, units, work, random)
}

/**
 * Factors of the time of a tier. Source: 104 streams of gpt-5.6-sol per tier (priority; public measurement, October 2026) and 162 short
 * answers (flex; September 2026).
 */
const tierFactors = {
  priority: { firstToken: 0.75, perToken: 0.9 },
  flex: { firstToken: 1.2, perToken: 1.1 },
} as const

/** The effects of the incident and of the tier. */
function withTier(
  { deployment, conditions }: Exchange,
  tier: keyof typeof tierFactors,
): Pick<IncidentEffects, 'firstTokenFactor' | 'perTokenFactor'> {
  const own = deployment?.latency?.tiers?.[tier]
  const { firstToken, perToken } = tierFactors[tier]
  return {
    firstTokenFactor: (own?.firstToken ?? firstToken) * (conditions?.firstTokenFactor ?? 1),
    perTokenFactor: (own?.perToken ?? perToken) * (conditions?.perTokenFactor ?? 1),
  }
}

/** The steps of a reply, derived from its usage if they are missing, such as in replies of extensions. */
function stepsOf({ steps, usage }: Reply): Steps {
  if (steps) return steps
  if (!usage) return { hidden: 0, visible: 0 }
  return {
    hidden: usage.reasoningTokens,
    visible: Math.max(0, usage.completionTokens - usage.reasoningTokens),
  }
}

function refusal(answer: SlotRefusal, { route }: Exchange): Reply {
  if (answer === 'queue-full') {
    const reply = refuse(highDemand(route?.operation), {
      'retry-after': String(HIGH_DEMAND_RETRY_AFTER_SECONDS),
    })
    reply.limitedBy = 'capacity'
    return reply
  }
  const reply = refuse(temporarilyUnable())
  if (answer === 'left') reply.status = CLIENT_LEFT_STATUS
  return reply
}
