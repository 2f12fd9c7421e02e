import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { defer } from '../lib/real-timers.ts'
import { ClientDisconnected, connectionFailure, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamSettings } from './upstream-client.ts'
import type { UpstreamTarget } from './upstream-target.ts'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'

/** One request to the upstream. */
interface UpstreamRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names and values alternate. */
  readonly headers: string[]
  readonly body: Buffer
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal
  /** When the answer must be complete, on the clock's monotonic scale. */
  readonly deadlineMs: number
}

/** Status and headers of an answer, and its body as a stream. */
export interface UpstreamAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values alternate, unchanged. */
  readonly rawHeaders: readonly string[]
  /** Whether the body was compressed; `chunks` are decompressed. */
  readonly decoded: boolean
  /** Whether the length of the body is known in advance, and still correct after decoding. */
  readonly hasLength: boolean
  /** The body as it arrives. Read it to the end, or leave the loop early to abort the call. */
  readonly chunks: AsyncIterable<Buffer>
  /** Calls the listener once when the call has ended, with the failure of an incomplete answer. At most one listener. */
  readonly onEnd: (listener: (failure: Error | undefined) => void) => void
}

/**
 * How long an idle connection stays in the pool. Less than the 5 s after which common servers (Node.js, uvicorn, Apache) close
 * idle connections, so that requests rarely use a connection that is being closed.
 */
const MAX_IDLE_CONNECTION_MS = 4_000

/**
 * A reused connection that fails within this time after sending was closed as idle before the upstream read the request. Allows
 * for one round trip on a busy machine.
 */
const STALE_FAILURE_WINDOW_MS = 100

/** The connections to one upstream, shared by all calls. */
export class UpstreamConnections {
  readonly target: UpstreamTarget
  readonly #settings: UpstreamSettings
  readonly #clock: Clock
  readonly #headerLimitKb: number
  /** Reuses connections. Node.js closes an idle one before the `Keep-Alive: timeout=` of the upstream. */
  readonly #pool: HttpAgent
  /** Opens a connection for each request. */
  readonly #single: HttpAgent

