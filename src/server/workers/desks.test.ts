import { describe, expect, it } from 'vitest'
import type { LiveConfig } from '../../config/live-config.ts'
import { SlotTable } from '../../latency/slot-table.ts'
import { LimiterTable } from '../../limits/limiter-table.ts'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { createTestSimulator } from '../../../tests/support/test-simulator.ts'
import { LimitDesk, mostUnsettled } from './limit-desk.ts'
import type { LimitAsk } from './limit-messages.ts'
import { SlotDesk } from './slot-desk.ts'

const limitDesk = () => {
  const { simulator } = createTestSimulator({
    deployments: {
      chat: { model: 'gpt-4o', tokensPerMinute: 1_000, requestsPerMinute: 1_000_000 },
      free: { model: 'gpt-4o' },
    },
  })
  const clock = createVirtualClock()
  const limits = new LimiterTable()
  const live: Pick<LiveConfig, 'current'> = simulator.live
  const ask = (tokens: number, deployment = 'chat'): LimitAsk => [
    'default',
    deployment,
    '2026-08',
    1,
    tokens,
    0,
  ]
  return { open: () => new LimitDesk({ live, limits, clock }), ask }
}

describe('LimitDesk', () => {
  it('lets several workers use one limit', async () => {
    const { open, ask } = limitDesk()
    const [one, other] = [open(), open()]
    expect(await one.methods['limits.decide'](ask(600))).toMatchObject({
      standing: { tokens: { remaining: 400 } },
    })
    expect(await other.methods['limits.decide'](ask(400))).toMatchObject({
      standing: { tokens: { remaining: 0 } },
    })
    expect(await one.methods['limits.decide'](ask(1))).toMatchObject({ refused: 'token' })
  })

  it('has no decision for deployments without limits, and for unknown ones', async () => {
    const { open, ask } = limitDesk()
    expect(await open().methods['limits.decide'](ask(1, 'free'))).toBeNull()
    expect(await open().methods['limits.decide'](ask(1, 'nobody'))).toBeNull()
  })

  it('gives back what a worker had not settled when it died, and keeps what it had', async () => {
    const { open, ask } = limitDesk()
    const [dying, other] = [open(), open()]
    const settled = await dying.methods['limits.decide'](ask(300))
    await dying.methods['limits.decide'](ask(300))
    const number = settled && 'number' in settled ? settled.number : 0
    dying.methods['limits.settle']([number, [200, 0, 0, 0]])
    dying.release()
    expect(await other.methods['limits.decide'](ask(0))).toMatchObject({
      standing: { tokens: { remaining: 800 } },
    })
  })

  it('forgets the oldest decisions of those that are never settled', async () => {
    const { open, ask } = limitDesk()
    const desk = open()
    for (let i = 0; i < mostUnsettled + 1; i++) await desk.methods['limits.decide'](ask(0))
    await desk.methods['limits.decide'](ask(100))
    // The first one is no longer known; settling it is no error.
    expect(() => desk.methods['limits.settle']([1, null])).not.toThrow()
  })
})

describe('SlotDesk', () => {
  const concurrency = { slots: 1, queueLength: 5, queueTimeoutMs: 1_000 }
  const setUp = () => {
    const clock = createVirtualClock()
    const slots = new SlotTable()
    return { clock, slots, open: () => new SlotDesk(slots, clock) }
  }

  it('lets the requests of several workers wait in one queue', async () => {
    const { open } = setUp()
    const [one, other] = [open(), open()]
    expect(await one.methods['slots.take']([1, 'default', 'chat', concurrency, 1])).toEqual({
      others: 0,
      waited: false,
    })
    const waits = other.methods['slots.take']([1, 'default', 'chat', concurrency, 1])
    one.methods['slots.end'](1)
    expect(await waits).toEqual({ others: 0, waited: true })
  })

  it('frees the slots of a worker that died, and lets its waiting requests out of the queue', async () => {
    const { open, slots } = setUp()
    const [dying, other] = [open(), open()]
    await dying.methods['slots.take']([1, 'default', 'chat', concurrency, 1])
    const lost = dying.methods['slots.take']([2, 'default', 'chat', concurrency, 1])
    const waits = other.methods['slots.take']([1, 'default', 'chat', concurrency, 1])
    dying.release()
    expect(await waits).toMatchObject({ waited: true })
    await lost
    expect([...slots.occupancy()]).toMatchObject([{ working: 1, waiting: 0 }])
  })
})
