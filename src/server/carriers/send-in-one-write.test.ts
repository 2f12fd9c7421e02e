import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createQuietTimer, type QuietTimer } from '../../../tests/support/quiet-timer.ts'
import { HeaderList, type Reply } from '../../pipeline/reply.ts'
import { sendInOneWrite, sendStreamInOneWrite } from './parts.ts'

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

type Send = (outgoing: ServerResponse, reply: Reply, content: string) => boolean

/** Sends a reply with the documented API of Node. */
const sendByNode: Send = (outgoing, { status, reason, headers }, content) => {
  outgoing.removeHeader('connection')
  if (reason === undefined) outgoing.writeHead(status, headers.raw)
  else outgoing.writeHead(status, reason, headers.raw)
  outgoing.end(content, Buffer.byteLength(content) === content.length ? 'latin1' : 'utf8')
  return true
}

interface Served {
  readonly port: number
  /** Whether the answer was sent in one write, for each request. */
  readonly oneWrite: boolean[]
  readonly ends: string[]
}

/** Serves one reply to every request with `send`, or by Node if `send` returns false. */
async function serve(
  one: Case,
  send: Send,
  beforeSending?: (outgoing: ServerResponse) => Promise<unknown>,
): Promise<Served> {
  const oneWrite: boolean[] = []
  const ends: string[] = []
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    outgoing.once('finish', () => ends.push('finish')).once('close', () => ends.push('close'))
    incoming.resume()
    await beforeSending?.(outgoing)
    const isSent = send(outgoing, replyOf(one), one.content ?? '{}')
    oneWrite.push(isSent)
    if (!isSent) sendByNode(outgoing, replyOf(one), one.content ?? '{}')
  }
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, oneWrite, ends }
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

interface Talk {
  readonly text: string
  readonly end: 'closed' | 'open'
}

/** Sends bytes over a new connection and collects what it receives until the connection ends or is quiet. */
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

/** Checks that a client receives the same bytes from `send` and from Node. */
async function compare(
  one: Case,
  bytes = get,
  send: Send = sendInOneWrite,
): Promise<{ readonly talk: Talk; readonly oneWrite: readonly boolean[] }> {
  const inOneWrite = await serve(one, send)
  const byNode = await serve(one, sendByNode)
  const [talked, expected] = await Promise.all([talk(inOneWrite.port, bytes), talk(byNode.port, bytes)])
  expect(talked).toEqual(expected)
  return { talk: talked, oneWrite: inOneWrite.oneWrite }
}

