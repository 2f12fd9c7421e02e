import type { Upstream } from '../config/recordings-config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { type Credential, CredentialSource } from './credential.ts'
import { attemptCall } from './forward-attempts.ts'
import { forwardedHeaders, returnedHeaders } from './forward-headers.ts'
import { createKeyMask } from './mask-key.ts'
import { UpstreamConnections } from './upstream-call.ts'
import { leavesEndpoint, parseUpstreamTarget, upstreamPath } from './upstream-target.ts'

/** Where an upstream is, and what may be asked of it. */
export type UpstreamLimits = Omit<Upstream, 'key'>

/** What a client of one upstream is made from. */
export interface UpstreamClientOptions {
  readonly upstream: UpstreamLimits
  readonly credential: Credential
  /** Most kilobytes of the headers of an answer. */
  readonly headerLimitKb: number
  readonly clock: Clock
  readonly logger: Logger
}

/** An answer of an upstream. */
export interface UpstreamReply {
  /** Its body is a live one, in which stars stand in the place of the credential. */
  readonly reply: Reply
  /** When the request was sent that it answers, on the clock's monotonic scale. */
  readonly sentMs: number
}

/** The client of one upstream: connections, timeouts, retries and the credential. */
export interface UpstreamClient {
  /** Scheme, host and port. */
  readonly origin: string
  /** Whether a path leads out of the path of the endpoint. Such a request must not be sent. */
  leavesEndpoint(path: string): boolean
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

/** Makes the client of one upstream. Nothing is opened before the first request. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { upstream, credential, clock, logger, headerLimitKb } = options
  const target = parseUpstreamTarget(upstream.endpoint)
  const connections = new UpstreamConnections(target, upstream, clock, headerLimitKb)
  const credentials = new CredentialSource(credential, target)
  const mask = createKeyMask(credentials.secrets)

  return {
    origin: target.origin,
    leavesEndpoint: (path) => leavesEndpoint(target, path),
    async ask(exchange) {
      const { method, path, query, body, random, signal } = exchange
      const deadlineMs = clock.nowMs() + upstream.totalTimeoutMs
      const call = {
        method,
        path: upstreamPath(target, path, query),
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
      const reply: Reply = {
        status,
        ...(reason !== '' && { reason: mask.text(reason) }),
        headers: returnedHeaders(
          rawHeaders.map((text) => mask.text(text)),
          decoded,
        ),
        body: { kind: 'live', chunks: mask.chunks(chunks) },
        ownTime: true,
      }
      return { reply, sentMs }
    },
    secrets: credentials.secrets,
    close: () => connections.close(),
  }
}
