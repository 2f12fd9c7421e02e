import { DueEvents, isFinalStatus, setBodyLength, splitAtFraction, liveChunks } from './parts.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { isValidHeaderValue } from './head-template.ts'
import { sanitizeHead, type OnInvalidHead } from './sanitize-head.ts'
import type { Interruption, Reply } from '../../pipeline/reply.ts'
import type { LiveBody } from '../../answer/body.ts'
import { ConnectionCut, mayHaveBody, webResponse, type WebResponseFields } from './web-response.ts'

/**
 * Converts a reply to a Web Response for callers in the same process. With a whole body it resolves when the body is due. Events
 * are a stream that renders due events when the caller reads.
 *
 * @param onInvalidHead called when a head could not be sent unchanged
 * @throws {ConnectionCut} if the reply is interrupted before its headers
 */
export async function sendToWeb(
  exchange: Exchange,
  reply: Reply,
  onInvalidHead: OnInvalidHead = () => {},
): Promise<Response> {
  const { body, schedule, interruption } = reply
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  // Depending on its class, a Response validates its reason phrase only when it is read, or never.
  if (!isFinalStatus(reply.status) || !isValidHeaderValue(reply.reason ?? ''))
    onInvalidHead(exchange, sanitizeHead(reply))

  if (body.kind === 'events') {
    const events = new DueEvents(exchange, body, schedule)
    const headMs = interruption?.at === 'head' ? undefined : schedule?.headMs
    await sleepUntil(exchange, headMs ?? events.nextDueMs)
    if (interruption?.at === 'head') throw cutBeforeHead(exchange)
    // A Web body has no transfer coding.
    reply.headers.delete('Transfer-Encoding')
    if (!mayHaveBody(reply.status)) {
      exchange.end({ aborted: false, firstByteMs: undefined, endMs: elapsedMs() })
      return responseOf(null, exchange, reply, onInvalidHead)
    }
    return responseOf(eventStream(exchange, events, interruption), exchange, reply, onInvalidHead)
  }

  if (body.kind === 'live') {
    if (interruption?.at === 'head') throw cutBeforeHead(exchange)
    return responseOf(liveStream(exchange, body, reply.status), exchange, reply, onInvalidHead)
  }

  await sleepUntil(exchange, schedule?.endMs ?? 0)
  if (interruption?.at === 'head') throw cutBeforeHead(exchange)
  const firstByteMs = elapsedMs()
  if (schedule) {
    const lateMs = Math.max(0, firstByteMs - schedule.endMs)
    exchange.pacingWatch?.sent('answer', lateMs, exchange.startedMs + firstByteMs)
  }
  const content = body.render()
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  setBodyLength(exchange, reply, bytes.byteLength)
  // A Web body has no transfer coding.
  reply.headers.delete('Transfer-Encoding')
  if (interruption && mayHaveBody(reply.status)) {
    const stream = interruptedStream(exchange, Buffer.from(bytes), interruption, schedule?.endMs)
    return responseOf(stream, exchange, reply, onInvalidHead)
  }
  exchange.end({ aborted: false, firstByteMs, endMs: firstByteMs })
  return responseOf(new Uint8Array(bytes), exchange, reply, onInvalidHead)
}

function cutBeforeHead(exchange: Exchange): ConnectionCut {
  const endMs = exchange.clock.nowMs() - exchange.startedMs
  exchange.end({ aborted: false, firstByteMs: undefined, endMs })
  return new ConnectionCut('reset')
}

/** Returns a whole body that is cut, or pauses, after a part of it. */
function interruptedStream(
  exchange: Exchange,
  content: Buffer,
  { at, how }: Interruption,
  dueMs: number | undefined,
): ReadableStream<Uint8Array> {
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  const firstByteMs = elapsedMs()
  const [first, rest] = splitAtFraction(content, at)
  let ready: Buffer | undefined = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (ready) {
          exchange.recorder?.wrote(ready, dueMs)
          controller.enqueue(ready)
          ready = undefined
          return
        }
        if (typeof how === 'number') await sleepUntil(exchange, firstByteMs + how)
        if (exchange.ended) return
        if (typeof how === 'number') exchange.recorder?.wrote(rest, firstByteMs + how)
        exchange.end({ aborted: false, firstByteMs, endMs: elapsedMs() })
        if (typeof how !== 'number') {
          controller.error(new ConnectionCut(how))
          return
        }
        controller.enqueue(rest)
        controller.close()
      },
      cancel() {
        exchange.end({ aborted: true, firstByteMs, endMs: elapsedMs() })
      },
    },
    { highWaterMark: 0 },
  )
}

function eventStream(
  exchange: Exchange,
  events: DueEvents,
  interruption: Interruption | undefined,
): ReadableStream<Uint8Array> {
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  let firstByteMs: number | undefined
  // Render due events now: the caller cannot read before it has the response.
  let ready = exchange.ended ? '' : events.take(elapsedMs())
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (ready === '' && events.done && interruption) {
          controller.error(new ConnectionCut(interruption.how === 'reset' ? 'reset' : 'close'))
          exchange.end({ aborted: false, firstByteMs, endMs: elapsedMs() })
          return
        }
        if (ready === '' && !events.done) {
          events.excuseUntil(elapsedMs())
          await sleepUntil(exchange, events.nextDueMs)
          if (exchange.ended) return
          ready = events.take(elapsedMs())
        }
        firstByteMs ??= elapsedMs()
        controller.enqueue(Buffer.from(ready))
        ready = ''
        if (events.done && !interruption) {
          controller.close()
          exchange.end({ aborted: false, firstByteMs, endMs: elapsedMs() })
        }
      },
      cancel() {
        exchange.end({ aborted: true, firstByteMs, endMs: elapsedMs() })
      },
    },
    { highWaterMark: 0 },
  )
}

/** Returns a stream that reads the next chunk on demand, or null for a status without a body. */
function liveStream(exchange: Exchange, body: LiveBody, status: number): ReadableStream<Uint8Array> | null {
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  const chunks = liveChunks(exchange, body)
  let firstByteMs: number | undefined
  const end = (aborted: boolean): void => exchange.end({ aborted, firstByteMs, endMs: elapsedMs() })
  if (!mayHaveBody(status)) {
    void chunks.next().finally(() => end(false))
    return null
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next()
          if (done !== true) {
            firstByteMs ??= elapsedMs()
            controller.enqueue(value)
            return
          }
          controller.close()
          end(false)
        } catch (error) {
          controller.error(error)
          end(false)
        }
      },
      async cancel() {
        end(true)
        await chunks.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Waits until `dueMs` after the start of the request, or until the client disconnects. */
function sleepUntil(exchange: Exchange, dueMs: number): Promise<void> | undefined {
  const { clock, startedMs } = exchange
  if (dueMs <= 0 || startedMs + dueMs <= clock.nowMs()) return undefined
  return new Promise((resolve) => {
    const stop = dueMs === Infinity ? () => {} : clock.at(startedMs + dueMs, resolve)
    exchange.onEnd(() => {
      stop()
      resolve()
    })
  })
}

function responseOf(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  exchange: Exchange,
  reply: Reply,
  onInvalidHead: OnInvalidHead,
): Response {
  try {
    return webResponse(body, webHead(reply))
  } catch {
    onInvalidHead(exchange, sanitizeHead(reply))
    return webResponse(body, webHead(reply))
  }
}

function webHead({ status, reason = '', headers }: Reply): WebResponseFields {
  const sent = new Headers()
  for (const [name, value] of headers) sent.append(name, value)
  return { status, statusText: reason, headers: sent }
}
