import { describe, expect, it } from 'vitest'
import { largeTextLength, loadEncoding } from '../tokens/encoding.ts'
import { countLargeTexts } from './count-large-texts.ts'

const encoding = loadEncoding('o200k_base')
const sentence = 'The quick brown fox jumps over the lazy dog, 42 times a day. '

describe('countLargeTexts', () => {
  it('leaves the exact count for whoever asks next, wherever the text stands', async () => {
    const text = sentence.repeat(Math.ceil((3 * largeTextLength) / sentence.length))
    const exact = encoding.count(text)
    await countLargeTexts({ messages: [{ content: [{ text }] }] }, encoding)
    const startMs = performance.now()
    expect(encoding.count(text)).toBe(exact)
    expect(performance.now() - startMs).toBeLessThan(20)
  })

  it('lets others have their turn while it counts a hostile run', async () => {
    let longestMs = 0
    let lastMs = performance.now()
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
    }, 1)
    await countLargeTexts(['a'.repeat(2_000_000)], encoding)
    clearInterval(timer)
    expect(longestMs).toBeLessThan(250)
  })

  it('is at most a few tokens off for a run that is longer than a slice', async () => {
    const text = 'a'.repeat(2 * largeTextLength + 10)
    const exact = encoding.count(text)
    await countLargeTexts(text, encoding)
    expect(Math.abs(encoding.count(text) - exact)).toBeLessThan(10)
  })
})
