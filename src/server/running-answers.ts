import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** One answer on its way to a caller in the same process. */
export interface RunningAnswer {
  /** Fires when the caller leaves, or the simulator is closed. */
  readonly signal: AbortSignal
  /** Gives what `answered` gives, or rejects as soon as the signal fires; what still comes then goes to `discard`. */
  orAborted<T>(answered: Promise<T>, discard: (late: T) => void): Promise<T>
  /** The same bytes, as they come and as they are asked for; it breaks off when the signal fires. */
  watch(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
  /** What the caller is told: the reason of its own signal, or else a TypeError with the cause. */
  explain(message: 'fetch failed' | 'terminated', cause: unknown): unknown
  /** Says that nothing more comes. */
  end(): void
}

/** The answers that somebody waits for, so that a closing simulator can wait for them. */
export class RunningAnswers {
  /** Those whose head is awaited, or whose body was begun to be read. One that nobody reads holds nobody up, and no memory. */
  readonly #awaited = new Set<AbortController>()
  #closed: Error | undefined
  #onIdle: (() => void) | undefined

  /**
   * @param asked kept as long as the answer: Node forgets to pass an abort on to a Request that is collected
   * @throws {TypeError} once it is closed
   */
  begin(asked: Request): RunningAnswer {
    if (this.#closed) throw new TypeError('fetch failed', { cause: this.#closed })
    const abort = new AbortController()
    const { signal } = abort
    const leave = (): void => abort.abort(asked.signal.reason)
    asked.signal.addEventListener('abort', leave, { once: true })
    this.#awaited.add(abort)
    const end = (): void => {
      asked.signal.removeEventListener('abort', leave)
      this.#forget(abort)
    }
    const explain: RunningAnswer['explain'] = (message, cause) =>
      asked.signal.aborted ? asked.signal.reason : new TypeError(message, { cause })
    const onRead = (): void => {
      if (!this.#closed) this.#awaited.add(abort)
      else if (!this.#awaited.has(abort)) abort.abort(this.#closed)
    }
    return {
      signal,
      end,
      explain,
      orAborted: (answered, discard) => orAborted(answered, signal, discard),
      watch: (body) => {
        // Whoever waited for its head while the simulator closes is about to read it.
        if (!this.#closed) this.#forget(abort)
        return watch(body, signal, { onRead, onEnd: end, explain })
      },
    }
  }

  /** Begins no more, waits for what somebody waits for, and breaks off what is left after the grace period. */
  async close(graceMs: number): Promise<void> {
    this.#closed = new Error('The simulator is closed.')
    await new Promise<void>((resolve) => {
      const grace = setTimeout(resolve, graceMs)
      this.#onIdle = () => {
        clearTimeout(grace)
        resolve()
      }
      this.#tellIdle()
    })
    for (const abort of this.#awaited) abort.abort(this.#closed)
  }

  #forget(abort: AbortController): void {
    this.#awaited.delete(abort)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#awaited.size === 0) this.#onIdle?.()
  }
}

function orAborted<T>(answered: Promise<T>, signal: AbortSignal, discard: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    answered.then((value) => {
      signal.removeEventListener('abort', onAbort)
      if (signal.aborted) discard(value)
      else resolve(value)
    }, reject)
  })
}

interface BodyListener extends Pick<RunningAnswer, 'explain'> {
  readonly onRead: () => void
  readonly onEnd: () => void
}

function watch(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { onRead, onEnd, explain }: BodyListener,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onAbort = (): void => {
          onEnd()
          controller.error(explain('terminated', signal.reason))
          reader.cancel(signal.reason).catch(() => {})
        }
        signal.addEventListener('abort', onAbort, { once: true })
      },
      async pull(controller) {
        onRead()
        try {
          const { done, value } = await reader.read()
          if (signal.aborted) return
          if (!done) {
            controller.enqueue(value)
            return
          }
          onEnd()
          controller.close()
        } catch (cause) {
          if (signal.aborted) return
          onEnd()
          controller.error(explain('terminated', cause))
        }
      },
      cancel(reason) {
        onEnd()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
