/** Receives the chunks of a body. Nothing is called after `end` or `fail`. */
export interface ChunkSink {
  /** Takes a chunk. Returns false to receive no further chunks before `resume` is called. */
  write(chunk: Uint8Array): boolean
  end(): void
  /** Called instead of `end` when the body is incomplete. */
  fail(error: unknown): void
}

/** Controls a body that is being received. */
export interface ChunkFlow {
  /** Continues after `write` returned false. Does nothing if the flow is not paused. */
  resume(): void
  /** Stops the body and frees its source. The sink is not called any more. Does nothing after the end. */
  cancel(): void
}

/** Changes chunks on their way. Each function returns the bytes to pass on; undefined for none. */
export interface ChunkFilter {
  push(chunk: Uint8Array): Uint8Array | undefined
  /** Called at the end of a complete body. */
  end(): Uint8Array | undefined
  /** Called instead of `end` for an incomplete body. Without `error`, the body ends normally. */
  fail(error: unknown): { readonly bytes?: Uint8Array | undefined; readonly error?: unknown }
}

/**
 * A live body that calls a sink, without a promise for each chunk. Any consumer can iterate over it instead. It is consumed at most
 * once.
 */
export class PushedChunks implements AsyncIterable<Uint8Array> {
  readonly #start: (sink: ChunkSink) => ChunkFlow

  /** @param start starts the body. It must not call the sink before it returns */
  constructor(start: (sink: ChunkSink) => ChunkFlow) {
    this.#start = start
  }

  /** Starts the body. */
  pipe(sink: ChunkSink): ChunkFlow {
    return this.#start(sink)
  }

  /** Returns the same body with changed chunks. */
  through(filter: ChunkFilter): PushedChunks {
    return new PushedChunks((sink) => {
      const pass = (bytes: Uint8Array | undefined): boolean =>
        bytes === undefined || bytes.byteLength === 0 || sink.write(bytes)
      return this.#start({
        write: (chunk) => pass(filter.push(chunk)),
        end: () => {
          pass(filter.end())
          sink.end()
        },
        fail: (cause) => {
          const { bytes, error } = filter.fail(cause)
          pass(bytes)
          if (error === undefined) sink.end()
          else sink.fail(error)
        },
      })
    })
  }

  /** The source is paused while the consumer does not wait for a chunk. Leaving the loop early cancels the body. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    const queue: Uint8Array[] = []
    let isEnded = false
    let failure: { readonly error: unknown } | undefined
    let wake: (() => void) | undefined
    const signal = (): void => {
      const waiting = wake
      wake = undefined
      waiting?.()
    }
    const flow = this.#start({
      write(chunk) {
        queue.push(chunk)
        signal()
        return false
      },
      end() {
        isEnded = true
        signal()
      },
      fail(error) {
        failure = { error }
        signal()
      },
    })
    try {
      for (;;) {
        const chunk = queue.shift()
        if (chunk) yield chunk
        else if (failure) throw failure.error
        else if (isEnded) return
        else {
          const arrived = new Promise<void>((resolve) => (wake = resolve))
          flow.resume()
          await arrived
        }
      }
    } finally {
      flow.cancel()
    }
  }
}

/** Returns a body that calls a sink for the chunks of any other body. */
export function pushedFrom(chunks: AsyncIterable<Uint8Array>): PushedChunks {
  if (chunks instanceof PushedChunks) return chunks
  return new PushedChunks((sink) => {
    let isCancelled = false
    let wake: (() => void) | undefined
    const resume = (): void => {
      const waiting = wake
      wake = undefined
      waiting?.()
    }
    const run = async (): Promise<void> => {
      try {
        for await (const chunk of chunks) {
          if (isCancelled) return
          if (!sink.write(chunk)) await new Promise<void>((resolve) => (wake = resolve))
          if (isCancelled) return
        }
        sink.end()
      } catch (error) {
        if (!isCancelled) sink.fail(error)
      }
    }
    // After the caller has the flow.
    void Promise.resolve().then(run)
    return {
      resume,
      cancel() {
        isCancelled = true
        resume()
      },
    }
  })
}
