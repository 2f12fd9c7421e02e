import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { eventsReply, textReply } from './make-reply.ts'
import { delayReply, HeaderList, type Reply } from './reply.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const setUp = () => {
  const clock = createVirtualClock()
  return { clock, exchange: testExchange({}, { clock }) }
}

const live: Reply = {
  status: 200,
  headers: new HeaderList(),
  body: { kind: 'live', chunks: (async function* () {})() },
}

describe('delayReply', () => {
  it('delays a complete body', async () => {
    const { exchange, clock } = setUp()
    await clock.advance(20)
    expect((await delayReply(exchange, textReply('a'), 300)).schedule?.endMs).toBe(320)
  })

  it('keeps the times between events', async () => {
    const { exchange } = setUp()
    const reply = await delayReply(exchange, eventsReply(['data: a\n\n'], { dueMs: [10, 40] }), 300)
    expect(reply.schedule).toEqual({ stepsMs: Float64Array.of(310, 340), endMs: 340 })
  })

  it('delays a live body, and stops when the client disconnects', async () => {
    for (const [delayMs, leavesAtMs] of [
      [300, undefined],
      [Infinity, 100],
    ] as const) {
      const { exchange, clock } = setUp()
      let reply: Reply | undefined
      const held = delayReply(exchange, live, delayMs).then((given) => (reply = given))
      await clock.advance(leavesAtMs ?? 299)
      expect(reply).toBeUndefined()
      if (leavesAtMs === undefined) await clock.advance(1)
      else exchange.end({ aborted: true, firstByteMs: undefined, endMs: leavesAtMs })
      expect(await held).toBe(live)
    }
  })

  it('returns the reply unchanged for no delay, and for NaN', async () => {
    const { exchange } = setUp()
    for (const delayMs of [0, -5, NaN]) expect(await delayReply(exchange, live, delayMs)).toBe(live)
  })
})
