import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const message = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const chatPath = (resource: string, deployment = 'chat'): string =>
  `${resource}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`
const acmeKey = { 'api-key': 'acme-key' }

describe('a second resource', () => {
  it('has a key, a region and deployments of its own, and the other settings of the default one', async () => {
    const { post } = createTestSimulator({
      env: { SIMULATOR_REGION: 'East US', ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
      deployments: { chat: { model: 'gpt-4o' }, mine: { model: 'gpt-4o' } },
      resources: {
        acme: {
          env: { SIMULATOR_REGION: 'Sweden Central' },
          deployments: { chat: { model: 'gpt-4o-mini' } },
        },
      },
    })
    const own = await post(chatPath(''), message)
    const other = await post(chatPath('/acme'), message, acmeKey)
    expect([own.status, own.headers.get('x-ms-region')]).toEqual([200, 'East US'])
    expect([other.status, other.headers.get('x-ms-region')]).toEqual([200, 'Sweden Central'])
    expect(await other.json()).toMatchObject({ model: 'gpt-4o-mini-2024-07-18' })
    expect((await post(chatPath('/acme', 'mine'), message, acmeKey)).status).toBe(404)
    expect((await post(chatPath('/acme'), message, { 'api-key': testKey })).status).toBe(401)
    expect((await post(chatPath(''), message, acmeKey)).status).toBe(401)
  })

  it('is unknown under another name', async () => {
    const { post } = createTestSimulator({ resources: { acme: {} } })
    expect((await post(chatPath('/beta'), message)).status).toBe(404)
  })
})
