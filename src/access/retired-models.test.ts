import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../tests/support/admin-api.ts'
import { createTestSimulator, deploymentPath, type TestSettings } from '../../tests/support/test-simulator.ts'

const body = { messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 20 }
const deployments = {
  old: { model: 'o1' },
  older: { model: 'gpt-35-turbo-0613' },
  new: { model: 'gpt-5.4' },
}
/** 2026-09-16, the retirement of o1, and one millisecond before. */
const retirement = Date.parse('2026-09-16')

async function setUp(env: Record<string, string>, nowMs: number, settings: TestSettings = { deployments }) {
  const simulator = createTestSimulator({ ...settings, env })
  await simulator.clock.advance(nowMs - simulator.clock.epochMs())
  const statusOf = async (name: string) =>
    (await simulator.post(deploymentPath(name, 'chat/completions'), body)).status
  return { simulator, statusOf }
}
const refuse = { RETIRED_MODELS: 'refuse' }

describe('requests to a retired model', () => {
  it('are answered by default', async () => {
    const { statusOf } = await setUp({}, retirement)
    expect(await statusOf('old')).toBe(200)
  })

  it('are refused from the date on with RETIRED_MODELS=refuse', async () => {
    const before = await setUp(refuse, retirement - 1)
    expect(await before.statusOf('old')).toBe(200)
    const { simulator, statusOf } = await setUp(refuse, retirement)
    expect(await statusOf('new')).toBe(200)
    expect(await statusOf('older')).toBe(404)
    const response = await simulator.post(deploymentPath('old', 'chat/completions'), body)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ error: { code: '404', message: 'Resource not found' } })
  })

  it('are refused for a model in the name of an undefined deployment, not for the default model', async () => {
    const { statusOf } = await setUp(refuse, Date.parse('2030-01-01'), {})
    expect(await statusOf('my-gpt-4.1')).toBe(404)
    expect(await statusOf('mine')).toBe(200)
  })

  it('depend on the date in a model file', async () => {
    const models = { o1: { retires: '2031-01-01' }, 'gpt-5.4': { retires: '2026-01-01' } }
    const { statusOf } = await setUp(refuse, retirement, { deployments, models })
    expect(await statusOf('old')).toBe(200)
    expect(await statusOf('new')).toBe(404)
  })
})

describe('the warning about retired models', () => {
  const warnings = (simulator: ReturnType<typeof createTestSimulator>) =>
    simulator.log.map(({ message }) => message).filter((message) => message.includes('has retired'))

  it('names the configured deployments once at start-up', () => {
    const message =
      'The service has retired the models of these deployments: "older" (gpt-35-turbo-0613, 2025-02-13). Requests are answered. RETIRED_MODELS=refuse returns the error of the service, accept turns this warning off.'
    expect(warnings(createTestSimulator({ deployments }))).toEqual([message])
    expect(warnings(createTestSimulator())).toEqual([])
  })

  it('names a deployment that is added, and tells that requests are refused', async () => {
    const simulator = createTestSimulator({ env: refuse, deployments: { new: { model: 'gpt-5.4' } } })
    expect(warnings(simulator)).toEqual([])
    await createAdminApi(simulator.app).ask('PUT', '/++/deployments/late', { model: 'gpt-4' })
    expect(warnings(simulator)).toEqual([
      'The service has retired the models of these deployments: "late" (gpt-4-0613, 2025-06-06). Requests get the error of the service, because RETIRED_MODELS is refuse.',
    ])
  })

  it('names the resource of a deployment', async () => {
    const simulator = createTestSimulator({ deployments: { new: { model: 'gpt-5.4' } } })
    const entry = { deployments: { late: { model: 'gpt-4' } } }
    await createAdminApi(simulator.app).ask('PUT', '/++/resources/acme', entry)
    expect(warnings(simulator)).toEqual([expect.stringContaining('"late" of acme (gpt-4-0613, 2025-06-06).')])
  })
})
