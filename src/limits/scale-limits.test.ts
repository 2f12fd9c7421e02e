import { describe, expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { scaleLimits } from './limit-plan.ts'

const model = findModel('gpt-4o')!
const chat: Deployment = { name: 'chat', model, tokensPerMinute: 1_001, requestsPerMinute: 6 }

describe('scaleLimits', () => {
  it('multiplies the limits, rounded to integers of at least 1', () => {
    expect(scaleLimits(chat, 0.5)).toEqual({ ...chat, tokensPerMinute: 501, requestsPerMinute: 3 })
    expect(scaleLimits(chat, 0.01).requestsPerMinute).toBe(1)
    expect(scaleLimits({ name: 'free', model }, 0.5)).toEqual({ name: 'free', model })
    expect(scaleLimits({ name: 'ptu', model, provisionedThroughputUnits: 15 }, 2)).toMatchObject({
      provisionedThroughputUnits: 30,
    })
  })

  it('returns the same object for the same factor, and the deployment itself for 1', () => {
    expect(scaleLimits(chat, 0.5)).toBe(scaleLimits(chat, 0.5))
    expect(scaleLimits(chat, 1)).toBe(chat)
  })
})
