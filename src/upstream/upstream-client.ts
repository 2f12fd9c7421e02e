import type { Upstream } from '../config/upstreams.ts'
import { RecentMap } from '../lib/caches.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { redactHeaderValue } from '../lib/credential-texts.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { endToEndHeaders, hopByHop, namedByConnection } from '../pipeline/end-to-end-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { headerIn, type HeaderList, type Reply } from '../pipeline/reply.ts'
import { type CredentialHeader, CredentialSource, secretIn } from './credential.ts'
import { type AttemptOutcome, attemptCall } from './forward-attempts.ts'
import { createKeyMask, type KeyMask } from './key-mask.ts'
import { type Environment, proxyFor } from './proxy.ts'
import { type UpstreamAnswer, UpstreamConnections } from './upstream-call.ts'
import { credentialAdvice, UpstreamFailure, UpstreamLabel } from './upstream-failure.ts'
import type { UpstreamAttempt, UpstreamObserver } from './upstream-observer.ts'
import { addressOf, type UpstreamRequest } from './upstream-request.ts'
import { leavesEndpoint, targetOf, type UpstreamTarget } from './upstream-target.ts'
import { requestIdHeaders, requestIdsOf } from '../pipeline/upstream-call.ts'
import { type UpstreamCheck, verifyUpstream } from './verify-upstream.ts'

/** Options of the client of one upstream. */
interface UpstreamClientOptions {
  readonly upstream: Upstream
  /** Maximum size of the headers of an answer, in KiB. */
  readonly headerLimitKb: number
  /** Variables that name a proxy: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. */
  readonly env: Environment
  readonly clock: Clock
  readonly logger: Logger
  /** Is notified of each attempt. */
  readonly observer?: UpstreamObserver | undefined
}

/** An answer of an upstream. */
interface UpstreamReply {
  /** Has a live body, in which the credential is replaced by stars. */
  readonly reply: Reply
  /** When its request was sent, on the clock's monotonic scale. */
  readonly sentMs: number
}

/** The client of one upstream: connections, timeouts, retries and the credential. */
export interface UpstreamClient {
  /** Scheme, host and port. */
  readonly origin: string
  /** Whether the path of a request leads outside of the endpoint. Such a request must not be sent. */
  leavesEndpoint(exchange: Exchange): boolean
  /**
   * Sends a request with the credential of the operator instead of that of the client, and with the other headers of the exchange.
   *
   * @throws {UpstreamFailure} if there is no answer
   * @throws {ClientDisconnected} if the client disconnects first
   */
  send(exchange: Exchange, request: UpstreamRequest): Promise<UpstreamReply>
  /** Sends one request that costs nothing. Returns whether address, credential and TLS work. */
  verify(): Promise<UpstreamCheck>
  /** The credentials that were sent recently. They must not be written to logs or files. */
  readonly secrets: () => readonly string[]
  /** Closes all connections, including active ones. */
  close(): void
}

