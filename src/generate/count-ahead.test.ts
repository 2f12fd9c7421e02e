import type { MaybePromise } from '../lib/port.ts'
import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { LARGE_TEXT_LENGTH, loadEncoding, type TokenCounter } from '../tokens/encoding.ts'
import { countAhead } from './count-ahead.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const encoding = loadEncoding('o200k_base')
const sentence = 'The quick brown fox jumps over the lazy dog, 42 times a day. '
const long = (length: number): string => sentence.repeat(Math.ceil(length / sentence.length))

const exchangeOf = (bytes: number): Exchange => testExchange({ body: Buffer.alloc(bytes) })

/** Counts the texts of a large request. */
function ahead(
  texts: readonly string[],
  exchange = exchangeOf(LARGE_TEXT_LENGTH + 1),
): MaybePromise<TokenCounter> {
  return countAhead(exchange, encoding, (collector) => {
    for (const text of texts) collector.count(text)
  })
}

describe('countAhead', () => {
  it('returns the encoding itself synchronously for a small body', () => {
    const walk = (): void => {
      throw new Error('Nothing is to be walked through.')
    }
    expect(countAhead(exchangeOf(LARGE_TEXT_LENGTH), encoding, walk)).toBe(encoding)
  })

  it('returns the exact counts of all texts in any order', async () => {
    const texts = [
      long(3 * LARGE_TEXT_LENGTH),
      'Hello',
      long(100_000),
      'Hello',
      `${long(3 * LARGE_TEXT_LENGTH)}!`,
    ]
    const counter = await ahead(texts)
    for (const text of [...texts, ...texts.toReversed(), 'something else']) {
      expect(counter.count(text)).toBe(encoding.count(text))
    }
  })

  it('does not count a collected text again', async () => {
    const text = 'a'.repeat(12 * LARGE_TEXT_LENGTH)
    const counter = await ahead([text])
    // Counting it again takes 500 ms.
    expect(await leastMs(60, () => counter.count(text))).toBeLessThan(60)
  })

  it('looks up texts fast that differ only at their ends', async () => {
    const texts = Array.from({ length: 1_000 }, (_, index) => `${'a b '.repeat(4_500)}${1_000 + index}`)
    const counter = await ahead(texts)
    const countAll = (): void => {
      for (const text of texts) counter.count(text)
    }
    // Comparing each text with all others takes seconds.
    expect(await leastMs(100, countAll)).toBeLessThan(100)
  })

  it.each([
    ['one large text', ['a'.repeat(1_000_000)]],
    ['many texts that are not large', Array.from({ length: 20 }, () => 'a'.repeat(50_000))],
  ])('yields to the event loop while it counts %s', async (_, texts) => {
    let iterations = 0
    let isOver = false
    const iterate = (): void => {
      iterations++
      if (!isOver) setImmediate(iterate)
    }
    setImmediate(iterate)
    await ahead(texts)
    isOver = true
    expect(iterations).toBeGreaterThanOrEqual(Math.floor(1_000_000 / (LARGE_TEXT_LENGTH + 50_000)))
  })

  it('counts one slice per event-loop iteration for any number of requests', async () => {
    let iterations = 0
    let isOver = false
    const iterate = (): void => {
      iterations++
      if (!isOver) setImmediate(iterate)
    }
    setImmediate(iterate)
    const text = long(4 * LARGE_TEXT_LENGTH)
    await Promise.all([ahead([text]), ahead([text]), ahead([text])])
    isOver = true
    expect(iterations).toBeGreaterThanOrEqual(12)
  })

  it('stops when the client disconnects', async () => {
    const exchange = exchangeOf(LARGE_TEXT_LENGTH + 1)
    const counting = ahead([long(40 * LARGE_TEXT_LENGTH)], exchange)
    exchange.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
    await expect(counting).rejects.toThrow('aborted')
  })

  it('counts the slice of a hostile run fast', async () => {
    const count = (round: number): unknown => encoding.count(`${round}${'a'.repeat(LARGE_TEXT_LENGTH)}`)
    // About 40 ms: other requests are not delayed by more.
    expect(await leastMs(250, count)).toBeLessThan(250)
  })

  it('is accurate to a few tokens for a run that is longer than a slice', async () => {
    const text = 'a'.repeat(2 * LARGE_TEXT_LENGTH + 10)
    const counter = await ahead([text])
    expect(Math.abs(counter.count(text) - encoding.count(text))).toBeLessThan(10)
  })
})
