import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

/** One unit of gpt-4o handles 2,500 weighted tokens a minute. An output token has weight 4. */
const deployments = {
  reserved: { model: 'gpt-4o', provisionedThroughputUnits: 1, spilloverTo: 'spare' },
  spare: { model: 'gpt-4o', tokensPerMinute: 10_000 },
  alone: { model: 'gpt-4o', provisionedThroughputUnits: 1 },
}
const body = { messages: [{ role: 'user', content: 'Tell me a joke' }], max_tokens: 1_000 }

describe('provisioned throughput', () => {
  it('reports its utilisation in a header instead of rate limits, and in the metrics', async () => {
    const { post, app } = createTestSimulator({ deployments })
    const response = await post(deploymentPath('alone', 'chat/completions'), body)
    expect(response.status).toBe(200)
    // 4 prompt characters per token and the overhead of the model version: (4 + 5 + 4 x 1000) / 2500.
    expect(response.headers.get('azure-openai-deployment-utilization')).toBe('160.4%')
    expect(response.headers.get('x-ratelimit-remaining-tokens')).toBeNull()
    const metrics = await (await app.request('/metrics')).text()
    expect(metrics).toMatch(/aoai_deployment_utilization_ratio\{deployment="alone"\} 1\.60/)
  })

  it('does not count the cached part of a repeated prompt', async () => {
    const { post, clock } = createTestSimulator({
      deployments: { big: { model: 'gpt-4o', provisionedThroughputUnits: 100 } },
    })
    const long = { messages: [{ role: 'user', content: 'lorem ipsum dolor '.repeat(1_000) }], max_tokens: 1 }
    const ask = async (): Promise<number> => {
      const response = await post(deploymentPath('big', 'chat/completions'), long)
      await response.text()
      const share = Number.parseFloat(response.headers.get('azure-openai-deployment-utilization') ?? '')
      await clock.advance(60_000)
      return share
    }
    const first = await ask()
    const second = await ask()
    expect(first).toBeGreaterThan(1.5)
    expect(second).toBeLessThan(first - 1)
  })

  it('omits the header if PTU_UTILIZATION_HEADER is off', async () => {
    const { post } = createTestSimulator({ deployments, env: { PTU_UTILIZATION_HEADER: 'off' } })
    const response = await post(deploymentPath('alone', 'chat/completions'), body)
    expect(response.headers.get('azure-openai-deployment-utilization')).toBeNull()
  })

  it('refuses above 100 % and admits again after retry-after', async () => {
    const { post, clock } = createTestSimulator({ deployments })
    await post(deploymentPath('alone', 'chat/completions'), body)
    const refused = await post(deploymentPath('alone', 'chat/completions'), body)
    expect(refused.status).toBe(429)
    const waitMs = Number(refused.headers.get('retry-after-ms'))
    expect(waitMs).toBeGreaterThan(30_000)
    await clock.advance(waitMs)
    expect((await post(deploymentPath('alone', 'chat/completions'), body)).status).toBe(200)
  })

  it('answers from the spillover deployment above 100 %, with its name and limits', async () => {
    const { post } = createTestSimulator({ deployments })
    await post(deploymentPath('reserved', 'chat/completions'), body)
    const spilled = await post(deploymentPath('reserved', 'chat/completions'), body)
    expect(spilled.status).toBe(200)
    expect(spilled.headers.get('x-ms-deployment-name')).toBe('spare')
    expect(spilled.headers.get('x-ms-is-spilled-over')).toBe('true')
    expect(spilled.headers.get('x-ms-spillover-from-deployment')).toBe('reserved')
    expect(spilled.headers.get('x-ratelimit-limit-tokens')).toBe('10000')
  })

  it.each([
    [
      'an unknown deployment',
      { spilloverTo: 'nowhere', provisionedThroughputUnits: 1 },
      '"a".spilloverTo must name',
    ],
    ['itself without units', { spilloverTo: 'b' }, '"a".spilloverTo requires provisionedThroughputUnits'],
    ['half a unit', { provisionedThroughputUnits: 0.5 }, '"a".provisionedThroughputUnits must be an integer'],
    ['an unknown era', { limitProfile: '1999' }, '"a".limitProfile must be one of 2024-02'],
    ['an odd slice', { requestsSliceSeconds: 7 }, '"a".requestsSliceSeconds must be 1, 10 or 60'],
  ])('refuses %s at the start, with the position in the file', (_, limits, problem) => {
    const start = (): unknown =>
      createTestSimulator({ deployments: { a: { model: 'gpt-4o', ...limits }, b: { model: 'gpt-4o' } } })
    expect(start).toThrow(problem)
  })
})
