import type { Config } from '../../config/config.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { adviceFor, isRedirection, RedisConnection, type RedisConnectionOptions } from './redis-connection.ts'

/** Time that start-up waits for Redis. */
const START_TIMEOUT_MS = 3_000

/**
 * Connects to Redis and waits up to three seconds for its first answer. If Redis is not required, reconnects continue in the
 * background.
 *
 * @throws {OperatorError} REDIS_UNAVAILABLE if Redis is required and does not answer, or if the server has only some of the keys
 */
export async function connectRedis(
  { url, prefix, timeoutMs, required }: Config['redis'] & { readonly url: string },
  options: Pick<RedisConnectionOptions, 'clock' | 'logger' | 'attemptTimeoutMs'> & {
    readonly startTimeoutMs?: number
  },
): Promise<RedisConnection> {
  // Loaded here, since it takes a tenth of a second and hardly anybody needs it.
  const { createClient } = await import('@redis/client')
  const connection = new RedisConnection({ ...options, url, prefix, timeoutMs }, createClient)
  if (await connection.ready(options.startTimeoutMs ?? START_TIMEOUT_MS)) return connection
  const { reason } = connection
  const isRefused = isRedirection(reason)
  // This does not change by itself: every simulator would use local limits forever.
  if (!required && !isRefused) return connection
  connection.close()
  const problem = isRefused ? 'does not have all keys' : 'does not answer'
  const alternative = isRefused
    ? ', or leave REDIS_URL out.'
    : ', or set REDIS_REQUIRED to false to start without it.'
  throw new OperatorError(
    'REDIS_UNAVAILABLE',
    `Could not start: Redis at ${redactedUrl(url)} ${problem} (got: ${reason}). ${adviceFor(reason)}${alternative}`,
  )
}

/** The URL without user and password. */
function redactedUrl(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}
