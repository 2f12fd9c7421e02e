import { DueEvents, isFinalStatus, splitAtFraction, liveChunks } from './parts.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { isProperValue } from './head-form.ts'
import { mendHead, type OnMendedHead } from './mend-head.ts'
import type { Interruption, Reply } from '../../pipeline/reply.ts'
import type { LiveBody } from '../../answer/body.ts'
import { ConnectionCut, mayHaveBody, webResponse, type WebResponseFields } from './web-response.ts'

/**
 * Turns a reply into a Web Response, for callers in the same process. A whole body resolves when it is due; events
 * come as a stream that renders what is due when the reader asks for it.
 *
 * @param onMendedHead hears of a head that could not be sent as it was
 * @throws {ConnectionCut} for a reply that is interrupted before its headers
 */
export async function sendToWeb(
  exchange: Exchange,
  reply: Reply,
  onMendedHead: OnMendedHead = () => {},
): Promise<Response> {
  const { body, schedule, interruption } = reply
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  // A Response looks at its phrase when it is read, or not at all: it depends on whose class it is.
  if (!isFinalStatus(reply.status) || !isProperValue(reply.reason ?? ''))
    onMendedHead(exchange, mendHead(reply))

  if (body.kind === 'events') {
    const events = new DueEvents(exchange, body, schedule)
    await sleepUntil(exchange, events.nextDueMs)
    if (interruption?.at === 'head') throw cutBeforeHead(exchange)
    // A Web stream has no transfer coding of its own.
    reply.headers.delete('Transfer-Encoding')
    if (!mayHaveBody(reply.status)) {
      exchange.end({ aborted: false, firstByteMs: undefined, endMs: elapsedMs() })
      return responseOf(null, exchange, reply, onMendedHead)
    }
    return responseOf(eventStream(exchange, events, interruption), exchange, reply, onMendedHead)
  }

  if (body.kind === 'live') {
    if (interruption?.at === 'head') throw cutBeforeHead(exchange)
    return responseOf(liveStream(exchange, body, reply.status), exchange, reply, onMendedHead)
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
  reply.headers.setContentLength(bytes.byteLength)
  // A Web body has no transfer coding of its own.
  reply.headers.delete('Transfer-Encoding')
  if (interruption && mayHaveBody(reply.status)) {
    const stream = interruptedStream(exchange, Buffer.from(bytes), interruption)
    return responseOf(stream, exchange, reply, onMendedHead)
  }
  exchange.end({ aborted: false, firstByteMs, endMs: firstByteMs })
  return responseOf(new Uint8Array(bytes), exchange, reply, onMendedHead)
}

function cutBeforeHead(exchange: Exchange): ConnectionCut {
  const endMs = exchange.clock.nowMs() - exchange.startedMs
  exchange.end({ aborted: false, firstByteMs: undefined, endMs })
  return new ConnectionCut('reset')
}

/** A whole body that breaks off, or pauses, on its way. */
function interruptedStream(
  exchange: Exchange,
  content: Buffer,
  { at, how }: Interruption,
): ReadableStream<Uint8Array> {
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  const firstByteMs = elapsedMs()
  const [first, rest] = splitAtFraction(content, at)
  let ready: Buffer | undefined = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (ready) {
          controller.enqueue(ready)
          ready = undefined
          return
        }
        if (typeof how === 'number') await sleepUntil(exchange, firstByteMs + how)
        if (exchange.ended) return
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
  // Rendered before the reader asks, since its caller has the response in hand only from now on.
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
          events.heldUpUntil(elapsedMs())
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

/** Asks for the next chunk when the reader does; null for a status that has no body. */
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

/** Waits for a time counted from the start of the request, or until the client leaves. */
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
  onMendedHead: OnMendedHead,
): Response {
  try {
    return webResponse(body, webHead(reply))
  } catch {
    onMendedHead(exchange, mendHead(reply))
    return webResponse(body, webHead(reply))
  }
}

function webHead({ status, reason = '', headers }: Reply): WebResponseFields {
  const sent = new Headers()
  for (const [name, value] of headers) sent.append(name, value)
  return { status, statusText: reason, headers: sent }
}
