import type { Clock } from '../lib/clock.ts'
import { createKeyRedactor, redactText } from '../lib/credential-texts.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { clientLeftReply } from '../pipeline/client-left-reply.ts'
import { shouldStream, gather, hasNoBody } from '../pipeline/stream-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Source } from '../pipeline/stage.ts'
import { textBody } from '../answer/body.ts'
import { pushedFrom } from '../answer/pushed-chunks.ts'
import { invalidKey } from '../wire/errors.ts'
import { usageOfBody } from '../wire/read-usage.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { planCall } from './bridge.ts'
import type { UpstreamClient } from './upstream-client.ts'
import {
  ClientDisconnected,
  MissingCallerCredential,
  pathLeavesEndpoint,
  UpstreamFailure,
  upstreamError,
} from './upstream-failure.ts'
import { type OnBodyFailure, StreamWatch } from './watch-stream.ts'

/** The answer of another service, or an error of the simulator if there is no answer. */
export interface ForwardResult {
  readonly reply: Reply
  /** Scheme, host and port of the service. */
  readonly origin: string
  /** When the request was forwarded, on the clock's monotonic scale. */
  readonly sentMs: number
  /** False for answers that must not be recorded: those marked so by a forwarder, and errors of the simulator. */
  readonly store: boolean
}

/**
 * Forwards an exchange to another service. Streams and large bodies are live; other bodies are read completely. A stream that
 * fails ends with an error event. Rejects only with an error that a forwarder of an extension throws.
 */
export type Forward = (exchange: Exchange, onBodyFailure: OnBodyFailure) => Promise<ForwardResult>

/** Dependencies of forwarding. */
export interface ForwardOptions {
  readonly client: UpstreamClient
  /** All forwarders of extensions as one, called before the upstream; undefined if there are none. */
  readonly forwarder?: Forwarder | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** The origin of answers of forwarders, of which the address is unknown. */
const forwarderOrigin = 'http://forwarder'

/** Creates the function that sends requests to the forwarders of extensions, or to the upstream. It rejects paths outside of the endpoint. */
export function createForward({ client, forwarder, clock, logger }: ForwardOptions): Forward {
  const { origin } = client
  const redactKeys = createKeyRedactor(client.secrets)

  const callForwarder = async (
    exchange: Exchange,
    forwarder: Forwarder,
  ): Promise<ForwardResult | undefined> => {
    const sentMs = clock.nowMs()
    const forwarded = await forwarder(exchange)
    if (!forwarded) return undefined
    const { reply, store = true } = 'reply' in forwarded ? forwarded : { reply: forwarded }
    // The real service took its time already: no simulated latency is added.
    reply.ownTime = true
    return { reply, origin: forwarderOrigin, sentMs, store }
  }

  const callUpstream = async (exchange: Exchange, onBodyFailure: OnBodyFailure): Promise<ForwardResult> => {
    const localResult = (reply: Reply): ForwardResult => ({
      reply,
      origin,
      sentMs: clock.nowMs(),
      store: false,
    })
    try {
      const route = upstreamOf(exchange)
      if (!route) throw new Error('Could not forward a request: its resource has no upstream.')
      const planned = planCall(exchange, route)
      if ('status' in planned) return localResult(refuse(planned))
      const { reply, sentMs } = await client.send(exchange, planned.request)
      const answer = planned.convert
        ? await planned.convert(reply, onBodyFailure)
        : await readOrWatch(exchange, reply, onBodyFailure)
      return { reply: answer, origin, sentMs, store: true }
    } catch (error) {
      if (error instanceof ClientDisconnected) return localResult(clientLeftReply())
      if (error instanceof MissingCallerCredential) return localResult(refuse(invalidKey()))
      if (!(error instanceof UpstreamFailure)) throw error
      const { code, message, cause } = error
      const reason =
        code === 'UpstreamCredential' && cause !== undefined
          ? redactKeys(redactText(reasonOf(cause)))
          : undefined
      if (exchange.upstreamCall) exchange.upstreamCall.message = message
      logger.warn(
        { ...exchange.logFields, code, ...(reason !== undefined && { reason }) },
        `Could not forward a request: ${message}`,
      )
      return localResult(refuse(upstreamError(error)))
    }
  }

  return async (exchange, onBodyFailure) => {
    if (client.leavesEndpoint(exchange)) {
      logger.info(exchange.logFields, 'A request was rejected: its path leads outside of the endpoint.')
      return {
        reply: refuse(pathLeavesEndpoint()),
        origin,
        sentMs: clock.nowMs(),
        store: false,
      }
    }
    const own = forwarder && (await callForwarder(exchange, forwarder))
    if (!own) return callUpstream(exchange, onBodyFailure)
    return own.store ? { ...own, reply: await readOrWatch(exchange, own.reply, onBodyFailure) } : own
  }
}

/** Creates the source that forwards requests and returns the answers. @param forwardOf returns the function for an exchange */
export function createForwardSource(forwardOf: (exchange: Exchange) => Forward, logger: Logger): Source {
  return async (exchange) => {
    exchange.answeredBy = 'forwarded'
    const { method, path } = exchange
    const { reply } = await forwardOf(exchange)(exchange, (why) =>
      logger.warn({ method, path }, `An answer was interrupted: ${why}`),
    )
    return reply
  }
}

/**
 * Reads a body completely unless it should be streamed; streams are passed on through `StreamWatch`. Adds the usage in the body to the
 * reply; for a stream, at its end. Changes the reply.
 */
async function readOrWatch(exchange: Exchange, reply: Reply, onBodyFailure: OnBodyFailure): Promise<Reply> {
  const { body, headers, status } = reply
  if (body.kind !== 'live') return reply
  if (hasNoBody(exchange.method, status)) {
    for await (const _ of body.chunks);
    // With a content-length, clients would wait for a body of 205. For HEAD, 204 and 304 it describes a body that is not sent.
    if (status === 205) headers.delete('content-length')
    reply.body = { kind: 'live', chunks: emptyBody() }
    return reply
  }
  const result = shouldStream(headers) ? undefined : await gather(body.chunks)
  if (result?.kind === 'whole') {
    reply.body = textBody(result.bytes)
    const usage = status < 400 && !reply.usage ? usageOfBody(result.bytes) : undefined
    if (usage) reply.usage = usage
    return reply
  }
  const chunks = pushedFrom(result?.chunks ?? body.chunks)
  reply.body = { kind: 'live', chunks: chunks.through(new StreamWatch(exchange, reply, onBodyFailure)) }
  return reply
}

async function* emptyBody(): AsyncGenerator<Uint8Array, undefined> {}
