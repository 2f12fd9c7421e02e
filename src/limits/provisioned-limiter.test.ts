import { describe, expect, it } from 'vitest'
import { ProvisionedLimiter } from './provisioned-limiter.ts'

/** 10 units of gpt-4o: 25,000 weighted tokens a minute; an output token weighs as much as four of input. */
const plan = { units: 10, inputTokensPerMinutePerPtu: 2_500, outputToInputRatio: 4 }
const cost = (promptTokens: number, completionTokens = 0) => ({ promptTokens, completionTokens })

describe('ProvisionedLimiter', () => {
  it('adds a request by its weighted estimate, output at the ratio of the model', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(1_000, 1_000))
    expect(decision).toMatchObject({ admitted: true, status: { utilization: 0.2 } })
  })

  it('admits a burst past 100 %, then refuses until it has drained, and tells how long that takes', () => {
    const limiter = new ProvisionedLimiter(plan)
    expect(limiter.decide(0, cost(30_000)).admitted).toBe(true)
    const refused = limiter.decide(0, cost(1))
    expect(refused).toMatchObject({ admitted: false, kind: 'token', status: { utilization: 1.2 } })
    if (refused.admitted) throw new Error('admitted')
    expect(refused.retryAfterMs).toBeCloseTo(12_000, -2)
    expect(limiter.decide(refused.retryAfterMs, cost(1)).admitted).toBe(true)
  })

  it('corrects the estimate when the answer ends: cached tokens cost nothing', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(5_000, 1_000))
    if (!decision.admitted) throw new Error('refused')
    limiter.settle(
      decision.lease,
      { promptTokens: 5_000, cachedTokens: 4_000, completionTokens: 375, reasoningTokens: 0 },
      0,
    )
    expect(limiter.utilization(0)).toBeCloseTo((1_000 + 4 * 375) / 25_000)
  })

  it('takes cached tokens out of the estimate once they are known, and charges them only once', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(5_000, 1_000))
    if (!decision.admitted) throw new Error('refused')
    expect(limiter.discount(decision.lease, 4_000, 0)).toBeCloseTo((1_000 + 4 * 1_000) / 25_000)
    limiter.settle(
      decision.lease,
      { promptTokens: 5_000, cachedTokens: 4_000, completionTokens: 1_000, reasoningTokens: 0 },
      0,
    )
    expect(limiter.utilization(0)).toBeCloseTo((1_000 + 4 * 1_000) / 25_000)
  })

  it('takes a failed answer back as a whole', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(5_000))
    if (!decision.admitted) throw new Error('refused')
    limiter.settle(decision.lease, undefined, 0)
    expect(limiter.utilization(0)).toBe(0)
  })

  it('keeps the work that waits when units are added', () => {
    const limiter = new ProvisionedLimiter(plan)
    limiter.decide(0, cost(25_000))
    limiter.updateLimits({ ...plan, units: 20 }, 0)
    expect(limiter.utilization(0)).toBeCloseTo(0.5)
  })
})
