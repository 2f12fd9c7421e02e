import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createQuietTimer, type QuietTimer } from '../../../tests/support/quiet-timer.ts'
import { HeaderList, type Reply } from '../../pipeline/reply.ts'
import { sendAtOnce, sendStreamAtOnce } from './parts.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Case {
  readonly status?: number
  readonly reason?: string
  readonly raw?: readonly string[]
  readonly content?: string
}

const date = ['Date', 'Thu, 01 Jan 2026 00:00:00 GMT']
const whole = ['Content-Length', '', 'Content-Type', 'application/json', ...date]
const chunks = ['Content-Type', 'text/event-stream', ...date, 'Transfer-Encoding', 'chunked']

function replyOf({ status = 200, reason, raw = whole, content = '{}' }: Case): Reply {
  const headers = new HeaderList([...raw])
  headers.setContentLength(Buffer.byteLength(content))
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers,
    body: { kind: 'whole', render: () => content },
  }
}

type Way = (outgoing: ServerResponse, reply: Reply, content: string) => boolean

/** What Node itself makes of a reply. */
const nodesWay: Way = (outgoing, { status, reason, headers }, content) => {
  outgoing.removeHeader('connection')
  if (reason === undefined) outgoing.writeHead(status, headers.raw)
  else outgoing.writeHead(status, reason, headers.raw)
  outgoing.end(content, Buffer.byteLength(content) === content.length ? 'latin1' : 'utf8')
  return true
}

interface Served {
  readonly port: number
  /** Whether the answer was sent at once, request by request. */
  readonly took: boolean[]
  readonly ends: string[]
}

/** Serves one reply to every request: in the given way, and where that declines, in Node's. */
async function serve(
  one: Case,
  way: Way,
  beforeSending?: (outgoing: ServerResponse) => Promise<unknown>,
): Promise<Served> {
  const took: boolean[] = []
  const ends: string[] = []
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    outgoing.once('finish', () => ends.push('finish')).once('close', () => ends.push('close'))
    incoming.resume()
    await beforeSending?.(outgoing)
    const taken = way(outgoing, replyOf(one), one.content ?? '{}')
    took.push(taken)
    if (!taken) nodesWay(outgoing, replyOf(one), one.content ?? '{}')
  }
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, took, ends }
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

interface Talk {
  readonly text: string
  readonly end: 'closed' | 'open'
}

/** All that comes over a connection that sends these bytes, until its end or until nothing more comes for a while. */
function talk(port: number, bytes: string, onOpen: (socket: Socket) => void = () => {}): Promise<Talk> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes)
      onOpen(socket)
    })
    closers.push(() => socket.destroy())
    let text = ''
    let quiet: QuietTimer | undefined
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      text += data
      quiet ??= createQuietTimer(100, () => resolve({ text, end: 'open' }))
      quiet.restart()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      quiet?.stop()
      resolve({ text, end: 'closed' })
    })
  })
}

/** What a client sees in both ways, and how often the answer was sent at once. */
async function compare(
  one: Case,
  bytes = get,
  way: Way = sendAtOnce,
): Promise<{ readonly talk: Talk; readonly took: readonly boolean[] }> {
  const atOnce = await serve(one, way)
  const byNode = await serve(one, nodesWay)
  const [talked, wanted] = await Promise.all([talk(atOnce.port, bytes), talk(byNode.port, bytes)])
  expect(talked).toEqual(wanted)
  return { talk: talked, took: atOnce.took }
}

