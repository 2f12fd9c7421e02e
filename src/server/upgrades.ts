import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { reparse, emitDrain, withoutUpgrade } from './node-internals.ts'
import { whenAnswered } from './refuse-request.ts'
import { malformedRequest, unknownTransferCoding } from '../wire/named-errors.ts'
import type { ServiceError } from '../wire/errors.ts'

/** A request to go on in another protocol. All earlier ones of its connection are answered. */
export interface Upgrade {
  readonly incoming: IncomingMessage
  readonly socket: Socket
  /** What the client has sent behind it already. */
  readonly head: Buffer
  /** Fires when the server stops; what is not over by the end of the grace period is cut. */
  readonly stopping: AbortSignal
}

/** Where a connection may go on in another protocol. */
export interface UpgradeRoute {
  /** As the header `Upgrade` names it, in lower case: `websocket`. */
  readonly protocol: string
  readonly matches: (path: string) => boolean
  /** Takes the connection over, its key, its refusals and its end included. Must not throw. */
  readonly take: (upgrade: Upgrade) => void
}

/**
 * Sees to the connections that Node no longer reads as HTTP: those whose request wishes another protocol, or a tunnel. A wish that no
 * route takes is passed over, as HTTP allows (RFC 9110, 7.8): the connection is handed back, and the request is read again
 * without it. Node's own way to pass over it loses what came right behind the request.
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
    // Without a listener Node cuts the connection, and with it the answers to earlier requests.
    server.on('connect', (_, socket) =>
      this.#detach(socket as Socket, () => (socket as Socket).destroySoon()),
    )
  }

  /** Tells those who have taken a connection that the server stops. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Cuts what is left. */
  cut(): void {
    for (const socket of this.#detached) socket.destroy()
  }

  #upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const request = withoutUpgrade(incoming, head)
    this.#detach(socket, (release) => {
      const route = checkHead(incoming) ? undefined : this.#routeOf(incoming)
      if (route) {
        route.take({ incoming, socket, head, stopping: this.#stopping.signal })
        return
      }
      release()
      reparse(this.#server, socket, request)
    })
  }

  #routeOf({ url = '', headers }: IncomingMessage): UpgradeRoute | undefined {
    const [path = ''] = url.split('?')
    const wished = new Set(headers.upgrade?.toLowerCase().split(/\s*,\s*/))
    return this.#routes.find(({ protocol, matches }) => wished.has(protocol) && matches(path))
  }

  /**
   * Waits until earlier requests are answered: Node has taken the listeners away that the answers need.
   *
   * @param then is handed what takes those of this away, too
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

/** A target in absolute form: its host, without a user in front, and what follows (RFC 9112, 3.2.2). */
const absoluteForm = /^https?:\/\/(?:[^/?#@]*@)?([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i

/**
 * Checks what Node's parser lets pass, and brings the target into its usual form, a path with a query, so that nobody has to
 * know another one.
 *
 * @returns what the request is refused with; undefined for nearly all
 */
export function checkHead(incoming: IncomingMessage): ServiceError | undefined {
  if (!hasProperHost(incoming)) return malformedRequest()
  const coding = incoming.headers['transfer-encoding']
  // The parser takes any list that ends with chunked, and undoes nothing else.
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return unknownTransferCoding()
  return incoming.url?.startsWith('/') || takePath(incoming) ? undefined : malformedRequest()
}

/** One Host, which only a client of HTTP/1.0 may leave out (RFC 9112, 3.2). */
function hasProperHost({ rawHeaders, httpVersionMinor }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && (name === 'Host' || name.toLowerCase() === 'host')) hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0)
}

/** Puts the path in the place of another form of the target; false where it is none. */
function takePath(incoming: IncomingMessage): boolean {
  const { url = '', method, headers } = incoming
  // What a server as a whole can do is what its root can.
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
