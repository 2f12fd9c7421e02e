import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createSimulator } from '../../src/server/create-simulator.ts'
import { type Listener, listen } from '../../src/server/listen.ts'
import { createAdminApi, schemaProblem } from '../support/admin-api.ts'
import { eventsOf } from '../support/event-reader.ts'
import { open } from '../support/open-sockets.ts'
import { collectInto } from '../support/test-logger.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }
const path = '/++/requests/stream'
const headers = { 'api-key': testKey }

const setUp = async (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    env: { JOURNAL_SIZE: '100' },
    deployments: { chat: { model: 'gpt-4o' }, other: { model: 'gpt-4o' } },
    ...settings,
  })
  const chat = (deployment = 'chat') => simulator.post(deploymentPath(deployment, 'chat/completions'), hello)
  const follow = async (query = '', more: Record<string, string> = {}) => {
    const response = await simulator.app.request(path + query, { headers: { ...headers, ...more } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store')
    return eventsOf(response.body)
  }
  return { ...simulator, ...createAdminApi(simulator.app), chat, follow }
}

describe('GET /++/requests/stream', () => {
  it('sends each request when it is recorded, in the format of GET /++/requests', async () => {
    const { follow, chat, ask, document } = await setUp()
    await chat()
    const events = await follow()
    expect(await events.begin()).toBe(': open')
    await chat()
    const sent = await events.next()
    expect(sent).toMatchObject({ event: 'request', id: 2, data: { id: 2, deployment: 'chat', status: 200 } })
    expect(sent?.data).toEqual((await ask('GET', '/++/requests?since=1')).body.requests[0])
    const schema = { $ref: '#/components/schemas/JournalEntry' }
    expect(schemaProblem(await document(), schema, sent?.data)).toBeUndefined()
    expect(JSON.stringify(sent)).not.toContain(testKey)
    await events.cancel()
  })

  it('supports the filters of GET /++/requests', async () => {
    const { follow, chat, app } = await setUp()
    const events = await follow('?deployment=other&status=2xx')
    await events.begin()
    await chat()
    await app.request('/openai/nothing')
    await chat('other')
    expect((await events.next())?.id).toBe(3)
  })

  it('starts after the id of the query or of Last-Event-ID', async () => {
    const { follow, chat } = await setUp()
    for (let count = 0; count < 40; count++) await chat()
    const all = await follow('?since=0')
    for (let id = 1; id <= 40; id++) expect((await all.next())?.id).toBe(id)
    expect((await (await follow('?since=30')).next())?.id).toBe(31)
    expect((await (await follow('?since=30', { 'last-event-id': '38' })).next())?.id).toBe(39)
  })

  it('counts entries that were dropped before a slow client read them', async () => {
    const { follow, chat, ask } = await setUp({ env: { JOURNAL_SIZE: '5' } })
    const events = await follow('?status=2xx')
    await events.begin()
    for (let count = 0; count < 20; count++) await chat()
    expect(await events.next()).toEqual({ event: 'dropped', id: undefined, data: { count: 15 } })
    for (let id = 16; id <= 20; id++) expect((await events.next())?.id).toBe(id)
    await chat()
    await ask('DELETE', '/++/requests')
    await chat()
    expect(await events.next()).toMatchObject({ event: 'dropped', data: { count: 1 } })
    expect((await events.next())?.id).toBe(22)
  })

  it('is refused without a journal, without the key, and with a wrong query', async () => {
    const { ask } = await setUp({ env: {} })
    expect((await ask('GET', path)).body.error.code).toBe('JournalOff')
    const kept = await setUp()
    expect((await kept.ask('GET', path, undefined, 'wrong')).status).toBe(401)
    const { status, body } = await kept.ask('GET', `${path}?limit=3`)
    expect([status, body.error.code]).toEqual([400, 'InvalidQuery'])
    expect((await kept.ask('DELETE', path)).headers.get('allow')).toBe('GET, HEAD')
  })

  it('answers HEAD without a subscription', async () => {
    const { app, simulator } = await setUp()
    const followers = countFollowers(simulator)
    const head = await app.request(path, { method: 'HEAD', headers })
    expect([head.status, head.body]).toEqual([200, null])
    expect(followers.ever).toBe(0)
  })
})

/** Counts the subscriptions to a journal. */
const countFollowers = ({ journal }: ReturnType<typeof createTestSimulator>['simulator']) => {
  const counts = { now: 0, ever: 0 }
  if (!journal) throw new Error('There is no journal.')
  const own = { ...journal }
  Object.assign(journal, {
    onAdded(listener: () => void) {
      counts.now++
      counts.ever++
      const end = own.onAdded(listener)
      return () => {
        counts.now--
        end()
      }
    },
  })
  return counts
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await sleep(5)
}

describe('a stream of requests over a socket', () => {
  const serve = async () => {
    const parts = await setUp()
    const followers = countFollowers(parts.simulator)
    const listener: Listener = await listen(parts.app, '127.0.0.1', 0)
    return { ...parts, listener, followers }
  }

  it('sends its headers immediately, and ends when its client leaves', async () => {
    const { listener, followers, chat } = await serve()
    const abort = new AbortController()
    const response = await fetch(listener.url + path, { headers, signal: abort.signal })
    const events = eventsOf(response.body)
    await events.begin()
    expect(followers.now).toBe(1)
    await chat()
    expect((await events.next())?.id).toBe(1)
    abort.abort()
    await until(() => followers.now === 0)
    await listener.close(0)
  })

  it('ends normally when the server stops', async () => {
    const { listener, followers } = await serve()
    const response = await fetch(listener.url + path, { headers })
    const events = eventsOf(response.body)
    await events.begin()
    const last = events.next()
    await listener.close(60_000)
    expect(await last).toBeUndefined()
    expect(followers.now).toBe(0)
  })

  it('does not read the journal while its client does not read', async () => {
    const { listener, simulator, app } = await serve()
    const { ownJournal: journal } = simulator
    let taken = 0
    if (!journal) throw new Error('There is no journal.')
    const own = { ...journal }
    Object.assign(journal, {
      follow(...given: Parameters<typeof own.follow>) {
        const page = own.follow(...given)
        taken = page.lastId
        return page
      },
    })
    const socket = await open(Number(new URL(listener.url).port))
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\n\r\n`)
    const body = JSON.stringify({ messages: [], filler: 'x'.repeat(60_000) })
    const send = () => app.request('/openai/nothing', { method: 'POST', headers, body })
    await send()
    await until(() => taken === 1)
    // The socket buffers hold some megabytes. This is 36 MB.
    for (let round = 0; round < 30; round++) {
      for (let count = 0; count < 20; count++) await send()
      await sleep(5)
    }
    expect(journal.lastId).toBe(601)
    expect(taken).toBeLessThan(400)
    socket.destroy()
    await listener.close(0)
  })
})

describe('an in-process stream of requests', () => {
  it('ends when the simulator is closed', async () => {
    const sim = await createSimulator({ journal: true, log: collectInto([]) })
    const response = await sim.fetch(path, { headers: { 'api-key': sim.adminApiKey } })
    const events = eventsOf(response.body)
    await events.begin()
    const last = events.next()
    await sim.close()
    expect(await last).toBeUndefined()
  })
})
