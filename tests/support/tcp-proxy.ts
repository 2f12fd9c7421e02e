import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

/** A network in front of a server of this machine, with the faults that networks have. */
export interface TcpProxy {
  readonly port: number
  /** Breaks all connections. New ones are taken. */
  cut(): void
  /** Refuses new connections, and breaks the others. */
  refuse(): Promise<void>
  /** Silently drops all bytes of present and new connections from now on. */
  swallow(): void
  /** Takes new connections again, and passes their bytes on. */
  restore(): Promise<void>
  close(): Promise<void>
}

/** Starts one on a free port of the loopback address. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  /** Which connections lose their bytes. */
  const swallowed = new WeakSet<Socket>()
  let isSwallowing = false

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    if (isSwallowing) swallowed.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) keep(socket)
    const pass = (from: Socket, to: Socket): void => {
      from.on('data', (data) => {
        if (!swallowed.has(from)) to.write(data)
      })
      from.on('close', () => to.destroy())
    }
    pass(client, upstream)
    pass(upstream, client)
  })
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  // No other test gets it at random while it is closed.
  const port = await freePort()
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }
  await listen()
  return {
    port,
    cut,
    refuse: stop,
    swallow() {
      isSwallowing = true
      for (const socket of sockets) swallowed.add(socket)
    },
    async restore() {
      isSwallowing = false
      if (!server.listening) await listen()
    },
    close: stop,
  }
}
