import type { Usage } from '../answer/completion.ts'
import { fieldsOf } from '../lib/record.ts'
import type { Deployment } from '../config/deployments.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import { type ReplyOrPromise, type Stage, catchMaybe, mapMaybe } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import {
  limitProfile,
  type EstimateRule,
  type DeploymentLimits,
  limitsOf,
  outputLimitsOf,
  outputSubjectName,
} from './limit-plan.ts'
import { limitRefusal } from './limit-refusal.ts'
import type { LimitResult, RateLimiter, CostEstimate } from './rate-limiter.ts'
import { isClaude } from '../wire/models/claude-traits.ts'
import type { Operation } from '../wire/route.ts'

type Admitted = LimitResult & { readonly admitted: true }
type Refusal = LimitResult & { readonly admitted: false }

/** Dependencies of the admission stage. */
export interface AdmissionDeps {
  /** Limiters of extensions by name. A limiter that the exchange names replaces the limits, with or without a deployment. */
  readonly limiters?: ReadonlyMap<string, NamedLimiter>
  /** The limits of deployments. All keys of a resource share them. */
  readonly limits: RateLimiter
}

/**
 * Creates the stage that applies the limits of the deployment. A request without a deployment or without limits passes. A request
 * over the limit of a provisioned deployment goes to its spillover deployment.
 *
 * The charge is corrected after the answer: to its usage if known, or to 0 if it failed. A configuration change does not reset the
 * usage.
 */
export function createAdmission({ limiters: named = new Map(), limits }: AdmissionDeps): Stage {
  /** Synchronous if the limits are local, because a promise would delay each request. */
  const admitTo = (
    exchange: Addressed,
    next: () => ReplyOrPromise,
    onRefusal: (result: Refusal) => ReplyOrPromise,
  ): ReplyOrPromise => {
    const { route, deployment, config, conditions } = exchange
    const profileName = deployment.limitProfile ?? config.limitProfile
    const ownLimits = limitsOf(deployment, profileName, conditions?.limitFactor ?? 1)
    if (!ownLimits) return next()
    if (isClaude(deployment.model)) return admitToClaude(exchange, ownLimits, next)
    const profile = limitProfile(profileName)
    const cost = estimateCost(route.operation, exchange.json, profile.estimate)
    const subject = { resource: config.id, deployment: deployment.name, limits: ownLimits, cost }
    const decision = limits.decide(subject)
    return mapMaybe(decision, (result) => {
      const { requests, tokens, utilization } = result.status
      exchange.rateLimits = requests && { requests, tokens, style: profile }
      exchange.utilization = utilization
      return result.admitted ? answer(exchange, limits, ownLimits, result, next) : onRefusal(result)
    })
  }

  /**
   * Claude models have a limit of output tokens apart from that of input tokens without those read from the cache. A request costs
   * nothing on arrival; it is charged when its answer is known. Counting tokens is not limited.
   */
  const admitToClaude = (
    exchange: Addressed,
    ownLimits: DeploymentLimits,
    next: () => ReplyOrPromise,
  ): ReplyOrPromise => {
    const { route, deployment, config, conditions } = exchange
    if (route.operation === 'countMessageTokens') return next()
    const outputLimits = outputLimitsOf(deployment, conditions?.limitFactor ?? 1)
    const subject = { resource: config.id, deployment: deployment.name, limits: ownLimits, cost: noCost }
    const outputName = outputSubjectName(deployment.name)
    const output = outputLimits && limits.decide({ ...subject, deployment: outputName, limits: outputLimits })
    return mapMaybe(output, (first) => {
      if (first?.admitted === false) return refusal(exchange, first)
      const charge: Charge = (reply) => {
        if (first) charged(limits, first.lease, reply, ({ completionTokens }) => ({ completionTokens }))
      }
      return mapMaybe(limits.decide(subject), (second) => {
        if (!second.admitted) {
          charge(undefined)
          return refusal(exchange, second)
        }
        return answerClaude(exchange, next, (reply) => {
          charge(reply)
          charged(limits, second.lease, reply, ({ promptTokens, cachedTokens }) => ({
            promptTokens: promptTokens - cachedTokens,
          }))
        })
      })
    })
  }

  const admit: Stage = (exchange, next) => {
    if (exchange.limiter !== undefined) {
      return limiterNamed(exchange.limiter, named)(exchange) ?? next()
    }
    if (!isAddressed(exchange)) return next()
    return admitTo(exchange, next, (first) => {
      const spillover = spilloverOf(exchange)
      if (!spillover) return refusal(exchange, first)
      exchange.spilledOverFrom = exchange.deployment.name
      exchange.deployment = spillover
      return admitTo(exchange, next, (second) => refusal(exchange, second))
    })
  }

  return admit
}

