import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { shortText } from '../../lib/error-text.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { queryParameters, readJson, readQuery } from '../admin/read-query.ts'
import type { AppEnv } from '../app.ts'
import { pageOrigin } from '../page-origin.ts'
import type { Page } from '../pages.ts'
import { readWebBody } from '../read-body.ts'
import type { Simulator } from '../simulator.ts'
import { aboutRoutes } from './about-routes.ts'
import { administratorId, type AuditLog } from './audit-log.ts'
import { feedbackRoutes } from './feedback-routes.ts'
import { resourceRoutes } from './resource-routes.ts'
import { secretsEqual } from './secret-checks.ts'
import { TenantBook, tooManyChecks } from './tenant-book.ts'
import { tenantRoutes } from './tenant-routes.ts'
import {
  bodyProblem,
  fail,
  InvalidMember,
  type TwinAnswer,
  type TwinRequest,
  type TwinRoute,
} from './twin-route.ts'

/** Bodies have a few hundred bytes, and feedback at most about 10 KB. */
const MAX_BODY_BYTES = 64 * 1024

/** Returns the pages under `/_twin/`; none unless TWIN_PLANE is on. */
export function createTwin(simulator: Simulator): readonly Page[] {
  const { audit, live, clock } = simulator
  if (!audit) return []
  const tenants = new TenantBook(live, clock)
  const routes = [
    ...aboutRoutes(),
    ...tenantRoutes(tenants, audit),
    ...resourceRoutes(simulator),
    ...feedbackRoutes(tenants),
  ]
  const deps = { simulator, tenants, audit }
  // The primary has the tenants and records of all workers.
  const page = (path: string, answer: Page['answer']): Page => ({ path, servedBy: 'primary', answer })
  const paths = [...new Set(routes.map(({ path }) => path))]
  return [
    ...paths.map((path) =>
      page(
        path.replace(/\{(\w+)\}/g, ':$1'),
        answerPath(
          path,
          routes.filter((route) => route.path === path),
          deps,
        ),
      ),
    ),
    page('/_twin/*', async ({ req }) => {
      const message = `Could not find ${shortText(new URL(req.url).pathname)}. GET /_twin/agent-instructions lists the paths.`
      return send(fail(404, message), randomUUID())
    }),
  ]
}

interface TwinDeps {
  readonly simulator: Simulator
  readonly tenants: TenantBook
  readonly audit: AuditLog
}

function answerPath(path: string, routes: readonly TwinRoute[], deps: TwinDeps): Page['answer'] {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const headers = { Allow: [...methods, 'OPTIONS'].join(', ') }
  return async (context) => {
    const { method } = context.req.raw
    const id = randomUUID()
    if (method === 'OPTIONS') return send({ status: 204, body: '', headers }, id)
    const route = routes.find((one) => one.method === (method === 'HEAD' ? 'GET' : method))
    if (route) return send(await answerRoute(route, context, id, deps), id)
    return send(
      fail(405, `Could not ${method} ${path}: the allowed methods are ${headers.Allow}.`, headers),
      id,
    )
  }
}

async function answerRoute(
  route: TwinRoute,
  { req }: Context<AppEnv>,
  id: string,
  deps: TwinDeps,
): Promise<TwinAnswer> {
  const { simulator } = deps
  try {
    const access = await authenticate(req.raw, route, deps)
    if ('refusal' in access) return access.refusal
    const answer = await answerAuthenticated(route, req.raw, {
      tenant: access.tenant,
      params: req.param(),
      origin: pageOrigin(req.raw, simulator.config.defaultResource),
    })
    record(route, answer, access.tenant, id, deps)
    return answer
  } catch (error) {
    if (error instanceof OperatorError) return fail(400, error.message)
    simulator.onPageFailure(error)
    return fail(500, 'Could not answer: internal error. See the log of the simulator.')
  }
}

type Access = { readonly refusal: TwinAnswer } | Pick<TwinRequest, 'tenant'>

const challenge = { 'WWW-Authenticate': 'Basic realm="twin"' }

