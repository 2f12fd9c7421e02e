import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import { bodyTooLarge } from '../wire/errors.ts'
import { recogniseRoute, singleSlashes } from '../wire/route.ts'
import { hasValidKey } from '../access/access.ts'
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
import { overrideDestroySoon } from './node-internals.ts'
import { answerFailure } from './answer-failure.ts'
import { readNodeBody, readWebBody, type ReadBody, createRepeatedBodies } from './read-body.ts'
import type { Simulator } from './simulator.ts'
import { defer, setTimeout } from '../lib/real-timers.ts'
import type { Duplex } from 'node:stream'

const BYTES_PER_MEGABYTE = 1024 * 1024
const noBytes = Buffer.alloc(0)
const noBody = { kind: 'read', bytes: noBytes, release: undefined, heldBytes: 0 } as const

/** What answers every path that is not the simulator's own. */
export interface DataPlane {
  /** Answers a request that Hono has routed. */
  readonly handler: (context: Context<AppEnv>) => MaybePromise<Response>
  /** Answers a request straight from its socket, in a later turn of the loop. */
  readonly answerSocket: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  /** Whether a client that asks before it sends its body (`Expect: 100-continue`) is to send it. */
  readonly wantsBody: (incoming: IncomingMessage) => boolean
}

/** A request that has been read. */
interface Arrival {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  /** When its headers were there. */
  readonly startedMs: number
  readonly body: Exclude<ReadBody, { readonly kind: 'aborted' }>
  /** Whether the connection ends with the answer; default false. */
  readonly isLast?: boolean
}