  /** @param headerLimitKb maximum size of the headers of an answer, in KiB */
  constructor(target: UpstreamTarget, settings: UpstreamSettings, clock: Clock, headerLimitKb: number) {
    this.target = target
    this.#settings = settings
    this.#clock = clock
    this.#headerLimitKb = headerLimitKb
    const Agent = target.secure ? HttpsAgent : HttpAgent
    this.#pool = new Agent({
      keepAlive: true,
      maxSockets: settings.connections,
      timeout: MAX_IDLE_CONNECTION_MS,
    })
    this.#single = new Agent({ keepAlive: false })
  }

  /**
   * Sends a request, and resolves when the headers of the answer have arrived.
   *
   * @throws {UpstreamFailure} if there is no answer
   * @throws {ClientDisconnected} if the client disconnects first
   */
  async call(request: UpstreamRequest): Promise<UpstreamAnswer> {
    try {
      return await this.#callOnce(request, this.#pool)
    } catch (error) {
      // Another connection of the pool may be stale as well.
      if (error instanceof StaleConnection) return this.#callOnce(request, this.#single)
      throw error
    }
  }

  /** Closes all connections, including active ones. */
  close(): void {
    this.#pool.destroy()
    this.#single.destroy()
  }

  #callOnce(request: UpstreamRequest, agent: HttpAgent): Promise<UpstreamAnswer> {
    const { method, path, headers, body, signal, deadlineMs } = request
    const { origin, secure, host, port } = this.target
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, totalTimeoutMs } = this.#settings
    if (signal.aborted) return Promise.reject(new ClientDisconnected())
    return new Promise((resolve, reject) => {
      const maxHeaderSize = this.#headerLimitKb * 1_024
      const options = { method, host, port, path, headers, agent, maxHeaderSize }
      const call = secure ? requestHttps(options) : requestHttp(options)
      let isSent = false
      let hasAnswer = false
      let failure: Error | undefined
      let onEnd: (failure: Error | undefined) => void = () => {}
      let stopTotal: StopTimer = () => {}
      let stopWait: StopTimer = () => {}
      let stale: StaleWatch | undefined
      const settle = (): void => {
        stopTotal()
        stopWait()
        stale?.stop()
        signal.removeEventListener('abort', onAbort)
      }
      // A call that waits for a connection emits no event when it is destroyed, so the promise is settled here.
      const fail = (reason: Error): void => {
        if (failure) return
        failure = reason
        settle()
        reject(reason)
        call.destroy()
      }
      const timeout = (code: UpstreamFailure['code'], message: string) => (): void =>
        fail(new UpstreamFailure(code, message, { nothingSent: code === 'UpstreamConnectTimeout' }))
      const startTimer = (delayMs: number, task: () => void): StopTimer =>
        this.#clock.at(this.#clock.nowMs() + delayMs, task)
      const onAbort = (): void => fail(new ClientDisconnected())

      signal.addEventListener('abort', onAbort, { once: true })
      stopTotal = this.#clock.at(
        deadlineMs,
        timeout(
          'UpstreamTotalTimeout',
          `Could not get the complete answer of ${origin} within ${totalTimeoutMs} ms. Raise UPSTREAM_TOTAL_TIMEOUT_MS, or request less.`,
        ),
      )

      const send = (): void => {
        if (failure) return
        if (body.length > 0) call.end(body)
        else call.end()
      }
      const onConnected = (): void => {
        isSent = true
        stopWait()
        stopWait = startTimer(
          firstByteTimeoutMs,
          timeout(
            'UpstreamFirstByteTimeout',
            `Could not get the first byte of the answer of ${origin} within ${firstByteTimeoutMs} ms. Raise UPSTREAM_FIRST_BYTE_TIMEOUT_MS, or request less.`,
          ),
        )
      }
      call.once('socket', (socket: Socket) => {
        if (call.reusedSocket) {
          afterNextPoll(() => {
            if (failure) return
            stale = watchStale(socket, startTimer)
            onConnected()
            send()
          })
          return
        }
        if (isConnecting(socket)) {
          stopWait = startTimer(
            connectTimeoutMs,
            timeout(
              'UpstreamConnectTimeout',
              `Could not connect to ${origin} within ${connectTimeoutMs} ms. Check AZURE_OPENAI_ENDPOINT and the network, or raise UPSTREAM_CONNECT_TIMEOUT_MS.`,
            ),
          )
          socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', onConnected)
        } else onConnected()
        send()
      })
      call.once('response', (response: IncomingMessage) => {
        hasAnswer = true
        stopWait()
        const { statusCode = 0 } = response
        let isAbandoned = false
        if (statusCode < 200 || statusCode > 999) {
          fail(invalidAnswer(origin, `its status is ${statusCode}`))
          return
        }
        const idle = timeout(
          'UpstreamIdleTimeout',
          `Could not get the rest of the answer of ${origin}: no data for ${idleTimeoutMs} ms. Raise UPSTREAM_IDLE_TIMEOUT_MS.`,
        )
        const body = readUpstreamBody(response, {
          origin,
          watchIdle: () => startTimer(idleTimeoutMs, idle),
          failure: () => failure,
          close: () => {
            isAbandoned = true
            call.destroy()
          },
        })
        resolve({
          status: statusCode,
          reason: response.statusMessage ?? '',
          rawHeaders: response.rawHeaders,
          hasLength: !body.decoded && response.headers['content-length'] !== undefined,
          ...body,
          onEnd: (listener) => (onEnd = listener),
        })
        call.once('close', () => {
          const isIncomplete = !response.complete && !isAbandoned
          onEnd(failure ?? (isIncomplete ? brokenBody(origin, connectionClosed()) : undefined))
        })
      })
      call.once('upgrade', (_, socket) => {
        socket.destroy()
        fail(invalidAnswer(origin, 'it switches protocols (101)'))
      })
      call.on('error', (error: NodeJS.ErrnoException) => {
        // The reader of the body gets all other errors from the response stream.
        if (hasAnswer && !error.code?.startsWith('HPE_')) return
        const isStale = call.reusedSocket && (!isSent || (isReset(error) && stale?.isStale()))
        if (isStale) fail(new StaleConnection())
        else fail(connectionFailure(origin, error, isSent))
      })
      call.once('close', () => {
        settle()
        if (!hasAnswer) fail(connectionFailure(origin, connectionClosed(), isSent))
      })
    })
  }
}

