import { describe, expect, it } from 'vitest'
import { jsonReply } from '../pipeline/make-reply.ts'
import type { Reply } from '../pipeline/reply.ts'
import { rounds } from '../../tests/support/rounds.ts'
import { createRandom } from '../lib/random.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { requestsLimiter, type RequestsLimit } from './deployment-limiter.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const setUp = (limit: RequestsLimit) => {
  const clock = createVirtualClock()
  const limiter = requestsLimiter(limit)
  return {
    clock,
    ask: () =>
      limiter(
        testExchange({ path: '/formrecognizer/x' }, { config: testConfig({ region: 'East US' }), clock }),
      ),
  }
}

const waitOf = (reply: Reply | undefined): number => Number(reply?.headers.get('retry-after-ms'))

describe('requestsLimiter', () => {
  it('admits 15 requests in any second, and the 16th after its retry-after', async () => {
    const { ask, clock } = setUp({ requests: 15, windowMs: 1_000 })
    for (let i = 0; i < 15; i++) {
      expect(ask()).toBeUndefined()
      await clock.advance(10)
    }
    const refused = ask()
    expect(refused).toMatchObject({ status: 429, limitedBy: 'requests' })
    expect(waitOf(refused)).toBe(850)
    expect(refused?.headers.get('retry-after')).toBe('1')
    await clock.advance(849)
    expect(waitOf(ask())).toBe(1)
    await clock.advance(1)
    expect(ask()).toBeUndefined()
    expect(ask()?.status).toBe(429)
  })

  it('never exceeds the limit in a window, and admits clients that have waited', async () => {
    for (let seed = 0; seed < rounds(6); seed++) {
      const random = createRandom(`limiter ${seed}`)
      const requests = 1 + random.below(8)
      const windowMs = 1 + random.unit() * 500
      const { ask, clock } = setUp({ requests, windowMs })
      const admittedMs: number[] = []
      let refusedAfterWait = 0
      for (let i = 0; i < 300; i++) {
        await clock.advance(random.unit() * (windowMs / requests))
        let refused = ask()
        if (refused && random.below(3) === 0) {
          await clock.advance(waitOf(refused))
          refused = ask()
          if (refused) refusedAfterWait++
        }
        if (!refused) admittedMs.push(clock.nowMs())
      }
      expect(refusedAfterWait).toBe(0)
      for (let i = requests; i < admittedMs.length; i++) {
        expect(admittedMs[i]! - admittedMs[i - requests]!).toBeGreaterThan(windowMs - 1e-5)
      }
    }
  })

  it('answers in the error format of the service, also without a deployment', () => {
    const { ask } = setUp({ requests: 1, windowMs: 2_500 })
    ask()
    const body = ask()?.body
    expect(body?.kind === 'whole' && JSON.parse(String(body.render()))).toEqual({
      error: { code: '429', message: 'Rate limit is exceeded. Try again in 3 seconds.' },
    })
  })

  it('uses the refusal of another service, and adds missing headers', () => {
    const { ask } = setUp({
      requests: 1,
      windowMs: 2_500,
      refuse: (_, retryAfterMs) =>
        jsonReply({ wait: retryAfterMs }, { status: 503, headers: { 'Retry-After': 7 } }),
    })
    ask()
    const refused = ask()
    expect(refused).toMatchObject({ status: 503, limitedBy: 'requests' })
    expect([...refused!.headers].filter(([name]) => name.toLowerCase().startsWith('retry-after'))).toEqual([
      ['Retry-After', '7'],
      ['retry-after-ms', '2500'],
    ])
  })

  it('throws an error for a limit that admits no request', () => {
    expect(() => requestsLimiter({ requests: 0, windowMs: 1_000 })).toThrow('requests must be an integer')
    expect(() => requestsLimiter({ requests: 1.5, windowMs: 1_000 })).toThrow('(got 1.5)')
    expect(() => requestsLimiter({ requests: 1, windowMs: NaN })).toThrow('windowMs must be')
  })
})
