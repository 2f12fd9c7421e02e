import { fieldsOf } from '../lib/record.ts'
import type { Exchange } from '../pipeline/exchange.ts'

// The exports of `aoai-simulated-api/extension`. They are in this file, not in the entry file, because the simulator passes these modules to the
// extensions that it loads.

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
export { originOf } from '../pipeline/origin.ts'
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

// Errors of the service.
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
 * Returns the prompt of a request: the last user message of a chat or of the input of a response, or the prompt of a completion or an image.
 * Several parts or prompts are joined with line breaks. Returns undefined without such a text: for a form, a prompt of token numbers, or
 * invalid JSON.
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

/** Returns a text, or the joined texts of a list of strings and parts. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content
    .map((part: unknown) => (typeof part === 'string' ? part : fieldsOf(part)['text']))
    .filter((text) => typeof text === 'string')
  return texts.length === 0 ? undefined : texts.join('\n')
}
