import type { Context } from 'hono'
import type { Config } from '../../config/config.ts'
import { hasValidKey } from '../../access/access.ts'
import { shortText } from '../../lib/error-text.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { invalidKey } from '../../wire/errors.ts'
import { errorResponse } from '../answer-failure.ts'
import type { AppEnv } from '../app.ts'
import { eventStreamType } from '../event-stream.ts'
import type { Page } from '../pages.ts'
import { readWebBody } from '../read-body.ts'
import type { Simulator } from '../simulator.ts'
import { type Refusal, refuse, refuseProblems, type AdminRoute } from './admin-route.ts'
import { createAdminRoutes } from './admin-routes.ts'
import { readJson, queryParameters, readQuery } from './read-query.ts'

/** Room for a configuration of several thousand deployments. */
const MAX_BODY_BYTES = 1024 * 1024

type AdminPage = Page['answer']

/**
 * Makes the pages under `/++/`: those of its routes, which check the key, the query and the body, ask the route, and turn what
 * goes wrong into an answer; and those that tell what is there to whoever asks for something else.
 */
export function createAdmin(simulator: Simulator, version: string): readonly Page[] {
  const routes = createAdminRoutes(simulator, version)
  const page = (path: string, answer: AdminPage, more: Pick<Page, 'method' | 'streams'> = {}): Page => ({
    ...more,
    path: path.replace(/\{(\w+)\}/g, ':$1'),
    // It tells of the whole service, and changes it.
    servedBy: 'primary',
    answer: async (context) =>
      refuseStranger(context.req.raw, simulator.config.adminApiKey) ?? answer(context),
  })
  const paths = [...new Set(routes.map(({ path }) => path))]
  return [
    ...routes.map((route) =>
      page(route.path, answerRoute(route, simulator), {
        method: route.method,
        streams: Object.values(route.answers).some(({ contentType }) => contentType === eventStreamType),
      }),
    ),
    ...paths.map((path) => page(path, wrongMethod(path, routes))),
    page('/++/*', unknownPath(routes)),
  ]
}

function answerRoute(route: AdminRoute, simulator: Simulator): AdminPage {
  const ask = async (context: Context<AppEnv>): Promise<Response> => {
    const request = context.req.raw
    const query = readQuery(new URL(request.url).searchParams, queryParameters(route.query))
    if ('problems' in query) return send(refuseProblems('InvalidQuery', 'read the query', query.problems))
    const params = context.req.param()
    const body = await readAdminBody(request, route, params)
    if ('refusal' in body) return send(body.refusal)
    return send(
      await route.handle({ params, query: query.values, body: body.value, headers: request.headers }),
    )
  }
  return async (context) => {
    try {
      return await ask(context)
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
  return hasValidKey(given, adminApiKey) ? undefined : errorResponse(invalidKey())
}

/** The same for the metrics, where METRICS_AUTH asks for the key. */
export function refuseMetrics(request: Request, { metricsAuth, adminApiKey }: Config): Response | undefined {
  return metricsAuth === 'key' ? refuseStranger(request, adminApiKey) : undefined
}

type ReadBody = { readonly value: unknown } | { readonly refusal: Refusal }

async function readAdminBody(
  request: Request,
  { body: expected }: AdminRoute,
  params: Record<string, string>,
): Promise<ReadBody> {
  if (!expected) return { value: undefined }
  const body = await readWebBody(request, MAX_BODY_BYTES)
  if (body.kind === 'aborted') return { refusal: refuse(400, 'BodyIncomplete', 'The client left.') }
  if (body.kind === 'too-large') {
    const message = `Could not read the body: it must have at most ${MAX_BODY_BYTES} bytes (got ${body.readBytes}). Send less at a time.`
    return { refusal: refuse(400, 'BodyTooLarge', message) }
  }
  // Takes a byte order mark away, too, which some shells put in front.
  const text = new TextDecoder().decode(body.bytes)
  if (expected.kind === 'text') return { value: text }
  const read = readJson(text)
  if ('problem' in read) {
    const message = `Could not read the body as JSON: ${read.problem}. See GET /++/openapi.json.`
    return { refusal: refuse(400, 'InvalidJson', message) }
  }
  const checked = expected.schema.safeParse(read.value)
  if (checked.success) return { value: checked.data }
  if (expected.refuse) return { refusal: expected.refuse(read.value, params) }
  const problems = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}.`)
  return { refusal: refuseProblems('InvalidBody', 'read the body', problems) }
}

/** What is sent: JSON, a stream, or nothing. */
interface Sent {
  readonly status: number
  readonly body?: unknown
  readonly stream?: ReadableStream<Uint8Array>
}

function send({ status, body, stream }: Sent, headers: Readonly<Record<string, string>> = {}): Response {
  const common = { 'Cache-Control': 'no-store', ...headers }
  if (body !== undefined) return Response.json(body, { status, headers: common })
  const ofStream = stream && { 'Content-Type': eventStreamType, 'X-Accel-Buffering': 'no' }
  return new Response(stream ?? null, { status, headers: { ...common, ...ofStream } })
}

function unknownPath(routes: readonly AdminRoute[]): AdminPage {
  const paths = routes.map(({ method, path }) => `${method} ${path}`)
  return async ({ req }) => {
    const { pathname } = new URL(req.url)
    const message = `There is no ${shortText(pathname)}. These are the paths of the administration.`
    const { status, body } = refuse(404, 'NotFound', message)
    return send({ status, body: { ...body, paths } })
  }
}

function wrongMethod(path: string, routes: readonly AdminRoute[]): AdminPage {
  const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
  return async ({ req }) => {
    const method = req.method === 'HEAD' ? 'GET' : req.method
    const message = `Could not ${method} ${path}: this path takes ${allowed}.`
    return send(refuse(405, 'MethodNotAllowed', message), { Allow: allowed })
  }
}
