import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connectionReason } from '../lib/error-text.ts'
import { backoffMs } from '../lib/waiting.ts'

/** A connection with one request at a time. */
export interface LoadConnection {
  /** Sends a request. Call it only while the connection is ready. */
  send(body: string): void
}

/** Events of the connections of a pool. Each is called when it happens. */
export interface ConnectionEvents {
  /** The connection can send a request. Called again after each answer and each reconnect. */
  onReady(connection: LoadConnection): void
  /** The head of an answer arrived. */
  onHead(connection: LoadConnection, status: number, headers: IncomingHttpHeaders): void
  /** A part of the body arrived. */
  onBody(connection: LoadConnection, chunk: Buffer): void
  /** The answer is complete, according to HTTP. */
  onEnd(connection: LoadConnection): void
  /** The connection is closed. The pool reconnects, then calls `onReady`. */
  onClosed(connection: LoadConnection): void
  /** The connection closed before the answer was complete. Called after `onClosed`. */
  onBroken(connection: LoadConnection, reason: string): void
  /** An attempt to connect failed. The pool tries again. */
  onUnreachable(reason: string): void
}

/** Several connections to one address. */
export interface ConnectionPool {
  /** Closes all connections immediately. No event is called afterwards. */
  close(): void
}

/** Target and size of a pool. */
export interface PoolOptions {
  readonly address: URL
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly events: ConnectionEvents
}

/** Opens all connections of a pool. */
export function openPool({ connections, ...options }: PoolOptions): ConnectionPool {
  const pool = Array.from({ length: connections }, () => new PooledConnection(options))
  return {
    close() {
      for (const connection of pool) connection.close()
    },
  }
}

/** Pause after a failed attempt to connect. */
const RETRY_PAUSE = { firstMs: 50, maxMs: 1_000 }

/** Reason of a connection that closed without an error. */
const CLEAN_CLOSE = 'the connection was closed'

/**
 * One socket with one request at a time, replaced when it closes.
 *
 * An agent of `node:http` opens a socket only when a request needs one. Here the socket opens first, so that no measured
 * request waits for it.
 */
class PooledConnection implements LoadConnection {
  readonly #target: Omit<PoolOptions, 'connections'>
  #socket: Socket | undefined
  /** Why the socket closes; undefined for a close without an error. */
  #failure: Error | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #isSending = false
  #isClosed = false
  #failedAttempts = 0

  constructor(target: Omit<PoolOptions, 'connections'>) {
    this.#target = target
    this.#connect()
  }

  send(body: string): void {
    const { address, headers, events } = this.#target
    const socket = this.#socket
    if (!socket) throw new Error('The connection is not ready.')
    this.#isSending = true
    const request = httpRequest({
      method: 'POST',
      path: address.pathname + address.search,
      headers: {
        ...headers,
        host: address.host,
        connection: 'keep-alive',
        'content-length': Buffer.byteLength(body),
      },
      createConnection: () => socket,
    })
    request.on('response', (response) => {
      events.onHead(this, response.statusCode ?? 0, response.headers)
      response.on('data', (chunk: Buffer) => events.onBody(this, chunk))
      response.on('end', () => {
        this.#isSending = false
        events.onEnd(this)
      })
      // `#lose` reports it.
      response.on('error', () => {})
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      // Other errors are events of the socket as well.
      if (error.code?.startsWith('HPE_')) this.#failure = error
    })
    request.on('close', () => {
      if (socket === this.#socket && socket.writable) events.onReady(this)
    })
    request.end(body)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retryTimer)
    this.#socket?.destroy()
  }

  #connect(): void {
    const { address, events } = this.#target
    const isTls = address.protocol === 'https:'
    const host = address.hostname.replace(/^\[(.*)\]$/, '$1')
    const port = Number(address.port) || (isTls ? 443 : 80)
    const socket = isTls
      ? connectTls({ host, port, rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) })
      : connectTcp({ host, port })
    this.#socket = socket
    this.#failure = undefined
    socket.setNoDelay()
    socket.on(isTls ? 'secureConnect' : 'connect', () => {
      this.#failedAttempts = 0
      events.onReady(this)
    })
    socket.on('error', (error) => (this.#failure = error))
    socket.on('end', () => {
      // Nothing may be sent on it any more. An answer under way may end with the connection.
      if (!this.#isSending) this.#lose(socket)
    })
    socket.on('close', () => this.#lose(socket))
  }

  #lose(socket: Socket): void {
    if (this.#isClosed || socket !== this.#socket) return
    const { events } = this.#target
    const reason = this.#failure && connectionReason(this.#failure)
    const wasSending = this.#isSending
    this.#socket = undefined
    this.#isSending = false
    socket.destroy()
    events.onClosed(this)
    if (wasSending) {
      events.onBroken(this, reason ?? CLEAN_CLOSE)
    } else if (reason !== undefined) {
      this.#failedAttempts += 1
      events.onUnreachable(reason)
    }
    if (this.#failedAttempts === 0) return this.#connect()
    this.#retryTimer = setTimeout(() => this.#connect(), backoffMs(this.#failedAttempts - 1, RETRY_PAUSE))
  }
}
