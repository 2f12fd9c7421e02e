import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { testPair } from '../../tests/support/certificates.ts'
import {
  currentAnswer,
  chunkSocket,
  readFromStream,
  resetHead,
  onlyChunk,
  reparse,
  overrideDestroySoon,
  resetNow,
  markHeadSent,
  sentBytes,
  emitClosed,
  emitDrain,
  upgradeOptions,
  withoutUpgrade,
  writeChunk,
  writeHeadAndChunk,
  writeRawAnswer,
} from './node-internals.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
const lastGet = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** Starts a server and returns its port. */
async function serve(
  listener: RequestListener,
  prepare: (server: Server) => void = () => {},
): Promise<number> {
  const server = createServer({ keepAliveTimeout: 5_000, ...upgradeOptions }, listener)
  prepare(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface Talk {
  readonly received: string
  readonly end: 'end' | 'reset'
}

/** Sends text to a port, and returns what it receives until the connection ends. */
function talk(port: number, text: string): Promise<Talk> {
  return new Promise((resolve) => {
    let received = ''
    const client = connect(port, '127.0.0.1', () => client.write(text))
    closers.push(() => client.destroy())
    client.setEncoding('latin1')
    client.on('data', (part: string) => (received += part))
    client.on('end', () => resolve({ received, end: 'end' }))
    client.on('error', () => resolve({ received, end: 'reset' }))
  })
}

/** Answers the first request with `answer`, ends the connection after the second, and returns the bytes of the first answer. */
async function answerOf(answer: (outgoing: ServerResponse) => void): Promise<string> {
  let answered = 0
  const port = await serve((_, outgoing) => {
    if (answered++ === 0) answer(outgoing)
    else outgoing.end('second')
  })
  const { received } = await talk(port, get + lastGet)
  expect(received).toMatch(/second/)
  return received.slice(0, received.lastIndexOf('HTTP/1.1 200'))
}

// If a test fails on a new Node: find the replacement in its lib/_http_outgoing.js, lib/_http_server.js or lib/net.js, and fix
// src/server/node-internals.ts. The title names what is lost until then. CI runs these tests on each major version.
describe(`src/server/node-internals.ts on Node ${process.versions.node}`, () => {
  it('markHeadSent accepts a prebuilt head (otherwise an answer costs a fifth more)', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: 1\r\n\r\n'
    let isMarked = false
    const received = await answerOf((outgoing) => {
      isMarked = markHeadSent(outgoing, head)
      expect(outgoing.headersSent).toBe(true)
      writeRawAnswer(outgoing, `${head}{}`)
    })
    expect(isMarked).toBe(true)
    expect(received).toBe(`${head}{}`)
  })

  it('onlyChunk follows a prebuilt head (otherwise a short stream costs a fifth more)', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const received = await answerOf((outgoing) => {
      markHeadSent(outgoing, head)
      writeRawAnswer(outgoing, head + onlyChunk('0123456789abcdef'))
    })
    expect(received).toBe(`${head}10\r\n0123456789abcdef\r\n0\r\n\r\n`)
    expect(onlyChunk('')).toBe('0\r\n\r\n')
  })

  it('writeChunk fits between chunks of Node (otherwise a core handles a third fewer streams)', async () => {
    let hadSocket = false
    const received = await answerOf((outgoing) => {
      outgoing.writeHead(200)
      outgoing.write('ab', () => {
        const socket = chunkSocket(outgoing)
        hadSocket = socket !== undefined
        if (socket) writeChunk(socket, 'größer', Buffer.byteLength('größer'), 'utf8')
        outgoing.end('c')
      })
    })
    expect(hadSocket).toBe(true)
    const text = Buffer.from(received, 'latin1').toString()
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe('2\r\nab\r\n8\r\ngrößer\r\n1\r\nc\r\n0\r\n\r\n')
  })

  it('writeHeadAndChunk writes head, chunks and end once (otherwise a forwarded stream costs two more writes)', async () => {
    const received = await answerOf((outgoing) => {
      outgoing.writeHead(200)
      const socket = chunkSocket(outgoing)
      if (!socket) throw new Error('The response has no socket.')
      writeHeadAndChunk(outgoing, socket, 'ab', false)
      writeHeadAndChunk(outgoing, socket, '', false)
      writeHeadAndChunk(outgoing, socket, '0123456789abcdef', true)
    })
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(received.slice(received.indexOf('\r\n\r\n') + 4)).toBe(
      '2\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n',
    )
  })

  it('chunkSocket returns undefined for HTTP/1.0', async () => {
    let socket: Socket | undefined
    const port = await serve((_, outgoing) => {
      outgoing.writeHead(200)
      outgoing.write('ab', () => {
        socket = chunkSocket(outgoing)
        outgoing.end()
      })
    })
    expect((await talk(port, 'GET / HTTP/1.0\r\n\r\n')).received).toMatch(/\r\n\r\nab$/)
    expect(socket).toBeUndefined()
  })

  it('resetHead allows to write another head after a rejected one', async () => {
    const received = await answerOf((outgoing) => {
      expect(() => outgoing.writeHead(200, 'fine', ['Transfer-Encoding', 'chunked', 'x', 'a\nb'])).toThrow(
        'Invalid character',
      )
      resetHead(outgoing)
      outgoing.writeHead(200, ['Content-Length', '2']).end('{}')
    })
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\n/)
    expect(received).toMatch(/\r\n\r\n\{\}$/)
  })

  it('sentBytes counts accepted bytes (otherwise clients that read nothing are not disconnected)', async () => {
    const taken: number[] = []
    const port = await serve((_, outgoing) => {
      const { socket } = outgoing
      if (!socket) return
      taken.push(sentBytes(socket))
      outgoing.end('x'.repeat(1_000), () => taken.push(sentBytes(socket)))
    })
    const { received } = await talk(port, lastGet)
    expect(taken).toEqual([0, received.length])
  })

  it('currentAnswer returns the response in progress (otherwise a malformed request can be answered before earlier requests)', async () => {
    const seen: unknown[] = []
    const port = await serve((incoming, outgoing) => {
      const { socket } = incoming
      seen.push(currentAnswer(socket) === outgoing)
      outgoing.on('drain', () => seen.push('drain'))
      emitDrain(socket)
      outgoing.on('close', () => seen.push(currentAnswer(socket)))
      outgoing.end()
    })
    await talk(port, `${get}${lastGet}`)
    expect(seen.slice(0, 2)).toEqual([true, 'drain'])
    expect(seen).toContain(undefined)
  })

  it('emitClosed closes a waiting pipelined response (otherwise its request continues after the client disconnected)', async () => {
    const events: string[] = []
    let requests = 0
    const closed = new Promise<void>((resolve) => {
      void serve((incoming, outgoing) => {
        if (requests++ === 0) return
        expect(outgoing.socket).toBeNull()
        outgoing.on('close', () => events.push('close'))
        incoming.socket.once('close', () => {
          emitClosed(outgoing)
          resolve()
        })
        incoming.socket.destroy()
      }).then((port) => talk(port, get + get))
    })
    await closed
    // From Node 24, the event is emitted twice.
    expect(events).toContain('close')
  })

  it('overrideDestroySoon replaces the end of a connection (otherwise clients that still send are reset before they read the answer)', async () => {
    const ends: string[] = []
    const port = await serve((incoming, outgoing) => {
      const { socket } = incoming
      overrideDestroySoon(socket, () => {
        ends.push('ours')
        socket.end()
      })
      outgoing.shouldKeepAlive = false
      outgoing.end('last')
    })
    expect((await talk(port, get)).received).toMatch(/last/)
    expect(ends).toEqual(['ours'])
  })

  it('resetNow sends no FIN before the reset (otherwise clients treat that fault as an orderly end)', async () => {
    const port = await serve((incoming) => resetNow(incoming.socket))
    const { end } = await talk(port, get)
    expect(end).toBe('reset')
  })

  it('reparse returns a connection to the HTTP server (otherwise an ignored upgrade request ends it)', async () => {
    const seen: IncomingMessage['headers'][] = []
    const port = await serve(
      (incoming, outgoing) => {
        seen.push(incoming.headers)
        outgoing.end(`answer ${seen.length}`)
      },
      (server) =>
        server.on('upgrade', (incoming, socket, head) => {
          reparse(server, socket as Socket, withoutUpgrade(incoming, head))
        }),
    )
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'
    const { received } = await talk(port, upgrade + lastGet)
    expect(received).toMatch(/answer 1[\s\S]*answer 2/)
    expect(seen.map(({ upgrade }) => upgrade)).toEqual([undefined, undefined])
  })

  it('readFromStream lets a TLS connection pause (otherwise a client that pipelines many requests gets 400)', async () => {
    const { cert, key } = await testPair()
    const errors: unknown[] = []
    const server = createTlsServer({ cert, key }, (_, outgoing) => void outgoing.end('x'.repeat(100)))
    server.on('secureConnection', (socket) => readFromStream(socket))
    server.on('clientError', (error) => errors.push(error))
    const { received } = await talkTls(server, get.repeat(1_500) + lastGet)
    expect(errors).toEqual([])
    expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(1_501)
  })

  it('sentBytes counts what a TLS client has read (otherwise slow clients are disconnected)', async () => {
    const { cert, key } = await testPair()
    const counts: number[] = []
    const server = createTlsServer({ cert, key }, ({ socket }, outgoing) => {
      outgoing.end('x'.repeat(20_000_000))
      counts.push(sentBytes(socket))
      outgoing.on('finish', () => counts.push(sentBytes(socket)))
    })
    await talkTls(server, lastGet)
    const [first = NaN, last = NaN] = counts
    expect(first).toBeLessThan(20_000_000)
    expect(last).toBeGreaterThanOrEqual(20_000_000)
  })

  it('resetNow resets a TLS connection (otherwise the connection stays open)', async () => {
    const { cert, key } = await testPair()
    const server = createTlsServer({ cert, key }, ({ socket }, outgoing) => {
      outgoing.write('started', () => setTimeout(() => resetNow(socket), 20))
    })
    expect((await talkTls(server, get)).end).toBe('reset')
  })

  it('reparse returns a TLS connection to the server (otherwise a second handshake fails)', async () => {
    const { cert, key } = await testPair()
    const server = createTlsServer({ cert, key }, (_, outgoing) => void outgoing.end('answer'))
    server.on('upgrade', (incoming, socket, head) => {
      reparse(server, socket as Socket, withoutUpgrade(incoming, head))
    })
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'
    expect((await talkTls(server, upgrade + lastGet)).received).toMatch(/answer[^]*answer/)
  })
})

/** Sends text to a TLS server, and returns what it receives until the connection ends. */
async function talkTls(server: TlsServer, text: string): Promise<Talk> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return new Promise((resolve) => {
    let received = ''
    const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
      client.write(text),
    )
    closers.push(() => client.destroy())
    client.setEncoding('latin1')
    client.on('data', (part: string) => (received += part))
    client.on('end', () => resolve({ received, end: 'end' }))
    client.on('error', () => resolve({ received, end: 'reset' }))
  })
}
