import type { Exchange } from './exchange.ts'
import { eventDueMs, type EventsBody, type Reply } from './reply.ts'

/**
 * Turns a reply into a Web Response, for callers in the same process. A whole body resolves when it is due; events
 * come as a stream that renders each one when it is due and the reader asks for it.
 */
export async function sendToWeb(exchange: Exchange, reply: Reply): Promise<Response> {
  const { body, schedule } = reply
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  const init = { status: reply.status, statusText: reply.reason ?? '' }

  if (body.kind === 'events') {
    await sleepUntil(exchange, eventDueMs(body, 0, schedule))
    // A Web stream has no transfer coding of its own.
    reply.headers.delete('Transfer-Encoding')
    return new Response(eventStream(exchange, reply, body), { ...init, headers: webHeaders(reply) })
  }

  await sleepUntil(exchange, schedule?.endMs ?? 0)
  const content = body.render()
  const firstByteMs = elapsedMs()
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  reply.headers.set('Content-Length', String(bytes.byteLength))
  exchange.end({ aborted: false, firstByteMs, endMs: firstByteMs })
  // A status without a body refuses even an empty one.
  const hasBody = reply.status !== 204 && reply.status !== 304
  return new Response(hasBody ? new Uint8Array(bytes) : null, { ...init, headers: webHeaders(reply) })
}

function eventStream(exchange: Exchange, reply: Reply, body: EventsBody): ReadableStream<Uint8Array> {
  const elapsedMs = (): number => exchange.clock.nowMs() - exchange.startedMs
  let index = 0
  let firstByteMs: number | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (index < body.count) {
          await sleepUntil(exchange, eventDueMs(body, index, reply.schedule))
          if (exchange.ended) return
          firstByteMs ??= elapsedMs()
          controller.enqueue(Buffer.from(body.render(index++)))
        }
        if (index === body.count) {
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

/** Waits for a time counted from the start of the request, or until the client leaves. */
function sleepUntil(exchange: Exchange, dueMs: number): Promise<void> | undefined {
  const { clock, startedMs } = exchange
  if (dueMs <= 0 || startedMs + dueMs <= clock.nowMs()) return undefined
  return new Promise((resolve) => {
    const stop = clock.at(startedMs + dueMs, resolve)
    exchange.onEnd(() => {
      stop()
      resolve()
    })
  })
}

function webHeaders(reply: Reply): Headers {
  const headers = new Headers()
  for (const [name, value] of reply.headers) headers.append(name, value)
  return headers
}
