import { describe, expect, it } from 'vitest'
import { eventStreamType } from '../event-stream.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { portClient } from '../../shared/rpc/port-client.ts'
import { PortServer, serve } from '../../shared/rpc/port-server.ts'
import { askPrimary, primaryPagesPort, servePages } from './remote-pages.ts'

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** A worker and its primary, whose messages pass as JSON texts. */
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
  return { ask: askPrimary(portClient(primaryPagesPort, worker)), caller, worker }
}

/** A body without end, which counts what is taken of it. */
const endless = () => {
  const state = { taken: 0, isLeft: false }
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => controller.enqueue(Buffer.from(`piece ${++state.taken}`)),
      cancel: () => void (state.isLeft = true),
    },
    { highWaterMark: 0 },
  )
  return { state, body }
}

const sse = { headers: { 'content-type': eventStreamType } }
const pageUrl = 'http://host/++/page?a=b'

describe('pages that the primary serves', () => {
  it('get the request as it came, and give the answer as it is', async () => {
    const { ask } = connect(async (request) => {
      const told = [request.method, request.url, request.headers.get('x-a'), await request.text()].join(' ')
      return new Response(`${told} \u2713`, { status: 202, headers: { 'X-B': '2' } })
    })
    const answer = await ask(new Request(pageUrl, { method: 'PUT', headers: { 'x-a': '1' }, body: 'ä' }))
    expect(answer.status).toBe(202)
    expect(answer.headers.get('x-b')).toBe('2')
    expect(await answer.text()).toBe(`PUT ${pageUrl} 1 ä \u2713`)
    const empty = connect(() => new Response(null, { status: 204 }))
    expect((await empty.ask(new Request(pageUrl))).body).toBeNull()
  })

  it('give a stream of events piece by piece, no faster than it is taken', async () => {
    const { state, body } = endless()
    const { ask } = connect(() => new Response(body, sse))
    const reader = (await ask(new Request(pageUrl))).body?.getReader()
    for (let count = 0; count < 20; count++) await turn()
    expect(state.taken).toBe(0)
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('piece 1')
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toBe('piece 2')
    for (let count = 0; count < 20; count++) await turn()
    expect(state.taken).toBe(2)
  })

  it('end where their client leaves', async () => {
    const { state, body } = endless()
    const { ask } = connect(() => new Response(body, sse))
    await (await ask(new Request(pageUrl))).body?.cancel()
    for (let count = 0; count < 5; count++) await turn()
    expect(state.isLeft).toBe(true)
  })

  it('end where the worker is gone', async () => {
    const { state, body } = endless()
    const { ask, caller } = connect(() => new Response(body, sse))
    await ask(new Request(pageUrl))
    caller.close()
    expect(state.isLeft).toBe(true)
  })

  it('break where a body breaks, and where the primary is gone', async () => {
    const broken = connect(
      () =>
        new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('torn')) }), sse),
    )
    await expect((await broken.ask(new Request(pageUrl))).text()).rejects.toThrow('torn')
    const { ask, worker } = connect(() => new Response(endless().body, sse))
    const answer = await ask(new Request(pageUrl))
    worker.close(new Error('The primary is gone.'))
    await expect(answer.text()).rejects.toThrow('The primary is gone.')
  })
})