function refusal(exchange: Exchange, { kind, retryAfterMs }: Refusal): Reply {
  return limitRefusal(exchange, kind, retryAfterMs)
}

/** The configuration guarantees that the name is that of a pay-as-you-go deployment. */
function spilloverOf({ config, deployment: { spilloverTo } }: Addressed): Deployment | undefined {
  return spilloverTo === undefined ? undefined : config.deployments.get(spilloverTo)
}

/** Requests the answer, and corrects the charge after it has been sent or has failed. */
function answer(
  exchange: Exchange,
  limits: RateLimiter,
  { kind }: DeploymentLimits,
  { lease }: Admitted,
  next: () => ReplyOrPromise,
): ReplyOrPromise {
  const settle = (reply: Reply | undefined): void =>
    exchange.onEnd(() => {
      const failed = !reply || reply.status >= 400
      // Without a usage, the estimate remains.
      if (failed || reply.usage) limits.settle(lease, failed ? undefined : reply.usage)
    })
  const planned = (reply: Reply): ReplyOrPromise => {
    if (kind === 'provisioned') {
      return discountCached(exchange, limits, lease, reply).finally(() => settle(reply))
    }
    settle(reply)
    return reply
  }
  const failed = (error: unknown): never => {
    settle(undefined)
    throw error
  }
  return mapMaybe(catchMaybe(next, failed), planned)
}

/** Charges a reply; undefined if the request failed. */
type Charge = (reply: Reply | undefined) => void

const noCost: CostEstimate = { promptTokens: 0, completionTokens: 0 }

/** Charges what counts towards a limit of a Claude deployment. */
function charged(
  limits: RateLimiter,
  lease: unknown,
  reply: Reply | undefined,
  counted: (usage: Usage) => Partial<Usage>,
): void {
  const usage = reply && reply.status < 400 ? reply.usage : undefined
  limits.settle(lease, usage && { ...usage, promptTokens: 0, completionTokens: 0, ...counted(usage) })
}

/** Requests the answer, and charges it when it is planned, or when it ends if its usage is not known before. */
function answerClaude(exchange: Exchange, next: () => ReplyOrPromise, charge: Charge): ReplyOrPromise {
  const failed = (error: unknown): never => {
    charge(undefined)
    throw error
  }
  return mapMaybe(catchMaybe(next, failed), (reply) => {
    if (reply.usage || reply.status >= 400) charge(reply)
    else exchange.onEnd(() => charge(reply))
    return reply
  })
}

/** Removes cached tokens from the charge when the answer is planned, before it takes any time. */
async function discountCached(
  exchange: Exchange,
  limits: RateLimiter,
  lease: unknown,
  reply: Reply,
): Promise<Reply> {
  const { usage } = reply
  if (!usage || usage.cachedTokens === 0) return reply
  const utilization = await limits.discount(lease, usage.cachedTokens)
  exchange.utilization = utilization ?? exchange.utilization
  return reply
}

function limiterNamed(name: string, named: ReadonlyMap<string, NamedLimiter>): NamedLimiter {
  const limiter = named.get(name)
  if (limiter) return limiter
  const known =
    named.size === 0 ? 'no extension has limiters' : `known limiters: ${[...named.keys()].join(', ')}`
  throw new Error(
    `Could not apply the limiter "${name}": it does not exist (${known}). Correct exchange.limiter in the hook that sets it, or add the limiter to the limiters of an extension.`,
  )
}

/** Keeps sums of windows within the exact integers of a number. */
const MAX_TOKENS = 2 ** 51

/** The estimate of the service counts four characters as one token (captured for many prompts). */
const CHARS_PER_TOKEN = 4

