import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createSystemClock } from '../../lib/system-clock.ts'
import { HeaderList } from '../../pipeline/reply.ts'
import { NodeSender } from './send-to-node.ts'
import { testExchange } from '../../../tests/support/test-exchange.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Serves a paced stream of these events to every request, and collects the reported parts. */
async function serve(
  events: readonly string[],
  everyMs: number,
  reported: string[] = [],
  firstMs = 0,
): Promise<number> {
  const clock = createSystemClock()
  const stepsMs = Float64Array.from(events, (_, index) => firstMs + index * everyMs)
  const server = createServer((_: IncomingMessage, outgoing: ServerResponse) => {
    const exchange = testExchange({}, { clock })
    exchange.pacingWatch = { sent: (part) => reported.push(part) }
    new NodeSender(exchange, outgoing, () => {}).send({
      status: 200,
      headers: new HeaderList(['Transfer-Encoding', 'chunked']),
      body: {
        kind: 'events',
        count: events.length,
        stepOf: (index) => index,
        render: (index) => events[index] ?? '',
      },
      schedule: { stepsMs, endMs: stepsMs.at(-1) ?? 0, ...(firstMs > 0 && { headMs: 0 }) },
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

/** Sends bytes over a new connection and returns what it receives until `answers` answers have ended. */
async function talk(port: number, bytes: string, answers = 1): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  closers.push(() => socket.destroy())
  const chunks: Buffer[] = []
  await new Promise<void>((resolve) => {
    let ends = 0
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // The last chunk arrives in one piece, and no event of these tests contains it.
      ends += chunk.toString('latin1').split('0\r\n\r\n').length - 1
      if (ends === answers) resolve()
    })
  })
  return Buffer.concat(chunks).toString()
}

/** Parses the chunks of a body, and fails on an invalid frame. */
function chunksOf(body: string): string[] {
  const bytes = Buffer.from(body)
  const chunks: string[] = []
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    at = lineEnd + 2 + size
    expect(bytes.toString('latin1', at, at + 2)).toBe('\r\n')
    if (size === 0) return chunks
    chunks.push(bytes.toString('utf8', lineEnd + 2, at))
    at += 2
  }
}

describe('a paced stream on a socket', () => {
  it('sends its headers before its first event if they are due earlier', async () => {
    const reported: string[] = []
    const port = await serve(['one ', 'two '], 20, reported, 300)
    const arrivals: string[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(get))
    closers.push(() => socket.destroy())
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        arrivals.push(chunk.toString('latin1'))
        if (arrivals.at(-1)?.includes('0\r\n\r\n') === true) resolve()
      })
    })
    expect(arrivals[0]).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/)
    expect(chunksOf(arrivals.slice(1).join('')).join('')).toBe('one two ')
    expect(reported).toEqual(['first-token', 'token'])
  })

  it('sends each event in a separate chunk, with its size in bytes', async () => {
    const events = ['one ', 'häuser ', '漢字 ', '🎈']
    const port = await serve(events, 40)
    const chunksOfAnswer = async (): Promise<string[]> => {
      const answer = await talk(port, get)
      return chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    }
    // On a busy machine an event can be late and arrive with the next one, so try again.
    await expect.poll(chunksOfAnswer).toEqual(events)
  })

  it('leaves the connection usable for the next request, and keeps the order of pipelined requests', async () => {
    const port = await serve(['a', 'b', 'c'], 10)
    const answers = (await talk(port, get + get + get, 3)).split('HTTP/1.1 200 OK').slice(1)
    const bodies = answers.map((answer) => chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4)).join(''))
    expect(bodies).toEqual(['abc', 'abc', 'abc'])
  })

  it('continues when a stalled reader reads again', async () => {
    const event = 'x'.repeat(64 * 1024)
    const port = await serve(Array.from({ length: 200 }, () => event), 1) // oxfmt-ignore
    const socket = connect(port, '127.0.0.1', () => socket.write(get))
    closers.push(() => socket.destroy())
    socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    let received = 0
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.length
        if (chunk.toString('latin1').endsWith('0\r\n\r\n')) resolve()
      })
      socket.resume()
    })
    expect(received).toBeGreaterThan(200 * event.length)
  })

  it('handles a client that stops sending and a client that disconnects', async () => {
    const events = Array.from({ length: 50 }, () => 'x')
    const port = await serve(events, 5)
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(get))
      socket.once('data', () => socket.resetAndDestroy())
      socket.once('close', () => resolve())
    })
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(get))
      socket.resume().once('close', () => resolve())
    })
    expect(await talk(port, get)).toContain('200 OK')
  })

  it('writes tokens together that are due faster than a write takes, and reports each', async () => {
    const reported: string[] = []
    const events = Array.from({ length: 20_000 }, () => 'x')
    const answer = await talk(await serve(events, 0.002, reported), get)
    expect(chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4)).join('')).toHaveLength(20_000)
    expect([reported.length, reported[0], reported[1]]).toEqual([20_000, 'first-token', 'token'])
  })
})
