import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { needs, runTool } from '../../tests/support/installed-tool.ts'
import { refusingUrl } from '../../tests/support/refusing-url.ts'
import { openPool, type ConnectionEvents, type LoadConnection } from './connection-pool.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

interface ServerBehaviour {
  readonly connections?: number
  /** Called for each socket, the first one with 1. */
  readonly onSocket?: (socket: Socket, number: number) => void
  /** Called for each request, with the number of its socket. */
  readonly onRequest?: (socket: Socket, number: number) => void
}

/** Opens a pool to a TCP server and waits until it is ready. */
async function openTo({ connections = 1, onSocket, onRequest }: ServerBehaviour) {
  const sockets = new Set<Socket>()
  const seen = { sockets: 0, maxSockets: 0 }
  const server = createServer((socket) => {
    const number = ++seen.sockets
    sockets.add(socket)
    seen.maxSockets = Math.max(seen.maxSockets, sockets.size)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', () => onRequest?.(socket, number))
    onSocket?.(socket, number)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  closers.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { seen, ...watchPool(`http://127.0.0.1:${port}/path`, connections) }
}

/** Opens a pool and logs its events. */
function watchPool(address: string, connections: number) {
  const log: string[] = []
  const waiting: { isTrue: () => boolean; resolve: () => void }[] = []
  const note = (line: string): void => {
    log.push(line)
    for (const { isTrue, resolve } of waiting) if (isTrue()) resolve()
  }
  const ready = new Set<LoadConnection>()
  const events: ConnectionEvents = {
    onReady: (connection) => {
      ready.add(connection)
      note('ready')
    },
    onHead: (_connection, status) => note(`head ${status}`),
    onBody: (_connection, chunk) => note(`body ${chunk.toString()}`),
    onEnd: () => note('end'),
    onClosed: (connection) => {
      ready.delete(connection)
      note('closed')
    },
    onBroken: (_connection, reason) => note(`broken ${reason}`),
    onUnreachable: (reason) => note(`unreachable ${reason}`),
  }
  const pool = openPool({ address: new URL(address), headers: { 'api-key': 'secret' }, connections, events })
  closers.push(() => pool.close())
  return {
    log,
    pool,
    count: (line: string): number => log.filter((logged) => logged === line).length,
    until: (isTrue: () => boolean): Promise<void> =>
      isTrue() ? Promise.resolve() : new Promise((resolve) => waiting.push({ isTrue, resolve })),
    send: (): void => {
      const [connection] = ready
      if (!connection) throw new Error('No connection is ready.')
      ready.delete(connection)
      connection.send('{}')
    },
  }
}

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('connection pool', () => {
  it('opens its connections before the first request and sends all requests on them', async () => {
    const { seen, count, until, send } = await openTo({
      connections: 3,
      onRequest: (socket) => socket.write(answer),
    })
    await until(() => count('ready') === 3)
    for (let round = 1; round <= 50; round++) {
      for (let request = 0; request < 3; request++) send()
      await until(() => count('ready') === 3 * (round + 1))
    }
    expect(seen).toEqual({ sockets: 3, maxSockets: 3 })
    expect([count('head 200'), count('body ok'), count('end'), count('closed')]).toEqual([150, 150, 150, 0])
  })

  it.each([
    ['that ends with its connection', 'HTTP/1.1 200 OK\r\n\r\nok', true],
    [
      'with "connection: close"',
      'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok',
      false,
    ],
  ])('counts an answer %s as complete and opens a new socket', async (_title, bytes, ends) => {
    const { seen, log, count, until, send } = await openTo({
      onRequest: (socket) => (ends ? socket.end(bytes) : socket.write(bytes)),
    })
    await until(() => count('ready') === 1)
    send()
    await until(() => count('ready') === 2)
    expect(log).toEqual(['ready', 'head 200', 'body ok', 'end', 'closed', 'ready'])
    expect(seen.sockets).toBe(2)
  })

  it.each([
    [
      'that closes within the body',
      'broken the connection was closed',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart'),
    ],
    ['that closes before the answer', 'broken the connection was closed', (socket: Socket) => socket.end()],
    ['that is reset', 'broken read ECONNRESET', (socket: Socket) => socket.resetAndDestroy()],
    [
      'with an answer that is not HTTP',
      expect.stringMatching(/^broken Parse Error/),
      (socket: Socket) => socket.write('SSH-2.0-x\r\n\r\n'),
    ],
  ])(
    'reports a request on a connection %s once and opens a new socket',
    async (_title, reason, misbehave) => {
      const { seen, log, count, until, send } = await openTo({
        onRequest: (socket, number) => (number === 1 ? misbehave(socket) : socket.write(answer)),
      })
      await until(() => count('ready') === 1)
      send()
      await until(() => count('ready') === 2)
      send()
      await until(() => count('ready') === 3)
      expect(log.filter((line) => line.startsWith('broken'))).toEqual([reason])
      expect(log.slice(-5)).toEqual(['ready', 'head 200', 'body ok', 'end', 'ready'])
      expect(seen.sockets).toBe(2)
    },
  )

  it('opens a new socket when the endpoint closes an idle one', async () => {
    const { log, count, until } = await openTo({
      onSocket: (socket, number) => number === 1 && socket.end(),
    })
    await until(() => count('ready') === 2)
    expect(log).toEqual(['ready', 'closed', 'ready'])
  })

  it('reports each failed attempt to connect and pauses longer after each', async () => {
    const { log, count, until, pool } = watchPool(await refusingUrl(), 1)
    const startedAt = performance.now()
    await until(() => count('closed') === 3)
    await until(() => log.length === 6)
    // 50 ms after the first attempt, 100 ms after the second.
    expect(performance.now() - startedAt).toBeGreaterThan(149)
    expect(new Set(log.filter((line) => line !== 'closed'))).toEqual(
      new Set([expect.stringMatching(/^unreachable connect ECONNREFUSED/)]),
    )
    pool.close()
  })

  it('closes its sockets and calls no event after it is closed', async () => {
    const closed = new EventEmitter()
    const { log, count, until, send, pool } = await openTo({
      onSocket: (socket) => socket.on('close', () => closed.emit('close')),
      onRequest: (socket) => {
        pool.close()
        socket.write(answer)
      },
    })
    await until(() => count('ready') === 1)
    send()
    await once(closed, 'close')
    expect(log).toEqual(['ready'])
  })

  const openssl = needs('openssl')
  it.skipIf(openssl.isMissing)(
    `sends no key to an endpoint with a self-signed certificate${openssl.note}`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'aoai-load-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const args =
        'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem'
      expect(runTool('openssl', args.split(' '), folder).status).toBe(0)
      const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name)))
      let requests = 0
      const server = createHttpsServer({ key, cert }, (_request, response) => {
        requests += 1
        response.end()
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      closers.push(() => server.close())
      const { port } = server.address() as AddressInfo
      const { log, until } = watchPool(`https://127.0.0.1:${port}/`, 1)
      await until(() => log.length === 2)
      expect([log, requests]).toEqual([['closed', 'unreachable self-signed certificate'], 0])
    },
  )
})
