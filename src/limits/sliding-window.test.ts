import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { BUCKET_MS, SlidingWindow } from './deployment-limiter.ts'

interface Added {
  readonly tick: number
  amount: number
}

/** A reference implementation with a list. */
class NaiveWindow {
  readonly added: Added[] = []
  readonly #ticks: number

  constructor(windowMs: number) {
    this.#ticks = windowMs / BUCKET_MS
  }

  used(nowMs: number): number {
    const oldest = Math.floor(nowMs / BUCKET_MS) - this.#ticks
    return this.added.filter(({ tick }) => tick > oldest).reduce((sum, { amount }) => sum + amount, 0)
  }

  freeAtMs(nowMs: number, amount: number, limit: number): number {
    if (amount > limit) return Infinity
    let atMs = nowMs
    while (this.used(atMs) + amount > limit) atMs = (Math.floor(atMs / BUCKET_MS) + 1) * BUCKET_MS
    return atMs
  }
}

describe('SlidingWindow', () => {
  it('has the same results as the reference implementation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = createRandom(`run ${seed}`)
      const windowMs = BUCKET_MS * (1 + random.below(20))
      const window = new SlidingWindow(windowMs)
      const naive = new NaiveWindow(windowMs)
      const buckets: number[] = []
      let nowMs = random.unit() * 1_000
      for (let step = 0; step < 400; step++) {
        nowMs += random.below(10) === 0 ? random.unit() * 2 * windowMs : random.unit() * BUCKET_MS
        const kind = random.below(3)
        if (kind === 0) {
          const amount = random.below(100)
          buckets.push(window.add(nowMs, amount))
          naive.added.push({ tick: Math.floor(nowMs / BUCKET_MS), amount })
        } else if (kind === 1 && buckets.length > 0) {
          const index = random.below(buckets.length)
          const entry = naive.added[index]!
          const delta = random.below(100) - entry.amount
          window.used(nowMs)
          window.correct(buckets[index]!, delta)
          entry.amount += delta
        }
        const limit = naive.used(nowMs) - random.below(100)
        const amount = random.below(50)
        expect(window.used(nowMs)).toBe(naive.used(nowMs))
        expect(window.freeAtMs(nowMs, amount, limit)).toBe(naive.freeAtMs(nowMs, amount, limit))
      }
    }
  })

  it('removes an amount after the window, up to a bucket early', () => {
    const window = new SlidingWindow(1_000)
    window.add(0, 5)
    window.add(199, 7)
    expect(window.used(999)).toBe(12)
    expect(window.used(1_000)).toBe(7)
    expect(window.used(1_099)).toBe(7)
    expect(window.used(1_100)).toBe(0)
  })

  it('returns the time at which an amount fits', () => {
    const window = new SlidingWindow(1_000)
    window.add(0, 5)
    window.add(300, 5)
    expect(window.freeAtMs(500.5, 1, 11)).toBe(500.5)
    expect(window.freeAtMs(500.5, 2, 11)).toBe(1_000)
    expect(window.freeAtMs(500.5, 7, 11)).toBe(1_300)
    expect(window.freeAtMs(500.5, 12, 11)).toBe(Infinity)
  })

  it('ignores the correction of an amount that has left the window', () => {
    const window = new SlidingWindow(1_000)
    const bucket = window.add(0, 5)
    window.add(1_000, 3)
    window.correct(bucket, 100)
    expect(window.used(1_000)).toBe(3)
  })

  it('is at least 0 after a correction', () => {
    const window = new SlidingWindow(1_000)
    window.correct(window.add(0, 5), -50)
    expect(window.used(0)).toBe(0)
  })

  it('keeps the amounts that fit when its length changes, and their bucket indexes', () => {
    const short = new SlidingWindow(1_000)
    const bucket = short.add(500, 5)
    const long = short.resized(6_000)
    long.correct(bucket, 1)
    expect(long.used(6_400)).toBe(6)
    expect(long.used(6_500)).toBe(0)
    long.add(7_000, 2)
    long.add(8_500, 4)
    expect(long.resized(1_000).used(8_500)).toBe(4)
  })

  it('treats an earlier time as the latest time', () => {
    const window = new SlidingWindow(1_000)
    window.add(5_000, 1)
    window.add(4_000, 1)
    expect(window.used(5_999)).toBe(2)
    expect(window.used(6_000)).toBe(0)
  })
})
