import { describe, expect, it } from 'vitest'
import type { Hook } from '../../src/pipeline/stage.ts'
import { createExtendedSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const chatPath = deploymentPath('gpt-4o', 'chat/completions')
const messages = [{ role: 'user', content: 'Hi' }]

describe('changes by a hook', () => {
  it('to the JSON and the headers of a request apply to generate mode', async () => {
    const hook: Hook = (exchange, next) => {
      Object.assign(exchange.json as object, { max_tokens: 3 })
      exchange.headers['api-key'] = testKey
      return next()
    }
    const { post } = await createExtendedSimulator([{ name: 'change', hooks: [hook] }])
    const response = await post(chatPath, { messages, max_tokens: 50 }, { 'api-key': 'wrong' })
    const { usage } = (await response.json()) as { usage: { completion_tokens: number } }
    expect(usage.completion_tokens).toBe(3)
  })

  it('to the JSON of a request do not affect another request with the same body', async () => {
    const seen: unknown[] = []
    const hook: Hook = (exchange, next) => {
      const body = exchange.json as { max_tokens?: number }
      seen.push(body.max_tokens)
      body.max_tokens = 3
      return next()
    }
    const { post } = await createExtendedSimulator([{ name: 'change', hooks: [hook] }])
    for (let time = 0; time < 3; time++) await post(chatPath, { messages, max_tokens: 50 })
    expect(seen).toEqual([50, 50, 50])
  })

  it('to the interruption of a reply cut the answer before its first byte', async () => {
    const hook: Hook = async (_, next) => {
      const reply = await next()
      reply.interruption = { at: 'head', how: 'reset' }
      return reply
    }
    const { post } = await createExtendedSimulator([{ name: 'break', hooks: [hook] }])
    await expect(post(chatPath, { messages })).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})
