import type { Context } from 'hono'
import { collapseSlashes } from '../wire/route.ts'
import { version } from '../lib/version.ts'
import { createControlRoom } from './control-room.ts'
import { createTokenPages } from './token-pages.ts'
import { createAdmin, refuseMetrics } from './admin/create-admin.ts'
import { createTwin } from './twin/create-twin.ts'
import type { AppEnv } from './app.ts'
import type { Simulator } from './simulator.ts'
import { defaultResourceName } from '../config/config.ts'
import { readImageUrl, resourceOfImage } from '../generate/images/image-url.ts'
import { paint } from '../generate/images/paint.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { resourceNotFound } from '../wire/errors.ts'
import { errorResponse } from './answer-failure.ts'

/** A page of the simulator, outside the data plane. */
export interface Page {
  /** Absent: all methods. GET includes HEAD. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path pattern of Hono. */
  readonly path: string
  /** The process that answers if there are workers. The primary serves pages that read or change the state of all workers. */
  readonly servedBy: 'primary' | 'every'
  /** Whether the answer can be an endless event stream. Default false. */
  readonly streams?: boolean
  /** Whether other services have a page with this path, so that recordings can replace it (PAGES_PREFIX). Default false. */
  readonly isCommon?: boolean
  /** Whether the page exists for a request. If not, the data plane answers. Default: always. */
  readonly isOn?: (context: Context<AppEnv>) => boolean
  readonly answer: (context: Context<AppEnv>) => Promise<Response>
}

/** Sources of pages that need data of other processes. */
export interface PageSources {
  /** Forwards a request to the primary. Absent: this process serves all pages. */
  readonly primary?: ((request: Request) => Promise<Response>) | undefined
  /** The metrics of all processes. Default: those of this process. */
  readonly metrics?: Pick<Metrics, 'render' | 'toJson'> | undefined
}

/** Returns the pages in the order of routing. */
export function createPages(
  simulator: Simulator,
  { metrics = simulator.metrics }: PageSources,
): readonly Page[] {
  const admin = createAdmin(simulator, version, metrics)
  const controlRoom = createControlRoom(simulator, admin.unknownPath)
  return [
    {
      method: 'GET',
      path: '/',
      servedBy: 'every',
      isCommon: true,
      answer: async (context) => controlRoom.answerRoot(context) ?? rootPage(context, simulator),
    },
    {
      method: 'GET',
      path: '/healthz',
      // Workers do not know whether the store of changes works.
      servedBy: simulator.config.configStore === undefined ? 'every' : 'primary',
      isCommon: true,
      answer: async (context) => context.json(healthOf(simulator)),
    },
    {
      method: 'GET',
      path: '/metrics',
      servedBy: 'primary',
      isCommon: true,
      async answer(context) {
        const refusal = refuseMetrics(context.req.raw, simulator.config)
        if (refusal) return refusal
        const headers = { 'Content-Type': simulator.metrics.contentType }
        return context.text(await metrics.render(), 200, headers)
      },
    },
    ...controlRoom.pages,
    ...admin.pages,
    ...createTwin(simulator),
    ...createTokenPages(simulator),
    { method: 'GET', path: '/images/:id/:file', servedBy: 'every', answer: createImageRoute(simulator) },
  ]
}

/**
 * Returns the path for routing. Repeated slashes count as one, because clients of the Python simulator send them. A slash at the end of a
 * path of /++ or /_twin is ignored.
 */
export function routedPath(path: string): string {
  const single = collapseSlashes(path)
  return /\/(?:\+\+|_twin)\//.test(single) ? single.replace(/\/$/, '') : single
}

function rootPage(context: Context<AppEnv>, { config }: Simulator): Response {
  // JSON only on request; curl gets text. (The Python simulator always answers JSON.)
  const wantsJson = /\bapplication\/json\b/i.test(context.req.header('accept') ?? '')
  context.header('Vary', 'Accept')
  return wantsJson
    ? context.json(describeSelf(config.defaultResource.mode, context.req.path.replace(/\/$/, '')))
    : context.text('aoai-simulated-api is running.\n')
}

/** Returns the JSON of the root page. @param prefix the prefix of the pages; empty without one */
function describeSelf(mode: string, prefix: string): object {
  return {
    name: 'aoai-simulated-api',
    version,
    mode,
    status: 'running',
    links: {
      metrics: `${prefix}/metrics`,
      health: `${prefix}/healthz`,
      openapi: `${prefix}/++/openapi.json`,
      config: `${prefix}/++/config`,
      deployments: `${prefix}/++/deployments`,
    },
  }
}

/**
 * Returns the JSON of /healthz. The status is always 200 while the process serves requests, even if recordings are lost or changes cannot be stored: a restart would not
 * restore them, and a replica taken out of service would answer no requests.
 */
function healthOf({ config, configStore, recordings }: Simulator): object {
  const failing = recordings.flatMap(({ recorder }) => (recorder?.losses.isFailing ? recorder.losses : []))
  const { mode } = config.defaultResource
  const lost = failing.reduce((sum, losses) => sum + losses.lost, 0)
  const parts = {
    ...(failing.length > 0 && { recordings: { writing: 'failing', lost } }),
    ...(configStore?.isFailing && { config_store: { writing: 'failing', pending: configStore.pending } }),
  }
  return { status: Object.keys(parts).length === 0 ? 'ok' : 'degraded', mode, ...parts }
}

/**
 * Serves the URLs of generated images: a PNG file, or 404 if the URL was changed or is older than a day. The URL contains a signature
 * instead of a key.
 */
function createImageRoute(simulator: Simulator): (context: Context<AppEnv>) => Promise<Response> {
  return async (context) => {
    const { req } = context
    const { pagesPrefix = '' } = simulator.config
    const path = req.path.startsWith(`${pagesPrefix}/images/`) ? req.path.slice(pagesPrefix.length) : req.path
    // The signature uses the key of the resource, which the URL does not contain.
    const { resources } = simulator.config
    const view = resources.get(resourceOfImage(req.query()) ?? defaultResourceName)
    const spec = view && readImageUrl(path, req.query(), view.apiKey, simulator.clock.epochMs())
    if (spec) return context.body(new Uint8Array(await paint(spec)), 200, { 'Content-Type': 'image/png' })
    return errorResponse(resourceNotFound())
  }
}
