import type { Port } from '../../../src/lib/port.ts'
import { Peer } from '../../../src/shared/rpc/peer.ts'
import { type PortClient, portClient } from '../../../src/shared/rpc/port-client.ts'
import { PortServer, serve } from '../../../src/shared/rpc/port-server.ts'

/** A caller of a port at the other end of a channel that passes messages as JSON. */
export interface RpcCaller<P> {
  readonly client: PortClient<P>
  /** The caller exits and its leases are released. */
  die(): void
}

/** A keeper with its callers, as a primary has its workers. */
export interface RpcPool<P> {
  readonly failures: unknown[]
  connect(): RpcCaller<P>
  /** Resolves when all notifications of callers have been run. */
  catchUp(): Promise<void>
}

/** Serves a port to callers in the same process. */
export function rpcPool<P, Lease>(port: Port<P, Lease>, keeper: P): RpcPool<P> {
  const failures: unknown[] = []
  const server = new PortServer([serve(port, keeper)], (error) => failures.push(error))
  return {
    failures,
    connect() {
      const pass = (to: () => Peer) => (message: unknown) => {
        const text = JSON.stringify(message)
        setImmediate(() => to().receive(JSON.parse(text)))
      }
      const caller = server.open(() => primary)
      const primary: Peer = new Peer({ send: pass(() => worker) }, caller.methods, (error) =>
        failures.push(error),
      )
      const worker: Peer = new Peer({ send: pass(() => primary) }, {})
      return {
        client: portClient(port, worker),
        die() {
          worker.close(new Error('The worker is gone.'))
          primary.close(new Error('The worker is gone.'))
          caller.close()
        },
      }
    },
    catchUp: () => server.catchUp(),
  }
}