/** Creates the client of one upstream. It opens no connection before the first request. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { upstream, clock, logger, headerLimitKb, observer, env } = options
  const target = targetOf(upstream.endpoint)
  const label = new UpstreamLabel(upstream.name, target.origin)
  const credentials = new CredentialSource(upstream, { label, clock, logger })
  let connections: UpstreamConnections | undefined
  const connect = (): UpstreamConnections =>
    (connections ??= new UpstreamConnections({
      upstream,
      target,
      label,
      clock,
      headerLimitKb,
      // Throws if the address of the proxy is invalid, at each request.
      proxy: proxyFor(target, label, env),
    }))

  let maskedSecrets: readonly string[] = []
  let lastMask = createKeyMask(maskedSecrets)
  const recentMask = (): KeyMask => {
    const secrets = credentials.secrets()
    if (secrets !== maskedSecrets) {
      maskedSecrets = secrets
      lastMask = createKeyMask(secrets)
    }
    return lastMask
  }
  /** The mask for all recent secrets, so that it also covers an answer to an earlier attempt. */
  const maskFor = ([, sent]: CredentialHeader): KeyMask => {
    const secrets = credentials.secrets()
    if (!secrets.some((secret) => sent.endsWith(secret))) return createKeyMask([secretIn(sent), ...secrets])
    return recentMask()
  }

  const watchAttempt = (
    { outcome, retry, startedMs, headersMs, retryInMs }: AttemptOutcome,
    exchange: Exchange,
  ): void => {
    const isAnswer = !(outcome instanceof Error)
    const call = exchange.upstreamCall
    if (call) {
      call.connectMs = isAnswer ? outcome.connectMs : undefined
      call.requestIds = isAnswer ? requestIdsOf(recentMask().texts(outcome.rawHeaders)) : {}
    }
    const report = (failure: Error | undefined): void =>
      observer?.onAttempt(
        {
          upstream: upstream.name,
          status: isAnswer ? outcome.status : undefined,
          code: codeOf(failure),
          ms: clock.nowMs() - startedMs,
          firstByteMs: isAnswer ? headersMs - startedMs : undefined,
          retry,
          willRetry: retryInMs !== undefined,
          upstreamRequestId: isAnswer ? requestIdOf(outcome) : undefined,
        },
        exchange,
      )
    if (isAnswer) outcome.onEnd(report)
    else report(outcome)
    if (retryInMs === undefined) return
    const why = isAnswer ? `status ${outcome.status}` : outcome.message
    logger.info(
      { ...exchange.logFields, waitMs: Math.round(retryInMs) },
      `The request is sent to the upstream again: ${why}`,
    )
  }

  return {
    origin: target.origin,
    leavesEndpoint: (exchange) => leavesEndpoint(target, exchange.servicePath),
    async send(exchange, request) {
      const { random, upstreamCall } = exchange
      const { method, body } = request
      if (upstreamCall) upstreamCall.converted = request.converted
      const deadlineMs = clock.nowMs() + upstream.totalTimeoutMs
      const address = addressOf(request, upstream)
      const { path } = address
      const wait = { timeoutMs: upstream.connectTimeoutMs, deadlineMs, client: exchange }
      let credential: CredentialHeader = ['', '']
      const { answer, sentMs } = await attemptCall(
        async () => {
          credential = await credentials.header(exchange.headers, address.api === 'anthropic', wait)
          const headers = requestHeaders(exchange, request, target, credential, address.headers)
          const sentMs = clock.nowMs()
          return {
            answer: await connect().call({ method, path, headers, body, exchange, deadlineMs }),
            sentMs,
          }
        },
        {
          retries: upstream.retries,
          deadlineMs,
          client: exchange,
          clock,
          random,
          onAttempt: (attempt) => watchAttempt(attempt, exchange),
        },
      )
      const { status, reason, rawHeaders, decoded, chunks } = answer
      if (status === 401 || status === 403) {
        const message = `The ${label.text} rejected the credential with status ${status}. ${credentialAdvice(upstream, label)}`
        logger.warn(exchange.logFields, message)
      }
      const mask = maskFor(credential)
      const headers = returnedHeaders(mask.texts(rawHeaders), decoded)
      // The service returns the request id of the simulator; a client that sent none gets none.
      if (lacksRequestId(exchange) && headers.get(requestIdHeader) === exchange.id)
        headers.delete(requestIdHeader)
      const reply: Reply = {
        status,
        ...(reason !== '' && { reason: mask.text(reason) }),
        headers,
        body: { kind: 'live', chunks: chunks.through(mask.filter()) },
        ownTime: true,
      }
      return { reply, sentMs }
    },
    verify: () => verifyUpstream({ upstream, target, label, clock, credentials, connect }),
    secrets: credentials.secrets,
    close: () => connections?.close(),
  }
}

function codeOf(failure: Error | undefined): UpstreamAttempt['code'] {
  if (failure instanceof UpstreamFailure) return failure.code
  return failure === undefined ? undefined : 'ClientDisconnected'
}

