import { describe, expect, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { textBody } from '../answer/body.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { createLatency, slowdownBy } from './add-latency.ts'
import { SlotTable } from './deployment-slots.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const flat = (meanMs: number) => ({ meanMs, stdDevMs: 0 })
const latency = {
  timeScale: 1,
  profile: 'off' as const,
  chatCompletions: { perToken: flat(10), firstToken: flat(100) },
  completions: { perToken: flat(20), firstToken: flat(200) },
  embeddings: flat(50),
  translations: flat(0),
}

const addLatency = createLatency({ slots: new SlotTable(createVirtualClock()) })

const exchangeOf = (path: string, timeScale: number): Exchange =>
  testExchange({ path }, { config: testConfig({ latency: { ...latency, timeScale } }) })

const endOf = async (operation: string, part: Partial<Reply>, timeScale = 1): Promise<number | undefined> => {
  const reply: Reply = { status: 200, headers: new HeaderList(), body: textBody(''), ...part }
  await addLatency(exchangeOf(`/openai/v1/${operation}`, timeScale), () => Promise.resolve(reply))
  return reply.schedule?.endMs
}

const usage = { promptTokens: 5, cachedTokens: 0, completionTokens: 9, reasoningTokens: 4 }

describe('addLatency', () => {
  it('delays chat and completions by their steps', async () => {
    expect(await endOf('chat/completions', { steps: { hidden: 2, visible: 3 } })).toBe(150)
    expect(await endOf('completions', { steps: { hidden: 0, visible: 3 } })).toBe(260)
  })

  it('delays embeddings by the time of a request', async () => {
    expect(await endOf('embeddings', { usage })).toBe(50)
  })

  it('derives missing steps from the usage, else delays only the first token', async () => {
    expect(await endOf('chat/completions', { usage })).toBe(190)
    expect(await endOf('chat/completions', {})).toBe(100)
  })

  it('scales all times, and adds no schedule at a scale of 0', async () => {
    expect(await endOf('chat/completions', { steps: { hidden: 0, visible: 1 } }, 0.1)).toBeCloseTo(11)
    expect(await endOf('chat/completions', { steps: { hidden: 0, visible: 1 } }, 0)).toBeUndefined()
  })

  it('does not change failures, unknown paths and replies with a schedule', async () => {
    const schedule = { stepsMs: new Float64Array(0), endMs: 7 }
    expect(await endOf('chat/completions', { status: 429, usage })).toBeUndefined()
    expect(await endOf('unknown', { usage })).toBeUndefined()
    expect(await endOf('chat/completions', { usage, schedule })).toBe(7)
  })

  it('does not change the random numbers of the rest of the request', async () => {
    const next = async (timeScale: number): Promise<number> => {
      const exchange = exchangeOf('/openai/v1/chat/completions', timeScale)
      await addLatency(exchange, () =>
        Promise.resolve({ status: 200, headers: new HeaderList(), body: textBody(''), usage }),
      )
      return exchange.random.bits()
    }
    expect(await next(0)).toBe(await next(1))
  })
})

describe('slowdownBy', () => {
  const load = { slowdown: 1.5, exponent: 2, requests: 10 }

  it('is 1 for a single request, and without load settings', () => {
    expect(slowdownBy(load, 0)).toBe(1)
    expect(slowdownBy(undefined, 1_000)).toBe(1)
  })

  it('adds the slowdown at the configured number of requests, and grows with the exponent', () => {
    expect(slowdownBy(load, 10)).toBe(2.5)
    expect(slowdownBy(load, 20)).toBe(7)
    expect(slowdownBy({ ...load, exponent: 1 }, 5)).toBe(1.75)
  })
})
