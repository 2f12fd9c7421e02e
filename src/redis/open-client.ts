import type { createClient } from 'redis'

/** A client of the package `redis`. */
export type Client = ReturnType<typeof createClient>

/** Waits between attempts to come back: from the shorter one, doubled each time, to the longer one. */
const shortestPauseMs = 100
const longestPauseMs = 5_000

/** How long to wait before an attempt; the first has number 0. Spread, so that many simulators do not come at once. */
export function pauseMs(attempt: number): number {
  const pause = Math.min(shortestPauseMs * 2 ** Math.min(attempt, 10), longestPauseMs)
  return pause * (0.75 + Math.random() / 2)
}

/** Hears what becomes of a client. */
export interface ClientEvents {
  onReady(client: Client): void
  /** The client tries again by itself. */
  onError(client: Client, error: unknown): void
}

/**
 * Begins to connect, again and again until it is there, and whenever it was lost.
 *
 * @param create of the package `redis`, which is loaded only where it is needed
 */
export function openClient(create: typeof createClient, url: string, events: ClientEvents): Client {
  const client = create({
    url,
    disableOfflineQueue: true,
    // Messages of one vendor's cloud; each costs a command at the start, which others refuse.
    maintNotifications: 'disabled',
    socket: { connectTimeout: 5_000, reconnectStrategy: (retries: number) => pauseMs(retries) },
  }) as Client
  client.on('error', (error: unknown) => events.onError(client, error))
  client.on('ready', () => events.onReady(client))
  // What goes wrong is told by the event, and tried again.
  client.connect().catch(() => {})
  return client
}