/** Makes the data plane. */
export function createDataPlane(simulator: Simulator, run: Run): DataPlane {
  const { clock } = simulator
  const usualLimitMb = budgetMegabytes(simulator.config.workers)
  const budget = new MemoryBudget(() => {
    const { bodiesLimitMb, bodyLimitMb } = simulator.config
    return Math.max(bodiesLimitMb ?? usualLimitMb, bodyLimitMb) * BYTES_PER_MEGABYTE
  })

  // Extensions may change the JSON of their request.
  const readJson = simulator.extensions.list.length === 0 ? createRepeatedBodies() : undefined

  const open = (incoming: Incoming, startedMs: number): Exchange =>
    new Exchange(incoming, {
      config: simulator.config,
      clock,
      random: simulator.random.fork(),
      startedMs,
      readJson,
      budget,
      onListenerFailure: simulator.onListenerFailure,
    })

  const answer = (exchange: Exchange, body: ReadBody): ReplyOrPromise => {
    if (body.kind === 'read' && findsRoom(exchange)) return run(exchange)
    if (body.kind === 'read' || body.kind === 'no-room') {
      return completeReply(exchange, noRoomReply())
    }
    const readBytes = body.kind === 'too-large' ? body.readBytes : 0
    const error = bodyTooLarge(simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE, readBytes)
    return completeReply(exchange, refuse(error))
  }

  const answerArrival = ({ incoming, outgoing, startedMs, body, isLast }: Arrival): void => {
    const send = (): MaybePromise<void> => {
      const { method = 'GET', url = '/', headers } = incoming
      const bytes = body.kind === 'read' ? body.bytes : noBytes
      const exchange = open({ method, ...splitUrl(url), headers, body: bytes }, startedMs)
      if (body.kind === 'read' && body.release) exchange.hold(body.heldBytes, body.release)
      const sender = new NodeSender(exchange, outgoing, simulator.onSendFailure, simulator.onInvalidHead)
      return mapMaybe(answer(exchange, body), (reply) => {
        if (isLast) reply.headers.set('Connection', 'close')
        sender.send(reply)
      })
    }
    void catchMaybe(send, (error) => {
      simulator.onPageFailure(error)
      answerFailure(outgoing)
    })
  }
  // Under load many requests are read in one turn of the loop; one after the other, their answers take a sixth less time.
  const arrivals = new Batch(defer, answerArrival)

  // A hook of an extension may let a caller pass by what stands in the body.
  const mayVouch = simulator.extensions.hooks.length > 0
  const isStranger = ({ method = 'GET', url = '/', headers }: IncomingMessage): boolean => {
    if (mayVouch) return false
    const { config } = simulator
    const { apiKey } = viewOf(config, recogniseRoute(method, splitUrl(url).path)) ?? config.defaultResource
    return !hasValidKey(headers, apiKey)
  }

  /** The service judges path, version and key before the body: so it is not waited for, and never kept. */
  const refuseStranger = (incoming: IncomingMessage, outgoing: ServerResponse, startedMs: number): void => {
    const { socket } = incoming
    // Node's own would reset a client that still sends, before it has read its answer.
    overrideDestroySoon(socket, () => endAndLinger(socket))
    incoming.resume()
    outgoing.shouldKeepAlive = false
    arrivals.add({ incoming, outgoing, startedMs, body: noBody, isLast: true })
  }

  const answerSocket: DataPlane['answerSocket'] = (incoming, outgoing) => {
    if (isLingering(incoming.socket)) return
    const startedMs = clock.nowMs()
    if (mayBeLarge(incoming) && isStranger(incoming)) {
      refuseStranger(incoming, outgoing, startedMs)
      return
    }
    readNodeBody(incoming, simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE, budget, (body) => {
      if (body.kind !== 'aborted') arrivals.add({ incoming, outgoing, startedMs, body })
    })
  }

  const answerWeb = async (request: Request): Promise<Response> => {
    const startedMs = clock.nowMs()
    const { pathname, search } = new URL(request.url)
    const body = await readWebBody(request, simulator.config.bodyLimitMb * BYTES_PER_MEGABYTE)
    const bytes = body.kind === 'read' ? body.bytes : noBytes
    const headers = Object.fromEntries(request.headers)
    const url = splitUrl(pathname + search)
    const exchange = open({ method: request.method, ...url, headers, body: bytes }, startedMs)
    const leave = (): void => {
      exchange.end({ aborted: true, firstByteMs: undefined, endMs: clock.nowMs() - startedMs })
    }
    // A caller may have left while its body was read.
    if (request.signal.aborted) leave()
    else request.signal.addEventListener('abort', leave, { once: true })
    const reply = await answer(exchange, body)
    try {
      return await sendToWeb(exchange, reply, simulator.onInvalidHead)
    } catch (error) {
      if (error instanceof ConnectionCut) throw error
      simulator.onSendFailure(error)
      return sendToWeb(exchange, failureReply(exchange))
    }
  }

  return {
    handler(context) {
      const { incoming, outgoing } = context.env ?? {}
      if (!incoming || !outgoing) return answerWeb(context.req.raw)
      context.env.isTaken = true
      answerSocket(incoming, outgoing)
      return alreadySent
    },
    answerSocket,
    wantsBody: (incoming) => !isStranger(incoming),
  }
}

/** Whether a request may come with more than is read of any caller. */
function mayBeLarge({ headers }: IncomingMessage): boolean {
  const announced = headers['content-length']
  return announced === undefined
    ? headers['transfer-encoding'] !== undefined
    : Number(announced) > UNCOUNTED_BYTES || headers.expect !== undefined
}

/** Whether there is room for what a large body becomes when it is parsed. */
function findsRoom(exchange: Exchange): boolean {
  if (exchange.body.length <= UNCOUNTED_BYTES || exchange.isForm) return true
  return exchange.reserve(jsonMemory(exchange.body) ?? 0)
}

/** Splits a request target. */
function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?')
  return {
    path: singleSlashes(mark < 0 ? url : url.slice(0, mark)),
    query: mark < 0 ? '' : url.slice(mark + 1),
  }
}

/** How long what a refused client still sends is read, so that a reset does not overtake its answer; in milliseconds. */
const LINGER_MS = 500

const lingering = new WeakSet<Duplex>()

/** Whether a connection only waits for its end: what still comes on it gets no answer. */
export function isLingering(socket: Duplex): boolean {
  return lingering.has(socket)
}

/** Ends a connection after its last bytes, and reads on for a moment without keeping anything. */
export function endAndLinger(socket: Duplex, lastBytes?: string): void {
  lingering.add(socket)
  socket.end(lastBytes)
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