interface StaleWatch {
  /** Whether a failure now means that the upstream closed an idle connection before it read the request. */
  readonly isStale: () => boolean
  readonly stop: StopTimer
}

/** Watches a reused connection after sending. It was stale if it fails within the window and before any byte arrived. */
function watchStale(
  socket: Socket,
  startTimer: (delayMs: number, task: () => void) => StopTimer,
): StaleWatch {
  const { bytesRead } = socket
  let isInWindow = true
  // Reads the data that has arrived first, so that a busy event loop does not end the window too early.
  const stop = startTimer(STALE_FAILURE_WINDOW_MS, () => afterNextPoll(() => (isInWindow = false)))
  return { isStale: () => isInWindow && socket.bytesRead === bytesRead, stop }
}

/** A pooled connection that the upstream had closed before it read the request. */
class StaleConnection extends Error {}

function isReset({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function connectionClosed(): NodeJS.ErrnoException {
  return Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' })
}

function invalidAnswer(origin: string, why: string): UpstreamFailure {
  const message = `Could not use the answer of ${origin}: ${why}. Correct AZURE_OPENAI_ENDPOINT.`
  return new UpstreamFailure('UpstreamInvalid', message)
}

/** Runs a task after all data that has arrived has been read from the sockets. */
function afterNextPoll(task: () => void): void {
  // The first callback may run before the sockets are polled, in the same event-loop iteration.
  defer(() => defer(task))
}

/** A TLS socket is connected before its handshake is complete. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket instanceof TLSSocket && socket.getProtocol() === null)
}

/** What reading a body needs from its call. */
interface BodyWatch {
  readonly origin: string
  /** Starts the idle timer, which aborts the call. Returns the function that stops it. */
  readonly watchIdle: () => StopTimer
  /** Why the simulator aborted the call; undefined if it did not. */
  readonly failure: () => Error | undefined
  /** Ends the call. Closes its connection if the answer is not complete. */
  readonly close: () => void
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
}

/**
 * The body of an answer as it arrives. Decompresses it if the upstream compressed it although the simulator did not request
 * that. While the reader is not waiting for a chunk, no data is read and the idle timeout is off.
 */
function readUpstreamBody(
  response: IncomingMessage,
  watch: BodyWatch,
): { readonly decoded: boolean; readonly chunks: AsyncIterable<Buffer> } {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? ''
  const createDecoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (encoding === 'deflate') return { decoded: true, chunks: readChunks(inflateChunks(response), watch) }
  if (!createDecoder) return { decoded: false, chunks: readChunks(response, watch) }
  const decoder = createDecoder()
  // The reader gets all errors from the decoder.
  const body = pipeline(response, decoder, () => {}) as unknown as Readable
  return { decoded: true, chunks: readChunks(body, watch) }
}

/** `deflate` means the zlib format, but some servers send raw deflate data. The first byte shows which one it is. */
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

async function* readChunks(body: AsyncIterable<Buffer>, watch: BodyWatch): AsyncGenerator<Buffer, undefined> {
  let isComplete = false
  const iterator = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const stopIdle = watch.watchIdle()
      const { done, value } = await iterator.next().finally(stopIdle)
      if (done === true) {
        isComplete = true
        return
      }
      yield value
    }
  } catch (error) {
    throw watch.failure() ?? brokenBody(watch.origin, error)
  } finally {
    if (!isComplete) watch.close()
  }
}

function brokenBody(origin: string, error: unknown): UpstreamFailure {
  const { code = '' } = error as NodeJS.ErrnoException
  const message = code.startsWith('Z_')
    ? `Could not decode the compressed answer of ${origin} (${code}). Check the proxies between the simulator and the upstream.`
    : `Could not get the rest of the answer of ${origin}: it closed the connection. Try again, or check its log.`
  return new UpstreamFailure(code.startsWith('Z_') ? 'UpstreamInvalid' : 'UpstreamBroken', message, {
    cause: error,
  })
}
