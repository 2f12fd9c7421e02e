import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import type { StopTimer } from '../lib/clock.ts'
import { UpstreamFailure } from './upstream-failure.ts'

/** What reading a body needs to know of its call. */
export interface BodyWatch {
  readonly origin: string
  /** Starts to wait for a chunk; the timer breaks the call off. */
  readonly watchIdle: () => StopTimer
  /** Why the call was broken off from this side, if it was. */
  readonly failure: () => Error | undefined
  /** Ends the call, which frees its connection when the answer was complete and else breaks it. */
  readonly close: () => void
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
}

/**
 * The body of an answer as it arrives, decoded where the upstream compressed it although nobody asked for that. While
 * the reader does not ask for more, nothing more is read from the upstream, and no time counts.
 */
export function readUpstreamBody(
  response: IncomingMessage,
  watch: BodyWatch,
): { readonly decoded: boolean; readonly chunks: AsyncIterable<Buffer> } {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? ''
  const createDecoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (encoding === 'deflate') return { decoded: true, chunks: walk(inflated(response), watch) }
  if (!createDecoder) return { decoded: false, chunks: walk(response, watch) }
  const decoder = createDecoder()
  // The reader hears of every error through the decoder.
  const body = pipeline(response, decoder, () => {}) as unknown as Readable
  return { decoded: true, chunks: walk(body, watch) }
}

/** The standard means the format of zlib; some servers send the bare one. The first byte tells which it is. */
async function* inflated(response: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  const iterator = response[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  async function* packed(): AsyncGenerator<Buffer, undefined> {
    for (let next = first; next.done !== true; next = await iterator.next()) yield next.value
  }
  const decoder = (first.value[0] ?? 0) % 16 === 8 ? createInflate() : createInflateRaw()
  yield* pipeline(packed, decoder, () => {}) as unknown as AsyncIterable<Buffer>
}

async function* walk(body: AsyncIterable<Buffer>, watch: BodyWatch): AsyncGenerator<Buffer, undefined> {
  let isWhole = false
  const iterator = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const stopIdle = watch.watchIdle()
      const { done, value } = await iterator.next().finally(stopIdle)
      if (done === true) {
        isWhole = true
        return
      }
      yield value
    }
  } catch (error) {
    throw watch.failure() ?? brokenBody(watch.origin, error)
  } finally {
    if (!isWhole) watch.close()
  }
}

function brokenBody(origin: string, error: unknown): UpstreamFailure {
  const { code = '' } = error as NodeJS.ErrnoException
  const message = code.startsWith('Z_')
    ? `${origin} sent a compressed body that cannot be decoded (${code}). Look into what stands between here and there.`
    : `${origin} broke the connection in the middle of its answer. Try again, or look into its log.`
  return new UpstreamFailure(code.startsWith('Z_') ? 'UpstreamInvalid' : 'UpstreamBroken', message, {
    cause: error,
  })
}
