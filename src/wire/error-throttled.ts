import { gatewayError, type ServiceError } from './errors.ts'

/** 429: too many requests on a path without a deployment. The text of the gateway, as users report it (2025). */
export function throttled(retryAfterSeconds: number): ServiceError {
  const message = `Rate limit is exceeded. Try again in ${retryAfterSeconds} seconds.`
  return gatewayError('limit', 429, '429', message)
}
