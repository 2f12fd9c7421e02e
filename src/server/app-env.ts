import type { IncomingMessage, ServerResponse } from 'node:http'

/** Node's own objects for a request that came through a socket, as @hono/node-server hands them on. */
export interface SocketBindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** Set once the answer is written to `outgoing` itself; hono loses the marker that says so for HEAD. */
  isTaken?: boolean
}

/** What Hono's contexts hold here. A request in the same process has no socket. */
export interface AppEnv {
  Bindings: Partial<SocketBindings>
}
