import { createServer, request as httpRequest } from 'node:http'
import { everySource } from '../support/every-source.ts'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/live-config.ts'
import { createAccess } from '../../src/access/access.ts'
import { createAdmission } from '../../src/limits/admit.ts'
import { LimiterTable } from '../../src/limits/limiter-table.ts'
import { requestsLimiter } from '../../src/limits/deployment-limiter.ts'
import { delayReply } from '../../src/pipeline/reply.ts'
import { eventsReply, jsonReply, replyFromResponse } from '../../src/pipeline/make-reply.ts'
import type { Exchange, Incoming } from '../../src/pipeline/exchange.ts'
import type { NamedLimiter } from '../../src/pipeline/extension.ts'
import { type Source, type Stage, mapMaybe } from '../../src/pipeline/stage.ts'
import { mapEvents } from '../../src/pipeline/stream-events.ts'
import { createPipeline } from '../../src/pipeline/pipeline.ts'
import { NodeSender } from '../../src/server/carriers/send-to-node.ts'
import { sendToWeb } from '../../src/server/carriers/send-to-web.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatEvents, eventStream, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { testExchange } from '../support/test-exchange.ts'

const config = loadConfig({
  flags: {},
  env: { SIMULATOR_API_KEY: 'key', LATENCY_TIME_SCALE: '0' },
  workingDirectory: '/',
  readFile: filesInMemory(),
})

interface Parts {
  readonly clock?: Clock
  readonly hooks?: readonly Stage[]
  readonly generate: Source
  readonly limiters?: ReadonlyMap<string, NamedLimiter>
}

const pass: Stage = (_, next) => next()

/** The stages that use extensions, without the rest of a simulator. */
const createStages = ({ clock = createSystemClock(), hooks = [], generate, limiters }: Parts) => {
  const failures: unknown[] = []
  const run = createPipeline(
    {
      observe: pass,
      extensionHooks: hooks.map((stage) => ({ name: 'extension', stage })),
      access: createAccess({ answersAnyPath: true }),
      prepareFaults: pass,
      admit: createAdmission({ limits: new LimiterTable(clock), ...(limiters && { limiters }) }),
      injectFaults: pass,
      addLatency: pass,
      sources: everySource(() => generate),
    },
    { onFailure: (error) => failures.push(error), onUnknownPath: () => {} },
  )
  const open = (incoming: Partial<Incoming>): Exchange =>
    testExchange({ path: '/any', headers: { 'api-key': 'key' }, ...incoming }, { config, clock })
  return {
    failures,
    post: async (incoming: Partial<Incoming> = {}): Promise<Response> => {
      const exchange = open(incoming)
      return sendToWeb(exchange, await run(exchange))
    },
    /** Opens a port, and returns its address. */
    listen: async (): Promise<string> => {
      const server = createServer((incoming, outgoing) => {
        const { method = '', url = '', headers } = incoming
        const exchange = open({ method, path: url, headers })
        const sender = new NodeSender(exchange, outgoing, (error) => failures.push(error))
        void mapMaybe(run(exchange), (reply) => sender.send(reply))
      })
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
      closers.push(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
  }
}

let upstream: FakeUpstream
const closers: (() => unknown)[] = []

beforeEach(async () => {
  upstream = await startFakeUpstream()
})

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  await upstream.close()
})

/** Forwards the request to the upstream, as an author of an extension does. */
const fetchUpstream: Source = async ({ method, path, signal }) =>
  replyFromResponse(await fetch(upstream.url + path, { method, signal }))

const headers = { 'api-key': 'key' }

