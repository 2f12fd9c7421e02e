import { clearTimeout, setTimeout, yieldToEventLoop } from '../lib/real-timers.ts'

/** A server-sent event. */
export interface ServerSentEvent {
  readonly event: string
  /** A client that reconnects sends the last id as `Last-Event-ID`. */
  readonly id?: number
  /** Sent as JSON. `JsonText` is JSON already. */
  readonly data: unknown
}

/** A value that is written as JSON, in one line. Many streams can share it. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The source of the events of an answer. */
export interface EventSource {
  /**
   * Returns new events, or an empty list. Called only when the client reads, so that nothing is buffered for a slow client. The source
   * reports events that it has discarded in the meantime.
   */
  next(): Promise<readonly ServerSentEvent[]>
  /** Calls `onMore` when there may be new events. Returns a function that unsubscribes. */
  subscribe(onMore: () => void): () => void
}

/** The content type of an event stream. */
export const eventStreamType = 'text/event-stream'

/** Less than the 30 to 60 seconds after which proxies close an idle connection; in milliseconds. */
const DEFAULT_HEARTBEAT_MS = 15_000

const encoder = new TextEncoder()

/**
 * Creates the body of an event stream. It starts with a comment, so that the client receives the head immediately, and sends a comment
 * when it is idle.
 *
 * @param heartbeatMs idle time before a comment, in milliseconds
 */
export function eventStream(
  source: EventSource,
  heartbeatMs = DEFAULT_HEARTBEAT_MS,
): ReadableStream<Uint8Array> {
  let unsubscribe: (() => void) | undefined
  const canceled = new AbortController()
  let wake = (): void => {}
  /** Whether the source has notified since the last `next()`; it can notify before that resolves. */
  let mayHaveMore = false
  /** Waits until there may be more events. Resolves to false after the idle time. */
  const moreOrHeartbeat = (): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), heartbeatMs)
      timer.unref()
      wake = () => {
        clearTimeout(timer)
        // Include events of the rest of this event-loop iteration.
        void yieldToEventLoop().then(() => resolve(true))
      }
      if (mayHaveMore) wake()
    })
  const readSource = (): Promise<readonly ServerSentEvent[]> => {
    mayHaveMore = false
    return source.next()
  }
  const nextText = async (): Promise<string> => {
    if (!unsubscribe) {
      unsubscribe = source.subscribe(() => {
        mayHaveMore = true
        wake()
      })
      return ': open\n\n'
    }
    let events = await readSource()
    while (events.length === 0 && !canceled.signal.aborted) {
      if (!(await moreOrHeartbeat())) return ': still here\n\n'
      events = await readSource()
    }
    return events.map(eventText).join('')
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await nextText()
        if (!canceled.signal.aborted) controller.enqueue(encoder.encode(text))
      },
      cancel() {
        canceled.abort()
        unsubscribe?.()
        wake()
      },
    },
    // Do not subscribe before the body is read: for HEAD, it never is.
    { highWaterMark: 0 },
  )
}

function eventText({ event, id, data }: ServerSentEvent): string {
  const json = data instanceof JsonText ? data.text : JSON.stringify(data)
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`
}

/** Open event streams. They do not end by themselves, so the shutdown ends them before it waits for running answers. */
export class OpenStreams {
  readonly #ends = new Set<() => void>()

  /** Wraps an event stream so that `endAll` ends it. Returns other answers unchanged. */
  watch(response: Response): Response {
    const { body, headers } = response
    return body && headers.get('content-type') === eventStreamType
      ? new Response(this.#endable(body), response)
      : response
  }

  /** Ends all open streams, each after a complete event. */
  endAll(): void {
    for (const end of this.#ends) end()
  }

  #endable(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    let end = (): void => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          end = () => {
            if (!this.#ends.delete(end)) return
            controller.close()
            reader.cancel().catch(() => {})
          }
        },
        pull: async (controller) => {
          this.#ends.add(end)
          try {
            const { done, value } = await reader.read()
            if (done) end()
            else if (this.#ends.has(end)) controller.enqueue(value)
          } catch (error) {
            this.#ends.delete(end)
            throw error
          }
        },
        cancel: (reason) => {
          this.#ends.delete(end)
          return reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}
