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
export type { ForcedAnswer, ForcedVerdict } from '../pipeline/forced-answer.ts'
export type { FormFile, MultipartForm } from '../wire/multipart.ts'
export type { Route } from '../wire/route.ts'
export { promptText } from './prompt-text.ts'
export { originOf } from '../pipeline/origin-of.ts'
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
export type { ReplyOptions } from '../pipeline/content-headers.ts'
export { jsonReply } from '../pipeline/json-reply.ts'
export { textReply, type TextReplyOptions } from '../pipeline/text-reply.ts'
export { eventsReply, type EventsReplyOptions } from '../pipeline/events-reply.ts'
export { replyFromResponse } from '../pipeline/reply-from-response.ts'
export { delayReply } from '../pipeline/delay-reply.ts'
export { type ChangeEvent, mapEvents } from '../pipeline/map-events.ts'
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
