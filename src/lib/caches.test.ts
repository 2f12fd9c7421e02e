import { describe, expect, it } from 'vitest'
import { RecentMap } from './caches.ts'

describe('RecentMap', () => {
  it('returns the value of a key, or undefined', () => {
    const map = new RecentMap<string, number>(10)
    map.set('a', 1)
    expect(map.get('a')).toBe(1)
    expect(map.get('b')).toBeUndefined()
  })

  it('holds at most two generations', () => {
    const map = new RecentMap<number, number>(100)
    for (let key = 0; key < 10_000; key++) {
      map.set(key, key)
      map.get(key - 150)
      expect(map.size).toBeLessThanOrEqual(200)
    }
  })

  it('keeps entries that are used and evicts the others', () => {
    const map = new RecentMap<string, number>(10)
    map.set('used', 1)
    map.set('unused', 2)
    for (let key = 0; key < 100; key++) {
      map.set(`other ${key}`, key)
      map.get('used')
    }
    expect(map.get('used')).toBe(1)
    expect(map.get('unused')).toBeUndefined()
  })

  it('limits the sum of weights, and rejects a value above the weight of a generation', () => {
    const map = new RecentMap<string, string>(10, (text) => text.length)
    map.set('too long', 'x'.repeat(11))
    expect(map.get('too long')).toBeUndefined()
    for (let key = 0; key < 100; key++) map.set(String(key), 'xxxx')
    expect(map.size).toBeLessThanOrEqual(4)
  })
})
