import { isUtf8 } from 'node:buffer'
import type { Context } from 'hono'
import type { Config } from '../../config/config.ts'
import { hasKey } from '../../access/credentials.ts'
import { shortText } from '../../lib/error-text.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { invalidKey } from '../../wire/errors.ts'
import { errorResponse } from '../answer-failure.ts'
import type { AppEnv } from '../app.ts'
import { eventStreamType } from '../event-stream.ts'
import type { Page } from '../pages.ts'
import { readWebBody } from '../read-body.ts'
import type { Simulator } from '../simulator.ts'
import { type AnswerFile, type Refusal, refuse, refuseProblems, type AdminRoute } from './admin-route.ts'
import { createAdminRoutes } from './admin-routes.ts'
import { readJson, queryParameters, readQuery } from './read-query.ts'

/** Maximum request body: enough for several thousand deployments. */
const MAX_BODY_BYTES = 1024 * 1024

type AdminPage = Page['answer']

/** The admin API. */
export interface Admin {
  readonly pages: readonly Page[]
  /** Answers requests with the key for a path that does not exist: 404 with all paths. */
  readonly unknownPath: AdminPage
}

/**
 * Creates the pages under `/++/`. A page of a route checks key, query and body, calls the route, and converts failures to answers.
 * Further pages answer unknown paths and methods.
 */
export function createAdmin(simulator: Simulator, version: string, metrics: Pick<Metrics, 'toJson'>): Admin {
  const routes = createAdminRoutes(simulator, version, metrics)
  const page = (path: string, answer: AdminPage, more: Pick<Page, 'method' | 'streams'> = {}): Page => ({
    ...more,
    path: path.replace(/\{(\w+)\}/g, ':$1'),
    // These pages read and change the state of all workers.
    servedBy: 'primary',
    answer: async (context) =>
      refuseUnauthorized(context.req.raw, simulator.config.adminApiKey) ?? answer(context),
  })
  const paths = [...new Set(routes.map(({ path }) => path))]
  const rest = page('/++/*', unknownPath(routes))
  const pages = [
    ...routes.map((route) =>
      page(route.path, answerRoute(route, simulator), {
        method: route.method,
        streams: Object.values(route.answers).some(({ contentType }) => contentType === eventStreamType),
      }),
    ),
    ...paths.map((path) => page(path, wrongMethod(path, routes))),
    rest,
  ]
  return { pages, unknownPath: rest.answer }
}

function answerRoute(route: AdminRoute, simulator: Simulator): AdminPage {
  const handle = async (context: Context<AppEnv>): Promise<Response> => {
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
      return await handle(context)
    } catch (error) {
      if (error instanceof OperatorError) return send(refuse(400, error.code, error.message))
      simulator.onPageFailure(error)
      const message = 'Could not answer: internal error. See the log of the simulator.'
      return send(refuse(500, 'InternalError', message))
    }
  }
}

/** Returns the 401 of the service, or undefined if the request has the key. */
export function refuseUnauthorized({ headers }: Request, adminApiKey: string): Response | undefined {
  const key = headers.get('api-key') ?? undefined
  const authorization = headers.get('authorization') ?? undefined
  const credentials = {
    ...(key !== undefined && { 'api-key': key }),
    ...(authorization && { authorization }),
  }
  return hasKey(credentials, adminApiKey) ? undefined : errorResponse(invalidKey())
}

/** Returns the 401 for /metrics, or undefined if METRICS_AUTH requires no key or the request has it. */
export function refuseMetrics(request: Request, { metricsAuth, adminApiKey }: Config): Response | undefined {
  return metricsAuth === 'key' ? refuseUnauthorized(request, adminApiKey) : undefined
}

type ReadBody = { readonly value: unknown } | { readonly refusal: Refusal }

async function readAdminBody(
  request: Request,
  { body: expected }: AdminRoute,
  params: Record<string, string>,
): Promise<ReadBody> {
  if (!expected) return { value: undefined }
  const body = await readWebBody(request, MAX_BODY_BYTES)
  if (body.kind === 'aborted')
    return { refusal: refuse(400, 'BodyIncomplete', 'Could not read the body: the client disconnected.') }
  if (body.kind === 'too-large') {
    const message = `Could not read the body: it must have at most ${MAX_BODY_BYTES} bytes (got ${body.readBytes}). Split the change.`
    return { refusal: refuse(400, 'BodyTooLarge', message) }
  }
  if (!isUtf8(body.bytes))
    return {
      refusal: refuse(400, 'InvalidEncoding', 'Could not read the body: it is not UTF-8. Send it as UTF-8.'),
    }
  // Also removes a byte order mark, which some shells add.
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
  const problems = checked.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}.`,
  )
  return { refusal: refuseProblems('InvalidBody', 'read the body', problems) }
}

/** A status with JSON, a stream, a file or no body. */
interface AdminResponse {
  readonly status: number
  readonly body?: unknown
  readonly stream?: ReadableStream<Uint8Array>
  readonly file?: AnswerFile
}

function send(
  { status, body, stream, file }: AdminResponse,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const common = { 'Cache-Control': 'no-store', ...headers }
  if (body !== undefined) return Response.json(body, { status, headers: common })
  if (file) {
    const disposition = `attachment; filename="${file.name}"`
    const fileHeaders = { 'Content-Type': file.type, 'Content-Disposition': disposition }
    return new Response(file.text, { status, headers: { ...common, ...fileHeaders } })
  }
  const streamHeaders = stream && { 'Content-Type': eventStreamType, 'X-Accel-Buffering': 'no' }
  return new Response(stream ?? null, { status, headers: { ...common, ...streamHeaders } })
}

function unknownPath(routes: readonly AdminRoute[]): AdminPage {
  const paths = routes.map(({ method, path }) => `${method} ${path}`)
  return async ({ req }) => {
    const { pathname } = new URL(req.url)
    const message = `Could not find ${shortText(pathname)}. The paths of the admin API are listed in "paths".`
    const { status, body } = refuse(404, 'NotFound', message)
    return send({ status, body: { ...body, paths } })
  }
}

function wrongMethod(path: string, routes: readonly AdminRoute[]): AdminPage {
  const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
  return async ({ req }) => {
    const method = req.method === 'HEAD' ? 'GET' : req.method
    const message = `Could not ${method} ${path}: the allowed methods are ${allowed}.`
    return send(refuse(405, 'MethodNotAllowed', message), { Allow: allowed })
  }
}
