import {
  Agent as HttpAgent,
  type AgentOptions,
  request as requestHttp,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock, StopTimer } from '../lib/clock.ts'
import { Batch } from '../lib/queues.ts'
import { defer } from '../lib/real-timers.ts'
import type { PushedChunks } from '../answer/pushed-chunks.ts'
import type { Upstream } from '../config/upstreams.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type Proxy, proxyFailure, throughProxy, TunnelAgent } from './proxy.ts'
import { brokenBody, readUpstreamBody } from './upstream-body.ts'
import {
  ClientDisconnected,
  connectionFailure,
  timeoutFailure,
  type TimeoutCode,
  UpstreamFailure,
  type UpstreamLabel,
} from './upstream-failure.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** One request to the upstream. */
interface UpstreamCall {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names and values alternate. */
  readonly headers: string[]
  readonly body: Buffer
  /** The request of the client, which can disconnect; undefined for a request of the simulator. */
  readonly exchange: Pick<Exchange, 'aborted' | 'onEnd'> | undefined
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
  /** From the start of the call until its connection was ready, in milliseconds; undefined for a reused connection. */
  readonly connectMs: number | undefined
  /** The body as it arrives. Read it to the end, or cancel it to abort the call. */
  readonly chunks: PushedChunks
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

/**
 * How long a connection must have been idle for a failure to mean that the upstream closed it as idle. No common server closes
 * connections sooner. A younger connection that fails may have delivered the request, so the request is not sent again.
 */
const MIN_STALE_IDLE_MS = 1_000

/** Dependencies of the connections to one upstream. */
export interface ConnectionDeps {
  readonly upstream: Upstream
  readonly target: UpstreamTarget
  readonly label: UpstreamLabel
  readonly clock: Clock
  /** Maximum size of the headers of an answer, in KiB. */
  readonly headerLimitKb: number
  /** Undefined for direct connections. */
  readonly proxy: Proxy | undefined
}

/** Larger bodies are not copied into the same write as the headers. */
const MAX_TEXT_BYTES = 16_384

/** The connections to one upstream, shared by all calls. */
export class UpstreamConnections {
  readonly #deps: ConnectionDeps
  /** Reuses connections. Node.js closes an idle one before the `Keep-Alive: timeout=` of the upstream. */
  readonly #pool: HttpAgent
  /** Opens a connection for each request. */
  readonly #single: HttpAgent
  /** When connections of the pool became idle, on the clock's monotonic scale. */
  readonly #idleSinceMs = new WeakMap<object, number>()

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
    const { target, proxy, upstream } = deps
    const createAgent = (options: AgentOptions): HttpAgent => {
      if (!target.secure) return new HttpAgent(options)
      return proxy ? new TunnelAgent(options, proxy, deps) : new HttpsAgent(options)
    }
    this.#pool = createAgent({
      keepAlive: true,
      maxSockets: upstream.connections,
      timeout: MAX_IDLE_CONNECTION_MS,
    })
    this.#pool.on('free', (socket: object) => this.#idleSinceMs.set(socket, deps.clock.nowMs()))
    this.#single = createAgent({ keepAlive: false })
  }

  /**
   * Sends a request, and resolves when the headers of the answer have arrived.
   *
   * @throws {UpstreamFailure} if there is no answer
   * @throws {ClientDisconnected} if the client disconnects first
   */
  async call(request: UpstreamCall): Promise<UpstreamAnswer> {
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

  #callOnce(request: UpstreamCall, agent: HttpAgent): Promise<UpstreamAnswer> {
    const { method, body, exchange, deadlineMs } = request
    const { upstream, target, label, clock, headerLimitKb, proxy } = this.#deps
    if (exchange?.aborted) return Promise.reject(new ClientDisconnected())
    return new Promise((resolve, reject) => {
      const startedMs = clock.nowMs()
      let connectMs: number | undefined
      const address = proxy && !target.secure ? throughProxy(proxy, target, request.path) : undefined
      const headers = address ? [...request.headers, ...address.headers] : request.headers
      const { host, port, path } = address ?? { host: target.host, port: target.port, path: request.path }
      const options = { method, host, port, path, headers, agent, maxHeaderSize: headerLimitKb * 1_024 }
      const call = target.secure ? requestHttps(options) : requestHttp(options)
      let isSent = false
      let hasAnswer = false
      let failure: Error | undefined
      let onEnd: (failure: Error | undefined) => void = () => {}
      let stopTotal: StopTimer = () => {}
      let stopWait: StopTimer = () => {}
      let stale: StaleWatch | undefined
      let isSettled = false
      const settle = (): void => {
        stopTotal()
        stopWait()
        stale?.stop()
        isSettled = true
      }
      // A call that waits for a connection emits no event when it is destroyed, so the promise is settled here.
      const fail = (reason: Error): void => {
        if (failure) return
        failure = reason
        settle()
        reject(reason)
        call.destroy()
      }
      const timeout = (code: TimeoutCode) => (): void => fail(timeoutFailure(code, label, upstream))
      const startTimer = (delayMs: number, task: () => void): StopTimer =>
        clock.at(clock.nowMs() + delayMs, task)

      // Cheaper than a signal with a listener.
      exchange?.onEnd(({ aborted }) => {
        if (aborted && !isSettled) fail(new ClientDisconnected())
      })
      stopTotal = clock.at(deadlineMs, timeout('UpstreamTotalTimeout'))

      const send = (): void => {
        if (failure) return
        // Node.js joins headers and a text in one write.
        if (body.length > MAX_TEXT_BYTES) call.end(body)
        else if (body.length > 0) call.end(body.toString('latin1'), 'latin1')
        else call.end()
      }
      const onConnected = (): void => {
        isSent = true
        if (!call.reusedSocket) connectMs = clock.nowMs() - startedMs
        stopWait()
        stopWait = startTimer(upstream.firstByteTimeoutMs, timeout('UpstreamFirstByteTimeout'))
      }
      call.once('socket', (socket: Socket) => {
        if (call.reusedSocket) {
          const idleMs = clock.nowMs() - (this.#idleSinceMs.get(socket) ?? clock.nowMs())
          afterNextPoll(() => {
            if (failure) return
            if (idleMs >= MIN_STALE_IDLE_MS) stale = watchStale(socket, startTimer)
            onConnected()
            send()
          })
          return
        }
        if (isConnecting(socket)) {
          stopWait = startTimer(upstream.connectTimeoutMs, timeout('UpstreamConnectTimeout'))
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
          fail(invalidAnswer(label, `its status is ${statusCode}`))
          return
        }
        if (address && statusCode === 407) {
          fail(proxyFailure(label, address.proxy, 'it requires other credentials (407)'))
          return
        }
        const body = readUpstreamBody(response, {
          label,
          clock,
          idleTimeoutMs: upstream.idleTimeoutMs,
          onIdle: timeout('UpstreamIdleTimeout'),
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
          connectMs,
          ...body,
          onEnd: (listener) => (onEnd = listener),
        })
        call.once('close', () => {
          const isIncomplete = !response.complete && !isAbandoned
          onEnd(failure ?? (isIncomplete ? brokenBody(label, connectionClosed()) : undefined))
        })
      })
      call.once('upgrade', (_, socket) => {
        socket.destroy()
        fail(invalidAnswer(label, 'it switches protocols (101)'))
      })
      call.on('error', (error: NodeJS.ErrnoException) => {
        // The reader of the body gets all other errors from the response stream.
        if (hasAnswer && !error.code?.startsWith('HPE_')) return
        const isStale = call.reusedSocket && (!isSent || (isReset(error) && stale?.isStale()))
        if (isStale) fail(new StaleConnection())
        else if (error instanceof UpstreamFailure) fail(error)
        else if (address && !isSent)
          fail(proxyFailure(label, address.proxy, `the connection failed (${error.code})`, error))
        else fail(connectionFailure(label, error, isSent))
      })
      call.once('close', () => {
        settle()
        if (!hasAnswer) fail(connectionFailure(label, connectionClosed(), isSent))
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

function invalidAnswer(label: UpstreamLabel, why: string): UpstreamFailure {
  const message = `Could not use the answer of ${label.text}: ${why}. Correct ${label.setting('endpoint')}.`
  return new UpstreamFailure('UpstreamInvalid', message)
}

const polledOnce = new Batch<() => void>(defer, (task) => polledTwice.add(task))
const polledTwice = new Batch<() => void>(defer, (task) => task())

/** Runs a task, which must not throw, after all data that has arrived has been read from the sockets. */
function afterNextPoll(task: () => void): void {
  // The first callback may run before the sockets are polled, in the same event-loop iteration.
  polledOnce.add(task)
}

/** A TLS socket is connected before its handshake is complete. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket instanceof TLSSocket && socket.getProtocol() === null)
}
