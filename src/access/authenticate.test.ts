import { describe, expect, it } from 'vitest'
import { createAccess } from './access.ts'
import { textReply } from '../pipeline/make-reply.ts'
import type { SourceName } from '../config/source-names.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const chatPath = '/openai/deployments/d/chat/completions'

const ask = async (
  {
    path = '/anywhere',
    key = '',
    caller,
    mode = 'generate',
  }: Partial<Record<'path' | 'key' | 'caller' | 'mode', string>>,
  answersAnyPath = false,
) => {
  const exchange = testExchange(
    { path, headers: { 'api-key': key } },
    { config: testConfig({ apiKey: 'right', mode: mode as SourceName }) },
  )
  exchange.caller = caller
  const { status } = await createAccess({ answersAnyPath }).authenticate(exchange, () =>
    Promise.resolve(textReply('in')),
  )
  return { status, caller: exchange.caller }
}

describe('authenticate', () => {
  it('sets the caller for a valid key', async () => {
    expect(await ask({ key: 'right' })).toEqual({ status: 200, caller: 'key' })
  })

  it('accepts the caller that a hook has set', async () => {
    expect(await ask({ caller: 'team-a' })).toEqual({ status: 200, caller: 'team-a' })
    expect(await ask({ caller: 'team-a', key: 'wrong' })).toEqual({ status: 200, caller: 'team-a' })
    expect(await ask({ caller: '', path: chatPath })).toEqual({ status: 401, caller: '' })
  })

  it('answers a request without a valid key like the service: 404 for an unknown path, else 401', async () => {
    expect((await ask({ key: 'wrong' })).status).toBe(404)
    expect((await ask({ path: chatPath })).status).toBe(401)
  })

  it('answers all requests without a valid key with 401 if any path can be answered', async () => {
    expect((await ask({}, true)).status).toBe(401)
    expect((await ask({ mode: 'replay' })).status).toBe(401)
    expect((await ask({ mode: 'record' })).status).toBe(401)
  })
})
