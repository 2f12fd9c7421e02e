import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/server/listen.ts'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const message = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const deployments = { chat: { model: 'gpt-4o' } }

/** Listens, and counts the requests that Hono routes. */
const start = async (settings: TestSettings = {}) => {
  const { app } = createTestSimulator({ deployments, resources: { acme: { deployments } }, ...settings })
  let routed = 0
  const fetch: typeof app.fetch = (...given) => {
    routed++
    return app.fetch(...given)
  }
  const { answerSocket, wantsBody, endStreams, upgrades } = app
  const listener = await listen({ fetch, answerSocket, wantsBody, endStreams, upgrades }, '127.0.0.1', 0)
  onTestFinished(() => listener.close(0))
  const post = async (path: string, key = 'acme-key'): Promise<[status: number, routed: number]> => {
    const headers = { 'api-key': key, 'content-type': 'application/json' }
    const before = routed
    const body = JSON.stringify({ ...message, model: 'chat' })
    const { status } = await globalThis.fetch(`${listener.url}${path}`, { method: 'POST', headers, body })
    return [status, routed - before]
  }
  return { post }
}

describe('a POST to a path with the name of a resource', () => {
  it('goes directly to the data plane, like one without a name', async () => {
    const { post } = await start()
    const dated = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
    for (const path of [
      dated,
      '/v1/chat/completions',
      '/models/chat/completions?api-version=2024-05-01-preview',
    ]) {
      expect(await post(path, testKey)).toEqual([200, 0])
      expect(await post(`/acme${path}`)).toEqual([200, 0])
      expect((await post(`/unknown${path}`))[1]).toBe(0)
    }
  })

  it('is routed if it can be a page', async () => {
    const { post } = await start({ env: { PAGES_PREFIX: '/team/v1' } })
    expect(await post('/team/v1/++/reset', testKey)).toEqual([200, 1])
    expect((await post('/acme/v1/++/reset', testKey))[1]).toBe(1)
    expect(await post('//acme/v1/chat/completions')).toEqual([200, 1])
    expect(await post('/acme/v1/chat/completions')).toEqual([200, 0])
  })
})
