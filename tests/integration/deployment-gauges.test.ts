import { describe, expect, it } from 'vitest'
import {
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSimulator,
} from '../support/test-simulator.ts'

const deployments = {
  chat: { model: 'gpt-4o', tokensPerMinute: 1_000, requestsPerMinute: 6 },
  units: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
  free: { model: 'gpt-4o' },
}
const message = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 }
const headers = { 'api-key': testKey }

const ask = async (
  { post }: TestSimulator,
  deployment: string,
  resource?: string,
  moreHeaders = {},
): Promise<number> => {
  const prefix = resource === undefined ? '' : `/${resource}`
  const key = resource === undefined ? {} : { 'api-key': `${resource}-key` }
  const answer = await post(prefix + deploymentPath(deployment, 'chat/completions'), message, {
    ...key,
    ...moreHeaders,
  })
  await answer.text()
  return answer.status
}

/** Returns the lines of metrics with a name that starts with `aoai_` and the given text. */
const lines = async ({ app }: TestSimulator, name: string): Promise<string[]> =>
  (await (await app.request('/metrics')).text()).split('\n').filter((line) => line.startsWith(`aoai_${name}`))

describe('the gauges of deployments', () => {
  it('show limit, use and rest of all limited deployments of all resources, used or not', async () => {
    const simulator = createTestSimulator({ deployments, resources: { acme: { deployments } } })
    expect(await ask(simulator, 'chat', 'acme')).toBe(200)
    expect(await lines(simulator, 'deployment_limit_per_minute')).toEqual([
      'aoai_deployment_limit_per_minute{deployment="chat",type="tokens"} 1000',
      'aoai_deployment_limit_per_minute{deployment="chat",type="requests"} 6',
      'aoai_deployment_limit_per_minute{resource="acme",deployment="chat",type="tokens"} 1000',
      'aoai_deployment_limit_per_minute{resource="acme",deployment="chat",type="requests"} 6',
    ])
    const used = await lines(simulator, 'deployment_used_per_minute')
    expect(used).toEqual([
      'aoai_deployment_used_per_minute{deployment="chat",type="tokens"} 0',
      'aoai_deployment_used_per_minute{deployment="chat",type="requests"} 0',
      expect.stringMatching(/resource="acme",deployment="chat",type="tokens"\} [1-9]\d*$/),
      'aoai_deployment_used_per_minute{resource="acme",deployment="chat",type="requests"} 1',
    ])
    const rest = 1_000 - Number(used[2]?.split(' ').at(-1))
    expect(await lines(simulator, 'deployment_remaining_per_minute{resource="acme"')).toEqual([
      `aoai_deployment_remaining_per_minute{resource="acme",deployment="chat",type="tokens"} ${rest}`,
      'aoai_deployment_remaining_per_minute{resource="acme",deployment="chat",type="requests"} 5',
    ])
    expect(await lines(simulator, 'deployment_utilization_ratio')).toEqual([
      'aoai_deployment_utilization_ratio{deployment="units"} 0',
      'aoai_deployment_utilization_ratio{resource="acme",deployment="units"} 0',
    ])
  })

  it('use no quota, and fall when the use leaves the window', async () => {
    const simulator = createTestSimulator({ deployments })
    await ask(simulator, 'chat')
    await ask(simulator, 'units')
    const before = await lines(simulator, 'deployment_')
    expect(await lines(simulator, 'deployment_')).toEqual(before)
    expect(before).toContain('aoai_deployment_used_per_minute{deployment="chat",type="requests"} 1')
    await simulator.clock.advance(61_000)
    expect(await lines(simulator, 'deployment_used')).toEqual([
      'aoai_deployment_used_per_minute{deployment="chat",type="tokens"} 0',
      'aoai_deployment_used_per_minute{deployment="chat",type="requests"} 0',
    ])
    expect(await lines(simulator, 'deployment_utilization')).toEqual([
      'aoai_deployment_utilization_ratio{deployment="units"} 0',
    ])
  })

  it('show the limits that an incident phase reduces', async () => {
    const phase = { name: 'squeeze', minutes: 1, limits: { factor: 0.5 } }
    const simulator = createTestSimulator({
      deployments,
      resources: { acme: { deployments, incidents: { phases: [phase] } } },
    })
    const tokens = (name: string): string[] => [
      `aoai_deployment_${name}_per_minute{deployment="chat",type="tokens"} 1000`,
      `aoai_deployment_${name}_per_minute{resource="acme",deployment="chat",type="tokens"} 500`,
    ]
    expect(await lines(simulator, 'deployment_limit')).toEqual(expect.arrayContaining(tokens('limit')))
    expect(await lines(simulator, 'deployment_remaining')).toEqual(
      expect.arrayContaining(tokens('remaining')),
    )
    simulator.simulator.incidents.stop('acme')
    expect(await lines(simulator, 'deployment_limit_per_minute{resource="acme"')).toContain(
      'aoai_deployment_limit_per_minute{resource="acme",deployment="chat",type="tokens"} 1000',
    )
    await simulator.simulator.close()
  })

  it('disappear with their deployment, and so do its counters', async () => {
    const slots = { model: 'gpt-4o', latency: { concurrency: { slots: 2 } } }
    const simulator = createTestSimulator({ deployments: { ...deployments, slots } })
    for (const name of ['chat', 'units', 'slots', 'anything']) await ask(simulator, name)
    await ask(simulator, 'chat', undefined, { 'x-sim-fault': 'serverError' })
    const named = async (name: string): Promise<number> =>
      (await lines(simulator, '')).filter((line) => line.includes(`deployment="${name}"`)).length
    for (const name of ['chat', 'units', 'slots', 'anything']) expect(await named(name)).toBeGreaterThan(0)
    for (const name of ['chat', 'units', 'slots']) {
      await simulator.app.request(`/++/deployments/${name}`, { method: 'DELETE', headers })
      expect(await named(name)).toBe(0)
    }
    // Not configured, so it cannot be removed.
    expect(await named('anything')).toBeGreaterThan(0)
    expect(await named('free')).toBe(0)
    await ask(simulator, 'free')
    expect(await named('free')).toBeGreaterThan(0)
  })

  it('disappear with their resource, and start at 0 when it is created again', async () => {
    const simulator = createTestSimulator({ deployments })
    const put = async (): Promise<number> => {
      const entry = { region: 'West US 3', keys: [{ key: 'west-key' }], deployments }
      const init = { method: 'PUT', headers, body: JSON.stringify(entry) }
      return (await simulator.app.request('/++/resources/west', init)).status
    }
    const own = async (): Promise<string[]> =>
      (await lines(simulator, '')).filter((line) => line.includes('resource="west"'))
    expect(await put()).toBe(201)
    expect([await ask(simulator, 'chat', 'west'), await ask(simulator, 'units', 'west')]).toEqual([200, 200])
    const used = 'aoai_deployment_used_per_minute{resource="west",deployment="chat",type="requests"}'
    expect(await own()).toEqual(
      expect.arrayContaining([
        `${used} 1`,
        'aoai_resource_info{resource="west",mode="generate",region="West US 3"} 1',
        'aoai_requests_total{resource="west",deployment="chat",operation="chatCompletions",status="200"} 1',
      ]),
    )
    await simulator.app.request('/++/resources/west', { method: 'DELETE', headers })
    expect(await own()).toEqual([])
    expect(await put()).toBe(201)
    expect(await own()).toContain(`${used} 0`)
    expect((await own()).filter((line) => line.startsWith('aoai_requests_total'))).toEqual([])
  })

  it('have the mode and the region of their resource to join', async () => {
    const simulator = createTestSimulator({
      env: { SIMULATOR_REGION: 'East US' },
      resources: { acme: { deployments, env: { SIMULATOR_REGION: 'Sweden Central' } } },
    })
    expect(await lines(simulator, 'resource_info')).toEqual([
      'aoai_resource_info{mode="generate",region="East US"} 1',
      'aoai_resource_info{resource="acme",mode="generate",region="Sweden Central"} 1',
    ])
    expect(await lines(simulator, 'simulator_info')).toHaveLength(1)
  })
})
