import { describe, expect, it } from 'vitest'
import { findModel } from '../wire/models/model-catalogue.ts'
import { ProvisionedLimiter } from './provisioned-limiter.ts'

/** 10 units of gpt-4o: 25,000 weighted tokens per minute. An output token counts as four input tokens. */
const plan = { units: 10, inputTokensPerMinutePerPtu: 2_500, outputToInputRatio: 4 }
const cost = (promptTokens: number, completionTokens = 0) => ({ promptTokens, completionTokens })

describe('ProvisionedLimiter', () => {
  it('adds the weighted estimate of a request, with the output ratio of the model', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(1_000, 1_000))
    expect(decision).toMatchObject({ admitted: true, status: { utilization: 0.2 } })
  })

  it('admits a burst above 100 %, then rejects requests with the exact wait', () => {
    const limiter = new ProvisionedLimiter(plan)
    expect(limiter.decide(0, cost(30_000)).admitted).toBe(true)
    const refused = limiter.decide(0, cost(1))
    expect(refused).toMatchObject({ admitted: false, kind: 'token', status: { utilization: 1.2 } })
    if (refused.admitted) throw new Error('admitted')
    expect(refused.retryAfterMs).toBeCloseTo(12_000, -2)
    expect(limiter.decide(refused.retryAfterMs, cost(1)).admitted).toBe(true)
  })

  it.each([
    [0, 105.88],
    [0.5, 76.47],
  ])(
    'needs the units of the worked example of the documentation for gpt-5.2, with %d of the prompt cached',
    (share, units) => {
      // Microsoft Learn, "Provisioned throughput sizing" (2026-05): 1,000 requests per minute of 200 and 20 tokens.
      const { provisioned } = findModel('gpt-5.2')!
      const requests = 1_000
      const usage = { promptTokens: 200, cachedTokens: 200 * share, completionTokens: 20, reasoningTokens: 0 }
      const limiter = new ProvisionedLimiter({ units, ...provisioned! })
      for (let sent = 0; sent < requests; sent++) {
        const decision = limiter.decide(0, cost(0))
        if (!decision.admitted) throw new Error('refused')
        limiter.settle(decision.lease, usage, 0)
      }
      expect(limiter.utilization(0)).toBeCloseTo(1, 3)
    },
  )

  it('has the published throughput of gpt-5.5', () => {
    expect(findModel('gpt-5.5')?.provisioned).toEqual({
      inputTokensPerMinutePerPtu: 1_200,
      outputToInputRatio: 6,
    })
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

  it('removes cached tokens from the estimate once', () => {
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

  it('removes the charge of a failed answer', () => {
    const limiter = new ProvisionedLimiter(plan)
    const decision = limiter.decide(0, cost(5_000))
    if (!decision.admitted) throw new Error('refused')
    limiter.settle(decision.lease, undefined, 0)
    expect(limiter.utilization(0)).toBe(0)
  })

  it('keeps the pending work when units are added', () => {
    const limiter = new ProvisionedLimiter(plan)
    limiter.decide(0, cost(25_000))
    limiter.updateLimits({ ...plan, units: 20 }, 0)
    expect(limiter.utilization(0)).toBeCloseTo(0.5)
  })
})
