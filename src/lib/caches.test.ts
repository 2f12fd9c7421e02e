import { describe, expect, it } from 'vitest'
import { RecentMap } from './caches.ts'

describe('RecentMap', () => {
  it('remembers what was set', () => {
    const map = new RecentMap<string, number>(10)
    map.set('a', 1)
    expect(map.get('a')).toBe(1)
    expect(map.get('b')).toBeUndefined()
  })

  it('holds two generations at most', () => {
    const map = new RecentMap<number, number>(100)
    for (let key = 0; key < 10_000; key++) {
      map.set(key, key)
      map.get(key - 150)
      expect(map.size).toBeLessThanOrEqual(200)
    }
  })

  it('keeps what is used and forgets what is not', () => {
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

  it('bounds the sum of weights, and takes nothing in that no generation could hold', () => {
    const map = new RecentMap<string, string>(10, (text) => text.length)
    map.set('too long', 'x'.repeat(11))
    expect(map.get('too long')).toBeUndefined()
    for (let key = 0; key < 100; key++) map.set(String(key), 'xxxx')
    expect(map.size).toBeLessThanOrEqual(4)
  })
})
