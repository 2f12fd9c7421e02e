import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'
import { sleep } from '../lib/waiting.ts'
import { shift } from './shift-reply.ts'

/**
 * Lets a reply come later, whatever its body is: a stream keeps the times between its events. A reply that a generator
 * delays keeps that time, and no latency of its deployment is added; one that a hook delays has both.
 *
 * @param delayMs what is not above 0 changes nothing; Infinity waits until the client leaves
 */
export async function delayReply(exchange: Exchange, reply: Reply, delayMs: number): Promise<Reply> {
  if (!(delayMs > 0)) return reply
  if (reply.body.kind !== 'live') return shift(reply, delayMs, exchange)
  // What is on its way from elsewhere has no plan that could be changed.
  await sleep(delayMs, exchange.clock, exchange.signal)
  return reply
}
