import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { errorResponse, failureResponse } from './answer-failure.ts'
import { alreadySent } from './already-sent.ts'
import type { SocketBindings, App } from './app.ts'
import { type ConnectionLimits, defaultConnectionLimits } from '../config/server-settings.ts'
import type { ConnectionEnd } from '../metrics/connection-end.ts'
import type { Logger } from '../lib/logger.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { expectationFailed, malformedRequest } from '../wire/named-errors.ts'
import { hasResourcePrefix } from '../wire/route.ts'
import { stackOf } from '../lib/error-text.ts'
import { mapMaybe } from '../pipeline/stage.ts'
import { ConnectionReports, WriteStalls } from './connection-reports.ts'
import { refuseHead, refuseRequest } from './refuse-request.ts'
import { emitClosed, upgradeOptions } from './node-internals.ts'
import type { Simulator } from './simulator.ts'
import {
  certifiedHost,
  createTlsServer,
  openCertificate,
  type TlsOptions,
  watchHandshakes,
} from './tls-server.ts'
import { checkHead, Upgrades } from './upgrades.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../lib/real-timers.ts'

/** A server that listens. */
export interface Listener {
  /** Its URL, such as `http://127.0.0.1:8000`, or `https://localhost:8000` with TLS. */
  readonly url: string
  /**
   * Closes the port, waits for running answers, and cuts open connections after the grace period.
   *
   * @param graceMs maximum wait in milliseconds
   */
  close(graceMs: number): Promise<void>
}

/** The part of the app that a listener needs. */
export type ListeningApp = Pick<App, 'fetch' | 'answerSocket' | 'wantsBody' | 'endStreams' | 'upgrades'>

/** Options of `listen`. */
export interface ListenOptions {
  /** Limits of connections. Default: the defaults of the configuration. */
  readonly connections?: ConnectionLimits | undefined
  /** Logs connections that a limit has closed, at most once a minute. Absent: no log. */
  readonly logger?: Logger | undefined
  /** Called for each connection that a limit has closed. */
  readonly onConnectionEnd?: ((end: ConnectionEnd) => void) | undefined
  /** Serves HTTPS. Default: HTTP. */
  readonly tls?: TlsOptions | undefined
}

/** Returns the options of `listen` for a simulator. */
export function listenOptions({ config, logger, metrics }: Simulator): ListenOptions {
  const { connections, tls: files, watch } = config
  return {
    connections,
    logger,
    onConnectionEnd: metrics.connectionEnded,
    tls: files && { files, poll: watch === 'poll' },
  }
}

/**
 * Returns whether a request goes directly to the data plane, without routing by Hono. Nearly all requests of a load test do. Throughput
 * relative to bare node:http: 0.73 to 0.78 directly, 0.60 through Hono (docs/decisions/hono-with-raw-carriers.md).
 */
function isDataPlane({ method, url = '' }: IncomingMessage): boolean {
  if (method !== 'POST') return false
  if (url.startsWith('/openai/') || url.startsWith('/v1/') || url.startsWith('/models/')) return true
  if (url.startsWith('/anthropic/')) return true
  // PAGES_PREFIX can look like a resource: /team/v1/++/config.
  return hasResourcePrefix(url) && !url.includes('/++/')
}

/** Maximum interval of checks for request timeouts, in milliseconds. Shorter with a short timeout. */
const MAX_TIMEOUT_CHECK_MS = 5_000

/** Interval at which idle connections are closed while the server stops. */
const IDLE_CLOSE_INTERVAL_MS = 50

/**
 * Opens the port, with limits on what a single client can use (docs/connections.md).
 *
 * @throws {OperatorError} LISTEN_FAILED if the address is in use or not allowed, CONFIG_INVALID if the certificate is invalid
 */
