import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { alreadySent } from '../app/already-sent.ts'
import type { SocketBindings } from '../app/app-env.ts'
import type { App } from '../app/app.ts'
import { OperatorError } from '../platform/operator-error.ts'

/** A server that takes requests. */
export interface Listener {
  /** The address to reach it at, such as `http://127.0.0.1:8000`. */
  readonly url: string
  /**
   * Takes no more connections, lets running answers end, and cuts what is left after the grace period.
   *
   * @param graceMs longest wait in milliseconds
   */
  close(graceMs: number): Promise<void>
}

/** How long an idle connection is kept: longer than load balancers keep theirs, so that they are the ones to close it. */
const keepAliveTimeoutMs = 75_000

/** How soon a connection that has fallen idle is closed while the server stops. */
const idleSweepMs = 50

/**
 * Opens the port.
 *
 * @throws {OperatorError} LISTEN_FAILED when the address is taken or not allowed
 */
export async function listen(app: App, host: string, port: number): Promise<Listener> {
  const answer = getRequestListener((request, bindings) => {
    const answered = app.fetch(request, bindings)
    return request.method === 'HEAD' ? markTaken(answered, bindings as SocketBindings) : answered
  })
  // The listener never rejects: it answers its own failures.
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, (incoming, outgoing) => {
    void answer(incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(host, port, cause)))
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      // A connection that its client keeps open falls idle when its answer ends, and nobody else closes it then.
      server.closeIdleConnections()
      const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs)
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearInterval(sweep)
      clearTimeout(cut)
    },
  }
}

async function markTaken(
  answered: Response | Promise<Response>,
  bindings: SocketBindings,
): Promise<Response> {
  const response = await answered
  return bindings.isTaken ? alreadySent : response
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): OperatorError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `another program uses port ${port}. Stop it, or choose another port with --port (0 takes a free one).`,
    EACCES: `this user may not open port ${port}. Choose a port from 1024 up with --port.`,
    EADDRNOTAVAIL: `this machine has no address ${host}. Choose one of its own with --host (0.0.0.0 takes all).`,
    ENOTFOUND: `the name ${host} is unknown. Choose an address of this machine with --host.`,
  }
  const reason = reasons[cause.code ?? ''] ?? `${cause.message}.`
  return new OperatorError('LISTEN_FAILED', `Could not listen on ${host}:${port}: ${reason}`, { cause })
}