/**
 * The tokens that a request is charged on arrival, before its body is validated, like in the service:
 *
 * - chat: ceil((characters of all text content + characters between messages) / 4) + overhead + limit x `n`
 * - completions and responses: ceil(characters of each text / 4) + limit x the larger of `n` and `best_of`
 * - messages: ceil(characters of all text content / 4); the tokens of the answer are charged when they are known
 * - embeddings: ceil(characters / 4) of each string, in every era
 *
 * The limit is that of the request, or the default of the era. A prompt of token ids costs their number. Roles, tools, images and
 * audio do not count. Sources: Microsoft's documentation ("prompt text and count + max_tokens + best_of"), and the remaining-tokens
 * headers of captures.
 *
 * Fields of the wrong type are ignored. Both results are integers from 0 to 2^51 for any body.
 */
export function estimateCost(operation: Operation, json: unknown, rule: EstimateRule): CostEstimate {
  const body = fieldsOf(json)
  switch (operation) {
    case 'embeddings':
      return { promptTokens: clamp(promptTokens(body['input'])), completionTokens: 0 }
    case 'chatCompletions': {
      const prompt = rule.countsPrompt ? chatPromptTokens(body['messages'], rule) : 0
      return withCompletion(prompt, body, rule)
    }
    case 'completions':
      return withCompletion(rule.countsPrompt ? promptTokens(body['prompt']) : 0, body, rule)
    case 'responses':
    case 'compactConversation': {
      const prompt = promptTokens(body['instructions']) + responsesInputTokens(body['input'])
      return withCompletion(rule.countsPrompt ? prompt : 0, body, rule)
    }
    case 'messages':
      return { promptTokens: clamp(messagesPromptTokens(body)), completionTokens: 0 }
    default:
      return { promptTokens: 0, completionTokens: 0 }
  }
}

function withCompletion(prompt: number, body: Record<string, unknown>, rule: EstimateRule): CostEstimate {
  const limit =
    count(body['max_tokens']) ??
    count(body['max_completion_tokens']) ??
    count(body['max_output_tokens']) ??
    rule.defaultMaxTokens
  const choices = Math.max(count(body['n']) ?? 1, count(body['best_of']) ?? 1, 1)
  return { promptTokens: clamp(prompt), completionTokens: clamp(limit * choices) }
}

function chatPromptTokens(messages: unknown, rule: EstimateRule): number {
  if (!Array.isArray(messages)) return rule.overheadTokens
  let chars = Math.max(0, messages.length - 1) * rule.charsBetweenMessages
  for (const message of messages) chars += contentChars(fieldsOf(message)['content'])
  return Math.ceil(chars / CHARS_PER_TOKEN) + rule.overheadTokens
}

function responsesInputTokens(input: unknown): number {
  if (!Array.isArray(input)) return promptTokens(input)
  let chars = 0
  for (const item of input) chars += contentChars(fieldsOf(item)['content'])
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

function messagesPromptTokens({ system, messages }: Record<string, unknown>): number {
  let chars = contentChars(system)
  if (Array.isArray(messages))
    for (const message of messages) chars += contentChars(fieldsOf(message)['content'])
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

/** Characters of a text, or of the text parts of a list. */
function contentChars(content: unknown): number {
  if (typeof content === 'string') return content.length
  if (!Array.isArray(content)) return 0
  let chars = 0
  for (const part of content) {
    const text = fieldsOf(part)['text']
    if (typeof text === 'string') chars += text.length
  }
  return chars
}

/** Tokens of a string, a list of strings, a list of token ids or a list of such lists. */
function promptTokens(prompt: unknown): number {
  if (typeof prompt === 'string') return Math.ceil(prompt.length / CHARS_PER_TOKEN)
  if (!Array.isArray(prompt)) return 0
  let tokens = 0
  for (const item of prompt) {
    if (typeof item === 'string') tokens += Math.ceil(item.length / CHARS_PER_TOKEN)
    else if (typeof item === 'number') tokens++
    else if (Array.isArray(item)) tokens += item.length
  }
  return tokens
}

/** A number in a body. JSON allows 1e999, which is parsed as Infinity. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && !Number.isNaN(value) ? clamp(Math.ceil(value)) : undefined
}

function clamp(tokens: number): number {
  return Math.min(Math.max(tokens, 0), MAX_TOKENS)
}