describe('an answer that is sent in one write', () => {
  it.each<[string, Case]>([
    ['a body', {}],
    ['an empty body', { content: '' }],
    ['a custom reason phrase', { status: 401, reason: 'PermissionDenied' }],
    ['an empty reason phrase', { reason: '' }],
    ['a status without a known reason phrase', { status: 299, reason: 'Odd' }],
    ['names in unusual case, and repeated', { raw: [...whole, 'X-a', '1', 'x-A', '2', 'x-a', ''] }],
    ['a wrong length', { raw: ['Content-Length', '7', ...date] }],
    ['no Content-Length header', { raw: date }],
    ['values in latin1', { raw: [...whole, 'x-name', 'h\u00e4user\t\u00ff'] }],
    ['a body in chunks', { status: 404, raw: [...date, 'Transfer-Encoding', 'chunked'], content: '{"a":1}' }],
    ['an empty body in chunks', { raw: chunks, content: '' }],
    ['a length and chunks', { raw: [...whole, 'Transfer-Encoding', 'chunked'] }],
    ['64 KB', { content: 'x'.repeat(64 * 1024) }],
  ])('has the same bytes as from Node: %s', async (_, one) => {
    expect((await compare(one)).oneWrite).toEqual([true])
  })

  it.each<[string, Case]>([
    ['more than 64 KB', { content: 'x'.repeat(64 * 1024 + 1) }],
    ['8 MB', { content: 'x'.repeat(8 * 1024 * 1024) }],
    ['a status without a body', { status: 204, content: '' }],
    ['not modified', { status: 304, content: '' }],
    ['a status with a reason phrase that only Node knows', { status: 418 }],
    ['a Connection header', { raw: [...whole, 'connection', 'close'] }],
    ['a Keep-Alive header', { raw: [...whole, 'Keep-Alive', 'timeout=1'] }],
    ['Transfer-Encoding in lower case', { raw: [...date, 'transfer-encoding', 'chunked'] }],
    ['another transfer coding', { raw: [...date, 'Transfer-Encoding', 'identity'] }],
  ])('is sent by Node: %s', async (_, one) => {
    expect((await compare(one)).oneWrite).toEqual([false])
  })

  it.each([
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n', 'open'],
    ['Connection: close', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'closed'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'closed'],
    ['HTTP/1.0 and keep-alive', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 'open'],
  ])('is sent by Node for a request with %s', async (_, bytes, end) => {
    const { talk: talked, oneWrite } = await compare({}, bytes)
    expect(oneWrite).toEqual([false])
    expect(talked.end).toBe(end)
  })

  it('rejects values that would split a header or an answer', async () => {
    const sent: boolean[] = []
    const valid = [...Array.from({ length: 9 }, (_, index) => ['x-a', `${index}`]), ['x-b', '1']]
    const invalid = [
      ['x-a', '1\r\nx-b: 2'],
      ['x-a: 1\r\nx-b', '2'],
      ['x a', '1'],
      ['', '1'],
      ['x-a', '\u0100'],
    ]
    // Invalid values must also be rejected when a template for other values exists.
    for (const raw of [...valid, ...invalid]) {
      const { port } = await serve({}, (outgoing) => {
        sent.push(sendInOneWrite(outgoing, replyOf({ raw: [...whole, ...raw] }), '{}'))
        outgoing.destroy()
        return true
      })
      expect((await talk(port, get)).text).toBe('')
    }
    expect(sent).toEqual([...valid.map(() => true), ...invalid.map(() => false)])
    const { port } = await serve({ reason: 'OK\r\nx: y' }, (outgoing, reply, content) => {
      sent.push(sendInOneWrite(outgoing, reply, content))
      outgoing.destroy()
      return true
    })
    await talk(port, get)
    expect(sent.at(-1)).toBe(false)
  })

  it('has the headers of its reply, regardless of earlier replies', async () => {
    const odd = Array.from({ length: 40 }, (_, index) => [
      index % 7 === 0 ? 'x-other' : 'x-name',
      index % 3 === 0 ? 'same' : `value ${index}`,
    ])
    for (const [index, raw] of odd.entries()) {
      const one: Case = { raw: [...whole, ...raw], ...(index % 5 === 0 && { status: 429 }) }
      expect((await compare(one)).oneWrite).toEqual([true])
    }
  })

  it('is written together with ready answers of other connections', async () => {
    const waiting: ServerResponse[] = []
    const written: number[] = []
    const { port } = await serve({}, (outgoing) => {
      waiting.push(outgoing)
      if (waiting.length < 3) return true
      for (const [index, one] of waiting.entries()) {
        expect(sendInOneWrite(one, replyOf({ content: `{"n":${index}}` }), `{"n":${index}}`)).toBe(true)
        written.push(one.socket?.bytesWritten ?? 0)
      }
      return true
    })
    const talks = await Promise.all([talk(port, get), talk(port, get), talk(port, get)])
    expect(written).toEqual([0, 0, 0])
    expect(talks.map(({ text }) => text.slice(-7)).toSorted()).toEqual(['{"n":0}', '{"n":1}', '{"n":2}'])
  })

  it('is dropped if the client disconnects before it is written', async () => {
    const { port, ends } = await serve({}, (outgoing) => {
      const sent = sendInOneWrite(outgoing, replyOf({}), '{}')
      outgoing.socket?.destroy()
      return sent
    })
    expect((await talk(port, get)).text).toBe('')
    await expect.poll(() => ends).toEqual(['close'])
  })

  it('keeps the order of pipelined requests, where only the first can be sent in one write', async () => {
    const { talk: talked, oneWrite } = await compare({ content: '{"n":1}' }, get.repeat(1_000))
    expect(talked.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1_000)
    expect(oneWrite.filter((isSent) => isSent)).toHaveLength(1)
  })

  it('leaves the connection usable for the next request', async () => {
    const { port, oneWrite } = await serve({}, sendInOneWrite)
    const { text } = await talk(port, get, (socket) => {
      socket.once('data', () =>
        socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${get}`),
      )
    })
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect(oneWrite.slice(0, 2)).toEqual([true, true])
  })

  it('ends once and throws nothing for a client that stops sending or disconnects', async () => {
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      let client: Socket | undefined
      const { port, ends, oneWrite } = await serve({}, sendInOneWrite, (outgoing) => {
        if (client) leave(client)
        return new Promise((resolve) =>
          outgoing.socket?.once('close', resolve).once('end', () => setTimeout(resolve, 5)),
        )
      })
      await talk(port, get, (socket) => (client = socket))
      await expect.poll(() => ends.filter((end) => end === 'close')).toEqual(['close'])
      expect(oneWrite).not.toContain(true)
    }
  })

  it('is not buffered without limit for a client that sends requests and reads no answers', async () => {
    const content = 'x'.repeat(60 * 1024)
    const { port, oneWrite } = await serve({ content }, sendInOneWrite)
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    socket.pause()
    for (let sent = 0; sent < 400; sent++) {
      socket.write(get)
      if (sent % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect.poll(() => oneWrite.includes(false)).toBe(true)
    expect(oneWrite.length).toBeLessThan(400)
  })
})

describe('a stream that is sent in one write', () => {
  const events = 'data: {"a":1}\n\ndata: [DONE]\n\n'

  it('has the same bytes as from Node', async () => {
    expect((await compare({ raw: chunks, content: events }, get, sendStreamInOneWrite)).oneWrite).toEqual([
      true,
    ])
    expect((await compare({ raw: chunks, content: '' }, get, sendStreamInOneWrite)).oneWrite).toEqual([true])
  })

  it('is sent by Node if it is not ASCII, not chunked, or the client does not support chunks', async () => {
    const odd = { raw: chunks, content: 'data: "h\u00e4user"\n\n' }
    expect((await compare(odd, get, sendStreamInOneWrite)).oneWrite).toEqual([false])
    expect((await compare({ raw: date, content: events }, get, sendStreamInOneWrite)).oneWrite).toEqual([
      false,
    ])
    const old = 'GET / HTTP/1.0\r\n\r\n'
    expect((await compare({ raw: chunks, content: events }, old, sendStreamInOneWrite)).oneWrite).toEqual([
      false,
    ])
  })
})