async function authenticate(
  { headers }: Request,
  { auth }: TwinRoute,
  { simulator, tenants }: TwinDeps,
): Promise<Access> {
  if (auth === 'public') return { tenant: undefined }
  const { adminToken } = simulator.config.twin
  const authorization = headers.get('authorization') ?? ''
  const [, bearer] = /^bearer +(.+)$/i.exec(authorization) ?? []
  const token = headers.get('x-twin-admin-token') ?? bearer
  if (token !== undefined) {
    // Without a configured token, there is no administrator.
    if (adminToken !== undefined && secretsEqual(token, adminToken)) return { tenant: undefined }
    return {
      refusal: fail(
        401,
        'The token of the administrator is wrong. Send that in TWIN_ADMIN_TOKEN.',
        challenge,
      ),
    }
  }
  const { id, secret } = readBasic(authorization) ?? {}
  if (id === undefined || secret === undefined) {
    return {
      refusal: fail(
        401,
        'Credentials are missing. Send tenant_id:tenant_secret as Basic authorization.',
        challenge,
      ),
    }
  }
  switch (await tenants.check(id, secret)) {
    case 'busy':
      return { refusal: fail(429, tooManyChecks, { 'Retry-After': '1' }) }
    case 'wrong':
      return { refusal: fail(401, 'The tenant_id or the tenant_secret is wrong.', challenge) }
    default:
      return auth === 'admin'
        ? { refusal: fail(403, 'Only the administrator can do this. Send the token in TWIN_ADMIN_TOKEN.') }
        : { tenant: id }
  }
}

function readBasic(authorization: string): { readonly id: string; readonly secret: string } | undefined {
  const [, encoded = ''] = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization) ?? []
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) }
}

async function answerAuthenticated(
  route: TwinRoute,
  request: Request,
  common: Pick<TwinRequest, 'tenant' | 'params' | 'origin'>,
): Promise<TwinAnswer> {
  const query = readQuery(new URL(request.url).searchParams, queryParameters(route.query))
  if ('problems' in query) return fail(400, query.problems.join(' '))
  const body = await readBody(request, route)
  if ('refusal' in body) return body.refusal
  try {
    return await route.handle({ ...common, query: query.values, body: body.members })
  } catch (error) {
    if (error instanceof InvalidMember) return fail(400, error.message)
    throw error
  }
}

async function readBody(
  request: Request,
  { members }: TwinRoute,
): Promise<{ readonly refusal: TwinAnswer } | { readonly members: TwinRequest['body'] }> {
  if (!members) return { members: {} }
  const body = await readWebBody(request, MAX_BODY_BYTES)
  if (body.kind === 'aborted') return { refusal: fail(400, 'The body is incomplete.') }
  if (body.kind === 'too-large') {
    return {
      refusal: fail(413, `The body must have at most ${MAX_BODY_BYTES} bytes (got ${body.readBytes}).`),
    }
  }
  if (!isUtf8(body.bytes)) return { refusal: fail(400, 'The body is not UTF-8.') }
  const text = new TextDecoder().decode(body.bytes)
  // Clients of the original twin send no body if no member is needed.
  const read = text.trim() === '' ? { value: {} } : readJson(text)
  if ('problem' in read) return { refusal: fail(400, `The body is not JSON: ${read.problem}.`) }
  const problem = bodyProblem(read.value, members)
  return problem === undefined
    ? { members: read.value as TwinRequest['body'] }
    : { refusal: fail(400, problem) }
}

/** Records an operation of a tenant or of the administrator, or the creation of a tenant. */
function record(
  { operation, auth }: TwinRoute,
  { status, body, audit: about = {} }: TwinAnswer,
  tenant: string | undefined,
  id: string,
  { audit, simulator: { clock } }: TwinDeps,
): void {
  const isDone = status < 400
  // A public request that failed has no tenant.
  if (operation === undefined || (auth === 'public' && !isDone)) return
  audit.add({
    timestamp: new Date(clock.epochMs()).toISOString(),
    tenant_id: about.tenant_id ?? tenant ?? administratorId,
    correlation_id: id,
    plane: 'twin',
    operation,
    resource: about.resource ?? null,
    outcome: isDone ? 'success' : 'failure',
    reason: isDone ? null : (body as { readonly error: string }).error,
    details: about.details ?? {},
  })
}

function send({ status, body, headers }: TwinAnswer, id: string): Response {
  const common = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'x-request-id': id,
    ...headers,
  }
  if (status === 204) return new Response(null, { status, headers: common })
  return typeof body === 'string'
    ? new Response(body, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...common } })
    : Response.json(body, { status, headers: common })
}
