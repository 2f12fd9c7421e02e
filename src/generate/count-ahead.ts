import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { nextSlice } from '../lib/buffers.ts'
import { LARGE_TEXT_LENGTH, type Encoding, type TokenCounter } from '../tokens/encoding.ts'

/** Bodies up to this size are counted synchronously. That takes some tens of milliseconds at most. */
const MAX_SYNC_BYTES = LARGE_TEXT_LENGTH

/**
 * Counts the texts of a large request in slices before they are needed, and yields to the event loop after each
 * slice. Returns a counter that looks the counts up. For smaller requests it returns the encoding itself,
 * synchronously.
 *
 * Only texts that `walk` counts are counted ahead, so `walk` must do the same as the later count. Rejects if the
 * client disconnects.
 */
export function countAhead(
  exchange: Exchange,
  encoding: Encoding,
  walk: (collector: TokenCounter) => void,
): MaybePromise<TokenCounter> {
  return exchange.body.length <= MAX_SYNC_BYTES ? encoding : countInSlices(exchange, encoding, walk)
}

async function countInSlices(
  exchange: Exchange,
  encoding: Encoding,
  walk: (collector: TokenCounter) => void,
): Promise<TokenCounter> {
  const { name } = encoding
  const texts: string[] = []
  walk({ name, collects: true, count: (text) => texts.push(text) && 0 })

  const counts: number[] = []
  const yieldUnlessAborted = async (): Promise<void> => {
    await nextSlice()
    exchange.signal.throwIfAborted()
  }
  let sinceYield = 0
  for (const text of texts) {
    if (text.length > LARGE_TEXT_LENGTH) {
      const slices = encoding.countInSlices(text)
      let step = slices.next()
      for (; step.done !== true; step = slices.next()) await yieldUnlessAborted()
      counts.push(step.value)
    } else {
      sinceYield += text.length
      if (sinceYield > LARGE_TEXT_LENGTH) {
        sinceYield = text.length
        await yieldUnlessAborted()
      }
      counts.push(encoding.count(text))
    }
  }
  return { name, count: lookUpCounts(texts, counts, (text) => encoding.count(text)) }
}

/**
 * Returns a lookup of `counts` by text. Texts are almost always requested in the order in which they were collected.
 * A Map would compare each text with all others of the same length, because V8 hashes long texts by their length
 * only.
 */
function lookUpCounts(
  texts: readonly string[],
  counts: readonly number[],
  fallback: (text: string) => number,
): TokenCounter['count'] {
  let next = 0
  return (text) => {
    for (let tried = 0; tried < texts.length; tried++) {
      const at = (next + tried) % texts.length
      if (texts[at] !== text) continue
      next = at + 1
      return counts[at] ?? 0
    }
    return fallback(text)
  }
}
