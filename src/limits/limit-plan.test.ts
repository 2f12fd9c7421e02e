import { expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../openai/model-catalogue.ts'
import { limitPlanOf } from './limit-plan.ts'

const model = findModel('gpt-4o-mini')!
const planOf = (limits: Partial<Deployment>): unknown => limitPlanOf({ name: 'chat', model, ...limits })

it('gives no plan to a deployment without limits', () => {
  expect(planOf({})).toBeUndefined()
})

it('allows one request in ten seconds for each 1,000 tokens a minute, rounded up', () => {
  expect(planOf({ tokensPerMinute: 5_000 })).toEqual({ tokens: 5_000, requests: 5, requestsWindowMs: 10_000 })
  expect(planOf({ tokensPerMinute: 1_001 })).toMatchObject({ requests: 2 })
})

it('counts a sixth of the requests a minute in ten seconds, rounded up', () => {
  expect(planOf({ requestsPerMinute: 600 })).toMatchObject({ requests: 100, requestsWindowMs: 10_000 })
  expect(planOf({ requestsPerMinute: 10 })).toMatchObject({ requests: 2, requestsWindowMs: 10_000 })
})

it('counts fewer than six requests a minute over the whole minute', () => {
  expect(planOf({ requestsPerMinute: 3 })).toEqual({
    tokens: Infinity,
    requests: 3,
    requestsWindowMs: 60_000,
  })
})