describe('a limiter named by a hook', () => {
  it('limits a path that the service does not have, with the error of the service', async () => {
    const clock = createVirtualClock()
    const limiters = new Map([['analyze', requestsLimiter({ requests: 15, windowMs: 1_000 })]])
    const hook: Stage = (exchange, next) => {
      exchange.limiter = 'analyze'
      return next()
    }
    const { post } = createStages({ clock, hooks: [hook], limiters, generate: async () => jsonReply({}) })
    const burst = await Promise.all(Array.from({ length: 20 }, () => post()))
    expect(burst.map(({ status }) => status)).toEqual([...Array(15).fill(200), ...Array(5).fill(429)])
    const refused = burst.at(-1)!
    expect(refused.headers.get('retry-after-ms')).toBe('1000')
    expect(await refused.json()).toMatchObject({ error: { code: '429' } })
    await clock.advance(1_000)
    expect((await post()).status).toBe(200)
  })

  it('uses the error envelope of the deployment if there is one', async () => {
    const limiters = new Map([['one', requestsLimiter({ requests: 1, windowMs: 1_000 })]])
    const hook: Stage = (exchange, next) => {
      exchange.limiter = 'one'
      return next()
    }
    const { post } = createStages({ hooks: [hook], limiters, generate: async () => jsonReply({}) })
    const chat = {
      path: '/openai/deployments/gpt-4o-mini/chat/completions',
      query: 'api-version=2024-10-21',
      body: Buffer.from('{"messages":[]}'),
    }
    await post(chat)
    const refused = await post(chat)
    expect(await refused.json()).toMatchObject({
      error: { code: 'RateLimitReached', message: expect.stringContaining('exceeded the call rate limit') },
    })
  })

  it('that does not exist causes a 500 and a logged failure', async () => {
    const hook: Stage = (exchange, next) => {
      exchange.limiter = 'lost'
      return next()
    }
    const { post, failures } = createStages({ hooks: [hook], generate: async () => jsonReply({}) })
    expect((await post()).status).toBe(500)
    expect(String(failures[0])).toContain('Could not apply the limiter "lost"')
  })
})

describe('replyFromResponse', () => {
  it('copies status, reason and headers, except those of the connection and the encoding', async () => {
    const body = gzipSync('{"a":1}')
    upstream.answer = (_, response) => {
      response.writeHead(202, 'Taken', {
        'Content-Type': 'application/json',
        'Content-Encoding': 'gzip',
        'Content-Length': body.length,
        'Operation-Location': 'http://x/1',
        'Set-Cookie': ['a=1', 'b=2'],
        Connection: 'keep-alive, x-hop',
        'X-Hop': '1',
        'Keep-Alive': 'timeout=5',
      })
      response.end(body)
    }
    const { listen } = createStages({ generate: fetchUpstream })
    const response = await fetch(`${await listen()}/any`, { method: 'POST', headers })
    expect([response.status, response.statusText]).toEqual([202, 'Taken'])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(response.headers.get('operation-location')).toBe('http://x/1')
    expect(response.headers.get('content-length')).toBe('7')
    for (const name of ['content-encoding', 'x-hop']) expect(response.headers.get(name)).toBeNull()
    expect(await response.json()).toEqual({ a: 1 })
  })

  it('streams events as they arrive', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
      await released
      response.end('data: 2\n\n')
    }
    const { listen } = createStages({ generate: fetchUpstream })
    const response = await fetch(`${await listen()}/any`, { method: 'POST', headers })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toBe('data: 1\n\n')
    release()
    expect((await reader.read()).value).toBe('data: 2\n\n')
    expect((await reader.read()).done).toBe(true)
  })

  it('cancels the upstream without errors when the client leaves, during and before a stream', async () => {
    const { listen, failures } = createStages({ generate: fetchUpstream })
    const url = await listen()
    for (const begins of [true, false]) {
      upstream.received.length = 0
      upstream.answer = (_, response) => {
        if (!begins) return
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: 1\n\n')
      }
      const leaving = httpRequest(`${url}/any`, { method: 'POST', headers })
      leaving.on('error', () => {})
      leaving.end()
      if (begins) await once(leaving, 'response')
      await expect.poll(() => upstream.received.length).toBe(1)
      leaving.destroy()
      const { left } = upstream.received[0]!
      if (!left.aborted) await once(left, 'abort')
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(failures).toEqual([])
  })

  it('cancels the upstream at its next chunk if fetch got no signal', async () => {
    upstream.answer = eventStream(chatEvents(Array.from({ length: 200 }, () => 'x')), 5)
    const { listen } = createStages({
      generate: async () => replyFromResponse(await fetch(upstream.url)),
    })
    const response = await fetch(`${await listen()}/any`, { method: 'POST', headers })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => upstream.received[0]?.left.aborted).toBe(true)
  })

  it('copies answers without a body, and the Content-Length of HEAD', async () => {
    const { listen } = createStages({ generate: fetchUpstream })
    const url = await listen()
    upstream.answer = (_, response) => void response.writeHead(204, { 'x-a': '1' }).end()
    const deleted = await fetch(`${url}/any`, { method: 'DELETE', headers })
    expect([deleted.status, deleted.headers.get('x-a'), await deleted.text()]).toEqual([204, '1', ''])
    upstream.answer = (_, response) => void response.writeHead(200, { 'content-length': '77' }).end()
    const head = await fetch(`${url}/any`, { method: 'HEAD', headers })
    expect(head.headers.get('content-length')).toBe('77')
  })

  it('says what to do when the body was already read', async () => {
    const response = new Response('{}')
    await response.text()
    await expect(replyFromResponse(response)).rejects.toThrow('Read a clone() of it')
  })

  it('reports a stream that breaks once', async () => {
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n', () => response.destroy())
    }
    const { listen, failures } = createStages({ generate: fetchUpstream })
    const response = await fetch(`${await listen()}/any`, { method: 'POST', headers })
    await expect(response.text()).rejects.toThrow('terminated')
    expect(failures).toHaveLength(1)
  })
})

