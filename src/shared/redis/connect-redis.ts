import type { Config } from '../../config/config.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { adviceFor, isRedirection, RedisConnection, type RedisConnectionOptions } from './redis-connection.ts'

/** How long a start waits for Redis. */
const START_PATIENCE_MS = 3_000

/**
 * Connects to the Redis of the configuration and waits until it answers, three seconds at most. Where Redis is not required,
 * one that is away is tried again for ever.
 *
 * @throws {OperatorError} REDIS_UNAVAILABLE where it is required and does not answer, and where it has only some of the keys
 */
export async function connectRedis(
  { url, prefix, timeoutMs, required }: Config['redis'] & { readonly url: string },
  parts: Pick<RedisConnectionOptions, 'clock' | 'logger' | 'hungMs'> & { readonly patienceMs?: number },
): Promise<RedisConnection> {
  // Loaded here, since it takes a tenth of a second and hardly anybody needs it.
  const { createClient } = await import('@redis/client')
  const connection = new RedisConnection({ ...parts, url, prefix, timeoutMs }, createClient)
  if (await connection.ready(parts.patienceMs ?? START_PATIENCE_MS)) return connection
  const { reason } = connection
  const isRefused = isRedirection(reason)
  // A cluster stays one: without this every simulator would go by limits of its own for ever.
  if (!required && !isRefused) return connection
  connection.close()
  const problem = isRefused ? 'does not have all keys' : 'does not answer'
  const instead = isRefused
    ? ', or leave REDIS_URL out.'
    : ', or set REDIS_REQUIRED to false to start without it.'
  throw new OperatorError(
    'REDIS_UNAVAILABLE',
    `Could not start: Redis at ${shownAddress(url)} ${problem} (got: ${reason}). ${adviceFor(reason)}${instead}`,
  )
}

/** Without user and password. */
function shownAddress(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}
