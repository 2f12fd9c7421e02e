import { clearTimeout, setTimeout, yieldToEventLoop } from '../lib/real-timers.ts'

/** One of the server-sent events of an answer. */
export interface ServerSentEvent {
  readonly event: string
  /** By which a client that comes back says where it was (`Last-Event-ID`). */
  readonly id?: number
  /** Sent as JSON. */
  readonly data: unknown
}

/** Where the events of an answer come from. */
export interface EventSource {
  /**
   * Gives the events that are due now, none while there are none. It is asked only when the client takes more, so that nothing
   * piles up for one that reads slowly: what is too old by then is for the source to tell.
   */
  next(): Promise<readonly ServerSentEvent[]>
  /** Calls back, in any turn, when there may be more. Gives what ends that. */
  subscribe(onMore: () => void): () => void
}

/** The content type of a stream of events. */
export const eventStreamType = 'text/event-stream'

/** Below the 30 to 60 seconds after which proxies usually close a silent connection; in milliseconds. */
const DEFAULT_HEARTBEAT_MS = 15_000

const encoder = new TextEncoder()

/**
 * Makes the body of an answer that tells what comes later. It begins with a comment, so that its client has the head at once,
 * and has one whenever nothing else was sent for a while.
 *
 * @param heartbeatMs that while
 */
export function eventStream(
  source: EventSource,
  heartbeatMs = DEFAULT_HEARTBEAT_MS,
): ReadableStream<Uint8Array> {
  let unsubscribe: (() => void) | undefined
  const over = new AbortController()
  let wake = (): void => {}
  /** Whether there may be more than the source was last asked for: it may be told before its answer is there. */
  let mayHaveMore = false
  /** Waits until there may be more, and tells whether there is something to say of that, or that it has waited. */
  const moreOrHeartbeat = (): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), heartbeatMs)
      timer.unref()
      wake = () => {
        clearTimeout(timer)
        // What this turn of the loop still tells comes along.
        void yieldToEventLoop().then(() => resolve(true))
      }
      if (mayHaveMore) wake()
    })
  const askSource = (): Promise<readonly ServerSentEvent[]> => {
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
    let events = await askSource()
    while (events.length === 0 && !over.signal.aborted) {
      if (!(await moreOrHeartbeat())) return ': still here\n\n'
      events = await askSource()
    }
    return events.map(eventText).join('')
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await nextText()
        if (!over.signal.aborted) controller.enqueue(encoder.encode(text))
      },
      cancel() {
        over.abort()
        unsubscribe?.()
        wake()
      },
    },
    // Nothing begins before somebody reads: a HEAD request never does.
    { highWaterMark: 0 },
  )
}

function eventText({ event, id, data }: ServerSentEvent): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}

/** The streams of events that are being sent: they do not end by themselves, and would hold up whoever waits for running answers. */
export class OpenStreams {
  readonly #ends = new Set<() => void>()

  /** The same answer, which ends when all are ended. */
  watch(response: Response): Response {
    const { body, headers } = response
    return body && headers.get('content-type') === eventStreamType
      ? new Response(this.#endable(body), response)
      : response
  }

  /** Ends those that are open now, each behind a whole event. */
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
