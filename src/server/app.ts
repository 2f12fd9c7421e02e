import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import { METHOD_NAME_ALL } from 'hono/router'
import { getPath } from 'hono/utils/url'
import { defaultResourceName } from '../config/config.ts'
import { ConnectionCut } from './carriers/web-response.ts'
import { failureResponse } from './answer-failure.ts'
import { createCors } from './cors.ts'
import { createDataPlane, type DataPlane } from './data-plane.ts'
import { OpenStreams } from './event-stream.ts'
import { createPages, type PageSources, routedPath } from './pages.ts'
import { BodyFailure } from './read-body.ts'
import type { Simulator } from './simulator.ts'
import type { UpgradeRoute } from './upgrades.ts'

/** The simulator as a Hono app: the simulator's pages, and the data plane on all other paths. */
export type App = Hono<AppEnv> & {
  /** Answers a data plane request directly from its socket, without routing by Hono. */
  readonly answerSocket: DataPlane['answerSocket']
  /** Whether a client that sends `Expect: 100-continue` is to send its body. */
  readonly wantsBody: DataPlane['wantsBody']
  /** Ends all open event streams. They do not end by themselves. */
  readonly endStreams: () => void
  /** Routes for connection upgrades. Currently none. */
  readonly upgrades: readonly UpgradeRoute[]
}

/** Creates the app with all routes. */
export function createApp(simulator: Simulator, sources: PageSources = {}): App {
  const { primary } = sources
  const open = new OpenStreams()
  const app = new Hono<AppEnv>({ getPath: (request) => routedPath(getPath(request)) })
  const { pagesPrefix, corsOrigins } = simulator.config
  const cors = corsOrigins && createCors(corsOrigins)
  const plane = createDataPlane(simulator, simulator.run, cors)
  const { answerSocket, wantsBody } = plane
  const isPagePath = (method: string, path: string): boolean =>
    // The data plane matches all paths.
    app.router.match(method, routedPath(path))[0].length > 1
  const dataPlane: typeof plane.handler = cors
    ? (context) => {
        const { raw, path } = context.req
        const preflight = cors.preflight(raw)
        const method = raw.headers.get('access-control-request-method') ?? ''
        if (!preflight) return plane.handler(context)
        return isPagePath(method, path) ? new Response(null, { status: 204 }) : preflight
      }
    : plane.handler

  // Probes and browsers send no key, and still get the page.
  const isAuthorized = async ({ headers }: Request): Promise<boolean> => {
    const { defaultResource: config } = simulator.config
    const request = { headers: Object.fromEntries(headers), resource: defaultResourceName, config }
    return typeof (await simulator.judge(request)) === 'string'
  }

  for (const page of createPages(simulator, sources)) {
    const { method, path, servedBy, streams, isCommon, isOn, answer } = page
    const respond: typeof answer =
      primary && servedBy === 'primary' ? (context) => primary(context.req.raw) : answer
    // Only event streams are wrapped: the adapter sends a response that was read from more slowly, chunk by chunk.
    const always: typeof answer = streams ? async (context) => open.watch(await respond(context)) : respond
    const handler: typeof dataPlane = isOn
      ? (context) => (isOn(context) ? always : dataPlane)(context)
      : always
    const methods = method ?? METHOD_NAME_ALL
    if (pagesPrefix === undefined) {
      app.on(methods, path, handler)
      continue
    }
    app.on(methods, path === '/' ? [pagesPrefix, `${pagesPrefix}/`] : [`${pagesPrefix}${path}`], handler)
    const replaced: typeof dataPlane = async (context) =>
      ((await isAuthorized(context.req.raw)) ? dataPlane : handler)(context)
    app.on(methods, path, isCommon ? replaced : handler)
  }
  app.all('*', dataPlane)
  app.onError((error) => {
    // A caller in the same process gets an exception, as a socket client gets no answer.
    if (error instanceof ConnectionCut || error instanceof BodyFailure) throw error
    simulator.onPageFailure(error)
    return failureResponse()
  })
  const isPage = ({ method = '', url = '' }: IncomingMessage): boolean => {
    const [path = ''] = url.split('?')
    return isPagePath(method, path)
  }
  return Object.assign(app, {
    answerSocket,
    endStreams: () => open.endAll(),
    upgrades: [],
    // Pages check their own keys, and have small bodies.
    wantsBody: (incoming: IncomingMessage): ReturnType<typeof wantsBody> =>
      isPage(incoming) || wantsBody(incoming),
  })
}

/** Node's request and response for a request from a socket, as provided by @hono/node-server. */
export interface SocketBindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** True if the answer is written to `outgoing` directly. For HEAD, Hono loses the marker `alreadySent`. */
  isAnswered?: boolean
}

/** The types of Hono contexts. A request in the same process has no socket. */
export interface AppEnv {
  Bindings: Partial<SocketBindings>
}