export async function listen(
  app: ListeningApp,
  host: string,
  port: number,
  { connections = defaultConnectionLimits, logger, onConnectionEnd, tls }: ListenOptions = {},
): Promise<Listener> {
  const certificate = tls && openCertificate(tls, logger)
  const reports = new ConnectionReports(logger, connections.limit, onConnectionEnd)
  const stalls = new WriteStalls(connections.writeStallSeconds * 1_000, () => reports.count('stalledReaders'))
  const pipelined = new PipelinedAnswers(connections.pipelineLimit)
  const answer = getRequestListener(
    (request, bindings) => {
      const answered = app.fetch(request, bindings)
      return request.method === 'HEAD'
        ? markAnswered(Promise.resolve(answered), bindings as SocketBindings)
        : answered
    },
    { errorHandler: (error) => failedRequestResponse(error, logger) },
  )
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // A response without a socket is pipelined: an earlier response of the connection is not complete. This is rare.
    if (!outgoing.socket && !pipelined.add(outgoing)) {
      if (!incoming.socket.destroyed) reports.count('pipelinedTooMuch')
      incoming.socket.destroy()
      return
    }
    if (incoming.socket.destroyed) return
    const refusal = checkHead(incoming)
    // Each of these handles its own failures.
    if (refusal) refuseHead(refusal, incoming, outgoing)
    else if (isDataPlane(incoming)) app.answerSocket(incoming, outgoing)
    else void answer(incoming, outgoing)
  }
  const secureServer =
    certificate && createTlsServer(certificate.first, serverOptions(connections), onRequest)
  const server = bounded(secureServer ?? createServer(serverOptions(connections), onRequest), connections)
  const handshakes = secureServer && watchHandshakes(secureServer, (end) => reports.count(end))
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    void mapMaybe(app.wantsBody(incoming), (isWanted) => {
      if (isWanted) outgoing.writeContinue()
      server.emit('request', incoming, outgoing)
    })
  })
  server.on(secureServer ? 'secureConnection' : 'connection', (socket: Socket) => stalls.watch(socket))
  server.on('checkExpectation', (incoming, outgoing) =>
    refuseHead(checkHead(incoming) ?? expectationFailed(), incoming, outgoing, true),
  )
  const upgrades = new Upgrades(server, app.upgrades)
  server.on('drop', () => reports.count('turnedAway'))
  server.on('clientError', (error, socket) => {
    const end = refuseRequest(error, socket, connections.headerLimitKb)
    if (end) reports.count(end)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(host, port, cause)))
    server.listen(port, host, resolve)
  })
  // Without a listener, an error would end the process. The operating system can refuse another connection.
  server.on('error', (error) => logger?.error({ err: error.message }, 'Could not accept a connection.'))
  const address = server.address() as AddressInfo
  const watch = secureServer && certificate.follow(secureServer)
  const name = certificate ? certifiedHost(host, certificate.first) : host

  return {
    url: `${certificate ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${address.port}`,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      // A keep-alive connection becomes idle when its answer ends, and Node does not close it then.
      const closeIdle = (): void => {
        app.endStreams()
        server.closeIdleConnections()
        handshakes?.cut()
      }
      closeIdle()
      upgrades.stop()
      const idleTimer = setInterval(closeIdle, IDLE_CLOSE_INTERVAL_MS)
      const cutTimer = setTimeout(() => {
        server.closeAllConnections()
        upgrades.cut()
      }, graceMs)
      await closed
      clearInterval(idleTimer)
      clearTimeout(cutTimer)
      stalls.close()
      reports.close()
      await watch?.close()
    },
  }
}

function serverOptions({
  headerLimitKb,
  headersTimeoutSeconds,
  requestTimeoutSeconds,
  idleTimeoutSeconds,
}: ConnectionLimits) {
  const requestTimeout = requestTimeoutSeconds * 1_000
  // Node rejects a headers timeout that exceeds the request timeout.
  const headersTimeout = Math.min(headersTimeoutSeconds * 1_000, requestTimeout)
  return {
    keepAliveTimeout: idleTimeoutSeconds * 1_000,
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval: Math.min(MAX_TIMEOUT_CHECK_MS, headersTimeout / 4),
    maxHeaderSize: headerLimitKb * 1_024,
    // Node's own 400 has no body, so `checkHead` checks the header.
    requireHostHeader: false,
    ...upgradeOptions,
  }
}

function bounded(server: Server, { limit }: ConnectionLimits): Server {
  // No limit on the number, because the bytes are limited. Node silently drops further headers.
  server.maxHeadersCount = 0
  server.maxConnections = limit
  // Also in a cluster: otherwise full workers pass a connection on to each other forever.
  return Object.assign(server, { dropMaxConnection: true })
}

/** Returns the answer for a failure in the adapter, usually an invalid Host. The client does not see the error. */
function failedRequestResponse(error: unknown, logger: Logger | undefined): Response {
  const isInvalidRequest = error instanceof Error && error.name === 'RequestError'
  if (!isInvalidRequest) logger?.error({ err: stackOf(error) }, 'A request failed before it was routed.')
  return isInvalidRequest ? errorResponse(malformedRequest()) : failureResponse()
}

async function markAnswered(answered: Promise<Response>, bindings: SocketBindings): Promise<Response> {
  const response = await answered
  return bindings.isAnswered ? alreadySent : response
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): OperatorError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `another program uses port ${port}. Stop it, or choose another port with --port (0 selects a free port).`,
    EACCES: `this user may not open port ${port}. Choose a port of at least 1024 with --port.`,
    EADDRNOTAVAIL: `this machine has no address ${host}. Choose an address of this machine with --host (0.0.0.0 for all).`,
    ENOTFOUND: `the host name ${host} is unknown. Choose an address of this machine with --host.`,
  }
  const reason = reasons[cause.code ?? ''] ?? `${cause.message}.`
  return new OperatorError('LISTEN_FAILED', `Could not listen on ${host}:${port}: ${reason}`, { cause })
}

/**
 * Pipelined responses that wait for an earlier response of their connection. Node does not limit their number, and does not close them
 * when their connection closes.
 */
class PipelinedAnswers {
  readonly #limit: number
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /** @param limit maximum for one connection */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Adds a response without a socket. Returns false if its connection has too many of them. */
  add(outgoing: ServerResponse): boolean {
    const { socket } = outgoing.req
    const waiting = this.#waiting.get(socket) ?? this.#watch(socket)
    if (waiting.size >= this.#limit) return false
    waiting.add(outgoing)
    // Node emits `socket` when it assigns the socket.
    outgoing.once('socket', () => waiting.delete(outgoing))
    return true
  }

  #watch(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    this.#waiting.set(socket, waiting)
    socket.once('close', () => {
      for (const outgoing of waiting) emitClosed(outgoing)
      waiting.clear()
    })
    return waiting
  }
}
