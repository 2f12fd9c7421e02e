import { createHash } from 'node:crypto'
import type { HarmCategory } from '../wire/content-filters.ts'
import { chatCompletionId } from '../wire/ids.ts'
import type { Model } from '../wire/models/models.ts'
import type { ChatRequest } from '../wire/chat/chat-request.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { ChatFacts } from '../wire/chat/chat-chunks.ts'
import { usesFunctions } from './chat-task.ts'
import { completionSteps, type Completion } from '../answer/completion.ts'
import { boundedTop, logprobsPieces } from './logprobs.ts'

/** Gathers what every object of an answer carries. */
export function chatFacts(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  completion: Completion,
  found: HarmCategory | undefined,
): ChatFacts {
  return {
    id: chatCompletionId(exchange.random),
    created: Math.floor(exchange.clock.epochMs() / 1000),
    model: model.versionedName,
    systemFingerprint: systemFingerprint(model),
    serviceTier: serviceTier(model, request.service_tier),
    usesFunctions: usesFunctions(request),
    logprobs: request.logprobs === true ? logprobsOf(request, completion, exchange) : undefined,
    annotates: true,
    found,
  }
}

function logprobsOf(
  request: ChatRequest,
  completion: Completion,
  { random }: Exchange,
): ChatFacts['logprobs'] {
  const tokens = completionSteps(completion).visible * completion.choices.length
  const options = { top: boundedTop(request.top_logprobs ?? 0, tokens), random: random.fork() }
  return (pieces) => logprobsPieces(pieces, options)
}

/** Models whose answers tell the tier unasked, from a capture of gpt-5.2-chat of April 2026. */
const tellsTier = /^gpt-(5\.[2-9]|[6-9])/

/** The tier as the service gives it back: `auto` becomes the default one, and `fast` has a newer name. */
function serviceTier({ name }: Model, asked: string | null | undefined): string | undefined {
  if (asked === undefined || asked === null) return tellsTier.test(name) ? 'default' : undefined
  if (asked === 'auto') return 'default'
  return asked === 'fast' ? 'priority' : asked
}

const fingerprints = new Map<string, string>()

/** Names the backend's configuration, the same for all answers of a model; reasoning models have none. */
function systemFingerprint(model: Model): string | null {
  if (model.reasoning) return null
  let fingerprint = fingerprints.get(model.name)
  if (fingerprint === undefined) {
    fingerprint = `fp_${createHash('sha256').update(model.name).digest('hex').slice(0, 10)}`
    fingerprints.set(model.name, fingerprint)
  }
  return fingerprint
}
