import { resourceNotFound } from '../openai/errors.ts'
import { errorReply } from './error-reply.ts'
import type { Exchange } from './exchange.ts'
import type { Next } from './hook.ts'
import type { Reply } from './reply.ts'

/** A dated path without `api-version` is unknown to the service, however well the rest of it reads. */
export function checkApiVersion(exchange: Exchange, next: Next): Promise<Reply> {
  const { route, config } = exchange
  if (config.apiVersionCheck && route?.dated && !exchange.apiVersion) {
    return Promise.resolve(errorReply(exchange, resourceNotFound()))
  }
  return next()
}
