import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { defer } from '../lib/real-timers.ts'
import { CallerLeft, connectionFailure, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamLimits } from './upstream-client.ts'
import type { UpstreamTarget } from './upstream-target.ts'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'

/** One request to the upstream. */
interface UpstreamRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** When the answer has to be complete at the latest, on the clock's monotonic scale. */
  readonly deadlineMs: number
}

/** The beginning of an answer. */
export interface UpstreamAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  /** Whether the body was compressed and is given decoded. */
  readonly decoded: boolean
  /** Whether the length of the body is known beforehand and still holds. */
  readonly hasLength: boolean
  /** The body as it arrives. To be walked to its end or left early, which breaks the call off. */
  readonly chunks: AsyncIterable<Buffer>
}

/**
 * How long a connection may rest in the pool, in milliseconds: less than the 5 s after which common servers (Node.js, uvicorn,
 * Apache) close an idle connection, so that hardly a request meets one that is being closed.
 */
const REST_MS = 4_000

/**
 * How soon after sending a reused connection has to fail, in milliseconds, for the failure to be that of an idle connection
 * which the upstream closed before it read the request: one round trip, and what a busy machine adds.
 */
const STALE_MS = 100

/** The connections to one upstream, shared by all calls. */
export class UpstreamConnections {
  readonly target: UpstreamTarget
  readonly #limits: UpstreamLimits
  readonly #clock: Clock
  readonly #headerLimitKb: number
  /** Reuses connections. Node.js closes an idle one before the time that a `Keep-Alive: timeout=` of the upstream names. */
  readonly #pool: HttpAgent
  /** Makes a connection for one request. */
  readonly #single: HttpAgent

  /** @param headerLimitKb of the headers of an answer */
  constructor(target: UpstreamTarget, limits: UpstreamLimits, clock: Clock, headerLimitKb: number) {
    this.target = target
    this.#limits = limits
    this.#clock = clock
    this.#headerLimitKb = headerLimitKb
    const Agent = target.secure ? HttpsAgent : HttpAgent
    this.#pool = new Agent({ keepAlive: true, maxSockets: limits.connections, timeout: REST_MS })
    this.#single = new Agent({ keepAlive: false })
  }

  /**
   * Sends a request, and resolves with the beginning of its answer.
   *
   * @throws {UpstreamFailure} when there is none
   * @throws {CallerLeft} when the signal fires before
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

  /** Closes all connections, those at work included. */
  close(): void {
    this.#pool.destroy()
    this.#single.destroy()
  }

  #callOnce(request: UpstreamRequest, agent: HttpAgent): Promise<UpstreamAnswer> {
    const { method, path, headers, body, signal, deadlineMs } = request
    const { origin, secure, host, port } = this.target
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, totalTimeoutMs } = this.#limits
    if (signal.aborted) return Promise.reject(new CallerLeft())
    return new Promise((resolve, reject) => {
      const maxHeaderSize = this.#headerLimitKb * 1_024
      const options = { method, host, port, path, headers, agent, maxHeaderSize }
      const call = secure ? requestHttps(options) : requestHttp(options)
      let isSent = false
      let hasAnswer = false
      let failure: Error | undefined
      let stopTotal: StopTimer = () => {}
      let stopWait: StopTimer = () => {}
      let stale: StaleWatch | undefined
      const settle = (): void => {
        stopTotal()
        stopWait()
        stale?.stop()
        signal.removeEventListener('abort', onAbort)
      }
      // A call that waits for a connection tells nobody that it was destroyed, so the promise is settled here.
      const fail = (reason: Error): void => {
        if (failure) return
        failure = reason
        settle()
        reject(reason)
        call.destroy()
      }
      const timeout = (code: UpstreamFailure['code'], message: string) => (): void =>
        fail(new UpstreamFailure(code, message, { nothingSent: code === 'UpstreamConnectTimeout' }))
      const later = (delayMs: number, task: () => void): StopTimer =>
        this.#clock.at(this.#clock.nowMs() + delayMs, task)
      const onAbort = (): void => fail(new CallerLeft())

      signal.addEventListener('abort', onAbort, { once: true })
      stopTotal = this.#clock.at(
        deadlineMs,
        timeout(
          'UpstreamTotalTimeout',
          `${origin} took more than ${totalTimeoutMs} ms in all. Raise UPSTREAM_TOTAL_TIMEOUT_MS, or ask for less.`,
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
        stopWait = later(
          firstByteTimeoutMs,
          timeout(
            'UpstreamFirstByteTimeout',
            `${origin} did not begin to answer within ${firstByteTimeoutMs} ms. Raise UPSTREAM_FIRST_BYTE_TIMEOUT_MS, or ask for less.`,
          ),
        )
      }
      call.once('socket', (socket: Socket) => {
        if (call.reusedSocket) {
          afterNextPoll(() => {
            if (failure) return
            stale = watchStale(socket, later)
            onConnected()
            send()
          })
          return
        }
        if (isConnecting(socket)) {
          stopWait = later(
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
        if (statusCode < 200 || statusCode > 999) {
          fail(invalidAnswer(origin, `its status is ${statusCode}`))
          return
        }
        const idle = timeout(
          'UpstreamIdleTimeout',
          `${origin} sent nothing more for ${idleTimeoutMs} ms in the middle of its answer. Raise UPSTREAM_IDLE_TIMEOUT_MS.`,
        )
        const body = readUpstreamBody(response, {
          origin,
          watchIdle: () => later(idleTimeoutMs, idle),
          failure: () => failure,
          close: () => call.destroy(),
        })
        resolve({
          status: statusCode,
          reason: response.statusMessage ?? '',
          rawHeaders: response.rawHeaders,
          hasLength: !body.decoded && response.headers['content-length'] !== undefined,
          ...body,
        })
      })
      call.once('upgrade', (_, socket) => {
        socket.destroy()
        fail(invalidAnswer(origin, 'it wants to change the protocol (101)'))
      })
      call.on('error', (error: NodeJS.ErrnoException) => {
        // A body hears of its end by itself; it learns here that it was not HTTP.
        if (hasAnswer && !error.code?.startsWith('HPE_')) return
        const isUnread = call.reusedSocket && (!isSent || (isReset(error) && stale?.isStale()))
        if (isUnread) fail(new StaleConnection())
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
  /** Whether a failure at this moment is that of an idle connection which the upstream closed before it read the request. */
  readonly isStale: () => boolean
  readonly stop: StopTimer
}

/** Watches a reused connection from the sending on: it was stale if it fails soon, and before any byte came. */
function watchStale(socket: Socket, later: (delayMs: number, task: () => void) => StopTimer): StaleWatch {
  const { bytesRead } = socket
  let isSoon = true
  // What has arrived by then is read first, so a busy event loop makes no failure late.
  const stop = later(STALE_MS, () => afterNextPoll(() => (isSoon = false)))
  return { isStale: () => isSoon && socket.bytesRead === bytesRead, stop }
}

/** A pooled connection that the upstream had closed. Nothing of the request was read there. */
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

/** Runs a task when everything that has arrived by now has been read from the sockets. */
function afterNextPoll(task: () => void): void {
  // The first one may run before sockets are looked at, in the same event-loop iteration.
  defer(() => defer(task))
}

/** A TLS connection has its address of the other side before it has its keys. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket instanceof TLSSocket && socket.getProtocol() === null)
}

/** What reading a body needs to know of its call. */
interface BodyWatch {
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
function readUpstreamBody(
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
