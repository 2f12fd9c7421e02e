import { noRoomForBody } from '../wire/connection-errors.ts'
import type { ServiceError } from '../wire/errors.ts'
import { eventStreamType } from '../wire/sse.ts'
import { HeaderList } from './header-list.ts'
import { textBody, type WholeBody } from '../answer/body.ts'
import type { Steps, Usage } from '../answer/completion.ts'
import { type Reply, type ReplyBody, type ServiceFacts } from './reply.ts'

/** A model's answer in one piece. */
export function wholeOf(contentType: string): ServiceFacts {
  return { layer: 'model', contentType, chunked: false }
}

/** A model's answer in JSON. */
export const jsonOfModel = wholeOf('application/json')

/** A model's answer in server-sent events. */
export const eventsOfModel: ServiceFacts = { layer: 'model', contentType: eventStreamType, chunked: true }

/** A model's answer. Its headers are written on the way out. */
export function modelReply(service: ServiceFacts, body: ReplyBody, usage?: Usage, steps?: Steps): Reply {
  const reply: Reply = { status: 200, headers: new HeaderList(), body, service }
  if (usage) reply.usage = usage
  if (steps) reply.steps = steps
  return reply
}

/** A reply that refuses a request. */
export type Refusal = Reply & { body: WholeBody }

const unwritten = textBody('')

/**
 * A reply that refuses. Its headers and its body, in the format of the request, are written on the way out.
 *
 * @param headers go last, such as `retry-after`
 */
export function refuse(error: ServiceError, headers: Readonly<Record<string, string>> = {}): Refusal {
  const { status, reason } = error
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers: new HeaderList(Object.entries(headers).flat()),
    body: unwritten,
    service: error,
  }
}

/** What a client is told to wait where others take all memory: bodies are read, and answers sent, in seconds as a rule. */
const retryAfterSeconds = '1'

/** The answer to a request for which there is no memory, or whose answer finds none. */
export function noRoomReply(): Refusal {
  return refuse(noRoomForBody(), { 'retry-after': retryAfterSeconds })
}
