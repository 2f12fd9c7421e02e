import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { HerdWatch } from './retry-findings.ts'

/** Retries at times, each of a failure at a time; what herds there were. */
const watch = (retries: readonly (readonly [startedMs: number, failedMs: number])[]) => {
  const herds = new HerdWatch('default', 'chat')
  const ended = retries.map(([startedMs, failedMs]) => herds.add(startedMs, failedMs))
  return [...ended, herds.close()].filter((herd) => herd !== undefined)
}

/** Failures within `spreadMs` of each other, each repeated after `waitMs` and up to `jitterMs` more. */
const burst = (count: number, spreadMs: number, waitMs: number, jitterMs: number, startMs = 0) => {
  const random = createRandom('herd')
  return Array.from({ length: count }, () => {
    const failedMs = startMs + random.unit() * spreadMs
    return [failedMs + waitMs + random.unit() * jitterMs, failedMs] as const
  }).sort(([a], [b]) => a - b)
}

describe('a herd', () => {
  it('is a burst of failures that comes back as a burst', () => {
    expect(watch(burst(50, 20, 1_000, 0))).toMatchObject([{ deployment: 'chat', size: 50 }])
  })

  it('is what comes back at the same moment after failures that were apart', () => {
    const retries = Array.from({ length: 20 }, (_, index) => [5_000 + index, index * 200] as const)
    expect(watch(retries)).toMatchObject([{ size: 20, failuresWithinMs: 3_800 }])
  })

  it('is what the small jitter of the official client leaves together', () => {
    expect(watch(burst(50, 5, 375, 125))).toHaveLength(1)
  })

  it('has at least ten retries', () => {
    expect(watch(burst(9, 20, 1_000, 0))).toEqual([])
    expect(watch(burst(10, 20, 1_000, 0))).toHaveLength(1)
  })

  it('is not what jitter has spread', () => {
    expect(watch(burst(50, 20, 1_000, 1_000))).toEqual([])
    expect(watch(burst(500, 20, 1_000, 5_000))).toEqual([])
  })

  it('is not a steady stream of retries, however dense', () => {
    expect(
      watch(Array.from({ length: 5_000 }, (_, index) => [index * 2, index * 2 - 1_000] as const)),
    ).toEqual([])
  })

  it('is counted each time', () => {
    const rounds = [0, 1, 2].flatMap((round) => burst(12, 20, 1_000, 0, round * 1_000))
    expect(watch(rounds)).toHaveLength(3)
  })
})
