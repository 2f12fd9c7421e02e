import { describe, expect, it } from 'vitest'
import { LargeTextCounts } from './large-text-counts.ts'

describe('LargeTextCounts', () => {
  it('gives a count as often as it was kept, then forgets the text', () => {
    const counts = new LargeTextCounts()
    counts.keep('text', 7)
    counts.keep('text', 7)
    expect([counts.take('text'), counts.take('text'), counts.take('text')]).toEqual([7, 7, undefined])
  })

  it('forgets the oldest of very many', () => {
    const counts = new LargeTextCounts()
    for (let i = 0; i <= 256; i++) counts.keep(String(i), i)
    expect(counts.take('0')).toBeUndefined()
    expect(counts.take('256')).toBe(256)
  })
})
