import { noRoomForBody } from '../wire/connection-errors.ts'
import { errorReply } from './error-reply.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** What a client is told to wait where others take all memory: bodies are read, and answers sent, in seconds as a rule. */
const retryAfterSeconds = '1'

/** The answer to a request for which there is no memory, or whose answer finds none. */
export function noRoomReply(exchange: Exchange): Reply {
  return errorReply(exchange, noRoomForBody(), { 'retry-after': retryAfterSeconds })
}