function requestIdOf({ rawHeaders }: UpstreamAnswer): string | undefined {
  for (const name of requestIdHeaders) {
    const id = headerIn(rawHeaders, name)
    if (id !== undefined) return id
  }
  return undefined
}

/** Request headers that the simulator sets itself. */
const replacedHeaders: ReadonlySet<string> = new Set(['accept-encoding', 'content-length', 'expect', 'host'])

/** Whether a header is only for the simulator: credentials of the client, and `x-sim-*`. */
function isNotForwarded(name: string): boolean {
  return replacedHeaders.has(name) || name.startsWith('x-sim-') || isCredentialName(name, 'header')
}

/** Methods that need no `content-length` if the body is empty. */
const bodylessMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/** Clients of the service can set a request id in this header. */
const requestIdHeader = 'x-ms-client-request-id'

/** Whether the client has set no request id. The simulator then sends its own. */
function lacksRequestId({ headers }: Pick<Exchange, 'headers'>): boolean {
  return headers[requestIdHeader] === undefined
}

/** Headers that describe the body of the client, or select its API. They do not apply to a converted request. */
function isOfUnconverted(name: string): boolean {
  return name === 'content-type' || name === 'content-encoding' || name.startsWith('anthropic-')
}

/**
 * The headers of a request: names and values alternate. The credential of the operator replaces those of the client. A request
 * without a request id gets that of the simulator. Requests uncompressed bodies, so that recordings are readable and compression
 * does not delay streams.
 *
 * @param required headers of the API, unless the client sent them
 */
function requestHeaders(
  { id, headers }: Pick<Exchange, 'id' | 'headers'>,
  { method, body, model, contentType, converted }: UpstreamRequest,
  target: UpstreamTarget,
  credential: readonly string[],
  required: readonly string[],
): string[] {
  const host = target.origin.slice(target.origin.indexOf('//') + 2)
  const raw = ['host', host, ...credential, 'accept-encoding', 'identity']
  const connectionHeaders = namedByConnection(headers.connection)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || hopByHop.has(name) || isNotForwarded(name) || connectionHeaders.has(name))
      continue
    if (converted && isOfUnconverted(name)) continue
    const isModel = name === modelHeader && model !== undefined
    if (isModel) raw.push(name, forwardedValue(model))
    else if (typeof value === 'string') raw.push(name, forwardedValue(value))
    else for (const item of value) raw.push(name, forwardedValue(item))
  }
  for (let index = 0; index < required.length; index += 2) {
    const [name = '', value = ''] = required.slice(index, index + 2)
    if (converted || headers[name] === undefined) raw.push(name, value)
  }
  if (converted && contentType !== undefined) raw.push('content-type', contentType)
  if (lacksRequestId({ headers })) raw.push(requestIdHeader, id)
  if (body.length > 0 || !bodylessMethods.has(method)) raw.push('content-length', String(body.length))
  return raw
}

/** Redacted values of headers, most of which repeat. */
const forwardedValues = new RecentMap<string, string>(500)
const MAX_REPEATED_LENGTH = 200

/** The value of a header of the client without the credentials in it. */
function forwardedValue(value: string): string {
  if (value.length > MAX_REPEATED_LENGTH) return redactHeaderValue(value)
  let forwarded = forwardedValues.get(value)
  if (forwarded === undefined) {
    forwarded = redactHeaderValue(value)
    forwardedValues.set(value, forwarded)
  }
  return forwarded
}

/** Names the model in requests to the model inference API. */
const modelHeader = 'x-ms-model-mesh-model-name'

/** Headers that are wrong after decompression. */
const encodingHeaders: ReadonlySet<string> = new Set(['content-encoding', 'content-length'])

/**
 * The headers of an answer for the client. Keeps order, case and repeated names.
 *
 * @param raw names and values alternate
 * @param decoded whether the body was decompressed
 */
function returnedHeaders(raw: readonly string[], decoded: boolean): HeaderList {
  const headers = endToEndHeaders({ raw })
  if (decoded) for (const name of encodingHeaders) headers.delete(name)
  return headers
}
