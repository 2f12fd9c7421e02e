import type { createClient } from '@redis/client'

/** A client of the package `redis`. */
export type Client = ReturnType<typeof createClient>

/** Instead of the timeout of the operating system, which is minutes. Callers usually give up earlier. */
const CONNECT_TIMEOUT_MS = 10_000

/** Events of a client. */
export interface ClientEvents {
  onReady(client: Client): void
  /** The connection failed or was lost, and the client cannot be used any more. May be called several times. */
  onError(client: Client, error: unknown): void
}

/**
 * Creates a client and starts to connect it. It does not reconnect.
 *
 * @param create of the package `redis`, which is loaded only where it is needed
 */
export function openClient(create: typeof createClient, url: string, events: ClientEvents): Client {
  const client = create({
    url,
    disableOfflineQueue: true,
    // These messages exist in one vendor's cloud only. Subscribing costs a command, which other servers reject.
    maintNotifications: 'disabled',
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  }) as Client
  client.on('error', (error: unknown) => events.onError(client, error))
  client.on('ready', () => events.onReady(client))
  client.connect().catch((error: unknown) => events.onError(client, error))
  return client
}
