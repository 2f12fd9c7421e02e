import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import { bodyTooLarge } from '../wire/errors.ts'
import { findRoute, collapseSlashes, resourceOf } from '../wire/route.ts'
import { defaultResourceName } from '../config/config.ts'
import { ConnectionCut } from './carriers/web-response.ts'
import { Exchange, type Incoming, viewOf } from '../pipeline/exchange.ts'
import { completeReply, failureReply, noRoomReply, refuse } from '../pipeline/reply-headers.ts'
import { type Run, type ReplyOrPromise, catchMaybe, mapMaybe } from '../pipeline/stage.ts'
import type { MaybePromise } from '../lib/port.ts'
import { jsonMemory } from '../lib/parse-json.ts'
import { NodeSender } from './carriers/send-to-node.ts'
import { sendToWeb } from './carriers/send-to-web.ts'
import { Batch } from '../lib/queues.ts'
import { MemoryBudget, UNCOUNTED_BYTES, budgetMegabytes } from '../lib/memory-budget.ts'
import { alreadySent } from './already-sent.ts'
import type { AppEnv } from './app.ts'
import type { Cors } from './cors.ts'
import { overrideDestroySoon } from './node-internals.ts'
import { answerFailure } from './answer-failure.ts'
import { readNodeBody, readWebBody, type ReadBody, createRepeatedBodies } from './read-body.ts'
import type { Simulator } from './simulator.ts'
import { defer, setTimeout } from '../lib/real-timers.ts'
import type { Duplex } from 'node:stream'

const BYTES_PER_MEGABYTE = 1024 * 1024
const noBytes = Buffer.alloc(0)
const emptyBody = { kind: 'read', bytes: noBytes, release: undefined, heldBytes: 0 } as const

/** Answers all paths that are not pages of the simulator. */
export interface DataPlane {
  /** Answers a request that Hono has routed. */
  readonly handler: (context: Context<AppEnv>) => MaybePromise<Response>
  /** Answers a request directly from its socket, in a later event-loop iteration. */
  readonly answerSocket: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  /** Whether a client that sends `Expect: 100-continue` is to send its body. */
  readonly wantsBody: (incoming: IncomingMessage) => MaybePromise<boolean>
}

/** A request with its body. */
interface ReceivedRequest {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** Time when the headers were received. */
  readonly startedMs: number
  readonly body: Exclude<ReadBody, { readonly kind: 'aborted' }>
  /** Whether the connection is closed after the answer. Default false. */
  readonly isLast?: boolean
}

/**
 * Creates the data plane.
 *
 * @param cors adds the headers of CORS to all answers; undefined without CORS_ORIGINS
 */
