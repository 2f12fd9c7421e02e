import { describe, expect, it } from 'vitest'
import type { Deployment } from '../config/deployments.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import { completeReply } from '../pipeline/reply-headers.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { textBody } from '../answer/body.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { createAdmission } from './admit.ts'
import { LimiterTable } from './limiter-table.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const deploymentWith = (limits: Partial<Deployment>): Deployment => ({
  name: 'chat',
  model: findModel('gpt-4o-mini')!,
  ...limits,
})

const done = { aborted: false, firstByteMs: 0, endMs: 0 }
const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 20, reasoningTokens: 0 }
const ok = (): Reply => ({ status: 200, headers: new HeaderList(), body: textBody('') })

/** Requests with an estimate of 101 tokens: 4 characters and max_tokens 100, in an era without overhead. */
const setUp = (
  limits: Partial<Deployment>,
  others: readonly Deployment[] = [],
  named?: ReadonlyMap<string, NamedLimiter>,
) => {
  const clock = createVirtualClock()
  const admit = createAdmission({ limits: new LimiterTable(clock), ...(named && { limiters: named }) })
  let deployment: Deployment | undefined = deploymentWith(limits)
  return {
    clock,
    configure: (changed: Deployment | undefined) => (deployment = changed),
    ask: async (next: () => Promise<Reply> = () => Promise.resolve(ok()), limiter?: string) => {
      const body = { messages: [{ role: 'user', content: 'abcd' }], max_tokens: 100 }
      const exchange = testExchange(
        {
          path: '/openai/deployments/chat/chat/completions',
          query: 'api-version=2024-10-21',
          body: JSON.stringify(body),
        },
        {
          config: testConfig({
            limitProfile: '2025-08',
            deployments: new Map(others.map((other) => [other.name, other])),
          }),
          clock,
        },
      )
      if (deployment) exchange.deployment = deployment
      exchange.limiter = limiter
      const reply = completeReply(exchange, await admit(exchange, next))
      return { exchange, reply }
    },
  }
}