describe('a hook', () => {
  it('can change a forwarded stream event by event, and delay it', async () => {
    upstream.answer = eventStream(['data: a🎉\n\n', 'data: b\n\n'])
    const clock = createVirtualClock()
    const hook: Stage = async (exchange, next) => {
      const reply = mapEvents(await next(), (event, index) => event.replace('data: ', `data: ${index}`))
      return delayReply(exchange, reply, 500)
    }
    const { post } = createStages({ clock, hooks: [hook], generate: fetchUpstream })
    let status: number | undefined
    const answered = post().then((response) => {
      ;({ status } = response)
      return response.text()
    })
    await expect.poll(() => upstream.received.length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(status).toBeUndefined()
    expect(await advanceUntil(clock, answered, 500)).toBe('data: 0a🎉\n\ndata: 1b\n\n')
  })

  it('that throws for an event cuts the stream and is reported', async () => {
    const hook: Stage = async (_, next) =>
      mapEvents(await next(), () => {
        throw new Error('bad look')
      })
    upstream.answer = eventStream(['data: a\n\n'])
    for (const generate of [fetchUpstream, async () => eventsReply(['data: a\n\n'])]) {
      const { listen, failures } = createStages({ hooks: [hook], generate })
      const url = await listen()
      const reading = fetch(`${url}/any`, { method: 'POST', headers }).then((response) => response.text())
      await expect(reading).rejects.toThrow(/terminated|fetch failed/)
      expect(failures.map(String)).toEqual(['Error: bad look'])
    }
  })

  it('can set the due times of a stream', async () => {
    const clock = createVirtualClock()
    const { post } = createStages({
      clock,
      generate: async () => eventsReply(['data: 1\n\n', 'data: 2\n\n'], { dueMs: [100, 300] }),
    })
    const answered = post()
    await clock.advance(100)
    const reader = (await answered).body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toBe('data: 1\n\n')
    const second = reader.read()
    await clock.advance(200)
    expect((await second).value).toBe('data: 2\n\n')
  })

  it('answers JSON over a socket with its length in bytes', async () => {
    const { listen } = createStages({ generate: async () => jsonReply({ text: 'ü' }) })
    const response = await fetch(`${await listen()}/any`, { method: 'POST', headers })
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength('{"text":"ü"}')))
    expect(await response.json()).toEqual({ text: 'ü' })
  })
})