describe('an answer that is sent at once', () => {
  it.each<[string, Case]>([
    ['a body', {}],
    ['an empty body', { content: '' }],
    ['a phrase of its own', { status: 401, reason: 'PermissionDenied' }],
    ['an empty phrase', { reason: '' }],
    ['a status without a known phrase', { status: 299, reason: 'Odd' }],
    ['names in odd cases, and twice', { raw: [...whole, 'X-a', '1', 'x-A', '2', 'x-a', ''] }],
    ['a length that was wrong', { raw: ['Content-Length', '7', ...date] }],
    ['no place for the length', { raw: date }],
    ['values in latin1', { raw: [...whole, 'x-name', 'h\u00e4user\t\u00ff'] }],
    ['a body in chunks', { status: 404, raw: [...date, 'Transfer-Encoding', 'chunked'], content: '{"a":1}' }],
    ['an empty body in chunks', { raw: chunks, content: '' }],
    ['a length and chunks', { raw: [...whole, 'Transfer-Encoding', 'chunked'] }],
    ['64 KB', { content: 'x'.repeat(64 * 1024) }],
  ])('has the bytes of Node itself: %s', async (_, one) => {
    expect((await compare(one)).took).toEqual([true])
  })

  it.each<[string, Case]>([
    ['more than 64 KB', { content: 'x'.repeat(64 * 1024 + 1) }],
    ['very much', { content: 'x'.repeat(8 * 1024 * 1024) }],
    ['a status without a body', { status: 204, content: '' }],
    ['not modified', { status: 304, content: '' }],
    ['a status whose phrase is Node’s', { status: 418 }],
    ['a Connection header', { raw: [...whole, 'connection', 'close'] }],
    ['a Keep-Alive header', { raw: [...whole, 'Keep-Alive', 'timeout=1'] }],
    ['another case of chunks', { raw: [...date, 'transfer-encoding', 'chunked'] }],
    ['another coding', { raw: [...date, 'Transfer-Encoding', 'identity'] }],
  ])('is left to Node: %s', async (_, one) => {
    expect((await compare(one)).took).toEqual([false])
  })

  it.each([
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n', 'open'],
    ['Connection: close', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'closed'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'closed'],
    ['HTTP/1.0 that stays', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 'open'],
  ])('is left to Node for a request with %s', async (_, bytes, end) => {
    const { talk: talked, took } = await compare({}, bytes)
    expect(took).toEqual([false])
    expect(talked.end).toBe(end)
  })

  it('refuses what would be two headers, or two answers', async () => {
    const sent: boolean[] = []
    const proper = [...Array.from({ length: 9 }, (_, index) => ['x-a', `${index}`]), ['x-b', '1']]
    const improper = [
      ['x-a', '1\r\nx-b: 2'],
      ['x-a: 1\r\nx-b', '2'],
      ['x a', '1'],
      ['', '1'],
      ['x-a', '\u0100'],
    ]
    // Those that are refused have to be so among others whose values differ as well.
    for (const raw of [...proper, ...improper]) {
      const { port } = await serve({}, (outgoing) => {
        sent.push(sendAtOnce(outgoing, replyOf({ raw: [...whole, ...raw] }), '{}'))
        outgoing.destroy()
        return true
      })
      expect((await talk(port, get)).text).toBe('')
    }
    expect(sent).toEqual([...proper.map(() => true), ...improper.map(() => false)])
    const { took } = await serve({ reason: 'OK\r\nx: y' }, () => true)
    expect(took).toEqual([])
  })

  it('has the headers of its own reply, whatever those before it had', async () => {
    const odd = Array.from({ length: 40 }, (_, index) => [
      index % 7 === 0 ? 'x-other' : 'x-name',
      index % 3 === 0 ? 'same' : `value ${index}`,
    ])
    for (const [index, raw] of odd.entries()) {
      const one: Case = { raw: [...whole, ...raw], ...(index % 5 === 0 && { status: 429 }) }
      expect((await compare(one)).took).toEqual([true])
    }
  })

  it('goes out together with those of other connections that are ready at the same time', async () => {
    const waiting: ServerResponse[] = []
    const written: number[] = []
    const { port } = await serve({}, (outgoing) => {
      waiting.push(outgoing)
      if (waiting.length < 3) return true
      for (const [index, one] of waiting.entries()) {
        expect(sendAtOnce(one, replyOf({ content: `{"n":${index}}` }), `{"n":${index}}`)).toBe(true)
        written.push(one.socket?.bytesWritten ?? 0)
      }
      return true
    })
    const talks = await Promise.all([talk(port, get), talk(port, get), talk(port, get)])
    expect(written).toEqual([0, 0, 0])
    expect(talks.map(({ text }) => text.slice(-7)).toSorted()).toEqual(['{"n":0}', '{"n":1}', '{"n":2}'])
  })

  it('is dropped for a client that leaves before it is written', async () => {
    const { port, ends } = await serve({}, (outgoing) => {
      const sent = sendAtOnce(outgoing, replyOf({}), '{}')
      outgoing.socket?.destroy()
      return sent
    })
    expect((await talk(port, get)).text).toBe('')
    await expect.poll(() => ends).toEqual(['close'])
  })

  it('keeps the order of pipelined requests, of which only the first can be sent at once', async () => {
    const { talk: talked, took } = await compare({ content: '{"n":1}' }, get.repeat(1_000))
    expect(talked.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1_000)
    expect(took.filter((taken) => taken)).toHaveLength(1)
  })

  it('leaves the connection fit for the next request', async () => {
    const { port, took } = await serve({}, sendAtOnce)
    const { text } = await talk(port, get, (socket) => {
      socket.once('data', () =>
        socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${get}`),
      )
    })
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(took.slice(0, 2)).toEqual([true, true])
  })

  it('ends once and throws nothing for a client that stops sending, or is gone', async () => {
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      let client: Socket | undefined
      const { port, ends, took } = await serve({}, sendAtOnce, (outgoing) => {
        if (client) leave(client)
        return new Promise((resolve) =>
          outgoing.socket?.once('close', resolve).once('end', () => setTimeout(resolve, 5)),
        )
      })
      await talk(port, get, (socket) => (client = socket))
      await expect.poll(() => ends.filter((end) => end === 'close')).toEqual(['close'])
      expect(took).not.toContain(true)
    }
  })

  it('does not pile up for a client that sends requests and reads no answers', async () => {
    const content = 'x'.repeat(60 * 1024)
    const { port, took } = await serve({ content }, sendAtOnce)
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    socket.pause()
    for (let sent = 0; sent < 400; sent++) {
      socket.write(get)
      if (sent % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect.poll(() => took.includes(false)).toBe(true)
    expect(took.length).toBeLessThan(400)
  })
})

describe('a stream that is sent at once', () => {
  const events = 'data: {"a":1}\n\ndata: [DONE]\n\n'

  it('has the bytes of Node itself', async () => {
    expect((await compare({ raw: chunks, content: events }, get, sendStreamAtOnce)).took).toEqual([true])
    expect((await compare({ raw: chunks, content: '' }, get, sendStreamAtOnce)).took).toEqual([true])
  })

  it('is left to Node where it is not ASCII, not in chunks, or for a client that knows no chunks', async () => {
    const odd = { raw: chunks, content: 'data: "h\u00e4user"\n\n' }
    expect((await compare(odd, get, sendStreamAtOnce)).took).toEqual([false])
    expect((await compare({ raw: date, content: events }, get, sendStreamAtOnce)).took).toEqual([false])
    const old = 'GET / HTTP/1.0\r\n\r\n'
    expect((await compare({ raw: chunks, content: events }, old, sendStreamAtOnce)).took).toEqual([false])
  })
})
