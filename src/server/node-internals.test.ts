import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  pipelinedAnswer,
  chunkSocket,
  forgetHead,
  onlyChunk,
  readAgain,
  replaceEnd,
  resetNow,
  takeHead,
  takenBytes,
  tellClosed,
  tellDrained,
  upgradeOptions,
  withoutUpgrade,
  writeChunk,
  writePastNode,
} from './node-internals.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
const lastGet = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** Starts a server and gives its port. */
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

/** Sends text to a port, and gives all that comes until the connection ends. */
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

/** Answers as the simulator does, and ends the connection with the second request. */
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

// A case that fails on a new Node: look in its lib/_http_outgoing.js, lib/_http_server.js or lib/net.js for what has taken the place
// of what is used, and mend src/server/node-internals.ts. Its title tells what is lost until then. CI runs this on each major.
describe(`what src/server/node-internals.ts uses of Node ${process.versions.node}`, () => {
  it('is a head that others may make; else an answer costs a fifth more', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: 1\r\n\r\n'
    let took = false
    const received = await answerOf((outgoing) => {
      took = takeHead(outgoing, head)
      expect(outgoing.headersSent).toBe(true)
      writePastNode(outgoing, `${head}{}`)
    })
    expect(took).toBe(true)
    expect(received).toBe(`${head}{}`)
  })

  it('is such a head in front of a body of one chunk; else a short stream costs a fifth more', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const received = await answerOf((outgoing) => {
      takeHead(outgoing, head)
      writePastNode(outgoing, head + onlyChunk('0123456789abcdef'))
    })
    expect(received).toBe(`${head}10\r\n0123456789abcdef\r\n0\r\n\r\n`)
    expect(onlyChunk('')).toBe('0\r\n\r\n')
  })

  it('is that chunks with a frame made by others fit between its own; else a core carries a third fewer streams', async () => {
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

  it('is no chunk for a client of HTTP/1.0', async () => {
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

  it('is that a refused head can be written anew', async () => {
    const received = await answerOf((outgoing) => {
      expect(() => outgoing.writeHead(200, 'fine', ['Transfer-Encoding', 'chunked', 'x', 'a\nb'])).toThrow(
        'Invalid character',
      )
      forgetHead(outgoing)
      outgoing.writeHead(200, ['Content-Length', '2']).end('{}')
    })
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\n/)
    expect(received).toMatch(/\r\n\r\n\{\}$/)
  })

  it('is the number of bytes that a client has taken; else clients that take nothing are not cut', async () => {
    const taken: number[] = []
    const port = await serve((_, outgoing) => {
      const { socket } = outgoing
      if (!socket) return
      taken.push(takenBytes(socket))
      outgoing.end('x'.repeat(1_000), () => taken.push(takenBytes(socket)))
    })
    const { received } = await talk(port, lastGet)
    expect(taken).toEqual([0, received.length])
  })

  it('is the answer whose turn it is; else what is no request may be answered before those in front of it', async () => {
    const turns: unknown[] = []
    const port = await serve((incoming, outgoing) => {
      const { socket } = incoming
      turns.push(pipelinedAnswer(socket) === outgoing)
      outgoing.on('drain', () => turns.push('drain'))
      tellDrained(socket)
      outgoing.on('close', () => turns.push(pipelinedAnswer(socket)))
      outgoing.end()
    })
    await talk(port, `${get}${lastGet}`)
    expect(turns.slice(0, 2)).toEqual([true, 'drain'])
    expect(turns).toContain(undefined)
  })

  it('is that an answer that waits for its turn hears of the end; else its request runs on for nobody', async () => {
    const heard: string[] = []
    let requests = 0
    const closed = new Promise<void>((resolve) => {
      void serve((incoming, outgoing) => {
        if (requests++ === 0) return
        expect(outgoing.socket).toBeNull()
        outgoing.on('close', () => heard.push('close'))
        incoming.socket.once('close', () => {
          tellClosed(outgoing)
          resolve()
        })
        incoming.socket.destroy()
      }).then((port) => talk(port, get + get))
    })
    await closed
    // From Node 24 on it hears of it twice.
    expect(heard).toContain('close')
  })

  it('is what ends a connection behind its last answer; else clients that still send are reset before they have read it', async () => {
    const ends: string[] = []
    const port = await serve((incoming, outgoing) => {
      const { socket } = incoming
      replaceEnd(socket, () => {
        ends.push('ours')
        socket.end()
      })
      outgoing.shouldKeepAlive = false
      outgoing.end('last')
    })
    expect((await talk(port, get)).received).toMatch(/last/)
    expect(ends).toEqual(['ours'])
  })

  it('is a reset without an orderly end in front; else clients take that fault for an orderly end', async () => {
    const port = await serve((incoming) => resetNow(incoming.socket))
    const { end } = await talk(port, get)
    expect(end).toBe('reset')
  })

  it('is a connection that is read as HTTP again; else a wish to upgrade that is passed over ends it', async () => {
    const seen: IncomingMessage['headers'][] = []
    const port = await serve(
      (incoming, outgoing) => {
        seen.push(incoming.headers)
        outgoing.end(`answer ${seen.length}`)
      },
      (server) =>
        server.on('upgrade', (incoming, socket, head) => {
          readAgain(server, socket as Socket, withoutUpgrade(incoming, head))
        }),
    )
    const wish = 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'
    const { received } = await talk(port, wish + lastGet)
    expect(received).toMatch(/answer 1[\s\S]*answer 2/)
    expect(seen.map(({ upgrade }) => upgrade)).toEqual([undefined, undefined])
  })
})
