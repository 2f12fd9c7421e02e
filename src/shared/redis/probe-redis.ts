import type { Client } from './open-client.ts'

/** So many names that even a cluster of two servers has some of them elsewhere: all at one have a chance of 1 in 65,536. */
const places = 16

/**
 * Finds out whether Redis is of use. It has to take a write: one that is out of memory, still loading, or a replica only reads.
 * And it has to have all keys: a server of a cluster sends clients on to others (MOVED), which this client does not follow.
 */
export async function probeRedis(client: Client, prefix: string): Promise<void> {
  const reads = Array.from({ length: places }, (_, place) =>
    client.sendCommand(['GET', `${prefix}{place ${place}}`]),
  )
  await Promise.all([client.sendCommand(['SET', `${prefix}alive`, '1', 'PX', '60000']), ...reads])
}
