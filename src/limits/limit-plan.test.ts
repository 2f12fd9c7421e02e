import { expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { limitPlanOf, minuteLimitsOf } from './limit-plan.ts'

const model = findModel('gpt-4o-mini')!
const planOf = (limits: Partial<Deployment>): unknown => limitPlanOf({ name: 'chat', model, ...limits })

it('gives no plan to a deployment without limits', () => {
  expect(planOf({})).toBeUndefined()
})

it('allows six requests a minute for each 1,000 tokens where the model has no ratio of its own, rounded up', () => {
  expect(planOf({ tokensPerMinute: 5_000, model: { ...model, requestsPerThousandTokens: 6 } })).toEqual({
    tokens: 5_000,
    requestsPerMinute: 30,
    slice: { windowMs: 10_000, requests: 5 },
  })
  const { requestsPerThousandTokens: _, ...unknownRatio } = model
  expect(planOf({ tokensPerMinute: 1_001, model: unknownRatio })).toMatchObject({ requestsPerMinute: 7 })
})

it("follows the model's own ratio", () => {
  const slow = { ...model, requestsPerThousandTokens: 1 }
  expect(planOf({ tokensPerMinute: 120_000, model: slow })).toMatchObject({
    requestsPerMinute: 120,
    slice: { windowMs: 10_000, requests: 20 },
  })
})

it('counts requests in slices of ten seconds, or of another length that was set, rounded up', () => {
  expect(planOf({ requestsPerMinute: 600 })).toMatchObject({ slice: { windowMs: 10_000, requests: 100 } })
  expect(planOf({ requestsPerMinute: 10 })).toMatchObject({ slice: { windowMs: 10_000, requests: 2 } })
  expect(planOf({ requestsPerMinute: 600, requestsSliceSeconds: 1 })).toMatchObject({
    slice: { windowMs: 1_000, requests: 10 },
  })
  expect(planOf({ requestsPerMinute: 600, requestsSliceSeconds: 60 })).toMatchObject({
    slice: { windowMs: 60_000, requests: 600 },
  })
})

it('counts fewer requests than there are slices over the whole minute', () => {
  expect(planOf({ requestsPerMinute: 3 })).toEqual({
    tokens: Infinity,
    requestsPerMinute: 3,
    slice: { windowMs: 60_000, requests: 3 },
  })
})

it('tells the limits in a minute of each pay-as-you-go deployment that has any', () => {
  const deployments: Deployment[] = [
    { name: 'both', model, tokensPerMinute: 1_000, requestsPerMinute: 7 },
    { name: 'requests', model, requestsPerMinute: 5 },
    { name: 'none', model },
    { name: 'provisioned', model, provisionedThroughputUnits: 15 },
  ]
  expect(minuteLimitsOf('acme', deployments)).toEqual([
    { resource: 'acme', deployment: 'both', tokens: 1_000, requests: 7 },
    { resource: 'acme', deployment: 'requests', tokens: undefined, requests: 5 },
  ])
})
