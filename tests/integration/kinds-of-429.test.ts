import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const deployments = { 'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 10_000, requestsPerMinute: 60 } }
const path = deploymentPath('gpt-4o', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

describe('the kinds of 429', () => {
  it.each([
    ['tokenRateLimit', 'RateLimitReached', 'exceeded the token rate limit', 'Tokens', '10000', '10'],
    ['requestRateLimit', 'RateLimitReached', 'exceeded the call rate limit', 'Requests', '10000', '10'],
    ['capacity429', 'too_many_requests', 'experiencing high demand', null, '10000', '20'],
    ['temporaryAdjustment', 'RateLimitReached', 'exceeded the token rate limit', 'Tokens', '5000', '10'],
  ])('%s has its own code, text and headers', async (fault, code, text, type, limit, retryAfter) => {
    const { post } = createTestSimulator({ deployments })
    const response = await post(path, hello, { 'x-sim-fault': fault })
    expect(response.status).toBe(429)
    expect(response.headers.get('x-ratelimit-type')).toBe(type)
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBe(limit)
    expect(response.headers.get('retry-after')).toBe(retryAfter)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) })
  })

  it('temporaryAdjustment has no limit headers on a deployment without limits', async () => {
    const { post } = createTestSimulator({ deployments: { 'gpt-4o': { model: 'gpt-4o' } } })
    const response = await post(path, hello, { 'x-sim-fault': 'temporaryAdjustment' })
    expect(response.status).toBe(429)
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBeNull()
  })

  it('the example schedule lowers the limit in headers and refuses requests above it', async () => {
    const file = new URL('../../examples/incidents/temporary-adjustment.yaml', import.meta.url)
    const incidents = parse(readFileSync(file, 'utf8')) as object
    const { post, clock } = createTestSimulator({ deployments, incidents })
    const limits: (string | null)[] = []
    for (const minutes of [1, 10, 15, 20, 60, 30]) {
      await clock.advance(minutes * 60_000)
      limits.push((await post(path, hello)).headers.get('x-ratelimit-limit-tokens'))
    }
    expect(limits).toEqual(['10000', '8000', '5000', '3000', '6000', '10000'])
  })
})
