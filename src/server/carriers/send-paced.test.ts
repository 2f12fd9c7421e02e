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

/** Serves a paced stream of these events to every request, and tells the lateness of what it sent. */
async function serve(events: readonly string[], everyMs: number, told: string[] = []): Promise<number> {
  const clock = createSystemClock()
  const stepsMs = Float64Array.from(events, (_, index) => index * everyMs)
  const server = createServer((_: IncomingMessage, outgoing: ServerResponse) => {
    const exchange = testExchange({}, { clock })
    exchange.pacingWatch = { sent: (part) => told.push(part) }
    new NodeSender(exchange, outgoing, () => {}).send({
      status: 200,
      headers: new HeaderList(['Transfer-Encoding', 'chunked']),
      body: {
        kind: 'events',
        count: events.length,
        stepOf: (index) => index,
        render: (index) => events[index] ?? '',
      },
      schedule: { stepsMs, endMs: stepsMs.at(-1) ?? 0 },
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

/** All that comes over a connection that sends these bytes, until so many answers have ended. */
async function talk(port: number, bytes: string, answers = 1): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  closers.push(() => socket.destroy())
  const chunks: Buffer[] = []
  await new Promise<void>((resolve) => {
    let ends = 0
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      // A last chunk is written in one piece, and no event of these tests looks like one.
      ends += chunk.toString('latin1').split('0\r\n\r\n').length - 1
      if (ends === answers) resolve()
    })
  })
  return Buffer.concat(chunks).toString()
}

/** The chunks of a body, by their sizes: a wrong frame fails. */
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
  it('sends each event in a chunk of its own, sized in bytes', async () => {
    const events = ['one ', 'häuser ', '漢字 ', '🎈']
    const port = await serve(events, 40)
    const chunksOfAnswer = async (): Promise<string[]> => {
      const answer = await talk(port, get)
      return chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    }
    // On a machine that is too busy some come late, and then together with the next: not each time.
    await expect.poll(chunksOfAnswer).toEqual(events)
  })

  it('leaves the connection fit for the next request, and keeps the order of pipelined ones', async () => {
    const port = await serve(['a', 'b', 'c'], 10)
    const answers = (await talk(port, get + get + get, 3)).split('HTTP/1.1 200 OK').slice(1)
    const bodies = answers.map((answer) => chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4)).join(''))
    expect(bodies).toEqual(['abc', 'abc', 'abc'])
  })

  it('goes on where it was when a reader that stalled reads again', async () => {
    const event = 'x'.repeat(64 * 1024)
    const port = await serve(Array.from({ length: 200 }, () => event), 1) // prettier-ignore
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

  it('survives a client that stops sending and a client that leaves', async () => {
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

  it('writes tokens together that follow faster than a write takes, and tells of each', async () => {
    const told: string[] = []
    const events = Array.from({ length: 20_000 }, () => 'x')
    const answer = await talk(await serve(events, 0.002, told), get)
    expect(chunksOf(answer.slice(answer.indexOf('\r\n\r\n') + 4)).join('')).toHaveLength(20_000)
    expect([told.length, told[0], told[1]]).toEqual([20_000, 'first-token', 'token'])
  })
})
