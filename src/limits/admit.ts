import { fieldsOf } from '../lib/record.ts'
import type { Deployment } from '../config/deployments.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import { type ReplyOrPromise, type Stage, catchMaybe, mapMaybe } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { limitProfile, type EstimateRule, type DeploymentLimits, limitsOf } from './limit-plan.ts'
import { limitRefusal } from './limit-refusal.ts'
import type { LimitResult, RateLimiter, CostEstimate } from './rate-limiter.ts'
import type { Operation } from '../wire/route.ts'

type Admitted = LimitResult & { readonly admitted: true }
type Refusal = LimitResult & { readonly admitted: false }

/** What admission is made from. */
export interface AdmissionDeps {
  /** Limiters of extensions: one that the exchange names is asked instead, with or without a deployment. */
  readonly limiters?: ReadonlyMap<string, NamedLimiter>
  /** What decides; all keys of a resource share its limits. */
  readonly limits: RateLimiter
}

/**
 * Makes the stage that asks the limits of the exchange's deployment. A request without a deployment passes, and one
 * whose deployment has no limits. What a provisioned deployment refuses goes to the one that it spills over to.
 *
 * What an answer costs is corrected when it has been sent: to its usage, where it tells any, and to nothing where it
 * failed. Usage lives as long as this stage, so a changed configuration does not reset it.
 */
export function createAdmission({ limiters: named = new Map(), limits }: AdmissionDeps): Stage {
  /** What is known at once is not waited for, which would cost every request a turn of promises. */
  const admitTo = (
    exchange: Addressed,
    next: () => ReplyOrPromise,
    onRefusal: (decision: Refusal) => ReplyOrPromise,
  ): ReplyOrPromise => {
    const { route, deployment, config, conditions, resource } = exchange
    const profileName = deployment.limitProfile ?? config.limitProfile
    const asked = limitsOf(deployment, profileName, conditions?.limitFactor ?? 1)
    if (!asked) return next()
    const profile = limitProfile(profileName)
    const cost = estimateCost(route.operation, exchange.json, profile.estimate)
    const decision = limits.decide({ resource, deployment: deployment.name, limits: asked, cost })
    return mapMaybe(decision, (known) => {
      const { requests, tokens, utilization } = known.status
      exchange.rateLimits = requests && { requests, tokens, style: profile }
      exchange.utilization = utilization
      return known.admitted ? answer(exchange, limits, asked, known, next) : onRefusal(known)
    })
  }

  const admit: Stage = (exchange, next) => {
    if (exchange.limiter !== undefined) {
      return limiterNamed(exchange.limiter, named)(exchange) ?? next()
    }
    if (!isAddressed(exchange)) return next()
    return admitTo(exchange, next, (decision) => {
      const spare = spilloverOf(exchange)
      if (!spare) return refusal(exchange, decision)
      exchange.spilledOverFrom = exchange.deployment.name
      exchange.deployment = spare
      return admitTo(exchange, next, (second) => refusal(exchange, second))
    })
  }

  return admit
}

function refusal(exchange: Exchange, { kind, retryAfterMs }: Refusal): Reply {
  return limitRefusal(exchange, kind, retryAfterMs)
}

/** The configuration is checked: the name is that of a pay-as-you-go deployment. */
function spilloverOf({ config, deployment: { spilloverTo } }: Addressed): Deployment | undefined {
  return spilloverTo === undefined ? undefined : config.deployments.get(spilloverTo)
}

/** What the answer costs is known for good when it has been sent, or has failed. */
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
      // An answer that does not tell its usage keeps its estimate.
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

/** The prompt cache is asked while the answer is planned, which is before any of its time has passed. */
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
  const known = named.size === 0 ? 'no extension brings any' : `known are ${[...named.keys()].join(', ')}`
  throw new Error(
    `Could not ask the limiter "${name}": nobody knows it (${known}). Correct exchange.limiter in the hook that sets it, or add the limiter to an extension's limiters.`,
  )
}

/** No count may leave the integers that a number holds exactly, or a window's sum would drift. */
const MAX_TOKENS = 2 ** 51

/** The service's estimate counts characters, not tokens: four to a token, as captured for many prompts. */
const CHARS_PER_TOKEN = 4

/**
 * The tokens that a request is charged with on arrival, before its body is validated, as the service's own limiter does:
 *
 * - chat: ceil((characters of all text content + what lies between messages) / 4) + overhead + limit x `n`
 * - completions and responses: ceil(characters of each text / 4) + limit x the larger of `n` and `best_of`
 * - embeddings: ceil(characters / 4) of each string, in every era
 *
 * where the limit is the request's own, else the era's default. A prompt of token ids costs their number. Roles, tools,
 * images and audio are not counted. The documentation names the terms ("prompt text and count + max_tokens +
 * best_of"); the rest follows the remaining-tokens headers of captures.
 *
 * What has the wrong type counts as absent. Both results are integers from 0 to 2^51 for any body.
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
    case 'responses': {
      const prompt = promptTokens(body['instructions']) + responsesInputTokens(body['input'])
      return withCompletion(rule.countsPrompt ? prompt : 0, body, rule)
    }
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

/** A count that a body gives; JSON allows 1e999, which is read as Infinity. */
function count(value: unknown): number | undefined {
  return typeof value === 'number' && !Number.isNaN(value) ? clamp(Math.ceil(value)) : undefined
}

function clamp(tokens: number): number {
  return Math.min(Math.max(tokens, 0), MAX_TOKENS)
}
