/* oxlint-disable eslint/no-underscore-dangle -- the names are those of autocannon */
import type { EventEmitter } from 'node:events'
import autocannon from 'autocannon'
import { connectionReason } from '../lib/error-text.ts'
import type { ConnectionEvents, ConnectionPool, LoadConnection } from './load-connection.ts'

/** Where the connections of a pool lead, and for how long they may be there at the most. */
export interface PoolOptions {
  readonly address: URL
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  /** A second bound beside `close`. */
  readonly longestSeconds: number
  readonly events: ConnectionEvents
}

/** How often autocannon looks whether it was stopped, in milliseconds. */
const stopCheckMs = 50

/** Opens connections by autocannon, which tries again by itself when one is lost. */
export function openPool({
  address,
  headers,
  connections,
  longestSeconds,
  events,
}: PoolOptions): ConnectionPool {
  const run = autocannon({
    url: address.href,
    method: 'POST',
    headers: { ...headers },
    connections,
    duration: longestSeconds,
    // Never within a run: what takes too long is told as unfinished at its end.
    timeout: longestSeconds + 60,
    sampleInt: stopCheckMs,
    setupClient: (client) => mendClient(client as autocannon.Client & ClientInsides, events),
  })
  return {
    async close() {
      // `stop` is part of what the function gives, and of its documents, but not of @types/autocannon.
      ;(run as unknown as { stop(): void }).stop()
      await run
    },
  }
}

/** What is used of autocannon's client (9.0.0) beside its documented methods. */
interface ClientInsides extends EventEmitter {
  conn?: Connection
  readonly destroyed: boolean
  readonly parser: { reinitialize(type: 'RESPONSE'): void }
  readonly pipelinedRequests: { peek(): { body: string } | undefined }
  _connect(): void
  _doRequest(): void
  _destroyConnection(): void
}

interface Connection extends EventEmitter {
  readonly connecting: boolean
  readonly encrypted?: boolean
  readonly authorized?: boolean
  /** An error by its type, and a code alone in truth. */
  readonly authorizationError?: Error | string
  destroy(error: Error): void
}

interface ResponseHead {
  readonly statusCode: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/** A connection that cannot be made is tried again after this long, then twice as long each time. */
const firstRetryMs = 50
const longestRetryMs = 1_000

/**
 * Makes of autocannon's client, which sends as fast as it can, a connection that sends when it is told to. It also mends what
 * would falsify the figures of streams:
 *
 * - A stream that is cut leaves the parser in the middle of a body, which then swallows the next answer: that request
 *   waits until its time is out. Here each connection begins with a fresh parser, and the cut is told.
 * - A refused connection is tried again at once, without end. Here there is a pause.
 * - `body` events carry the whole packet, framing and all, once for each part in it. Here the part is read.
 * - Certificates are not verified. Here a connection to a host without a valid one ends before the key is sent.
 */
function mendClient(client: autocannon.Client & ClientInsides, events: ConnectionEvents): void {
  const connect = client._connect.bind(client)
  const sendCurrent = client._doRequest.bind(client)
  let isUnderWay = false
  let closesAfterAnswer = false
  let failures = 0
  let lostBy = 'the connection was closed'

  const connection: LoadConnection = {
    send(body) {
      isUnderWay = true
      client.setBody(body)
      sendCurrent()
    },
  }

  client._connect = () => {
    if (client.conn) client._destroyConnection()
    client.parser.reinitialize('RESPONSE')
    closesAfterAnswer = false
    events.onAway(connection)
    if (isUnderWay) {
      isUnderWay = false
      events.onBroken(connection, lostBy)
    }
    lostBy = 'the connection was closed'
    if (failures === 0) return connect()
    const pauseMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1))
    setTimeout(() => {
      if (!client.destroyed) connect()
    }, pauseMs).unref()
  }

  // Called after each answer, and for each new connection before it stands.
  client._doRequest = () => {
    const { conn } = client
    if (!conn || client.destroyed) return
    if (closesAfterAnswer) return client._connect()
    if (!conn.connecting) return events.onReady(connection)
    conn.once(conn.encrypted ? 'secureConnect' : 'connect', () => {
      if (conn.encrypted && !conn.authorized) {
        return conn.destroy(new Error(`the certificate is not valid: ${String(conn.authorizationError)}`))
      }
      failures = 0
      events.onReady(connection)
    })
  }

  client.on('connError', (error: Error) => {
    lostBy = connectionReason(error)
    if (isUnderWay) return
    failures += 1
    events.onUnreachable(lostBy)
  })
  client.on('headers', (value: unknown) => {
    const { statusCode, headers } = value as ResponseHead
    const map = new Map<string, string>()
    for (let at = 0; at + 1 < headers.length; at += 2) {
      map.set((headers[at] ?? '').toLowerCase(), headers[at + 1] ?? '')
    }
    closesAfterAnswer = map.get('connection')?.toLowerCase() === 'close'
    events.onHead(connection, statusCode, map)
  })
  client.on('body', () => {
    const request = client.pipelinedRequests.peek()
    if (!request) return
    const text = request.body
    request.body = ''
    events.onBody(connection, text)
  })
  client.on('response', () => {
    isUnderWay = false
    events.onEnd(connection)
  })
}
