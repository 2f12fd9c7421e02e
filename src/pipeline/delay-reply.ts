import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'
import { sleep } from '../lib/waiting.ts'
import { shift } from './shift-reply.ts'

/**
 * Delays a reply. A stream keeps the time between its events. If a generator delays a reply, the latency of the deployment is not
 * added; if a hook delays it, it is.
 *
 * @param delayMs no effect unless positive; Infinity waits until the client disconnects
 */
export async function delayReply(exchange: Exchange, reply: Reply, delayMs: number): Promise<Reply> {
  if (!(delayMs > 0)) return reply
  if (reply.body.kind !== 'live') return shift(reply, delayMs, exchange)
  // A body that arrives from elsewhere has no schedule to change.
  await sleep(delayMs, exchange.clock, exchange.signal)
  return reply
}
