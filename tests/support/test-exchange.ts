import { createRandom } from '../../src/lib/random.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { Exchange, type ExchangeEnv, type Incoming } from '../../src/pipeline/exchange.ts'
import { testConfig } from './test-config.ts'

/** Reading the settings takes longer than most of what tests do with an exchange. */
let usualConfig: ExchangeEnv['config'] | undefined

/**
 * An exchange as the carrier opens it for `POST /`, without headers and body, on a virtual clock at time 0.
 *
 * @param incoming what the test sets of the request; a body that is a text is sent in UTF-8
 * @param env what it sets of the rest; the request begins at the present time of the clock
 */
export function testExchange(
  incoming: Partial<Omit<Incoming, 'body'>> & { readonly body?: Buffer | string } = {},
  env: Partial<ExchangeEnv> = {},
): Exchange {
  const body = typeof incoming.body === 'object' ? incoming.body : Buffer.from(incoming.body ?? '')
  const clock = env.clock ?? createVirtualClock()
  return new Exchange(
    { method: 'POST', path: '/', query: '', headers: {}, ...incoming, body },
    {
      config: env.config ?? (usualConfig ??= testConfig()),
      clock,
      random: createRandom('test'),
      startedMs: clock.nowMs(),
      ...env,
    },
  )
}
