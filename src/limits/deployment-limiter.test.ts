import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { DeploymentLimiter, type WindowCharge } from './deployment-limiter.ts'
import { type LimitPlan, limitProfile } from './limit-plan.ts'
import type { LimitResult, RemainingLimits } from './rate-limiter.ts'

const MINUTE_MS = 60_000
const newest = limitProfile('2026-09')

const planOf = (tokens: number, requests: number, windowMs = 10_000): LimitPlan => ({
  tokens,
  requestsPerMinute: requests * (MINUTE_MS / windowMs),
  slice: { windowMs, requests },
})

const open = (plan: LimitPlan, profile = newest): DeploymentLimiter => new DeploymentLimiter(plan, profile)

const decide = (limiter: DeploymentLimiter, nowMs: number, tokens: number): LimitResult<WindowCharge> =>
  limiter.decide(nowMs, { promptTokens: tokens, completionTokens: 0 })

const limitsOf = ({ status }: LimitResult): RemainingLimits => status

const usage = (tokens: number) => ({
  promptTokens: tokens,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
})

describe('DeploymentLimiter', () => {
  it('admits requests until the tokens of 60 seconds are used, and again when some have left the window', () => {
    const limiter = open(planOf(1_000, 100))
    expect(decide(limiter, 0, 600).admitted).toBe(true)
    expect(decide(limiter, 5_000, 400).admitted).toBe(true)
    expect(decide(limiter, 6_000, 1)).toMatchObject({ admitted: false, kind: 'token', retryAfterMs: 54_000 })
    expect(decide(limiter, MINUTE_MS, 600).admitted).toBe(true)
  })

  it('admits one burst that exceeds the remaining tokens', () => {
    const limiter = open(planOf(1_000, 100))
    decide(limiter, 0, 900)
    const burst = decide(limiter, 1, 900)
    expect(burst.admitted).toBe(true)
    expect(limitsOf(burst).tokens?.remaining).toBe(-800)
    expect(decide(limiter, 2, 1)).toMatchObject({ admitted: false, kind: 'token' })
  })

  it('admits requests until the limit of a slice is reached', () => {
    const limiter = open(planOf(1_000, 5))
    for (let i = 0; i < 5; i++) expect(decide(limiter, i * 1_000, 0).admitted).toBe(true)
    expect(decide(limiter, 4_500.4, 0)).toMatchObject({ admitted: false, kind: 'call', retryAfterMs: 5_500 })
    expect(decide(limiter, 10_000, 0).admitted).toBe(true)
  })

  it('rejects a request above the whole limit for a day', () => {
    const limiter = open(planOf(1_000, 5))
    expect(decide(limiter, 0, 1_001)).toMatchObject({
      admitted: false,
      kind: 'token',
      retryAfterMs: 86_400_000,
    })
  })

  it('counts a request that is rejected for tokens, and not one that is rejected for requests', () => {
    const limiter = open(planOf(1_000, 5, MINUTE_MS))
    expect(limitsOf(decide(limiter, 0, 2_000)).requests).toMatchObject({ remaining: 4, resetMs: 12_000 })
    for (let i = 0; i < 4; i++) decide(limiter, 0, 0)
    for (let i = 0; i < 50; i++) expect(decide(limiter, 30_000, 0)).toMatchObject({ retryAfterMs: 30_000 })
    expect(decide(limiter, MINUTE_MS, 0).admitted).toBe(true)
  })

  it('admits a client that has waited for the reported time', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = createRandom(`promise ${seed}`)
      const limiter = open(planOf(1_000, 1 + random.below(5)))
      let nowMs = 0
      for (let i = 0; i < 100; i++) {
        nowMs += random.unit() * 1_000
        const tokens = random.below(700)
        const decision = decide(limiter, nowMs, tokens)
        if (decision.admitted || random.below(4) > 0) continue
        nowMs += decision.retryAfterMs
        expect(decide(limiter, nowMs, tokens).admitted).toBe(true)
      }
    }
  })

  it('replaces the estimate with the usage in eras that correct it', () => {
    for (const [era, remaining] of [
      ['2026-09', 850],
      ['2026-08', 850],
      ['2024-10', 0],
    ] as const) {
      const limiter = open(planOf(1_000, 5), limitProfile(era))
      const first = decide(limiter, 0, 900)
      if (!first.admitted) throw new Error('refused')
      limiter.settle(first.lease, usage(50))
      expect(limitsOf(decide(limiter, 1_000, 100)).tokens?.remaining).toBe(remaining)
    }
  })

  it('returns the whole estimate of a failed answer', () => {
    const limiter = open(planOf(1_000, 5), limitProfile('2024-10'))
    const first = decide(limiter, 0, 900)
    if (!first.admitted) throw new Error('refused')
    limiter.settle(first.lease, undefined)
    expect(limitsOf(decide(limiter, 1_000, 100)).tokens?.remaining).toBe(900)
  })

  it.each([
    ['2026-08', 0],
    ['2026-09', -4_000],
  ] as const)('in %s, shows %d remaining if the usage exceeds the limit', (era, remaining) => {
    const limiter = open(planOf(1_000, 5), limitProfile(era))
    const first = decide(limiter, 0, 10)
    if (!first.admitted) throw new Error('refused')
    limiter.settle(first.lease, usage(5_000))
    expect(limitsOf(decide(limiter, 0, 1)).tokens).toMatchObject({ remaining, resetMs: MINUTE_MS })
  })

  it('shows negative remaining tokens on an admitted burst, and at least 0 remaining requests', () => {
    const limiter = open(planOf(1_000, 5))
    decide(limiter, 0, 900)
    const burst = decide(limiter, 0, 600)
    expect(burst.admitted).toBe(true)
    expect(limitsOf(burst).tokens?.remaining).toBe(-500)
    limiter.updateLimits(planOf(1_000, 1, MINUTE_MS), newest)
    expect(limitsOf(decide(limiter, 0, 1)).requests?.remaining).toBe(0)
  })

  it('counts the requests in headers per minute, or per slice in old eras', () => {
    const minute = limitsOf(decide(open(planOf(120_000, 20)), 0, 14))
    expect(minute.requests).toEqual({ limit: 120, remaining: 119, renewalSeconds: 60, resetMs: 500 })
    expect(minute.tokens).toEqual({ limit: 120_000, remaining: 119_986, renewalSeconds: 60, resetMs: 7 })
    const slice = limitsOf(decide(open(planOf(120_000, 120), limitProfile('2024-02')), 0, 16))
    expect(slice.requests).toMatchObject({ limit: 120, remaining: 119 })
  })

  it('keeps the usage when the limits change', () => {
    const limiter = open(planOf(1_000, 5))
    decide(limiter, 0, 600)
    limiter.updateLimits(planOf(500, 3, MINUTE_MS), newest)
    expect(decide(limiter, 1_000, 1)).toMatchObject({ admitted: false, kind: 'token', retryAfterMs: 59_000 })
    limiter.updateLimits(planOf(2_000, 5), newest)
    expect(limitsOf(decide(limiter, 1_000, 1))).toMatchObject({
      tokens: { remaining: 1_399 },
      requests: { remaining: 27 },
    })
  })

  it('limits only requests without a tokens limit', () => {
    const limiter = open(planOf(Infinity, 1, MINUTE_MS))
    expect(decide(limiter, 0, 1e9).admitted).toBe(true)
    const second = decide(limiter, 1, 1e9)
    expect(second).toMatchObject({ admitted: false, kind: 'call', retryAfterMs: 59_999 })
    expect(limitsOf(second).tokens).toBeUndefined()
  })
})
