import type { Upstream } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type Reply, HeaderList } from '../pipeline/reply.ts'
import { type Credential, CredentialSource } from './credential.ts'
import { attemptCall } from './forward-attempts.ts'
import { createKeyMask } from './forward.ts'
import { UpstreamConnections } from './upstream-call.ts'
import { leavesEndpoint, parseUpstreamTarget, upstreamPath, type UpstreamTarget } from './upstream-target.ts'
import { endToEndHeaders, hopByHop, namedByConnection } from '../pipeline/end-to-end-headers.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { redactHeaderValue } from '../lib/credential-texts.ts'

/** Where an upstream is, and what may be asked of it. */
export type UpstreamLimits = Omit<Upstream, 'key'>

/** What a client of one upstream is made from. */
interface UpstreamClientOptions {
  readonly upstream: UpstreamLimits
  readonly credential: Credential
  /** Most kilobytes of the headers of an answer. */
  readonly headerLimitKb: number
  readonly clock: Clock
  readonly logger: Logger
}

/** An answer of an upstream. */
interface UpstreamReply {
  /** Its body is a live one, in which stars stand in the place of the credential. */
  readonly reply: Reply
  /** When the request was sent that it answers, on the clock's monotonic scale. */
  readonly sentMs: number
}

/** The client of one upstream: connections, timeouts, retries and the credential. */
export interface UpstreamClient {
  /** Scheme, host and port. */
  readonly origin: string
  /** Whether a request leads out of the path of the endpoint. It must not be sent then. */
  leavesEndpoint(exchange: Exchange): boolean
  /**
   * Sends a request on, with the credential in the place of the caller's.
   *
   * @throws {UpstreamFailure} when there is no answer
   * @throws {CallerLeft} when the caller leaves before
   */
  ask(exchange: Exchange): Promise<UpstreamReply>
  /** The credentials that were sent lately, none of which may get into logs or files. */
  readonly secrets: () => readonly string[]
  /** Closes all connections, those at work included. */
  close(): void
}

/** The path without the name of a resource in front, which the upstream does not know. */
function pathBelowResource({ path, route }: Exchange): string {
  return route?.resource === undefined ? path : path.slice(path.indexOf('/', 1))
}

/** Makes the client of one upstream. Nothing is opened before the first request. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { upstream, credential, clock, logger, headerLimitKb } = options
  const target = parseUpstreamTarget(upstream.endpoint)
  const connections = new UpstreamConnections(target, upstream, clock, headerLimitKb)
  const credentials = new CredentialSource(credential, target)
  const mask = createKeyMask(credentials.secrets)

  return {
    origin: target.origin,
    leavesEndpoint: (exchange) => leavesEndpoint(target, pathBelowResource(exchange)),
    async ask(exchange) {
      const { method, query, body, random, signal } = exchange
      const deadlineMs = clock.nowMs() + upstream.totalTimeoutMs
      const call = {
        method,
        path: upstreamPath(target, pathBelowResource(exchange), query),
        body,
        signal,
        deadlineMs,
      }
      const wait = { clock, timeoutMs: upstream.connectTimeoutMs, deadlineMs, signal }
      const { answer, sentMs } = await attemptCall(
        async () => {
          const headers = forwardedHeaders(exchange, target, await credentials.headers(wait))
          const sentMs = clock.nowMs()
          return { answer: await connections.call({ ...call, headers }), sentMs }
        },
        {
          retries: upstream.retries,
          deadlineMs,
          signal,
          clock,
          random,
          onRetry: (why, waitMs) =>
            logger.info(
              { ...exchange.logFields, waitMs: Math.round(waitMs) },
              `The upstream is asked again: ${why}`,
            ),
        },
      )
      const { status, reason, rawHeaders, decoded, chunks } = answer
      if (status === 401 || status === 403) {
        const message = `The upstream refused the key with status ${status}. Check AZURE_OPENAI_KEY.`
        logger.warn(exchange.logFields, message)
      }
      const headers = returnedHeaders(
        rawHeaders.map((text) => mask.text(text)),
        decoded,
      )
      // The service gives a name back; a caller that gave none gets none.
      if (isNamedHere(exchange) && headers.get(ownName) === exchange.id) headers.delete(ownName)
      const reply: Reply = {
        status,
        ...(reason !== '' && { reason: mask.text(reason) }),
        headers,
        body: { kind: 'live', chunks: mask.chunks(chunks) },
        ownTime: true,
      }
      return { reply, sentMs }
    },
    secrets: credentials.secrets,
    close: () => connections.close(),
  }
}

/** What the call upstream has of its own. */
const replaced: ReadonlySet<string> = new Set(['accept-encoding', 'content-length', 'expect', 'host'])

/** Whether a header is for the simulator alone: what lets the caller in here, and what asks for faults. */
function staysHere(name: string): boolean {
  return replaced.has(name) || name.startsWith('x-sim-') || isCredentialName(name, 'header')
}

/** Methods whose requests mostly have no body, and then no length either. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/** By this header the service lets callers name their requests. */
const ownName = 'x-ms-client-request-id'

/** Whether a request has no name of its caller's, and so goes by its id here. */
function isNamedHere({ headers }: Pick<Exchange, 'headers'>): boolean {
  return headers[ownName] === undefined
}

/**
 * The headers of a request as they go upstream: names and values in turn, without credentials of the caller. The operator's
 * take their place. A request without a name of its own goes by its id here.
 * Plain bodies are asked for, so that what is recorded can be read and what streams is not held up by a compressor.
 */
function forwardedHeaders(
  { id, method, headers, body }: Pick<Exchange, 'id' | 'method' | 'headers' | 'body'>,
  target: UpstreamTarget,
  credential: readonly string[],
): string[] {
  const host = target.origin.slice(target.origin.indexOf('//') + 2)
  const raw = ['host', host, ...credential, 'accept-encoding', 'identity']
  const ofConnection = namedByConnection(headers.connection)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || hopByHop.has(name) || staysHere(name) || ofConnection.has(name)) continue
    for (const one of Array.isArray(value) ? value : [value]) raw.push(name, redactHeaderValue(one))
  }
  if (isNamedHere({ headers })) raw.push(ownName, id)
  if (body.length > 0 || !bodiless.has(method)) raw.push('content-length', String(body.length))
  return raw
}

/** Headers that do not fit a body any more that has been decoded. */
const ofEncoding: ReadonlySet<string> = new Set(['content-encoding', 'content-length'])

/**
 * The headers of an answer as they go to the client, in their order and case, several of one name included.
 *
 * @param raw names and values in turn, as they came
 * @param decoded whether the body was compressed and is not any more
 */
function returnedHeaders(raw: readonly string[], decoded: boolean): HeaderList {
  const headers = endToEndHeaders(new HeaderList([...raw]))
  if (decoded) for (const name of ofEncoding) headers.delete(name)
  return headers
}
