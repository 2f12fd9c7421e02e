import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import { DeploymentLimiter } from './deployment-limiter.ts'

const minuteMs = 60_000
const plan = { tokens: 1_000, requests: 5, requestsWindowMs: 10_000 }

describe('DeploymentLimiter', () => {
  it('admits until the tokens of 60 seconds are used, and again when enough has left', () => {
    const limiter = new DeploymentLimiter({ ...plan, requests: 100 })
    expect(limiter.decide(0, 600).admitted).toBe(true)
    expect(limiter.decide(5_000, 400).admitted).toBe(true)
    expect(limiter.decide(6_000, 1)).toMatchObject({ admitted: false, kind: 'token', retryAfterMs: 54_000 })
    expect(limiter.decide(6_000, 601)).toMatchObject({ admitted: false, retryAfterMs: 59_000 })
    expect(limiter.decide(minuteMs, 600).admitted).toBe(true)
  })

  it('admits until the requests of a window are used', () => {
    const limiter = new DeploymentLimiter(plan)
    for (let i = 0; i < 5; i++) expect(limiter.decide(i * 1_000, 0).admitted).toBe(true)
    expect(limiter.decide(4_500.4, 0)).toMatchObject({ admitted: false, kind: 'call', retryAfterMs: 5_500 })
    expect(limiter.decide(10_000, 0).admitted).toBe(true)
  })

  it('tells a client to wait a day when the request is larger than the whole limit', () => {
    const limiter = new DeploymentLimiter(plan)
    expect(limiter.decide(0, 1_001)).toMatchObject({
      admitted: false,
      kind: 'token',
      retryAfterMs: 86_400_000,
    })
  })

  it('charges a refusal for tokens as one request, and one for requests not at all', () => {
    const limiter = new DeploymentLimiter({ ...plan, requestsWindowMs: minuteMs })
    expect(limiter.decide(0, 2_000).rateLimits).toMatchObject({
      requests: { remaining: 4, resetSeconds: 12 },
    })
    for (let i = 0; i < 4; i++) limiter.decide(0, 0)
    for (let i = 0; i < 50; i++) expect(limiter.decide(30_000, 0)).toMatchObject({ retryAfterMs: 30_000 })
    expect(limiter.decide(minuteMs, 0).admitted).toBe(true)
  })

  it('keeps its promise to a client that waits, whatever came before', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = createRandom(`promise ${seed}`)
      const limiter = new DeploymentLimiter({ ...plan, requests: 1 + random.below(5) })
      let nowMs = 0
      for (let i = 0; i < 100; i++) {
        nowMs += random.unit() * 1_000
        const tokens = random.below(700)
        const decision = limiter.decide(nowMs, tokens)
        if (decision.admitted || random.below(4) > 0) continue
        nowMs += decision.retryAfterMs
        expect(limiter.decide(nowMs, tokens).admitted).toBe(true)
      }
    }
  })

  it('replaces the estimate by what was used, and goes on from there', () => {
    const limiter = new DeploymentLimiter(plan)
    const first = limiter.decide(0, 900)
    if (!first.admitted) throw new Error('refused')
    limiter.correct(first.receipt, 50 - 900)
    expect(limiter.decide(1_000, 100).rateLimits.tokens?.remaining).toBe(850)
  })

  it('never shows less than nothing left, though more was used than estimated', () => {
    const limiter = new DeploymentLimiter(plan)
    const first = limiter.decide(0, 10)
    if (!first.admitted) throw new Error('refused')
    limiter.correct(first.receipt, 5_000)
    expect(limiter.decide(0, 1).rateLimits).toMatchObject({ tokens: { remaining: 0, resetSeconds: 60 } })
  })

  it('shows the reset of a bucket that drains steadily, in whole seconds', () => {
    const limiter = new DeploymentLimiter({ tokens: 120_000, requests: 120, requestsWindowMs: 10_000 })
    expect(limiter.decide(0, 14).rateLimits).toEqual({
      requests: { limit: 120, remaining: 119, renewalSeconds: 10, resetSeconds: 0 },
      tokens: { limit: 120_000, remaining: 119_986, renewalSeconds: 60, resetSeconds: 0 },
    })
    expect(limiter.decide(0, 60_000 - 14).rateLimits.tokens?.resetSeconds).toBe(30)
  })

  it('keeps what was used when the limits change', () => {
    const limiter = new DeploymentLimiter(plan)
    limiter.decide(0, 600)
    limiter.adapt({ tokens: 500, requests: 3, requestsWindowMs: minuteMs })
    expect(limiter.decide(1_000, 1)).toMatchObject({ admitted: false, kind: 'token', retryAfterMs: 59_000 })
    limiter.adapt({ ...plan, tokens: 2_000 })
    expect(limiter.decide(1_000, 1).rateLimits).toMatchObject({
      tokens: { remaining: 1_399 },
      requests: { remaining: 2 },
    })
  })

  it('limits requests alone where tokens are not limited', () => {
    const limiter = new DeploymentLimiter({ tokens: Infinity, requests: 1, requestsWindowMs: minuteMs })
    expect(limiter.decide(0, 1e9).admitted).toBe(true)
    const second = limiter.decide(1, 1e9)
    expect(second).toMatchObject({ admitted: false, kind: 'call', retryAfterMs: 59_999 })
    expect(second.rateLimits).toMatchObject({ tokens: undefined })
  })

  it('refuses everything for a day under a limit of zero', () => {
    const limiter = new DeploymentLimiter({ tokens: 0, requests: 0, requestsWindowMs: 10_000 })
    expect(limiter.decide(0, 0)).toMatchObject({ admitted: false, retryAfterMs: 86_400_000 })
  })
})