describe('admit', () => {
  it('answers 429 with the exact wait when the tokens are used up', async () => {
    const { ask, clock } = setUp({ tokensPerMinute: 101, requestsPerMinute: 600 })
    await ask()
    await clock.advance(10_500)
    const { reply } = await ask()
    expect(reply).toMatchObject({ status: 429, limitedBy: 'tokens' })
    expect(reply.headers.get('retry-after-ms')).toBe('49500')
    expect(reply.headers.get('retry-after')).toBe('50')
    expect(reply.headers.get('x-ratelimit-type')).toBe('Tokens')
    expect(reply.headers.get('x-ratelimit-remaining-tokens')).toBe('0')
    const text = reply.body.kind === 'whole' && reply.body.render()
    expect(text).toContain('exceeded the token rate limit')
    expect(text).toContain('Please retry after 50 seconds')
    await clock.advance(49_500)
    expect((await ask()).reply.status).toBe(200)
  })

  it('answers 429 with the type Requests for the requests limit', async () => {
    const { ask } = setUp({ requestsPerMinute: 1 })
    await ask()
    const { reply } = await ask()
    expect(reply).toMatchObject({ status: 429, limitedBy: 'requests' })
    expect(reply.headers.get('x-ratelimit-type')).toBe('Requests')
    expect(reply.headers.get('retry-after')).toBe('60')
  })

  it('answers with retry-after 86400 when the request exceeds the whole limit', async () => {
    const { ask } = setUp({ tokensPerMinute: 100 })
    const { reply } = await ask()
    expect(reply.headers.get('retry-after')).toBe('86400')
    expect(reply.headers.get('retry-after-ms')).toBe('86400000')
  })

  it('does not run the next stages for a rejected request', async () => {
    const { ask } = setUp({ tokensPerMinute: 100 })
    let wasCalled = false
    await ask(() => {
      wasCalled = true
      return Promise.resolve(ok())
    })
    expect(wasCalled).toBe(false)
  })

  it('passes a request without a deployment or without limits', async () => {
    const { ask, configure } = setUp({})
    expect((await ask()).exchange.rateLimits).toBeUndefined()
    configure(undefined)
    expect((await ask()).reply.status).toBe(200)
  })

  it('sets the remaining limits on the exchange', async () => {
    const { ask } = setUp({ tokensPerMinute: 1_000 })
    const { exchange } = await ask()
    expect(exchange.rateLimits).toMatchObject({ tokens: { remaining: 899 }, requests: { remaining: 9 } })
  })

  it('replaces the estimate with the usage after the answer has been sent', async () => {
    const { ask } = setUp({ tokensPerMinute: 2_000, requestsPerMinute: 60 })
    const first = await ask(() => Promise.resolve({ ...ok(), usage }))
    expect((await ask()).exchange.rateLimits?.tokens?.remaining).toBe(2_000 - 101 - 101)
    first.exchange.end(done)
    expect((await ask()).exchange.rateLimits?.tokens?.remaining).toBe(2_000 - 30 - 101 - 101)
  })

  it('keeps the estimate of an answer without usage', async () => {
    const { ask } = setUp({ tokensPerMinute: 2_000 })
    const { exchange } = await ask()
    exchange.end(done)
    expect((await ask()).exchange.rateLimits?.tokens?.remaining).toBe(2_000 - 202)
  })

  it('returns the tokens of a failed answer', async () => {
    const { ask } = setUp({ tokensPerMinute: 3_000 })
    const refused = await ask(() => Promise.resolve({ ...ok(), status: 400 }))
    refused.exchange.end(done)
    await expect(ask(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect((await ask()).exchange.rateLimits?.tokens?.remaining).toBe(3_000 - 101 - 101)
  })

  it('keeps the usage when the configuration changes', async () => {
    const { ask, configure } = setUp({ tokensPerMinute: 3_000 })
    await ask()
    configure(deploymentWith({ tokensPerMinute: 3_000 }))
    expect((await ask()).exchange.rateLimits?.tokens?.remaining).toBe(3_000 - 202)
    configure(deploymentWith({ tokensPerMinute: 5_000, requestsPerMinute: 600 }))
    expect((await ask()).exchange.rateLimits).toMatchObject({
      tokens: { remaining: 5_000 - 303 },
      requests: { remaining: 597 },
    })
  })

  it('rejects requests above the provisioned throughput, with the utilization and without rate limits', async () => {
    const model = {
      ...findModel('gpt-4o-mini')!,
      provisioned: { inputTokensPerMinutePerPtu: 100, outputToInputRatio: 4 },
    }
    const { ask } = setUp({ model, provisionedThroughputUnits: 1 })
    expect((await ask()).exchange.utilization).toBeCloseTo(4.01)
    const { reply } = await ask()
    expect(reply).toMatchObject({ status: 429, limitedBy: 'tokens' })
    expect(Number(reply.headers.get('retry-after-ms'))).toBeCloseTo(180_600, -3)
    expect(reply.headers.get('azure-openai-deployment-utilization')).toBe('401.0%')
    expect(reply.headers.get('x-ratelimit-remaining-tokens')).toBeUndefined()
  })

  it('spills over to a pay-as-you-go deployment, and applies its limits', async () => {
    const model = {
      ...findModel('gpt-4o-mini')!,
      provisioned: { inputTokensPerMinutePerPtu: 100, outputToInputRatio: 4 },
    }
    const spare: Deployment = { name: 'spare', model, tokensPerMinute: 101 }
    const { ask } = setUp({ model, provisionedThroughputUnits: 1, spilloverTo: 'spare' }, [spare])
    await ask()
    const second = await ask()
    expect(second.reply.status).toBe(200)
    expect(second.exchange.deployment?.name).toBe('spare')
    expect(second.exchange.spilledOverFrom).toBe('chat')
    const third = await ask()
    expect(third.reply.status).toBe(429)
    expect(third.reply.headers.get('x-ms-deployment-name')).toBe('spare')
    expect(third.reply.headers.get('x-ms-is-spilled-over')).toBe('true')
    expect(third.reply.headers.get('x-ms-spillover-from-deployment')).toBe('chat')
  })

  it('applies the limiter that the exchange names instead of the limits, with or without a deployment', async () => {
    const full: Reply = { ...ok(), status: 429, limitedBy: 'requests' }
    const named = new Map<string, NamedLimiter>([
      ['open', () => undefined],
      ['full', () => full],
    ])
    const { ask, configure } = setUp({ requestsPerMinute: 1 }, [], named)
    const pass = () => Promise.resolve(ok())
    for (let i = 0; i < 3; i++) expect((await ask(pass, 'open')).reply.status).toBe(200)
    expect((await ask(pass, 'open')).exchange.rateLimits).toBeUndefined()
    expect((await ask(pass, 'full')).reply).toBe(full)
    configure(undefined)
    expect((await ask(pass, 'full')).reply).toBe(full)
    configure(deploymentWith({ requestsPerMinute: 1 }))
    expect((await ask()).reply.status).toBe(200)
    expect((await ask()).reply.status).toBe(429)
  })

  it('throws an error with the known limiters for an unknown one', async () => {
    const named = new Map<string, NamedLimiter>([
      ['slow', () => undefined],
      ['fast', () => undefined],
    ])
    const pass = () => Promise.resolve(ok())
    await expect(async () => setUp({}, [], named).ask(pass, 'fsat')).rejects.toThrow(
      'Could not apply the limiter "fsat": it does not exist (known limiters: slow, fast).',
    )
    await expect(async () => setUp({}).ask(pass, 'fast')).rejects.toThrow('no extension has limiters')
  })
})
