import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { PushedChunks } from '../answer/pushed-chunks.ts'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { headerIn } from '../pipeline/reply.ts'
import { UpstreamFailure, type UpstreamLabel } from './upstream-failure.ts'

/** What reading a body needs from its call. */
export interface BodyWatch {
  readonly label: UpstreamLabel
  readonly clock: Clock
  readonly idleTimeoutMs: number
  /** Aborts the call because of a pause. */
  readonly onIdle: () => void
  /** Why the simulator aborted the call; undefined if it did not. */
  readonly failure: () => Error | undefined
  /** Ends the call. Closes its connection if the answer is not complete. */
  readonly close: () => void
}

type Decoder = NodeJS.ReadWriteStream & Readable

const decoders: Readonly<Record<string, () => Decoder>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
}

/**
 * The body of an answer as it arrives. Decompresses it if the upstream compressed it although the simulator did not request
 * that. While the consumer waits, no data is read and the idle timeout is off.
 */
export function readUpstreamBody(
  response: IncomingMessage,
  watch: BodyWatch,
): { readonly decoded: boolean; readonly chunks: PushedChunks } {
  // The parsed headers are only built if they are read.
  const isEncoded = headerIn(response.rawHeaders, 'content-encoding') !== undefined
  const encoding = isEncoded ? (response.headers['content-encoding']?.trim().toLowerCase() ?? '') : ''
  const createDecoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (encoding === 'deflate') return { decoded: true, chunks: pushChunks(() => inflated(response), watch) }
  if (!createDecoder) return { decoded: false, chunks: pushChunks(() => response, watch) }
  // The consumer gets all errors from the decoder.
  const decode = (): Readable => pipeline(response, createDecoder(), () => {})
  return { decoded: true, chunks: pushChunks(decode, watch) }
}

/** `deflate` means the zlib format, but some servers send raw deflate data. The first byte shows which one it is. */
function inflated(response: IncomingMessage): Readable {
  return Readable.from(inflateChunks(response), { objectMode: false })
}

async function* inflateChunks(response: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  const iterator = response[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  async function* compressedChunks(): AsyncGenerator<Buffer, undefined> {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value
  }
  const decoder = (first.value[0] ?? 0) % 16 === 8 ? createInflate() : createInflateRaw()
  yield* pipeline(compressedChunks, decoder, () => {}) as unknown as AsyncIterable<Buffer>
}

function pushChunks(open: () => Readable, watch: BodyWatch): PushedChunks {
  return new PushedChunks((sink) => {
    const body = open()
    const idle = new IdleTimer(watch)
    let isOver = false
    const finish = (then: () => void): void => {
      if (isOver) return
      isOver = true
      idle.stop()
      then()
    }
    const fail = (error: unknown): void =>
      finish(() => {
        watch.close()
        sink.fail(watch.failure() ?? brokenBody(watch.label, error))
      })
    const write = (chunk: Buffer): boolean => {
      try {
        return sink.write(chunk)
      } catch (error) {
        finish(() => {
          watch.close()
          sink.fail(error)
        })
        return false
      }
    }
    body.on('data', (chunk: Buffer) => {
      if (isOver) return
      idle.touch()
      if (write(chunk) || isOver) return
      idle.stop()
      body.pause()
    })
    body.once('end', () => finish(() => sink.end()))
    body.once('error', fail)
    // A response that breaks before it has a listener for errors emits only this event, and none later.
    body.once('close', () => fail(undefined))
    if (body.destroyed) void Promise.resolve().then(() => fail(undefined))
    idle.start()
    return {
      resume() {
        if (isOver || !body.isPaused()) return
        idle.start()
        body.resume()
      },
      cancel: () =>
        finish(() => {
          watch.close()
          body.destroy()
        }),
    }
  })
}

/** Detects a pause. Chunks only mark the time, because starting a timer for each of them is expensive. */
class IdleTimer {
  readonly #watch: BodyWatch
  #lastMs = 0
  #stop: StopTimer | undefined

  constructor(watch: BodyWatch) {
    this.#watch = watch
  }

  start(): void {
    this.touch()
    this.#stop ??= this.#wait(this.#watch.idleTimeoutMs)
  }

  touch(): void {
    this.#lastMs = this.#watch.clock.nowMs()
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #wait(delayMs: number): StopTimer {
    const { clock, idleTimeoutMs, onIdle } = this.#watch
    return clock.at(clock.nowMs() + delayMs, () => {
      const leftMs = this.#lastMs + idleTimeoutMs - clock.nowMs()
      if (leftMs > 0) this.#stop = this.#wait(leftMs)
      else onIdle()
    })
  }
}

/** The failure of a body that ended early. */
export function brokenBody(label: UpstreamLabel, error: unknown): UpstreamFailure {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException
  if (/^(?:Z_|ERR_(?:BROTLI|_ERROR_))/.test(code)) {
    const message = `Could not decode the compressed answer of ${label.text} (${code}). Check the proxies between the simulator and the upstream.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  if (code.startsWith('HPE_')) {
    const message = `Could not read the rest of the answer of ${label.text}: it is not HTTP (${code}). Check its log, or the proxies in between.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  const message = `Could not get the rest of the answer of ${label.text}: it closed the connection. Try again, or check its log.`
  return new UpstreamFailure('UpstreamBroken', message, { cause: error })
}
