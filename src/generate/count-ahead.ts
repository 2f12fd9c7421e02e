import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { nextSlice } from '../lib/buffers.ts'
import { LARGE_TEXT_LENGTH, type Encoding, type TokenCounter } from '../tokens/encoding.ts'

/** Bodies up to this size are counted in one go: some tens of milliseconds at most. */
const QUICK_BYTES = LARGE_TEXT_LENGTH

/**
 * Counts the texts of a large request before they are asked for, and yields to the event loop after each slice. Returns
 * what then counts without delay; for other requests the encoding itself, at once.
 *
 * Only what `walk` asks for is counted, so it is to be what counts the request afterwards. Counting ends when the
 * client leaves.
 */
export function countAhead(
  exchange: Exchange,
  encoding: Encoding,
  walk: (collector: TokenCounter) => void,
): MaybePromise<TokenCounter> {
  return exchange.body.length <= QUICK_BYTES ? encoding : countInSlices(exchange, encoding, walk)
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
  const yieldToOthers = async (): Promise<void> => {
    await nextSlice()
    exchange.signal.throwIfAborted()
  }
  let sinceYield = 0
  for (const text of texts) {
    if (text.length > LARGE_TEXT_LENGTH) {
      const slices = encoding.countInSlices(text)
      let step = slices.next()
      for (; step.done !== true; step = slices.next()) await yieldToOthers()
      counts.push(step.value)
    } else {
      sinceYield += text.length
      if (sinceYield > LARGE_TEXT_LENGTH) {
        sinceYield = text.length
        await yieldToOthers()
      }
      counts.push(encoding.count(text))
    }
  }
  return { name, count: inOrder(texts, counts, (text) => encoding.count(text)) }
}

/**
 * Returns what looks counts up. Texts are asked for in the order in which they were collected, nearly always. A Map would
 * compare each with all others of its length, since V8 hashes long texts by their length alone.
 */
function inOrder(
  texts: readonly string[],
  counts: readonly number[],
  otherwise: (text: string) => number,
): TokenCounter['count'] {
  let next = 0
  return (text) => {
    for (let tried = 0; tried < texts.length; tried++) {
      const at = (next + tried) % texts.length
      if (texts[at] !== text) continue
      next = at + 1
      return counts[at] ?? 0
    }
    return otherwise(text)
  }
}
