import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import type { Exchange, ExchangeEnv } from './exchange.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const outcome = { aborted: false, firstByteMs: 0, endMs: 1 }

const exchangeWith = (onListenerFailure?: ExchangeEnv['onListenerFailure']): Exchange =>
  testExchange({}, { ...(onListenerFailure && { onListenerFailure }) })

describe('end of an exchange', () => {
  it('calls all listeners if one throws and one rejects, and reports their errors', async () => {
    const failures: unknown[] = []
    const exchange = exchangeWith((error, of) => failures.push([String(error), of === exchange]))
    let heard = 0
    exchange.onEnd(() => {
      throw new Error('thrown')
    })
    // oxlint-disable-next-line typescript/no-misused-promises -- possible in extensions without types
    exchange.onEnd(() => Promise.reject(new Error('rejected')))
    exchange.onEnd(() => heard++)
    exchange.end(outcome)
    expect(heard).toBe(1)
    await new Promise(setImmediate)
    expect(failures).toEqual([
      ['Error: thrown', true],
      ['Error: rejected', true],
    ])
  })

  it('calls a late listener immediately, and reports its error', () => {
    const failures: unknown[] = []
    const exchange = exchangeWith((error) => failures.push(error))
    exchange.end(outcome)
    exchange.onEnd(() => {
      throw new Error('late')
    })
    expect(failures).toHaveLength(1)
  })

  it('ignores errors of listeners without onListenerFailure', () => {
    const exchange = exchangeWith()
    exchange.onEnd(() => {
      throw new Error('thrown')
    })
    exchange.end(outcome)
    expect(exchange.ended).toBe(true)
  })
})

describe('id of an exchange', () => {
  it('does not affect the random values of the answer', () => {
    const [drawn, plain] = [createRandom('exchange'), createRandom('exchange')]
    const exchange = testExchange({}, { random: drawn })
    expect(exchange.id).not.toBe(exchange.modelRequestId)
    expect(drawn.bits()).toBe(plain.bits())
  })
})
