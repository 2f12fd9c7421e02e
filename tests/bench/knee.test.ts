import { expect, test } from 'vitest'
import { findKnee, type RampStep } from '../../bench/knee.ts'

/** A simulator that handles 1,000 requests per second. */
const stepAt = (rate: number): RampStep => ({
  rate,
  cpu: Math.min(1, rate / 1_000),
  tokenP99Ms: rate > 1_000 ? 900 : 5,
  wrong: 0,
})

test('the knee is the highest rate that was carried, near what can be', async () => {
  const knee = await findKnee((rate) => Promise.resolve(stepAt(rate)), 50)
  expect(knee).toBeGreaterThan(850)
  expect(knee).toBeLessThanOrEqual(1_000)
})

test('one busy moment of the machine is not the knee', async () => {
  const seen = new Set<number>()
  const knee = await findKnee((rate) => {
    const step = seen.has(rate) ? stepAt(rate) : { ...stepAt(rate), tokenP99Ms: 80 }
    seen.add(rate)
    return Promise.resolve(step)
  }, 50)
  expect(knee).toBeGreaterThan(850)
})

test('a wrong answer is past the knee', async () => {
  const knee = await findKnee((rate) => Promise.resolve({ ...stepAt(rate), wrong: rate > 300 ? 1 : 0 }), 100)
  expect(knee).toBeLessThanOrEqual(300)
})

test('a search without a knee says what to do', async () => {
  const never = (rate: number) => Promise.resolve({ ...stepAt(rate), tokenP99Ms: 500 })
  const always = (rate: number) => Promise.resolve({ rate, cpu: 0.1, tokenP99Ms: 1, wrong: 0 })
  await expect(findKnee(never, 50)).rejects.toThrow(/too many .* --rate/)
  await expect(findKnee(always, 50)).rejects.toThrow(/keeps up with/)
})
