import type { Context } from 'hono'
import { singleSlashes } from '../wire/route.ts'
import { version } from '../lib/version.ts'
import { createAdmin, refuseMetrics } from './admin/create-admin.ts'
import type { AppEnv } from './app.ts'
import type { Simulator } from './simulator.ts'
import { readImageUrl } from '../generate/images/image-url.ts'
import { paint } from '../generate/images/paint.ts'
import { resourceNotFound } from '../wire/errors.ts'
import { errorResponse } from './answer-failure.ts'

/** A page of the simulator's own: what is not the data plane. */
export interface Page {
  /** Absent: all methods. HEAD goes with GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As Hono takes it. */
  readonly path: string
  /** Which process answers where there are several: the primary what tells of the whole service, or is to change it. */
  readonly servedBy: 'primary' | 'every'
  /** Its answer may be a stream of events that does not end by itself; absent: it never is. */
  readonly streams?: boolean
  readonly answer: (context: Context<AppEnv>) => Promise<Response>
}

/** What the pages of several processes that are one service take from elsewhere. */
export interface PageSources {
  /** Asks the primary for a page that it serves; absent: this process serves all of them. */
  readonly primary?: ((request: Request) => Promise<Response>) | undefined
  /** The metrics of all processes; absent: those of this one. */
  readonly renderMetrics?: (() => Promise<string>) | undefined
}

/** Lists the pages, in the order in which they are looked for. */
export function createPages(
  simulator: Simulator,
  { renderMetrics = () => simulator.metrics.render() }: PageSources,
): readonly Page[] {
  return [
    {
      method: 'GET',
      path: '/',
      servedBy: 'every',
      answer: async (context) => rootPage(context, simulator),
    },
    {
      method: 'GET',
      path: '/healthz',
      servedBy: 'every',
      answer: async (context) => context.json(healthOf(simulator)),
    },
    {
      method: 'GET',
      path: '/metrics',
      servedBy: 'primary',
      async answer(context) {
        const refusal = refuseMetrics(context.req.raw, simulator.config)
        if (refusal) return refusal
        const headers = { 'Content-Type': simulator.metrics.contentType }
        return context.text(await renderMetrics(), 200, headers)
      },
    },
    ...createAdmin(simulator, version),
    { method: 'GET', path: '/images/:id/:file', servedBy: 'every', answer: createImageRoute(simulator) },
  ]
}

/**
 * The path by which a request is routed. Several slashes in a row count as one, as the clients of the Python simulator rely on,
 * and one at the end of a path of the administration for none.
 */
export function routedPath(path: string): string {
  const single = singleSlashes(path)
  return single.startsWith('/++/') ? single.replace(/\/$/, '') : single
}

function rootPage(context: Context<AppEnv>, { config }: Simulator): Response {
  // The Python simulator answers JSON to everyone; here whoever names it gets it, and a browser or curl gets the text.
  const wantsJson = /\bapplication\/json\b/i.test(context.req.header('accept') ?? '')
  context.header('Vary', 'Accept')
  return wantsJson
    ? context.json(describeSelf(config.defaultResource.mode))
    : context.text('aoai-simulated-api is running.\n')
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

/**
 * What /healthz tells. It answers 200 as long as the process serves requests: a restart writes no lost recording, and a
 * replica that is taken out of a service answers nobody.
 */
function healthOf({ config, recordings }: Simulator): object {
  const failing = recordings.flatMap(({ recorder }) => (recorder?.losses.isFailing ? recorder.losses : []))
  const { mode: kind } = config.defaultResource
  if (failing.length === 0) return { status: 'ok', mode: kind }
  const lost = failing.reduce((sum, losses) => sum + losses.lost, 0)
  return { status: 'degraded', mode: kind, recordings: { writing: 'failing', lost } }
}

/**
 * Answers the URLs of generated images, without a key, for their signature is one: with the PNG file, or with 404 for a
 * URL that was changed or is older than a day.
 */
function createImageRoute(simulator: Simulator): (context: Context<AppEnv>) => Promise<Response> {
  return async (context) => {
    const { req } = context
    // Signed with the key of its resource, whichever that is.
    const spec = firstOf(simulator.config.resources.values(), ({ apiKey }) =>
      readImageUrl(req.path, req.query(), apiKey, simulator.clock.epochMs()),
    )
    if (spec) return context.body(new Uint8Array(await paint(spec)), 200, { 'Content-Type': 'image/png' })
    return errorResponse(resourceNotFound())
  }
}

function firstOf<T, R>(all: Iterable<T>, find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}
