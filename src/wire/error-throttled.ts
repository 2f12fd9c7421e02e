import type { ServiceError } from './errors.ts'

/** 429: too many requests on a path without a deployment. The text of the gateway, as users report it (2025). */
export function throttled(retryAfterSeconds: number): ServiceError {
  return {
    status: 429,
    body: `{"error":{"code":"429","message":"Rate limit is exceeded. Try again in ${retryAfterSeconds} seconds."}}`,
    contentType: 'application/json',
    headers: 'limit',
  }
}
