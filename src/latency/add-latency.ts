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
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { type ReplyOrPromise, type Stage, mapMaybe } from '../pipeline/stage.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import type { Steps } from '../answer/completion.ts'
import type { ConcurrencyLimiter, SlotGrant, SlotRefusal } from './concurrency-limiter.ts'
import type { Random } from '../lib/random.ts'
import { planRequest, planTokens, type Work, type Timing, timingOf } from './timing.ts'

const BYTES_PER_MEGABYTE = 1024 * 1024

/** nginx's status for a client that left before its answer: nobody sees it but the metrics. */
const CLIENT_LEFT_STATUS = 499

/** What latency is made from. */
export interface LatencyDeps {
  readonly slots: ConcurrencyLimiter
}

/**
 * Makes the stage that gives an answer the time that a model takes. A request to a deployment whose slots are all taken
 * waits before anything is done for it. An answer of 300 or above and one that has a schedule of its own keep their time.
 * While `latency.timeScale` is 0 nothing waits, and there is a slot for everyone.
 */
export function createLatency({ slots }: LatencyDeps): Stage {
  return function addLatency(exchange, next) {
    const { deployment, config, resource } = exchange
    const { timeScale } = config.latency
    const { load, concurrency } = deployment?.latency ?? {}
    if (!deployment || timeScale === 0 || !(load || concurrency)) return addSchedule(exchange, next, 1)
    const follow = (answer: SlotGrant | SlotRefusal): ReplyOrPromise =>
      typeof answer === 'string'
        ? refusal(answer)
        : addSchedule(exchange, next, slowdownBy(load, answer.others))
    const taken = slots.take({ resource, deployment: deployment.name, concurrency, timeScale })
    return mapMaybe(taken, (result) => {
      if (result === 'queue-full') return refusal(result)
      const { lease, grant } = result
      exchange.onEnd(() => slots.end(lease))
      return grant ? follow(grant) : waitForSlot(exchange, slots, lease).then(follow)
    })
  }
}

/** Gives what comes back its time, `slowdown` times as much as without load. */
function addSchedule(exchange: Exchange, next: () => ReplyOrPromise, slowdown: number): ReplyOrPromise {
  const { deployment, config } = exchange
  const { timeScale } = config.latency
  // From here, not from the arrival of the first byte: a slow upload or a queue is not the model's time.
  const beginMs = exchange.clock.nowMs() - exchange.startedMs
  return mapMaybe(next(), (reply) => {
    if (reply.status >= 300 || reply.schedule) return reply
    if (reply.ownTime)
      return isSimulated(exchange) ? reply : delayForwarded(exchange, reply, beginMs, slowdown)
    // Forked even when no time is added, so that the answers of a seed are the same with delays and without.
    const random = exchange.random.fork()
    if (timeScale === 0) return reply
    const timing = timingOf(exchange.route?.operation, deployment, config.latency)
    if (timing) reply.schedule = planSchedule(exchange, reply, timing, beginMs, timeScale * slowdown, random)
    return reply
  })
}

const noLatency: LatencySettings = { meanMs: 0, stdDevMs: 0 }
const noTokenLatency: TokenLatency = { perToken: noLatency, firstToken: noLatency }
/** What a deployment has that takes its time from its own `latency` alone. */
const zeroLatency: ResourceConfig['latency'] = {
  timeScale: 1,
  profile: 'off',
  chatCompletions: noTokenLatency,
  completions: noTokenLatency,
  embeddings: noLatency,
  translations: noLatency,
}

/**
 * Lets a forwarded answer take at least the time that its deployment's own `latency` says, from its being asked for; the time
 * of the real service counts. A stream that arrives is held back event by event, each taken for a token.
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

/** What comes, not before it is due; `nextMs` gives the time between two events of a stream. */
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

/**
 * How much longer everything takes while the deployment works on `others` too: 1 + slowdown (others / requests)^exponent.
 */
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
  // To ask elsewhere takes a moment, too, which is no wait.
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
  const { conditions } = exchange
  const work: Work = { beginMs, promptTokens: promptTokens - cachedTokens, factor, conditions }
  if (timing.kind === 'tokens') return planTokens(stepsOf(reply), timing, work, random)
  const units = timing.perMegabyte ? exchange.body.length / BYTES_PER_MEGABYTE : 1
  return planRequest(timing, units, work, random)
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

function refusal(answer: SlotRefusal): Reply {
  if (answer === 'queue-full') {
    const reply = refuse(highDemand(), { 'retry-after': String(HIGH_DEMAND_RETRY_AFTER_SECONDS) })
    reply.limitedBy = 'capacity'
    return reply
  }
  const reply = refuse(temporarilyUnable())
  if (answer === 'left') reply.status = CLIENT_LEFT_STATUS
  return reply
}
