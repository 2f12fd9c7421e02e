import type { Clock } from '../lib/clock.ts'
import { createKeyRedactor, redactText, keyForms } from '../lib/credential-texts.ts'
import { asBuffer } from '../lib/buffers.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { clientLeftReply } from '../pipeline/client-left-reply.ts'
import { shouldStream, gather, hasNoBody, isEventStream } from '../pipeline/stream-events.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import type { Forwarder } from '../pipeline/extension.ts'
import { ReportedFailure, type Reply } from '../pipeline/reply.ts'
import type { Source } from '../pipeline/stage.ts'
import { textBody } from '../answer/body.ts'
import { usageOfBody, usageOfEvents } from '../wire/read-usage.ts'
import { isTerminalEvent } from '../wire/sse.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { planCall } from './bridge.ts'
import type { UpstreamClient } from './upstream-client.ts'
import { ClientDisconnected, pathLeavesEndpoint, UpstreamFailure, upstreamError } from './upstream-failure.ts'

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

/** Called with the reason when a live body fails before its end. */
export type OnBodyFailure = (why: string) => void

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
      if (!(error instanceof UpstreamFailure)) throw error
      const { code, message, cause } = error
      const reason =
        code === 'UpstreamCredential' && cause !== undefined
          ? redactKeys(redactText(reasonOf(cause)))
          : undefined
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
 * Reads a body completely unless it should be streamed; streams are passed on through `watchChunks`. Adds the usage in the body
 * to the reply; for a stream, at its end. Changes the reply.
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
  const chunks = result?.chunks ?? body.chunks
  reply.body = { kind: 'live', chunks: watchChunks(chunks, exchange, reply, onBodyFailure) }
  return reply
}

async function* emptyBody(): AsyncGenerator<Uint8Array, undefined> {}

/** Streams with a larger event, in bytes, are passed on without further inspection. */
const MAX_INSPECTED_EVENT_BYTES = 64 * 1024 * 1024

/**
 * Passes on a live body, a stream event by event. If a stream fails, sends an error event in the wire format of the request, which
 * the official clients raise as an error, and closes the connection. An incomplete event is dropped, because a client could not
 * parse it. After its terminal event, a stream ends normally.
 */
async function* watchChunks(
  chunks: AsyncIterable<Uint8Array>,
  exchange: Exchange,
  reply: Reply,
  onBodyFailure: OnBodyFailure,
): AsyncGenerator<Uint8Array, undefined> {
  let splitter = isEventStream(reply.headers) ? new EventSplitter() : undefined
  let isTerminated = false
  let events = 0
  let firstEvent = ''
  let usageEvent: string | undefined
  const inspect = (bytes: Buffer): void => {
    const event = bytes.toString()
    if (/^data:/m.test(event) && events++ === 0) firstEvent = event
    isTerminated ||= isTerminalEvent(event)
    if (/"usage"\s*:\s*\{/.test(event)) usageEvent = event
  }
  try {
    for await (const chunk of chunks) {
      if (!splitter) {
        yield chunk
        continue
      }
      const complete = splitter.push(asBuffer(chunk))
      for (const event of complete) inspect(event)
      if (splitter.pendingBytes > MAX_INSPECTED_EVENT_BYTES) {
        complete.push(splitter.rest())
        splitter = undefined
      }
      const [only] = complete
      if (only) yield complete.length === 1 ? only : Buffer.concat(complete)
    }
    const rest = splitter?.rest()
    if (rest && rest.length > 0) yield rest
  } catch (error) {
    if (error instanceof ClientDisconnected || exchange.ended) throw error
    if (isTerminated) return
    onBodyFailure(reasonOf(error))
    if (splitter && error instanceof UpstreamFailure) {
      const format = wireFormatOf(exchange.route?.operation)
      reply.streamErrorStatus = upstreamError(error).status
      yield Buffer.from(format.writeErrorEvents(upstreamError(error), events, firstEvent).join(''))
    }
    throw new ReportedFailure(error)
  } finally {
    const usage = usageEvent !== undefined && !reply.usage ? usageOfEvents([usageEvent]) : undefined
    if (usage) reply.usage = usage
  }
}

const STAR = 0x2a

/** Masks the operator's credentials in the answers of an upstream, which may echo the headers of the request. */
export interface KeyMask {
  text(text: string): string
  /**
   * Replaces each key by stars, also if it is split between chunks. The length of the body stays the same. Only bytes that may
   * be the start of a key wait for the next chunk.
   */
  chunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Buffer>
}

/**
 * Creates a mask.
 *
 * @param secrets returns the current keys. Called once for each body, so that a key is masked in the answers to the requests
 * that were sent with it. Very short keys are not masked, because they would match ordinary text
 */
export function createKeyMask(secrets: () => readonly string[]): KeyMask {
  let lastSecrets: readonly string[] | undefined
  let forms: readonly string[] = []
  const currentForms = (): readonly string[] => {
    const current = secrets()
    if (current !== lastSecrets) {
      lastSecrets = current
      forms = current.flatMap(keyForms)
    }
    return forms
  }

  async function* maskChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
    const keys = currentForms().map((form) => Buffer.from(form))
    const maxLength = Math.max(0, ...keys.map((key) => key.length))
    let pending = Buffer.alloc(0)
    try {
      for await (const chunk of chunks) {
        const bytes = maskKeys(pending.length === 0 ? asBuffer(chunk) : Buffer.concat([pending, chunk]), keys)
        const end = bytes.length - partialKeyLength(bytes, keys, maxLength)
        pending = Buffer.from(bytes.subarray(end))
        if (end > 0) yield bytes.subarray(0, end)
      }
    } catch (error) {
      // Sends the bytes that arrived before the failure.
      if (pending.length > 0) yield pending
      throw error
    }
    if (pending.length > 0) yield pending
  }

  return {
    text: (text) =>
      currentForms().reduce<string>((rest, form) => rest.replaceAll(form, '*'.repeat(form.length)), text),
    chunks: maskChunks,
  }
}

/** Returns a masked copy, or the same bytes if they contain no key. */
function maskKeys(bytes: Buffer, keys: readonly Buffer[]): Buffer {
  let copy = bytes
  for (const key of keys) {
    for (let at = copy.indexOf(key); at >= 0; at = copy.indexOf(key, at + key.length)) {
      if (copy === bytes) copy = Buffer.from(bytes)
      copy.fill(STAR, at, at + key.length)
    }
  }
  return copy
}

/** How many bytes at the end may be the start of a key. */
function partialKeyLength(bytes: Buffer, keys: readonly Buffer[], maxLength: number): number {
  for (let length = Math.min(maxLength - 1, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length)
    if (keys.some((key) => length < key.length && key[0] === end[0] && key.subarray(0, length).equals(end)))
      return length
  }
  return 0
}
