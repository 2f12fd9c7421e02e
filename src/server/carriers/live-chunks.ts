import type { Exchange } from '../../pipeline/exchange.ts'
import type { LiveBody } from '../../answer/body.ts'

/** The chunks of a live body until its end, or until the client leaves; empty ones, which would end a chunked body, are left out. */
export async function* liveChunks(
  exchange: Exchange,
  { chunks }: LiveBody,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of chunks) {
    if (exchange.ended) return
    if (chunk.byteLength > 0) yield chunk
  }
}
