import { describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'

const draw = (seed: string, count: number): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.bits())
}

describe('createRandom', () => {
  it('creates the same stream for the same seed', () => {
    expect(draw('seed', 100)).toEqual(draw('seed', 100))
  })

  it('creates another stream for another seed', () => {
    expect(draw('seed', 4)).not.toEqual(draw('other', 4))
  })

  it('spreads evenly over the integers below a bound', () => {
    const random = createRandom('even')
    const hits = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 100_000; i++) hits[random.below(10)]!++
    expect(Math.min(...hits)).toBeGreaterThan(9_600)
    expect(Math.max(...hits)).toBeLessThan(10_400)
  })

  it('forks a stream that later draws from its parent do not change', () => {
    const first = createRandom('fork')
    const second = createRandom('fork')
    const [forkA, forkB] = [first.fork(), second.fork()]
    first.bits()
    expect([forkA.bits(), forkA.bits()]).toEqual([forkB.bits(), forkB.bits()])
  })

  it('branches off streams by name without drawing from the parent', () => {
    const parent = createRandom('branch')
    const alone = createRandom('branch')
    const [first, second, again] = [parent.branch(1), parent.branch(2), parent.branch(1)]
    const draws = [first.bits(), first.bits()]
    expect([again.bits(), again.bits()]).toEqual(draws)
    expect(draws).not.toContain(second.bits())
    expect([parent.bits(), parent.bits()]).toEqual([alone.bits(), alone.bits()])
  })
})