export function createDataPlane(simulator: Simulator, run: Run, cors: Cors | undefined): DataPlane {
  const { clock } = simulator
  const defaultLimitMb = budgetMegabytes(simulator.config.workers)
  const budget = new MemoryBudget(() => {
    const { bodiesLimitMb, bodyLimitMb } = simulator.config
    return Math.max(bodiesLimitMb ?? defaultLimitMb, bodyLimitMb) * BYTES_PER_MEGABYTE
  })

  // Not cached with extensions: they can change the JSON of a request.
  const readJson = simulator.extensions.list.length === 0 ? createRepeatedBodies() : undefined

  const open = (incoming: Incoming, startedMs: number): Exchange => {
    const exchange = new Exchange(incoming, {
      config: simulator.config,
      clock,
      random: simulator.random.fork(),
      startedMs,
      readJson,
      budget,
      onListenerFailure: simulator.onListenerFailure,
    })
    simulator.traceSampler?.begin(exchange)
    return exchange
  }

  const plainAnswer = (exchange: Exchange, body: ReadBody): ReplyOrPromise => {
    if (body.kind === 'read' && reserveJsonMemory(exchange)) return run(exchange)
    if (body.kind === 'read' || body.kind === 'no-room') {
      return completeReply(exchange, noRoomReply())
    }
    const readBytes = body.kind === 'too-large' ? body.readBytes : 0
    const error = bodyTooLarge(simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE, readBytes)
    return completeReply(exchange, refuse(error))
  }

  const answer: typeof plainAnswer = cors
    ? (exchange, body) => mapMaybe(plainAnswer(exchange, body), (reply) => cors.addTo(exchange, reply))
    : plainAnswer

  const answerReceived = ({ incoming, outgoing, startedMs, body, isLast }: ReceivedRequest): void => {
    const send = (): MaybePromise<void> => {
      const { method = 'GET', url = '/', headers } = incoming
      const bytes = body.kind === 'read' ? body.bytes : noBytes
      const exchange = open({ method, ...splitUrl(url), headers, body: bytes }, startedMs)
      if (body.kind === 'read' && body.release) exchange.hold(body.heldBytes, body.release)
      const sender = new NodeSender(exchange, outgoing, simulator.onSendFailure, simulator.onInvalidHead)
      return mapMaybe(answer(exchange, body), (reply) => {
        if (isLast) reply.headers.set('Connection', 'close')
        sender.send(exchange.recorder?.sending(reply) ?? reply)
      })
    }
    void catchMaybe(send, (error) => {
      simulator.onPageFailure(error)
      answerFailure(outgoing)
    })
  }
  // Under load one event-loop iteration reads many requests. Answering them back to back takes a sixth less time.
  const received = new Batch(defer, answerReceived)

  // A hook of an extension can authorize a request by its body.
  const hooksCanAuthorize = simulator.extensions.hooks.length > 0
  const isAuthorized = ({ method = 'GET', url = '/', headers }: IncomingMessage): MaybePromise<boolean> => {
    if (hooksCanAuthorize) return true
    const { config } = simulator
    const { path } = splitUrl(url)
    const named = resourceOf(findRoute(method, path), path)
    const view = viewOf(config, named)
    const resource = (view && named) ?? defaultResourceName
    const verdict = simulator.judge({ headers, resource, config: view ?? config.defaultResource })
    return mapMaybe(verdict, (known) => typeof known === 'string')
  }

  /** Answers without reading the body, because the service checks path, version and key before the body. */
  const refuseEarly = (incoming: IncomingMessage, outgoing: ServerResponse, startedMs: number): void => {
    const { socket } = incoming
    // Node would reset a client that still sends, before it has read its answer.
    overrideDestroySoon(socket, () => endAndLinger(socket))
    incoming.resume()
    outgoing.shouldKeepAlive = false
    received.add({ incoming, outgoing, startedMs, body: emptyBody, isLast: true })
  }

  const readAndAnswer = (incoming: IncomingMessage, outgoing: ServerResponse, startedMs: number): void =>
    readNodeBody(incoming, simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE, budget, (body) => {
      if (body.kind !== 'aborted') received.add({ incoming, outgoing, startedMs, body })
    })

  const answerIfAuthorized = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    startedMs: number,
  ): void => {
    const decide = (): MaybePromise<void> =>
      mapMaybe(isAuthorized(incoming), (isAllowed) => {
        // The client can disconnect while its token is verified.
        if (incoming.destroyed) return
        if (isAllowed) readAndAnswer(incoming, outgoing, startedMs)
        else refuseEarly(incoming, outgoing, startedMs)
      })
    void catchMaybe(decide, (error) => {
      simulator.onPageFailure(error)
      answerFailure(outgoing)
    })
  }

  const answerSocket: DataPlane['answerSocket'] = (incoming, outgoing) => {
    if (isLingering(incoming.socket)) return
    const startedMs = clock.nowMs()
    if (mayBeLarge(incoming)) answerIfAuthorized(incoming, outgoing, startedMs)
    else readAndAnswer(incoming, outgoing, startedMs)
  }

  const answerWeb = async (request: Request): Promise<Response> => {
    const startedMs = clock.nowMs()
    const { pathname, search } = new URL(request.url)
    const body = await readWebBody(request, simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE)
    const bytes = body.kind === 'read' ? body.bytes : noBytes
    const headers = Object.fromEntries(request.headers)
    const url = splitUrl(pathname + search)
    const exchange = open({ method: request.method, ...url, headers, body: bytes }, startedMs)
    const onAbort = (): void => {
      exchange.end({ aborted: true, firstByteMs: undefined, endMs: clock.nowMs() - startedMs })
    }
    // The signal can be aborted while the body is read.
    if (request.signal.aborted) onAbort()
    else request.signal.addEventListener('abort', onAbort, { once: true })
    const reply = await answer(exchange, body)
    try {
      return await sendToWeb(exchange, exchange.recorder?.sending(reply) ?? reply, simulator.onInvalidHead)
    } catch (error) {
      if (error instanceof ConnectionCut) throw error
      simulator.onSendFailure(error)
      const plain = failureReply(exchange)
      const failure = cors ? cors.addTo(exchange, plain) : plain
      return sendToWeb(exchange, exchange.recorder?.sending(failure) ?? failure)
    }
  }

  return {
    handler(context) {
      const { incoming, outgoing } = context.env ?? {}
      if (!incoming || !outgoing) return answerWeb(context.req.raw)
      context.env.isAnswered = true
      answerSocket(incoming, outgoing)
      return alreadySent
    },
    answerSocket,
    wantsBody: isAuthorized,
  }
}

/** Returns whether the body of a request can exceed the size that is read without a key. */
function mayBeLarge({ headers }: IncomingMessage): boolean {
  const announced = headers['content-length']
  return announced === undefined
    ? headers['transfer-encoding'] !== undefined
    : Number(announced) > UNCOUNTED_BYTES || headers.expect !== undefined
}

/** Reserves memory for the parsed JSON of a large body. Returns false if memory is short. */
function reserveJsonMemory(exchange: Exchange): boolean {
  if (exchange.body.length <= UNCOUNTED_BYTES || exchange.isForm) return true
  return exchange.reserve(jsonMemory(exchange.body) ?? 0)
}

/** Splits a request target. */
function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?')
  return {
    path: collapseSlashes(mark < 0 ? url : url.slice(0, mark)),
    query: mark < 0 ? '' : url.slice(mark + 1),
  }
}

/** How long data of a refused client is still read, so that a reset does not discard its answer; in milliseconds. */
const LINGER_MS = 500

const lingering = new WeakSet<Duplex>()

/** Returns whether a connection is closing. Further data on it gets no answer. */
export function isLingering(socket: Duplex): boolean {
  return lingering.has(socket)
}

/** Ends a connection after its last bytes, and discards received data for `LINGER_MS`. */
export function endAndLinger(socket: Duplex, lastBytes?: string): void {
  lingering.add(socket)
  socket.end(lastBytes)
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
