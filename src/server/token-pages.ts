import type { Context } from 'hono'
import { discoveryOf, issueToken, keySetOf, type TokenError } from '../access/issue-token.ts'
import type { ResourceView } from '../config/config.ts'
import { resourceNotFound } from '../wire/errors.ts'
import { errorResponse } from './answer-failure.ts'
import { guid } from '../wire/ids.ts'
import type { AppEnv } from './app.ts'
import { pageOrigin } from './page-origin.ts'
import type { Page } from './pages.ts'
import { readWebBody } from './read-body.ts'
import type { Simulator } from './simulator.ts'
import type { AuditRecord } from './twin/audit-log.ts'

/** A token request has some hundred bytes. */
const MAX_BODY_BYTES = 64 * 1024

/** Branch of the random stream for the ids of token requests, so that they do not change those of other requests. */
const TOKEN_BRANCH = 0x746f_6b65

interface Asked {
  readonly context: Context<AppEnv>
  readonly resource: string
  readonly config: ResourceView
  /** Address of the simulator for this client. */
  readonly base: string
}

type Answer = (asked: Asked) => Promise<Response>

/**
 * Returns the pages with which a resource is its own Entra tenant: token endpoint, discovery and public keys. They exist only for
 * resources that accept such tokens.
 */
export function createTokenPages(simulator: Simulator): readonly Page[] {
  const issue = createTokenAnswer(simulator)
  const discover: Answer = async ({ resource, base, config }) =>
    Response.json(discoveryOf(resource, base, config))
  const listKeys: Answer = async ({ resource }) => {
    const key = await simulator.resources.signingKey(resource)
    return key ? Response.json(keySetOf(key)) : errorResponse(resourceNotFound())
  }
  const paths: readonly (readonly [method: 'GET' | 'POST', path: string, answer: Answer])[] = [
    ['POST', '/:resource/oauth2/v2.0/token', issue],
    ['GET', '/:resource/.well-known/openid-configuration', discover],
    ['GET', '/:resource/v2.0/.well-known/openid-configuration', discover],
    ['GET', '/:resource/.well-known/jwks.json', listKeys],
    ['GET', '/:resource/discovery/v2.0/keys', listKeys],
  ]
  const page = (path: string, answer: Answer): Omit<Page, 'method'> => ({
    path,
    // Signing keys are created and stored by one process.
    servedBy: 'primary',
    isOn: (context) => issuerAt(context, simulator) !== undefined,
    async answer(context) {
      const { resource, config } = issuerAt(context, simulator) ?? {}
      // The resource was deleted while a worker forwarded the request.
      if (resource === undefined || !config) return errorResponse(resourceNotFound())
      return answer({ context, resource, config, base: pageOrigin(context.req.raw, config) })
    },
  })
  return [
    ...paths.map(([method, path, answer]) => ({ method, ...page(path, answer) })),
    ...paths.map(([method, path]) => page(path, wrongMethod(method))),
  ]
}

/** Returns the resource of a path if it has these pages. */
function issuerAt(
  context: Context<AppEnv>,
  { config: { resources } }: Simulator,
): Pick<Asked, 'resource' | 'config'> | undefined {
  const resource = context.req.param('resource') ?? ''
  const config = resources.get(resource)
  const tokens = config?.entra.tokens
  return config && (tokens === 'own' || tokens === 'any') ? { resource, config } : undefined
}

function wrongMethod(method: 'GET' | 'POST'): Answer {
  const allowed = method === 'GET' ? 'GET, HEAD' : method
  return async ({ context: { req } }) => {
    const message = `Could not ${req.method} this path: the allowed methods are ${allowed}.`
    const body = { error: 'invalid_request', error_description: message }
    return Response.json(body, { status: 405, headers: { Allow: allowed } })
  }
}

function createTokenAnswer(simulator: Simulator): Answer {
  const { logger, clock, live } = simulator
  const random = simulator.random.branch(TOKEN_BRANCH)
  const record = (
    requestId: string,
    resource: string,
    { tenant }: ResourceView,
    result: Pick<AuditRecord, 'outcome' | 'reason' | 'details'>,
  ): void => {
    if (tenant === undefined) return
    simulator.audit?.add({
      timestamp: new Date(clock.epochMs()).toISOString(),
      tenant_id: tenant,
      correlation_id: requestId,
      plane: 'control',
      operation: 'control.token.issue',
      resource: { type: 'resource', id: resource },
      ...result,
    })
  }
  return async ({ context, resource, config, base }) => {
    const { raw: request } = context.req
    const authorization = request.headers.get('authorization') ?? undefined
    const requestId = guid(random)
    const refuse = (refusal: TokenError): Response => {
      record(requestId, resource, config, { outcome: 'failure', reason: refusal.error, details: {} })
      // Not the id of the client: some clients send their key as the id.
      logger.info({ requestId, resource, error: refusal.error }, 'A token request was refused.')
      const ids = { correlationId: requestId, traceId: guid(random), epochMs: clock.epochMs() }
      return errorAnswer(refusal, ids, authorization !== undefined)
    }
    const body = await readWebBody(request, MAX_BODY_BYTES)
    if (body.kind !== 'read') return refuse(tooLarge)
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers.get('content-type') ?? '')
    const issued = await issueToken({
      form: new URLSearchParams(isForm ? Buffer.from(body.bytes).toString() : ''),
      authorization,
      config,
      resource,
      base,
      nowMs: clock.epochMs(),
      random,
      signingKey: () => simulator.resources.signingKey(resource),
    })
    // The resource was deleted in the meantime.
    if (!issued) return errorResponse(resourceNotFound())
    if ('error' in issued) return refuse(issued)
    const { accessToken, expiresInSeconds, clientId, secret } = issued
    live.secrets.learn(secret)
    record(requestId, resource, config, { outcome: 'success', reason: null, details: { key_id: clientId } })
    logger.debug({ requestId, resource, client: clientId }, 'A token was issued.')
    const token = {
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      ext_expires_in: expiresInSeconds,
      access_token: accessToken,
    }
    return Response.json(token, { headers: noStore })
  }
}

const tooLarge: TokenError = {
  status: 413,
  error: 'invalid_request',
  code: 90_015,
  text: `The request is too long. It can have ${MAX_BODY_BYTES} bytes.`,
}

const noStore = { 'Cache-Control': 'no-store, no-cache', Pragma: 'no-cache' }

/** What identifies a refused token request, for its client and in the log. */
interface RefusalIds {
  readonly correlationId: string
  readonly traceId: string
  readonly epochMs: number
}

function errorAnswer(
  { status, error, code, text }: TokenError,
  { correlationId, traceId, epochMs }: RefusalIds,
  usedBasic: boolean,
): Response {
  const timestamp = `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
  const body = {
    error,
    error_description: `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
  }
  const challenge = status === 401 && usedBasic ? { 'WWW-Authenticate': 'Basic realm="token endpoint"' } : {}
  return Response.json(body, { status, headers: { ...noStore, ...challenge } })
}
