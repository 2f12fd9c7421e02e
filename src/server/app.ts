import type { IncomingMessage } from 'node:http'
import { Hono } from 'hono'
import { ConnectionCut } from './carriers/connection-cut.ts'
import { version } from '../lib/version.ts'
import { createAdmin, refuseMetrics } from './admin/create-admin.ts'
import { failureResponse } from './answer-failure.ts'
import type { AppEnv } from './app-env.ts'
import { createDataPlane, type DataPlane } from './data-plane.ts'
import { createImageRoute } from './image-route.ts'
import { BodyFailure } from './read-body.ts'
import type { Simulator } from './simulator.ts'

/** The simulator as a Hono app: its own few pages, and the data plane on every other path. */
export type App = Hono<AppEnv> & {
  /** Answers a request of the service straight from its socket: what Hono would find for it is known beforehand. */
  readonly answerSocket: DataPlane['answerSocket']
  /** Whether a client that asks before it sends its body is to send it. */
  readonly wantsBody: DataPlane['wantsBody']
}

/** What the simulator says of itself. */
function describeSelf(mode: string): object {
  return {
    name: 'aoai-simulated-api',
    version,
    mode,
    status: 'running',
    links: {
      metrics: '/metrics',
      health: '/healthz',
      openapi: '/++/openapi.json',
      config: '/++/config',
      deployments: '/++/deployments',
    },
  }
}

/** Whether a request needs no route of Hono: nearly all that a load test sends is a POST to one of these. */
export function isForService(method: string | undefined, url: string | undefined = ''): boolean {
  return method === 'POST' && (url.startsWith('/openai/') || url.startsWith('/v1/'))
}

/** Lays out the routes. */
export function createApp(simulator: Simulator): App {
  const app = new Hono<AppEnv>()
  const admin = createAdmin(simulator, version)
  const { handler: dataPlane, answerSocket, wantsBody } = createDataPlane(simulator, simulator.run)

  app.get('/', (context) => {
    // The Python simulator answers JSON to everyone; here whoever names it gets it, and a browser or curl gets the text.
    const wantsJson = /\bapplication\/json\b/i.test(context.req.header('accept') ?? '')
    context.header('Vary', 'Accept')
    return wantsJson
      ? context.json(describeSelf(simulator.config.mode))
      : context.text('aoai-simulated-api is running.\n')
  })
  app.get('/healthz', (context) => context.json(healthOf(simulator)))
  app.get('/metrics', async (context) => {
    const refusal = refuseMetrics(context.req.raw, simulator.config)
    if (refusal) return refusal
    const headers = { 'Content-Type': simulator.metrics.contentType }
    return context.text(await simulator.metrics.render(), 200, headers)
  })
  app.all('/++/*', admin)
  app.get('/images/:id/:file', createImageRoute(simulator))
  // Several slashes in a row count as one, as the clients of the Python simulator rely on.
  app.all('//*', (context) => (/^\/+\+\+(\/|$)/.test(context.req.path) ? admin(context) : dataPlane(context)))
  app.all('*', dataPlane)
  app.onError((error) => {
    // A caller in the same process is to see what one at a socket sees: no answer at all.
    if (error instanceof ConnectionCut || error instanceof BodyFailure) throw error
    simulator.onPageFailure(error)
    return failureResponse()
  })
  return Object.assign(app, {
    answerSocket,
    // The administration has keys of its own, and small bodies.
    wantsBody: (incoming: IncomingMessage) => /^\/+\+\+\//.test(incoming.url ?? '') || wantsBody(incoming),
  })
}

/**
 * What /healthz tells. It answers 200 as long as the process serves requests: a restart writes no lost recording, and a
 * replica that is taken out of a service answers nobody.
 */
function healthOf({ config, mode }: Simulator): object {
  const lost = mode.recorder?.losses
  const { mode: kind } = config
  if (!lost?.isFailing) return { status: 'ok', mode: kind }
  return { status: 'degraded', mode: kind, recordings: { writing: 'failing', lost: lost.lost } }
}
