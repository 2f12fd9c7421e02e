import { describe, expect, it } from 'vitest'
import { eventStreamType } from '../event-stream.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { portClient } from '../../shared/rpc/port-client.ts'
import { PortServer, serve } from '../../shared/rpc/port-server.ts'
import { forwardToPrimary, primaryPagesPort, servePages } from './primary-pages.ts'

const tick = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Connects a worker and its primary, which exchange messages as JSON. */
const connect = (answer: (request: Request) => Response | Promise<Response>) => {
  const server = new PortServer(
    [
      serve(
        primaryPagesPort,
        servePages(async (request) => answer(request)),
      ),
    ],
    () => {},
  )
  const pass = (to: () => Peer) => (message: unknown) => {
    const text = JSON.stringify(message)
    setImmediate(() => to().receive(JSON.parse(text)))
  }
  const caller = server.open(() => primary)
  const primary: Peer = new Peer({ send: pass(() => worker) }, caller.methods)
  const worker: Peer = new Peer({ send: pass(() => primary) }, {})
  return { ask: forwardToPrimary(portClient(primaryPagesPort, worker)), caller, worker }
}

/** Creates an endless body that counts the chunks read. */
const endless = () => {
  const state = { taken: 0, isCanceled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => controller.enqueue(Buffer.from(`chunk ${++state.taken}`)),
      cancel: () => void (state.isCanceled = true),
    },
    { highWaterMark: 0 },
  )
  return { state, body }
}

const sse = { headers: { 'content-type': eventStreamType } }
const pageUrl = 'http://host/++/page?a=b'

describe('pages of the primary', () => {
  it('receive the request and return the answer unchanged', async () => {
    const { ask } = connect(async (request) => {
      const seen = [request.method, request.url, request.headers.get('x-a'), await request.text()].join(' ')
      return new Response(`${seen} \u2713`, { status: 202, headers: { 'X-B': '2' } })
    })
    const answer = await ask(new Request(pageUrl, { method: 'PUT', headers: { 'x-a': '1' }, body: 'ä' }))
    expect(answer.status).toBe(202)
    expect(answer.headers.get('x-b')).toBe('2')
    expect(await answer.text()).toBe(`PUT ${pageUrl} 1 ä \u2713`)
    const empty = connect(() => new Response(null, { status: 204 }))
    expect((await empty.ask(new Request(pageUrl))).body).toBeNull()
  })

  it('receive methods that only servers can have', async () => {
    const { ask } = connect((request) => new Response(request.method))
    const traced = Object.defineProperty(new Request(pageUrl), 'method', { value: 'TRACE' })
    expect(await (await ask(traced)).text()).toBe('TRACE')
  })

  it('send an event stream chunk by chunk, no faster than it is read', async () => {
    const { state, body } = endless()
    const { ask } = connect(() => new Response(body, sse))
    const reader = (await ask(new Request(pageUrl))).body?.getReader()
    for (let count = 0; count < 20; count++) await tick()
    expect(state.taken).toBe(0)
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('chunk 1')
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('chunk 2')
    for (let count = 0; count < 20; count++) await tick()
    expect(state.taken).toBe(2)
  })

  it('end when the client disconnects', async () => {
    const { state, body } = endless()
    const { ask } = connect(() => new Response(body, sse))
    await (await ask(new Request(pageUrl))).body?.cancel()
    for (let count = 0; count < 5; count++) await tick()
    expect(state.isCanceled).toBe(true)
  })

  it('end when the worker exits', async () => {
    const { state, body } = endless()
    const { ask, caller } = connect(() => new Response(body, sse))
    await ask(new Request(pageUrl))
    caller.close()
    expect(state.isCanceled).toBe(true)
  })

  it('fail when a body fails, and when the primary exits', async () => {
    const broken = connect(
      () =>
        new Response(
          new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) }),
          sse,
        ),
    )
    await expect((await broken.ask(new Request(pageUrl))).text()).rejects.toThrow('broken')
    const { ask, worker } = connect(() => new Response(endless().body, sse))
    const answer = await ask(new Request(pageUrl))
    worker.close(new Error('The primary has exited.'))
    await expect(answer.text()).rejects.toThrow('The primary has exited.')
  })
})
