import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Upstream } from '../config/recordings-config.ts'
import type { Clock, StopTimer } from '../platform/clock.ts'
import { readUpstreamBody } from './upstream-body.ts'
import { CallerLeft, connectionFailure, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** One request to the upstream. */
export interface UpstreamRequest {
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

/** How long a connection may rest in the pool, in milliseconds: less than the minutes after which gateways drop it. */
const restMs = 30_000

/** The connections to one upstream, shared by all calls. */
export class UpstreamConnections {
  readonly target: UpstreamTarget
  readonly #limits: Upstream
  readonly #clock: Clock
  readonly #agent: HttpAgent

  constructor(target: UpstreamTarget, limits: Upstream, clock: Clock) {
    this.target = target
    this.#limits = limits
    this.#clock = clock
    const options = { keepAlive: true, maxSockets: limits.connections, timeout: restMs }
    this.#agent = target.secure ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /**
   * Sends a request, and resolves with the beginning of its answer.
   *
   * @throws {UpstreamFailure} when there is none
   * @throws {CallerLeft} when the signal fires before
   */
  async call(request: UpstreamRequest): Promise<UpstreamAnswer> {
    try {
      return await this.#callOnce(request)
    } catch (error) {
      // A resting connection that the upstream closed just as it was taken up again has cost the upstream nothing.
      if (error instanceof UpstreamFailure && error.cause instanceof StaleConnection) {
        return this.#callOnce(request)
      }
      throw error
    }
  }

  /** Closes all connections, those at work included. */
  close(): void {
    this.#agent.destroy()
  }

  #callOnce({ method, path, headers, body, signal, deadlineMs }: UpstreamRequest): Promise<UpstreamAnswer> {
    const { origin, secure, host, port } = this.target
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, totalTimeoutMs } = this.#limits
    if (signal.aborted) return Promise.reject(new CallerLeft())
    return new Promise((resolve, reject) => {
      const options = { method, host, port, path, headers, agent: this.#agent }
      const call = secure ? requestHttps(options) : requestHttp(options)
      let isSent = false
      let failure: Error | undefined

      const fail = (reason: Error): void => {
        failure ??= reason
        call.destroy(failure)
      }
      const timeout = (code: UpstreamFailure['code'], message: string) => (): void =>
        fail(new UpstreamFailure(code, message, { nothingSent: code === 'UpstreamConnectTimeout' }))
      const later = (delayMs: number, task: () => void): StopTimer =>
        this.#clock.at(this.#clock.nowMs() + delayMs, task)
      const onAbort = (): void => fail(new CallerLeft())

      const stopTotal = this.#clock.at(
        deadlineMs,
        timeout(
          'UpstreamTotalTimeout',
          `${origin} took more than ${totalTimeoutMs} ms in all. Raise UPSTREAM_TOTAL_TIMEOUT_MS, or ask for less.`,
        ),
      )
      let stopWait: StopTimer = () => {}
      signal.addEventListener('abort', onAbort, { once: true })
      const settle = (): void => {
        stopTotal()
        signal.removeEventListener('abort', onAbort)
      }
      call.once('close', settle)

      onConnecting(call, () => {
        stopWait = later(
          connectTimeoutMs,
          timeout(
            'UpstreamConnectTimeout',
            `Could not connect to ${origin} within ${connectTimeoutMs} ms. Check AZURE_OPENAI_ENDPOINT and the network, or raise UPSTREAM_CONNECT_TIMEOUT_MS.`,
          ),
        )
      })
      onConnected(call, () => {
        isSent = true
        stopWait()
        stopWait = later(
          firstByteTimeoutMs,
          timeout(
            'UpstreamFirstByteTimeout',
            `${origin} did not begin to answer within ${firstByteTimeoutMs} ms. Raise UPSTREAM_FIRST_BYTE_TIMEOUT_MS, or ask for less.`,
          ),
        )
      })
      call.once('response', (response: IncomingMessage) => {
        stopWait()
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
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          rawHeaders: response.rawHeaders,
          hasLength: !body.decoded && response.headers['content-length'] !== undefined,
          ...body,
        })
      })
      call.on('error', (error: NodeJS.ErrnoException) => {
        stopWait()
        settle()
        reject(failure ?? this.#connectionFailure(call, error, isSent))
      })
      if (body.length > 0) call.end(body)
      else call.end()
    })
  }

  #connectionFailure(call: ClientRequest, error: NodeJS.ErrnoException, isSent: boolean): UpstreamFailure {
    const isStale = call.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    return connectionFailure(this.target.origin, isStale ? new StaleConnection(error) : error, isSent)
  }
}

/** Marks the failure of a connection that had rested in the pool. */
class StaleConnection extends Error {
  readonly code: string | undefined

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause })
    this.code = cause.code
  }
}

function onConnecting(call: ClientRequest, listener: () => void): void {
  call.once('socket', (socket: Socket) => {
    if (isConnecting(socket)) listener()
  })
}

function onConnected(call: ClientRequest, listener: () => void): void {
  call.once('socket', (socket: Socket) => {
    if (!isConnecting(socket)) listener()
    else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', listener)
  })
}

/** A TLS connection has its address of the other side before it has its keys. */
function isConnecting(socket: Socket): boolean {
  return socket.connecting || (socket instanceof TLSSocket && socket.getProtocol() === null)
}
