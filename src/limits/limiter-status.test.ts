import { describe, expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { limitsOf } from './limit-plan.ts'
import { LimiterTable } from './limiter-table.ts'
import type { LimitSubject } from './rate-limiter.ts'

const model = findModel('gpt-4o')
if (!model) throw new Error('The catalogue lacks gpt-4o.')
const deploymentWith = (limits: Partial<Deployment>): Deployment => ({ name: 'chat', model, ...limits })
const cost = { promptTokens: 10, completionTokens: 10 }

const subject = (deployment: Deployment): LimitSubject => {
  const limits = limitsOf(deployment, '2026-09', 1)
  if (!limits) throw new Error('no limits')
  return { resource: 'default', deployment: deployment.name, limits }
}

const setUp = (limits: Partial<Deployment>) => {
  let nowMs = 0
  const table = new LimiterTable({ ...createVirtualClock(), nowMs: () => nowMs })
  const deployment = deploymentWith(limits)
  return {
    table,
    ask: (atMs: number) => {
      nowMs = atMs
      return table.decide({ ...subject(deployment), cost })
    },
    status: (atMs: number, current = deployment) => {
      nowMs = atMs
      return table.status(subject(current))
    },
  }
}

describe('LimiterTable.use', () => {
  it('has the amounts of the status', () => {
    const { table, ask } = setUp({ tokensPerMinute: 40, requestsPerMinute: 12 })
    const asked = subject(deploymentWith({ tokensPerMinute: 40, requestsPerMinute: 12 }))
    const use = (tokens: number, requests: number) => ({
      kind: 'pay-as-you-go',
      tokens: { limit: 40, used: tokens },
      requests: { limit: 12, used: requests },
    })
    expect(table.use(asked)).toEqual(use(0, 0))
    ask(1_000)
    expect(table.use(asked)).toEqual(use(20, 1))
    const units = { provisionedThroughputUnits: 15 }
    expect(table.use(subject(deploymentWith(units)))).toEqual({ kind: 'provisioned', utilization: 0 })
    const provisioned = setUp(units)
    provisioned.ask(0)
    const { utilization } = provisioned.status(0) as { utilization: number }
    expect(utilization).toBeGreaterThan(0)
    expect(provisioned.table.use(subject(deploymentWith(units)))).toEqual({
      kind: 'provisioned',
      utilization,
    })
  })
})

describe('LimiterTable.status', () => {
  it('shows a deployment without requests as unused', () => {
    const { status } = setUp({ provisionedThroughputUnits: 15 })
    expect(status(0)).toEqual({ kind: 'provisioned', utilization: 0, freeInMs: 0, emptyInMs: 0 })
    const { status: payAsYouGo } = setUp({ tokensPerMinute: 40, requestsPerMinute: 12 })
    const unused = { used: 0, freeInMs: 0, emptyInMs: 0 }
    expect(payAsYouGo(0)).toEqual({
      kind: 'pay-as-you-go',
      tokens: { limit: 40, remaining: 40, windowMs: 60_000, ...unused },
      requests: { limit: 2, remaining: 2, windowMs: 10_000, ...unused },
      requestsInMinute: { limit: 12, remaining: 12, windowMs: 60_000, ...unused },
    })
  })

  it('shows each window and when it is free', () => {
    const { ask, status } = setUp({ tokensPerMinute: 40, requestsPerMinute: 12 })
    ask(1_000)
    ask(2_000)
    expect(status(3_000)).toEqual({
      kind: 'pay-as-you-go',
      tokens: { limit: 40, used: 40, remaining: 0, windowMs: 60_000, freeInMs: 58_000, emptyInMs: 59_000 },
      requests: { limit: 2, used: 2, remaining: 0, windowMs: 10_000, freeInMs: 8_000, emptyInMs: 9_000 },
      requestsInMinute: {
        limit: 12,
        used: 2,
        remaining: 10,
        windowMs: 60_000,
        freeInMs: 0,
        emptyInMs: 59_000,
      },
    })
    expect(status(62_000)).toMatchObject({ tokens: { used: 0, freeInMs: 0, emptyInMs: 0 } })
  })

  it('uses changed limits before the first request, and does not change the limiter', () => {
    const { ask, status } = setUp({ tokensPerMinute: 40, requestsPerMinute: 60, requestsSliceSeconds: 60 })
    ask(0)
    const changed = deploymentWith({ tokensPerMinute: 100, requestsPerMinute: 60, requestsSliceSeconds: 1 })
    expect(status(2_000, changed)).toMatchObject({
      tokens: { limit: 100, used: 20 },
      requests: { limit: 1, used: 0, windowMs: 1_000 },
    })
    expect(status(2_000)).toMatchObject({ tokens: { limit: 40 }, requests: { limit: 60, used: 1 } })
  })

  it('shows at least 0 remaining after a burst', () => {
    const { ask, status } = setUp({ tokensPerMinute: 30, requestsPerMinute: 600 })
    ask(0)
    ask(0)
    expect(status(0)).toMatchObject({ tokens: { used: 40, remaining: 0, freeInMs: 60_000 } })
  })

  it('shows the same wait for a provisioned deployment as retry-after', () => {
    const { ask, status } = setUp({ provisionedThroughputUnits: 1 })
    while (ask(0).admitted);
    const refused = ask(0)
    expect(status(0)).toMatchObject({
      kind: 'provisioned',
      freeInMs: !refused.admitted ? refused.retryAfterMs : 0,
    })
  })
})
