import { expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { DeploymentLimiter } from './deployment-limiter.ts'
import { limitProfile } from './limit-plan.ts'

const REQUESTS_PER_SECOND = 500
const MINUTE_MS = 60_000

/** Runs a minute of full load, partly over the limit. Returns the processor time in milliseconds. */
function driveMinute(limiter: DeploymentLimiter, minute: number): number {
  const random = createRandom(`minute ${minute}`)
  const start = process.cpuUsage()
  for (let request = 0; request < REQUESTS_PER_SECOND * 60; request++) {
    const nowMs = minute * MINUTE_MS + request / (REQUESTS_PER_SECOND / 1_000)
    const decision = limiter.decide(nowMs, { promptTokens: random.below(200), completionTokens: 100 })
    if (!decision.admitted) continue
    const usage = {
      promptTokens: 50,
      cachedTokens: 0,
      completionTokens: random.below(100),
      reasoningTokens: 0,
    }
    limiter.settle(decision.lease, usage)
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

it('DeploymentLimiter takes the same time per request after ten minutes of full load', () => {
  const plan = {
    tokens: 1_500_000,
    requestsPerMinute: 25_000,
    slice: { windowMs: 10_000, requests: 4_167 },
  }
  const limiter = new DeploymentLimiter(plan, limitProfile('2026-09'))
  driveMinute(limiter, 0) // Warms up.
  for (let minute = 1; minute <= 10; minute++) driveMinute(limiter, minute)
  // Alternating, so that other load on the machine slows down both.
  const old: number[] = []
  const fresh: number[] = []
  for (let round = 0; round < 4; round++) {
    old.push(driveMinute(limiter, 11 + round))
    fresh.push(driveMinute(new DeploymentLimiter(plan, limitProfile('2026-09')), 11 + round))
  }
  // A limiter that iterates over all previous requests would take 20 times as long.
  expect(Math.min(...old)).toBeLessThan(4 * Math.min(...fresh))
})
