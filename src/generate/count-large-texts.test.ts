import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { largeTextLength, loadEncoding } from '../tokens/encoding.ts'
import { countLargeTexts } from './count-large-texts.ts'

const encoding = loadEncoding('o200k_base')
const sentence = 'The quick brown fox jumps over the lazy dog, 42 times a day. '

describe('countLargeTexts', () => {
  it('leaves the exact count for whoever asks next, wherever the text stands', async () => {
    const text = sentence.repeat(Math.ceil((3 * largeTextLength) / sentence.length))
    const exact = encoding.count(text)
    await countLargeTexts({ messages: [{ content: [{ text }] }] }, encoding)
    expect(encoding.count(text)).toBe(exact)
  })

  it('leaves nothing to count for whoever asks next', async () => {
    const text = 'a'.repeat(12 * largeTextLength)
    await countLargeTexts([text], encoding)
    // To count it anew takes half a second.
    expect(await leastMs(60, () => encoding.count(text))).toBeLessThan(60)
  })

  it('lets others have their turn while it counts a hostile run', async () => {
    let turns = 0
    let isOver = false
    const takeTurn = (): void => {
      turns++
      if (!isOver) setImmediate(takeTurn)
    }
    setImmediate(takeTurn)
    await countLargeTexts(['a'.repeat(2_000_000)], encoding)
    isOver = true
    expect(turns).toBeGreaterThanOrEqual(Math.floor(2_000_000 / largeTextLength))
  })

  it('counts the slice of a hostile run in little time', async () => {
    const count = (turn: number): unknown => encoding.count(`${turn}${'a'.repeat(largeTextLength)}`)
    // Some forty milliseconds: others wait no longer than that.
    expect(await leastMs(250, count)).toBeLessThan(250)
  })

  it('is at most a few tokens off for a run that is longer than a slice', async () => {
    const text = 'a'.repeat(2 * largeTextLength + 10)
    const exact = encoding.count(text)
    await countLargeTexts(text, encoding)
    expect(Math.abs(encoding.count(text) - exact)).toBeLessThan(10)
  })
})
