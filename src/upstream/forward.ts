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
import type { UpstreamClient } from './upstream-client.ts'
import { CallerLeft, pathLeavesEndpoint, UpstreamFailure, upstreamError } from './upstream-failure.ts'

/** What came back from another service, or stands in the place of an answer that did not come. */
export interface Forwarded {
  readonly reply: Reply
  /** Scheme, host and port that were asked. */
  readonly origin: string
  /** When the request was sent on, on the clock's monotonic scale. */
  readonly sentMs: number
  /** False for what no replay should see: what a forwarder says so of, and errors that are made here. */
  readonly store: boolean
}

/** Hears of a live body that broke on its way, and why. */
export type OnBroken = (why: string) => void

/**
 * Carries an exchange to another service. A body is whole where pieces of it are of no use, and else live; a stream that breaks
 * says so in an error event. Rejects with what a forwarder of an extension throws; never for what an upstream does.
 */
export type Forward = (exchange: Exchange, onBroken: OnBroken) => Promise<Forwarded>

/** What forwarding is made from. */
export interface ForwardOptions {
  readonly client: UpstreamClient
  /** Asked before the upstream: all forwarders of extensions as one; absent where there are none. */
  readonly forwarder?: Forwarder | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** Stands for what a forwarder asked, which it alone knows. */
const forwarderOrigin = 'http://forwarder'

/** Makes the function that carries requests to forwarders of extensions, or to the upstream. A path that leads out of the endpoint gets to neither. */
export function createForward({ client, forwarder, clock, logger }: ForwardOptions): Forward {
  const { origin } = client
  const redactKeys = createKeyRedactor(client.secrets)

  const askForwarder = async (exchange: Exchange, ask: Forwarder): Promise<Forwarded | undefined> => {
    const sentMs = clock.nowMs()
    const forwarded = await ask(exchange)
    if (!forwarded) return undefined
    const { reply, store = true } = 'reply' in forwarded ? forwarded : { reply: forwarded }
    // What has been elsewhere is not to be given a model's time on top.
    reply.ownTime = true
    return { reply, origin: forwarderOrigin, sentMs, store }
  }

  const askUpstream = async (exchange: Exchange, onBroken: OnBroken): Promise<Forwarded> => {
    const inPlace = (reply: Reply): Forwarded => ({ reply, origin, sentMs: clock.nowMs(), store: false })
    try {
      const { reply, sentMs } = await client.ask(exchange)
      return { reply: await settled(exchange, reply, onBroken), origin, sentMs, store: true }
    } catch (error) {
      if (error instanceof CallerLeft) return inPlace(clientLeftReply())
      if (!(error instanceof UpstreamFailure)) throw error
      const { code, message, cause } = error
      const reason =
        code === 'UpstreamCredential' && cause !== undefined
          ? redactKeys(redactText(reasonOf(cause)))
          : undefined
      logger.warn(
        { ...exchange.logFields, code, ...(reason !== undefined && { reason }) },
        `A request got no answer: ${message}`,
      )
      return inPlace(refuse(upstreamError(error)))
    }
  }

  return async (exchange, onBroken) => {
    if (client.leavesEndpoint(exchange)) {
      logger.info(exchange.logFields, 'A request was refused: its path leads out of the endpoint.')
      return {
        reply: refuse(pathLeavesEndpoint()),
        origin,
        sentMs: clock.nowMs(),
        store: false,
      }
    }
    const own = forwarder && (await askForwarder(exchange, forwarder))
    if (!own) return askUpstream(exchange, onBroken)
    return own.store ? { ...own, reply: await settled(exchange, own.reply, onBroken) } : own
  }
}

/** Makes the source that passes requests on and answers back. @param forwardOf gives what carries an exchange */
export function createForwardSource(forwardOf: (exchange: Exchange) => Forward, logger: Logger): Source {
  return async (exchange) => {
    exchange.answeredBy = 'forwarded'
    const { method, path } = exchange
    const { reply } = await forwardOf(exchange)(exchange, (why) =>
      logger.warn({ method, path }, `An answer broke on its way: ${why}`),
    )
    return reply
  }
}

/**
 * Reads to its end what comes live and is of no use in pieces, and lets the rest tell of a failure. The usage that the body
 * tells goes into the reply, that of a stream with its end. Changes the reply.
 */
async function settled(exchange: Exchange, reply: Reply, onBroken: OnBroken): Promise<Reply> {
  const { body, headers, status } = reply
  if (body.kind !== 'live') return reply
  if (hasNoBody(exchange.method, status)) {
    for await (const _ of body.chunks);
    // Clients wait for a body of 205 whose length is told; the other heads tell the length of what is not sent.
    if (status === 205) headers.delete('content-length')
    reply.body = { kind: 'live', chunks: nothing() }
    return reply
  }
  const gathered = shouldStream(headers) ? undefined : await gather(body.chunks)
  if (gathered?.kind === 'whole') {
    reply.body = textBody(gathered.bytes)
    const usage = status < 400 && !reply.usage ? usageOfBody(gathered.bytes) : undefined
    if (usage) reply.usage = usage
    return reply
  }
  const chunks = gathered?.chunks ?? body.chunks
  reply.body = { kind: 'live', chunks: passed(chunks, exchange, reply, onBroken) }
  return reply
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}

/** An event that has more bytes than this is not looked at any more. */
const WATCHED_EVENT_BYTES = 64 * 1024 * 1024

/**
 * Passes on what comes live. A stream that fails on its way says so, before its connection is cut: an error event in the wire
 * format of the request, which the official clients raise as an error. In the middle of an event there is the cut alone, for
 * whatever is sent would be read as a part of that event. A stream that has said that it is at its end ends in order.
 */
async function* passed(
  chunks: AsyncIterable<Uint8Array>,
  exchange: Exchange,
  reply: Reply,
  onBroken: OnBroken,
): AsyncGenerator<Uint8Array, undefined> {
  let splitter = isEventStream(reply.headers) ? new EventSplitter() : undefined
  let isTerminated = false
  let events = 0
  let usageEvent: string | undefined
  const look = (bytes: Buffer): void => {
    const event = bytes.toString()
    if (/^data:/m.test(event)) events++
    isTerminated ||= isTerminalEvent(event)
    if (/"usage"\s*:\s*\{/.test(event)) usageEvent = event
  }
  try {
    for await (const chunk of chunks) {
      for (const event of splitter?.push(asBuffer(chunk)) ?? []) look(event)
      if (splitter && splitter.pendingBytes > WATCHED_EVENT_BYTES) splitter = undefined
      yield chunk
    }
  } catch (error) {
    if (error instanceof CallerLeft || exchange.ended) throw error
    if (isTerminated) return
    onBroken(reasonOf(error))
    if (splitter?.pendingBytes === 0 && error instanceof UpstreamFailure) {
      const format = wireFormatOf(exchange.route?.operation)
      yield Buffer.from(`\n\n${format.writeErrorEvent(upstreamError(error), events)}`)
    }
    throw new ReportedFailure(error)
  } finally {
    const usage = usageEvent !== undefined && !reply.usage ? usageOfEvents([usageEvent]) : undefined
    if (usage) reply.usage = usage
  }
}

const STAR = 0x2a

/** Keeps the operator's credentials out of what an upstream sends back, such as the headers of a request that it echoes. */
export interface KeyMask {
  text(text: string): string
  /**
   * The same bytes with stars in the place of each key, also where pieces cut it in two: the length of a body stays what it
   * was. Only the bytes that may begin a key wait for the next piece.
   */
  chunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Buffer>
}

/**
 * @param secrets gives the keys of the moment; too short a key is not told from other text. Asked once for each body, so that
 * a key that changes is looked for in the answers to the requests that carried it
 */
export function createKeyMask(secrets: () => readonly string[]): KeyMask {
  let known: readonly string[] | undefined
  let forms: readonly string[] = []
  const formsNow = (): readonly string[] => {
    const now = secrets()
    if (now !== known) {
      known = now
      forms = now.flatMap(keyForms)
    }
    return forms
  }

  async function* masked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
    const keys = formsNow().map((form) => Buffer.from(form))
    const longest = Math.max(0, ...keys.map((key) => key.length))
    let held = Buffer.alloc(0)
    try {
      for await (const chunk of chunks) {
        const bytes = withStars(held.length === 0 ? asBuffer(chunk) : Buffer.concat([held, chunk]), keys)
        const end = bytes.length - beginningLength(bytes, keys, longest)
        held = Buffer.from(bytes.subarray(end))
        if (end > 0) yield bytes.subarray(0, end)
      }
    } catch (error) {
      // What came before the failure goes first.
      if (held.length > 0) yield held
      throw error
    }
    if (held.length > 0) yield held
  }

  return {
    text: (text) =>
      formsNow().reduce<string>((rest, form) => rest.replaceAll(form, '*'.repeat(form.length)), text),
    chunks: masked,
  }
}

/** A copy with stars, or the bytes themselves where no key is in them. */
function withStars(bytes: Buffer, keys: readonly Buffer[]): Buffer {
  let copy = bytes
  for (const key of keys) {
    for (let at = copy.indexOf(key); at >= 0; at = copy.indexOf(key, at + key.length)) {
      if (copy === bytes) copy = Buffer.from(bytes)
      copy.fill(STAR, at, at + key.length)
    }
  }
  return copy
}

/** How many bytes at the end may be the beginning of a key. */
function beginningLength(bytes: Buffer, keys: readonly Buffer[], longest: number): number {
  for (let length = Math.min(longest - 1, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length)
    if (keys.some((key) => length < key.length && key[0] === end[0] && key.subarray(0, length).equals(end)))
      return length
  }
  return 0
}
