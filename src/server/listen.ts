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
import { stackOf } from '../lib/error-text.ts'
import { ConnectionReports, WriteStalls } from './connection-reports.ts'
import { refuseHead, refuseRequest } from './refuse-request.ts'
import { emitClosed, upgradeOptions } from './node-internals.ts'
import { checkHead, Upgrades } from './upgrades.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../lib/real-timers.ts'

/** A server that takes requests. */
export interface Listener {
  /** The address to reach it at, such as `http://127.0.0.1:8000`. */
  readonly url: string
  /**
   * Takes no more connections, lets running answers end, and cuts what is left after the grace period.
   *
   * @param graceMs longest wait in milliseconds
   */
  close(graceMs: number): Promise<void>
}

/** What a listener needs of the routes. */
export type ListeningApp = Pick<App, 'fetch' | 'answerSocket' | 'wantsBody' | 'endStreams' | 'upgrades'>

/** How a listener treats its connections. */
export interface ListenOptions {
  /** Default: the defaults of the configuration. */
  readonly connections?: ConnectionLimits | undefined
  /** Hears of connections that were ended by a limit, once a minute at most; absent: nobody does. */
  readonly logger?: Logger | undefined
  /** Hears of each of them. Absent: nobody does. */
  readonly onConnectionEnd?: ((end: ConnectionEnd) => void) | undefined
}

/**
 * Whether a request needs no route of Hono: nearly all that a load test sends is a POST to one of these, and what Hono would
 * find for it is known beforehand. Measured against bare node:http = 1.00: with this door 0.73 to 0.78, through Hono's
 * route 0.60 (docs/decisions/hono-with-raw-carriers.md).
 */
function isDataPlane({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && (url.startsWith('/openai/') || url.startsWith('/v1/'))
}

/** Requests that are late are looked for as often as this, or more often where a limit is short; in milliseconds. */
const MAX_LATE_CHECK_MS = 5_000

/** How soon a connection that has fallen idle is closed while the server stops. */
const IDLE_SWEEP_MS = 50

/**
 * Opens the port. What a single client may take of it is bounded (docs/connections.md).
 *
 * @throws {OperatorError} LISTEN_FAILED when the address is taken or not allowed
 */
export async function listen(
  app: ListeningApp,
  host: string,
  port: number,
  { connections = defaultConnectionLimits, logger, onConnectionEnd }: ListenOptions = {},
): Promise<Listener> {
  const reports = new ConnectionReports(logger, connections.limit, onConnectionEnd)
  const stalls = new WriteStalls(connections.writeStallSeconds * 1_000, () => reports.count('stalledReaders'))
  const pipelined = new PipelinedAnswers(connections.pipelineLimit)
  const answer = getRequestListener(
    (request, bindings) => {
      const answered = app.fetch(request, bindings)
      return request.method === 'HEAD'
        ? markTaken(Promise.resolve(answered), bindings as SocketBindings)
        : answered
    },
    { errorHandler: (error) => refusal(error, logger) },
  )
  const server = createBoundedServer(connections, (incoming, outgoing) => {
    // Without a socket it is not this answer's turn: nearly no client sends requests ahead.
    if (!outgoing.socket && !pipelined.add(outgoing)) {
      if (!incoming.socket.destroyed) reports.count('pipelinedTooMuch')
      incoming.socket.destroy()
      return
    }
    if (incoming.socket.destroyed) return
    const refusal = checkHead(incoming)
    // Each answers its own failures.
    if (refusal) refuseHead(refusal, incoming, outgoing)
    else if (isDataPlane(incoming)) app.answerSocket(incoming, outgoing)
    else void answer(incoming, outgoing)
  })
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (app.wantsBody(incoming)) outgoing.writeContinue()
    server.emit('request', incoming, outgoing)
  })
  server.on('connection', (socket) => stalls.watch(socket))
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
  // Without a listener it would end the process: the operating system may refuse to open another connection.
  server.on('error', (error) => logger?.error({ err: error.message }, 'A connection could not be accepted.'))
  const address = server.address() as AddressInfo

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      // A connection that its client keeps open falls idle when its answer ends, and nobody else closes it then.
      const endWaiting = (): void => {
        app.endStreams()
        server.closeIdleConnections()
      }
      endWaiting()
      upgrades.stop()
      const sweep = setInterval(endWaiting, IDLE_SWEEP_MS)
      const cut = setTimeout(() => {
        server.closeAllConnections()
        upgrades.cut()
      }, graceMs)
      await closed
      clearInterval(sweep)
      clearTimeout(cut)
      stalls.close()
      reports.close()
    },
  }
}

function createBoundedServer(
  {
    limit,
    headerLimitKb,
    headersTimeoutSeconds,
    requestTimeoutSeconds,
    idleTimeoutSeconds,
  }: ConnectionLimits,
  onRequest: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Server {
  const requestTimeout = requestTimeoutSeconds * 1_000
  // Node refuses to give the headers more time than the whole.
  const headersTimeout = Math.min(headersTimeoutSeconds * 1_000, requestTimeout)
  const server = createServer(
    {
      keepAliveTimeout: idleTimeoutSeconds * 1_000,
      headersTimeout,
      requestTimeout,
      connectionsCheckingInterval: Math.min(MAX_LATE_CHECK_MS, headersTimeout / 4),
      maxHeaderSize: headerLimitKb * 1_024,
      // Node's own answer has no body.
      requireHostHeader: false,
      ...upgradeOptions,
    },
    onRequest,
  )
  // The bytes are limited already; beyond a number of headers Node would leave out the others and tell nobody.
  server.maxHeadersCount = 0
  server.maxConnections = limit
  // In a cluster, too: else a worker that is full hands the connection on to the next one, for ever.
  return Object.assign(server, { dropMaxConnection: true })
}

/** What comes before the app and fails: a Host that is none, above all. Nothing of the error reaches the client. */
function refusal(error: unknown, logger: Logger | undefined): Response {
  const isRequests = error instanceof Error && error.name === 'RequestError'
  if (!isRequests) logger?.error({ err: stackOf(error) }, 'A request failed before its answer.')
  return isRequests ? errorResponse(malformedRequest()) : failureResponse()
}

async function markTaken(answered: Promise<Response>, bindings: SocketBindings): Promise<Response> {
  const response = await answered
  return bindings.isTaken ? alreadySent : response
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): OperatorError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `another program uses port ${port}. Stop it, or choose another port with --port (0 takes a free one).`,
    EACCES: `this user may not open port ${port}. Choose a port from 1024 up with --port.`,
    EADDRNOTAVAIL: `this machine has no address ${host}. Choose one of its own with --host (0.0.0.0 takes all).`,
    ENOTFOUND: `the name ${host} is unknown. Choose an address of this machine with --host.`,
  }
  const reason = reasons[cause.code ?? ''] ?? `${cause.message}.`
  return new OperatorError('LISTEN_FAILED', `Could not listen on ${host}:${port}: ${reason}`, { cause })
}

/**
 * The answers whose turn has not come, because an earlier request of their connection is not answered. Node keeps any
 * number of them, and does not tell them when their connection closes.
 */
class PipelinedAnswers {
  readonly #limit: number
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /** @param limit most for one connection */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Sees to an answer that has no socket yet; false where its connection has too many of them. */
  add(outgoing: ServerResponse): boolean {
    const { socket } = outgoing.req
    const waiting = this.#waiting.get(socket) ?? this.#watch(socket)
    if (waiting.size >= this.#limit) return false
    waiting.add(outgoing)
    // Node's own word, when it assigns one.
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
