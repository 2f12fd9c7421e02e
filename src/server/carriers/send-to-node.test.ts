import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createQuietTimer } from '../../../tests/support/quiet-timer.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import type { Exchange, Outcome } from '../../pipeline/exchange.ts'
import type { EventsBody } from '../../answer/body.ts'
import { HeaderList, type Reply } from '../../pipeline/reply.ts'
import { NodeSender } from './send-to-node.ts'
import { testExchange } from '../../../tests/support/test-exchange.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const clock = createSystemClock()

function openExchange(): Exchange {
  return testExchange({}, { clock })
}

/** Serves one reply over loopback, and returns its outcome. */
async function serveOnce(
  reply: Reply,
  failures: unknown[] = [],
): Promise<{ port: number; outcome: Promise<Outcome> }> {
  let resolveOutcome: (outcome: Outcome) => void
  const outcome = new Promise<Outcome>((resolve) => (resolveOutcome = resolve))
  const server = createServer((_: IncomingMessage, outgoing: ServerResponse) => {
    const exchange = openExchange()
    exchange.onEnd((ended) => resolveOutcome(ended))
    new NodeSender(exchange, outgoing, (error) => failures.push(error)).send(reply)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, outcome }
}

const eventsBody = (render: (index: number) => string, count: number): EventsBody => ({
  kind: 'events',
  count,
  stepOf: (index) => index,
  render,
})

describe('NodeSender', () => {
  it('keeps the order and case of headers, and sends the body length in bytes', async () => {
    const headers = new HeaderList(['Content-Length', '', 'X-Odd-Case', 'yes', 'a', '1', 'A', '2'])
    const { port, outcome } = await serveOnce({
      status: 200,
      reason: 'Fine',
      headers,
      body: { kind: 'whole', render: () => 'häuser' },
    })
    const answer = await get(port)
    expect(answer.statusMessage).toBe('Fine')
    expect(answer.rawHeaders).toEqual(
      expect.arrayContaining(['Content-Length', '7', 'X-Odd-Case', 'yes', 'a', '1', 'A', '2']),
    )
    expect(answer.rawHeaders.map((name) => name.toLowerCase())).not.toContain('connection')
    expect(await text(answer)).toBe('häuser')
    expect(await outcome).toMatchObject({ aborted: false })
  })

  it('sends a whole body when it is due', async () => {
    const { port } = await serveOnce({
      status: 200,
      headers: new HeaderList(),
      body: { kind: 'whole', render: () => 'x' },
      schedule: { stepsMs: new Float64Array(0), endMs: 40 },
    })
    const startMs = performance.now()
    await text(await get(port))
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(38)
  })

  it('does not render an event before it is due', async () => {
    const renderedMs: number[] = []
    const startMs = performance.now()
    const stepsMs = Float64Array.of(10, 30, 50)
    const body = eventsBody((index) => {
      renderedMs.push(performance.now() - startMs)
      return `${index}`
    }, 3)
    const { port } = await serveOnce({
      status: 200,
      headers: new HeaderList(['Transfer-Encoding', 'chunked']),
      body,
      schedule: { stepsMs, endMs: 50 },
    })
    expect(await text(await get(port))).toBe('012')
    // Late events are accepted: on a busy machine two can arrive together.
    expect(renderedMs.map((atMs, index) => atMs >= (stepsMs[index] ?? NaN))).toEqual([true, true, true])
  })

  it('stops rendering when the client disconnects', async () => {
    let rendered = 0
    const body = eventsBody(() => {
      rendered++
      return 'x'
    }, 1_000)
    const { port, outcome } = await serveOnce({
      status: 200,
      headers: new HeaderList(['Transfer-Encoding', 'chunked']),
      body,
      schedule: { stepsMs: Float64Array.from({ length: 1_000 }, (_, step) => step * 20), endMs: 20_000 },
    })
    const answer = await get(port)
    answer.once('data', () => answer.destroy())
    expect(await outcome).toMatchObject({ aborted: true })
    const renderedUntilThen = rendered
    expect(renderedUntilThen).toBeLessThan(1_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(rendered).toBe(renderedUntilThen)
  })

  it('stops rendering while the reader stalls', async () => {
    let rendered = 0
    const event = 'x'.repeat(64 * 1024)
    const body = eventsBody(() => {
      rendered++
      return event
    }, 10_000)
    const { port } = await serveOnce({
      status: 200,
      headers: new HeaderList(['Transfer-Encoding', 'chunked']),
      body,
      schedule: { stepsMs: Float64Array.from({ length: 10_000 }, (_, step) => step / 100), endMs: 100 },
    })
    const answer = await get(port)
    answer.pause()
    let seen = rendered
    await new Promise<void>((resolve) => {
      const quiet = createQuietTimer(200, resolve)
      const watch = setInterval(() => {
        if (rendered !== seen) quiet.restart()
        seen = rendered
      }, 10)
      closers.push(() => clearInterval(watch))
    })
    // All events are due by now.
    expect(rendered).toBeGreaterThan(0)
    expect(rendered).toBeLessThan(10_000)
    answer.destroy()
  })

  it('sends the head, the chunks and the end of a live body of one tick in one write', async () => {
    async function* chunks() {
      yield Buffer.from('first ')
      yield Buffer.from('häuser ')
      yield Buffer.from('last')
    }
    const { port } = await serveOnce({
      status: 200,
      headers: new HeaderList(),
      body: { kind: 'live', chunks: chunks() },
    })
    const received = await rawAnswers(port)
    expect(received).toHaveLength(1)
    expect(received[0]).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[^]*\r\nTransfer-Encoding: chunked\r\n\r\n12\r\nfirst häuser last\r\n0\r\n\r\n$/,
    )
  })

  it('sends the head of a live body before its first chunk arrives', async () => {
    let release = (): void => {}
    const arrived = new Promise<void>((resolve) => (release = resolve))
    async function* chunks() {
      await arrived
      yield Buffer.from('late')
    }
    const { port } = await serveOnce({
      status: 200,
      headers: new HeaderList(),
      body: { kind: 'live', chunks: chunks() },
    })
    const answer = await get(port)
    release()
    expect(await text(answer)).toBe('late')
  })

  it('keeps the order of small and large chunks of a live body', async () => {
    const parts = Array.from({ length: 200 }, (_, index) =>
      `${index},`.repeat(index % 3 === 0 ? 3_000 : index % 3 === 1 ? 1 : 800),
    )
    async function* chunks() {
      for (const [index, part] of parts.entries()) {
        if (index % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
        yield Buffer.from(part)
      }
    }
    const { port, outcome } = await serveOnce({
      status: 200,
      headers: new HeaderList(),
      body: { kind: 'live', chunks: chunks() },
    })
    expect(await text(await get(port))).toBe(parts.join(''))
    expect(await outcome).toMatchObject({ aborted: false })
  })

  it.each([10, 10_000])(
    'stops reading a live body with chunks of %i bytes while the client stalls',
    async (size) => {
      let read = 0
      async function* chunks() {
        for (; read < 64 * 1024 * 1024; read += size) yield Buffer.alloc(size, 'x')
      }
      const { port } = await serveOnce({
        status: 200,
        headers: new HeaderList(),
        body: { kind: 'live', chunks: chunks() },
      })
      const answer = await get(port)
      answer.pause()
      let seen = -1
      while (seen !== read) {
        seen = read
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(32 * 1024 * 1024)
      answer.destroy()
    },
  )

  it('sends what arrived before the failure of a live body', async () => {
    async function* chunks() {
      yield Buffer.from('part')
      throw new Error('broken')
    }
    const failures: unknown[] = []
    const body = { kind: 'live', chunks: chunks() } as const
    const { port } = await serveOnce({ status: 200, headers: new HeaderList(), body }, failures)
    const received = (await rawAnswers(port)).join('')
    expect(received.endsWith('\r\n4\r\npart\r\n')).toBe(true)
    expect(failures).toHaveLength(1)
  })

  it('cuts the connection and reports the failure when a body cannot be rendered', async () => {
    const failures: unknown[] = []
    const body = eventsBody((index) => {
      if (index === 1) throw new Error('broken')
      return 'x'
    }, 2)
    const schedule = { stepsMs: Float64Array.of(0, 10), endMs: 10 }
    const headers = new HeaderList(['Transfer-Encoding', 'chunked'])
    const { port, outcome } = await serveOnce({ status: 200, headers, body, schedule }, failures)
    await expect(get(port).then(text)).rejects.toThrow('aborted')
    expect(failures).toHaveLength(1)
    expect(await outcome).toMatchObject({ aborted: true })
  })
})

function get(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject).end()
  })
}

/** Sends a request, and returns what arrives until the answer or the connection ends, one text for each read. */
function rawAnswers(port: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const received: string[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    socket.on('data', (bytes) => {
      received.push(bytes.toString())
      if (bytes.toString().endsWith('\r\n0\r\n\r\n')) socket.destroy()
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

async function text(answer: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of answer) body += String(chunk)
  return body
}
