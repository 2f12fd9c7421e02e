import { createHash } from 'node:crypto'
import { guid } from '../wire/ids.ts'
import type { Operation } from '../wire/operations.ts'
import { modelHeaders } from '../wire/service-headers.ts'
import type { Exchange } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import { httpDate } from '../lib/http-date.ts'

/** What an answer's headers leave out or add. */
export interface HeaderOptions {
  /** The body has no known length; default false. */
  readonly chunked?: boolean
  /** Tells the state of the deployment's limits; default true. */
  readonly withLimits?: boolean
}

/** The Responses API stands beside the rest of the service and sends fewer headers (captures of April 2026). */
const responseOperations: ReadonlySet<Operation> = new Set<Operation>([
  'responses',
  'getResponse',
  'deleteResponse',
  'cancelResponse',
  'listInputItems',
])

/** The headers of an answer from the exchange's deployment, with the live state of its limits. */
export function deploymentHeaders(
  exchange: Exchange,
  contentType: string | undefined,
  { chunked = false, withLimits = true }: HeaderOptions = {},
): HeaderList {
  const { deployment, route } = exchange
  const isResponses = route !== undefined && responseOperations.has(route.operation)
  const raw = modelHeaders({
    contentType,
    chunked,
    date: httpDate(exchange.clock.epochMs()),
    apimRequestId: guid(exchange.random),
    requestId: guid(exchange.random),
    clientRequestId: clientRequestId(exchange),
    deployment: deployment?.name ?? '',
    region: exchange.config.region,
    modelSession: isResponses ? undefined : modelSession(deployment?.model.name ?? ''),
    generatesText: route?.operation !== 'embeddings' && !isResponses,
    rateLimits: withLimits ? exchange.rateLimits : undefined,
    utilization: exchange.config.utilizationHeader ? exchange.utilization : undefined,
    spilledOverFrom: exchange.spilledOverFrom,
  })
  return new HeaderList(raw)
}

/** The caller's own id of the request; a list, which Node makes of a repeated header, is not one. */
function clientRequestId(exchange: Exchange): string | undefined {
  const value = exchange.headers['x-ms-client-request-id']
  return typeof value === 'string' ? value : undefined
}

const sessions = new Map<string, string>()

/** Names the build of the model: the same for all requests, as in captures, and of the form seen in 2026. */
function modelSession(modelName: string): string {
  let session = sessions.get(modelName)
  if (session === undefined) {
    const digest = createHash('sha256').update(modelName).digest('hex')
    session = `d20260330170902-${digest.slice(0, 12)}`
    sessions.set(modelName, session)
  }
  return session
}
