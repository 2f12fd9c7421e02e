import type { createClient } from '@redis/client'

/** A client of the package `redis`. */
export type Client = ReturnType<typeof createClient>

/** The operating system's own limit is minutes; whoever opens a client gives it up before. */
const CONNECT_TIMEOUT_MS = 10_000

/** Hears what becomes of a client. */
export interface ClientEvents {
  onReady(client: Client): void
  /** Its connection could not be made, or is lost: it is of no use any more. May come several times. */
  onError(client: Client, error: unknown): void
}

/**
 * Begins to connect, once.
 *
 * @param create of the package `redis`, which is loaded only where it is needed
 */
export function openClient(create: typeof createClient, url: string, events: ClientEvents): Client {
  const client = create({
    url,
    disableOfflineQueue: true,
    // Messages of one vendor's cloud; each costs a command at the start, which others refuse.
    maintNotifications: 'disabled',
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  }) as Client
  client.on('error', (error: unknown) => events.onError(client, error))
  client.on('ready', () => events.onReady(client))
  client.connect().catch((error: unknown) => events.onError(client, error))
  return client
}
