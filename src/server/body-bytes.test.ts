import { describe, expect, it } from 'vitest'
import { BodyBytes } from './read-body.ts'
import { MemoryBudget, UNCOUNTED_BYTES } from '../lib/memory-budget.ts'

const KB = 1024

describe('BodyBytes', () => {
  it('returns the bytes of all parts, for any sizes', () => {
    for (const sizes of [
      [],
      [0],
      [5],
      [0, 5, 0],
      [1, 100_000, 1],
      Array.from({ length: 3_000 }, (_, n) => n % 97),
    ]) {
      const parts = sizes.map((size, index) => Buffer.alloc(size, index))
      const body = new BodyBytes(32 * KB * KB, undefined)
      for (const part of parts) expect(body.add(part)).toBe(true)
      expect(body.bytes.equals(Buffer.concat(parts))).toBe(true)
    }
  })

  it('does not copy a body that arrives as one part', () => {
    const part = Buffer.from('{}')
    const body = new BodyBytes(100, undefined)
    body.add(part)
    expect(body.bytes.buffer).toBe(part.buffer)
  })

  it('allocates at most the announced length, or twice the received bytes', () => {
    const announced = new BodyBytes(100 * KB, undefined)
    const endless = new BodyBytes(32 * KB * KB, undefined)
    for (let part = 0; part < 10; part++) {
      announced.add(Buffer.alloc(10 * KB))
      endless.add(Buffer.alloc(10 * KB))
    }
    expect(announced.bytes.buffer.byteLength).toBe(100 * KB)
    expect(endless.bytes.buffer.byteLength).toBeLessThanOrEqual(200 * KB)
  })

  it('reserves shared memory for large bodies only, and releases it once', () => {
    const room = new MemoryBudget(() => 300 * KB)
    const small = new BodyBytes(1_000 * KB, room)
    expect(small.add(Buffer.alloc(UNCOUNTED_BYTES))).toBe(true)
    expect([room.reservedBytes, small.release]).toEqual([0, undefined])
    const large = new BodyBytes(1_000 * KB, room)
    expect(large.add(Buffer.alloc(200 * KB))).toBe(true)
    expect(room.reservedBytes).toBe(200 * KB)
    const { release } = large
    release?.()
    release?.()
    expect(room.reservedBytes).toBe(0)
  })

  it('rejects a part if memory is short, and reserves nothing for it', () => {
    const room = new MemoryBudget(() => 300 * KB)
    const first = new BodyBytes(1_000 * KB, room)
    first.add(Buffer.alloc(200 * KB))
    const second = new BodyBytes(1_000 * KB, room)
    expect(second.add(Buffer.alloc(50 * KB))).toBe(true)
    expect(second.add(Buffer.alloc(60 * KB))).toBe(false)
    second.drop()
    expect(room.reservedBytes).toBe(200 * KB)
  })
})
