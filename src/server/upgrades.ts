import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { reparse, emitDrain, withoutUpgrade } from './node-internals.ts'
import { whenAnswered } from './refuse-request.ts'
import { malformedRequest, unsupportedTransferCoding } from '../wire/named-errors.ts'
import type { ServiceError } from '../wire/errors.ts'

/** An upgrade request. All earlier requests of its connection are answered. */
export interface Upgrade {
  readonly incoming: IncomingMessage
  readonly socket: Socket
  /** Bytes received after the request. */
  readonly head: Buffer
  /** Aborted when the server stops. The connection is cut at the end of the grace period. */
  readonly stopping: AbortSignal
}

/** A route for upgrade requests. */
export interface UpgradeRoute {
  /** Protocol of the header `Upgrade`, in lower case: `websocket`. */
  readonly protocol: string
  readonly matches: (path: string) => boolean
  /** Takes over the connection: checks the key, answers and closes it. Must not throw. */
  readonly handle: (upgrade: Upgrade) => void
}

/**
 * Handles connections that Node detaches from HTTP: upgrade and CONNECT requests.
 *
 * An upgrade request without a route is treated as a normal request (RFC 9110, 7.8): the connection is returned to Node, which parses the
 * request again without the Upgrade header. Node's own way to ignore an upgrade loses the bytes after the request.
 */
export class Upgrades {
  readonly #server: Server
  readonly #routes: readonly UpgradeRoute[]
  readonly #detached = new Set<Socket>()
  readonly #stopping = new AbortController()

  constructor(server: Server, routes: readonly UpgradeRoute[]) {
    this.#server = server
    this.#routes = routes
    server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket as Socket, head))
    // Without a listener, Node cuts the connection and the answers to earlier requests.
    server.on('connect', (_, socket) =>
      this.#detach(socket as Socket, () => (socket as Socket).destroySoon()),
    )
  }

  /** Notifies the routes that the server stops. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Cuts all detached connections. */
  cut(): void {
    for (const socket of this.#detached) socket.destroy()
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const request = withoutUpgrade(incoming, head)
    this.#detach(socket, (release) => {
      const route = checkHead(incoming) ? undefined : this.#routeOf(incoming)
      if (route) {
        route.handle({ incoming, socket, head, stopping: this.#stopping.signal })
        return
      }
      release()
      reparse(this.#server, socket, request)
    })
  }

  #routeOf({ url = '', headers }: IncomingMessage): UpgradeRoute | undefined {
    const [path = ''] = url.split('?')
    const requested = new Set(headers.upgrade?.toLowerCase().split(/\s*,\s*/))
    return this.#routes.find(({ protocol, matches }) => requested.has(protocol) && matches(path))
  }

  /**
   * Waits until earlier requests are answered. Adds the listeners that these answers need, because Node has removed them.
   *
   * @param then receives a function that removes the added listeners
   */
  #detach(socket: Socket, then: (release: () => void) => void): void {
    const onDrain = (): void => emitDrain(socket)
    const onError = (): void => void socket.destroy()
    const onClose = (): void => void this.#detached.delete(socket)
    this.#detached.add(socket)
    socket.on('drain', onDrain).on('error', onError).on('close', onClose)
    const release = (): void => {
      this.#detached.delete(socket)
      socket.off('error', onError).off('close', onClose)
    }
    whenAnswered(socket, () => {
      socket.off('drain', onDrain)
      then(release)
    })
  }
}

/** A target in absolute form (RFC 9112, 3.2.2). Groups: host without user information, path with query. */
const absoluteForm = /^https?:\/\/(?:[^/?#@]*@)?([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i

/**
 * Checks the head of a request more strictly than the parser of Node, and normalizes the target to a path with a query.
 *
 * @returns the error to answer with, or undefined for a valid head
 */
export function checkHead(incoming: IncomingMessage): ServiceError | undefined {
  if (!hasValidHost(incoming)) return malformedRequest()
  const coding = incoming.headers['transfer-encoding']
  // The parser accepts any list that ends with chunked, but decodes only chunked.
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return unsupportedTransferCoding()
  return incoming.url?.startsWith('/') || normalizeTarget(incoming) ? undefined : malformedRequest()
}

/** Returns whether there is exactly one Host header, or none with HTTP/1.0 (RFC 9112, 3.2). */
function hasValidHost({ rawHeaders, httpVersionMinor }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && (name === 'Host' || name.toLowerCase() === 'host')) hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0)
}

/** Replaces a target in another form by its path. Returns false for an invalid target. */
function normalizeTarget(incoming: IncomingMessage): boolean {
  const { url = '', method, headers } = incoming
  // `OPTIONS *` asks about the whole server; the root path answers it.
  if (url === '*' && method === 'OPTIONS') {
    incoming.url = '/'
    return true
  }
  const [found, host, path = ''] = absoluteForm.exec(url) ?? []
  if (found === undefined) return false
  headers.host = host
  incoming.url = path.startsWith('/') ? path : `/${path}`
  return true
}
