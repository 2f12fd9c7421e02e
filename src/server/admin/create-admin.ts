import type { Context } from 'hono'
import type { Config } from '../../config/config.ts'
import { invalidKey } from '../../wire/errors.ts'
import { carriesKey } from '../../access/authenticate.ts'
import { shortText } from '../../lib/error-text.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import type { AppEnv } from '../app-env.ts'
import { readWebBody } from '../read-body.ts'
import type { Simulator } from '../simulator.ts'
import { refuse, refuseProblems } from './admin-error.ts'
import type { AdminAnswer, AdminRoute } from './admin-route.ts'
import { createAdminRoutes } from './admin-routes.ts'
import { findRoutes, type FoundPath } from './find-route.ts'
import { readJson } from './read-json.ts'
import { readQuery } from './read-query.ts'

/** Room for a configuration of several thousand deployments. */
const largestBodyBytes = 1024 * 1024

/**
 * Makes the handler of every path under `/++/`: checks the key, the query and the body, asks the route, and turns what goes
 * wrong into an answer.
 */
export function createAdmin(
  simulator: Simulator,
  version: string,
): (context: Context<AppEnv>) => Promise<Response> {
  const routes = createAdminRoutes(simulator, version)

  const answer = async (request: Request, route: AdminRoute, { params }: FoundPath): Promise<AdminAnswer> => {
    const query = readQuery(new URL(request.url).searchParams, route.query ?? [])
    if ('problems' in query) return refuseProblems('InvalidQuery', 'read the query', query.problems)
    const body = await readAdminBody(request, route)
    if ('refusal' in body) return body.refusal
    return route.handle({ params, query: query.values, body: body.value })
  }

  return async ({ req: { raw: request } }) => {
    const refusal = refuseStranger(request, simulator.config.adminApiKey)
    if (refusal) return refusal
    const { pathname } = new URL(request.url)
    const found = findRoutes(pathname, routes)
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = found.routes.find((known) => known.method === method)
    if (!route) return found.routes.length === 0 ? unknownPath(pathname, routes) : wrongMethod(method, found)
    try {
      return send(await answer(request, route, found))
    } catch (error) {
      if (error instanceof OperatorError) return send(refuse(400, error.code, error.message))
      simulator.onPageFailure(error)
      const message = 'Could not answer: the simulator failed. Its log says why.'
      return send(refuse(500, 'InternalError', message))
    }
  }
}

/** The service's own 401 for whoever does not send this key; undefined for whoever does. */
function refuseStranger({ headers }: Request, adminApiKey: string): Response | undefined {
  const key = headers.get('api-key') ?? undefined
  const authorization = headers.get('authorization') ?? undefined
  const given = { ...(key !== undefined && { 'api-key': key }), ...(authorization && { authorization }) }
  if (carriesKey(given, adminApiKey)) return undefined
  const { status, body, contentType = '' } = invalidKey()
  return new Response(body, { status, headers: { 'Content-Type': contentType } })
}

/** The same for the metrics, where METRICS_AUTH asks for the key. */
export function refuseMetrics(request: Request, { metricsAuth, adminApiKey }: Config): Response | undefined {
  return metricsAuth === 'key' ? refuseStranger(request, adminApiKey) : undefined
}

type ReadBody = { readonly value: unknown } | { readonly refusal: AdminAnswer }

async function readAdminBody(request: Request, { body: expected }: AdminRoute): Promise<ReadBody> {
  if (!expected) return { value: undefined }
  const body = await readWebBody(request, largestBodyBytes)
  if (body.kind === 'aborted') return { refusal: refuse(400, 'BodyIncomplete', 'The client left.') }
  if (body.kind === 'too-large') {
    const message = `Could not read the body: it must have at most ${largestBodyBytes} bytes (got ${body.readBytes}). Send less at a time.`
    return { refusal: refuse(400, 'BodyTooLarge', message) }
  }
  // Takes a byte order mark away, too, which some shells put in front.
  const text = new TextDecoder().decode(body.bytes)
  if (expected.kind === 'text') return { value: text }
  const read = readJson(text)
  if ('value' in read) return read
  const message = `Could not read the body as JSON: ${read.problem}. See GET /++/openapi.json.`
  return { refusal: refuse(400, 'InvalidJson', message) }
}

function send({ status, body }: AdminAnswer, headers: Readonly<Record<string, string>> = {}): Response {
  const common = { 'Cache-Control': 'no-store', ...headers }
  if (!body) return new Response(null, { status, headers: common })
  return Response.json(body, { status, headers: common })
}

function unknownPath(pathname: string, routes: readonly AdminRoute[]): Response {
  const { body } = refuse(
    404,
    'NotFound',
    `There is no ${shortText(pathname)}. These are the paths of the administration.`,
  )
  return send({
    status: 404,
    body: { ...body, paths: routes.map(({ method, path }) => `${method} ${path}`) },
  })
}

function wrongMethod(method: string, { routes }: FoundPath): Response {
  const allowed = routes.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
  const message = `Could not ${method} ${routes[0]?.path ?? ''}: this path takes ${allowed.join(', ')}.`
  return send(refuse(405, 'MethodNotAllowed', message), { Allow: allowed.join(', ') })
}
