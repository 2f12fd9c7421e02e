import { expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { limitPlanOf } from './limit-plan.ts'

const model = findModel('gpt-4o-mini')!
const planOf = (limits: Partial<Deployment>): unknown => limitPlanOf({ name: 'chat', model, ...limits })

it('limitPlanOf is undefined for a deployment without limits', () => {
  expect(planOf({})).toBeUndefined()
})

it('limitPlanOf defaults to six requests per 1,000 tokens, rounded up', () => {
  expect(planOf({ tokensPerMinute: 5_000, model: { ...model, requestsPerThousandTokens: 6 } })).toEqual({
    tokens: 5_000,
    requestsPerMinute: 30,
    slice: { windowMs: 10_000, requests: 5 },
  })
  const { requestsPerThousandTokens: _, ...unknownRatio } = model
  expect(planOf({ tokensPerMinute: 1_001, model: unknownRatio })).toMatchObject({ requestsPerMinute: 7 })
})

it('limitPlanOf uses the ratio of the model', () => {
  const slow = { ...model, requestsPerThousandTokens: 1 }
  expect(planOf({ tokensPerMinute: 120_000, model: slow })).toMatchObject({
    requestsPerMinute: 120,
    slice: { windowMs: 10_000, requests: 20 },
  })
})

it('limitPlanOf has slices of ten seconds or of the configured length, rounded up', () => {
  expect(planOf({ requestsPerMinute: 600 })).toMatchObject({ slice: { windowMs: 10_000, requests: 100 } })
  expect(planOf({ requestsPerMinute: 10 })).toMatchObject({ slice: { windowMs: 10_000, requests: 2 } })
  expect(planOf({ requestsPerMinute: 600, requestsSliceSeconds: 1 })).toMatchObject({
    slice: { windowMs: 1_000, requests: 10 },
  })
  expect(planOf({ requestsPerMinute: 600, requestsSliceSeconds: 60 })).toMatchObject({
    slice: { windowMs: 60_000, requests: 600 },
  })
})

it('limitPlanOf has a slice of a minute for fewer requests than slices', () => {
  expect(planOf({ requestsPerMinute: 3 })).toEqual({
    tokens: Infinity,
    requestsPerMinute: 3,
    slice: { windowMs: 60_000, requests: 3 },
  })
})
