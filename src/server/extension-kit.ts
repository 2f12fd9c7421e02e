import { fieldsOf } from '../lib/record.ts'
import type { Exchange } from '../pipeline/exchange.ts'

// What authors of extensions import from `aoai-simulated-api/extension`. It stands here, and not in the entry file, because
// the simulator hands these very modules to the extensions that it loads.

// The contract.
export {
  defineExtension,
  type Extension,
  type ExtensionExport,
  type ExtensionHost,
  type ForwardedReply,
  type Forwarder,
  type Generator,
  type NamedLimiter,
} from '../pipeline/extension.ts'
export type { Hook, Next } from '../pipeline/stage.ts'

// Requests.
export type { Exchange, Outcome } from '../pipeline/exchange.ts'
export type { AnswerOverride, VerdictOverride } from '../pipeline/exchange.ts'
export type { FormFile, MultipartForm } from '../wire/multipart.ts'
export type { Route } from '../wire/route.ts'
export { originOf } from '../pipeline/exchange.ts'
export type { ResourceView as Config } from '../config/config.ts'
export type { Deployment } from '../config/deployments.ts'
export type { Clock, StopTimer } from '../lib/clock.ts'
export type { Logger } from '../lib/logger.ts'
export type { Random } from '../lib/random.ts'

// Replies.
export { type EventsBody, type LiveBody, textBody, type WholeBody } from '../answer/body.ts'
export {
  type Interruption,
  type Reply,
  type ReplyBody,
  type Schedule,
  type ServiceFacts,
} from '../pipeline/reply.ts'
export { type Steps, type Usage } from '../answer/completion.ts'
export { HeaderList } from '../pipeline/reply.ts'
export type { ReplyOptions } from '../pipeline/reply.ts'
export { jsonReply } from '../pipeline/make-reply.ts'
export { textReply, type TextReplyOptions } from '../pipeline/make-reply.ts'
export { eventsReply, type EventsReplyOptions } from '../pipeline/make-reply.ts'
export { replyFromResponse } from '../pipeline/make-reply.ts'
export { delayReply } from '../pipeline/reply.ts'
export { type ChangeEvent, mapEvents } from '../pipeline/stream-events.ts'
export { dataEvent, doneEvent, eventStreamType } from '../wire/sse.ts'

// The service's own errors.
export { type ErrorHeaders, errorReply, type WrittenError } from '../extensions/error-reply.ts'
export {
  deploymentNotFound,
  highDemand,
  invalidKey,
  malformedJson,
  modelError,
  promptFiltered,
  rateLimited,
  type RateLimitHit,
  resourceNotFound,
  serverError,
  type ErrorEnvelope,
  type FilterFinding,
  type ServiceError,
  type ServiceLayer,
  temporarilyUnable,
} from '../wire/errors.ts'

// Limits.
export { limitRefusal } from '../limits/limit-refusal.ts'
export { type RequestsLimit, requestsLimiter } from '../limits/deployment-limiter.ts'

/**
 * What the user asks for, in the words of the request: the last message of the user in a chat or in the input of a
 * response, or the prompt of a completion or a picture; several parts or prompts are lines. Undefined where there is no such text:
 * in a form, in a prompt of token numbers, in what is no JSON.
 */
export function promptText({ json }: Exchange): string | undefined {
  const { messages, input, prompt } = fieldsOf(json)
  return lastUserText(messages) ?? lastUserText(input) ?? textOf(input) ?? textOf(prompt)
}

function lastUserText(messages: unknown): string | undefined {
  if (!Array.isArray(messages)) return undefined
  const last: unknown = messages.findLast((message) => fieldsOf(message)['role'] === 'user')
  return textOf(fieldsOf(last)['content'])
}

/** A text, or the texts in a list of texts and of parts that have one. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content
    .map((part: unknown) => (typeof part === 'string' ? part : fieldsOf(part)['text']))
    .filter((text) => typeof text === 'string')
  return texts.length === 0 ? undefined : texts.join('\n')
}
