import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** An answer in progress to a caller in the same process. */
export interface RunningAnswer {
  /** Aborted when the caller aborts, or the simulator is closed. */
  readonly signal: AbortSignal
  /** Resolves as `answered`, or rejects when the signal is aborted. A later result is passed to `discard`. */
  orAborted<T>(answered: Promise<T>, discard: (late: T) => void): Promise<T>
  /** Returns the body with the same bytes on demand. It fails when the signal is aborted. */
  wrapBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
  /** Returns the error for the caller: the reason of its signal, or else a TypeError with the cause. */
  errorFor(message: 'fetch failed' | 'terminated', cause: unknown): unknown
  /** Marks the answer as complete. */
  end(): void
}

/** Tracks answers in progress, so that `close` can wait for them. */
export class RunningAnswers {
  /** Answers with a pending head or a body that is being read. `close` does not wait for a body that is not read. */
  readonly #awaited = new Set<AbortController>()
  #closed: Error | undefined
  #onIdle: (() => void) | undefined

  /**
   * @param request referenced as long as the answer, because Node does not forward an abort to a Request after garbage collection
   * @throws {TypeError} after `close`
   */
  begin(request: Request): RunningAnswer {
    if (this.#closed) throw new TypeError('fetch failed', { cause: this.#closed })
    const abort = new AbortController()
    const { signal } = abort
    const onAbort = (): void => abort.abort(request.signal.reason)
    request.signal.addEventListener('abort', onAbort, { once: true })
    this.#awaited.add(abort)
    const end = (): void => {
      request.signal.removeEventListener('abort', onAbort)
      this.#remove(abort)
    }
    const errorFor: RunningAnswer['errorFor'] = (message, cause) =>
      request.signal.aborted ? request.signal.reason : new TypeError(message, { cause })
    const onRead = (): void => {
      if (!this.#closed) this.#awaited.add(abort)
      else if (!this.#awaited.has(abort)) abort.abort(this.#closed)
    }
    return {
      signal,
      end,
      errorFor,
      orAborted: (answered, discard) => orAborted(answered, signal, discard),
      wrapBody: (body) => {
        // While the simulator closes, assume that the caller is about to read the body.
        if (!this.#closed) this.#remove(abort)
        return wrapBody(body, signal, { onRead, onEnd: end, errorFor })
      },
    }
  }

  /** Rejects new answers, waits for awaited ones, and aborts the remaining ones after the grace period. */
  async close(graceMs: number): Promise<void> {
    this.#closed = new Error('The simulator is closed.')
    await new Promise<void>((resolve) => {
      const grace = setTimeout(resolve, graceMs)
      this.#onIdle = () => {
        clearTimeout(grace)
        resolve()
      }
      this.#notifyIdle()
    })
    for (const abort of this.#awaited) abort.abort(this.#closed)
  }

  #remove(abort: AbortController): void {
    this.#awaited.delete(abort)
    this.#notifyIdle()
  }

  #notifyIdle(): void {
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

interface BodyListener extends Pick<RunningAnswer, 'errorFor'> {
  readonly onRead: () => void
  readonly onEnd: () => void
}

function wrapBody(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { onRead, onEnd, errorFor }: BodyListener,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onAbort = (): void => {
          onEnd()
          controller.error(errorFor('terminated', signal.reason))
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
          controller.error(errorFor('terminated', cause))
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
