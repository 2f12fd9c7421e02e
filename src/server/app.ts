import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import { ConnectionCut } from './carriers/web-response.ts'
import { failureResponse } from './answer-failure.ts'
import { createDataPlane, type DataPlane } from './data-plane.ts'
import { OpenStreams } from './event-stream.ts'
import { createPages, type PageSources, routedPath } from './pages.ts'
import { BodyFailure } from './read-body.ts'
import type { Simulator } from './simulator.ts'
import type { UpgradeRoute } from './upgrades.ts'

/** The simulator as a Hono app: its own few pages, and the data plane on every other path. */
export type App = Hono<AppEnv> & {
  /** Answers a request of the service straight from its socket: what Hono would find for it is known beforehand. */
  readonly answerSocket: DataPlane['answerSocket']
  /** Whether a client that asks before it sends its body is to send it. */
  readonly wantsBody: DataPlane['wantsBody']
  /** Ends the streams of events that are open now: they do not end by themselves. */
  readonly endStreams: () => void
  /** Where a connection may go on in another protocol; nowhere so far. */
  readonly upgrades: readonly UpgradeRoute[]
}

/** Lays out the routes. */
export function createApp(simulator: Simulator, sources: PageSources = {}): App {
  const { primary } = sources
  const open = new OpenStreams()
  const app = new Hono<AppEnv>({ getPath: (request) => routedPath(getPath(request)) })
  const { handler: dataPlane, answerSocket, wantsBody } = createDataPlane(simulator, simulator.run)

  for (const { method, path, servedBy, streams, answer } of createPages(simulator, sources)) {
    const ask: typeof answer =
      primary && servedBy === 'primary' ? (context) => primary(context.req.raw) : answer
    // The adapter sends an answer that somebody has looked into in another way, piece by piece.
    const handler: typeof answer = streams ? async (context) => open.watch(await ask(context)) : ask
    if (method) app.on(method, path, handler)
    else app.all(path, handler)
  }
  app.all('*', dataPlane)
  app.onError((error) => {
    // A caller in the same process is to see what one at a socket sees: no answer at all.
    if (error instanceof ConnectionCut || error instanceof BodyFailure) throw error
    simulator.onPageFailure(error)
    return failureResponse()
  })
  const isPage = ({ method = '', url = '' }: IncomingMessage): boolean => {
    const [path = ''] = url.split('?')
    // The data plane is found for all.
    return app.router.match(method, routedPath(path))[0].length > 1
  }
  return Object.assign(app, {
    answerSocket,
    endStreams: () => open.endAll(),
    upgrades: [],
    // Pages have keys of their own, and small bodies.
    wantsBody: (incoming: IncomingMessage) => isPage(incoming) || wantsBody(incoming),
  })
}

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
