import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { HerdWatch } from './retry-findings.ts'

/** Returns the herds among retries, each with its start and the end of the failed answer. */
const watch = (retries: readonly (readonly [startedMs: number, failedMs: number])[]) => {
  const herds = new HerdWatch('default', 'chat')
  const ended = retries.map(([startedMs, failedMs]) => herds.add(startedMs, failedMs))
  return [...ended, herds.close()].filter((herd) => herd !== undefined)
}

/** `count` failures within `spreadMs`, each retried after `waitMs` plus up to `jitterMs`. */
const burst = (count: number, spreadMs: number, waitMs: number, jitterMs: number, startMs = 0) => {
  const random = createRandom('herd')
  return Array.from({ length: count }, () => {
    const failedMs = startMs + random.unit() * spreadMs
    return [failedMs + waitMs + random.unit() * jitterMs, failedMs] as const
  }).sort(([a], [b]) => a - b)
}

describe('herd detection', () => {
  it('finds a burst of failures that is retried as a burst', () => {
    expect(watch(burst(50, 20, 1_000, 0))).toMatchObject([{ deployment: 'chat', size: 50 }])
  })

  it('finds simultaneous retries of failures at different times', () => {
    const retries = Array.from({ length: 20 }, (_, index) => [5_000 + index, index * 200] as const)
    expect(watch(retries)).toMatchObject([{ size: 20, failuresWithinMs: 3_800 }])
  })

  it('finds a burst with the small jitter of the official client', () => {
    expect(watch(burst(50, 5, 375, 125))).toHaveLength(1)
  })

  it('requires at least ten retries', () => {
    expect(watch(burst(9, 20, 1_000, 0))).toEqual([])
    expect(watch(burst(10, 20, 1_000, 0))).toHaveLength(1)
  })

  it('ignores a burst that is spread by jitter', () => {
    expect(watch(burst(50, 20, 1_000, 1_000))).toEqual([])
    expect(watch(burst(500, 20, 1_000, 5_000))).toEqual([])
  })

  it('ignores a steady stream of retries, however dense', () => {
    expect(
      watch(Array.from({ length: 5_000 }, (_, index) => [index * 2, index * 2 - 1_000] as const)),
    ).toEqual([])
  })

  it('counts each of several herds', () => {
    const rounds = [0, 1, 2].flatMap((round) => burst(12, 20, 1_000, 0, round * 1_000))
    expect(watch(rounds)).toHaveLength(3)
  })
})
