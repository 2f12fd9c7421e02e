import { type AgentOptions, request as requestHttp, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Upstream } from '../config/upstreams.ts'
import type { Clock } from '../lib/clock.ts'
import { connectionFailure, timeoutFailure, type UpstreamLabel, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** An HTTP proxy between the simulator and upstreams. */
export interface Proxy {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** Without credentials. */
  readonly origin: string
  /** Name of the variable that sets it. */
  readonly variable: string
  /** Value of `proxy-authorization`; undefined if the address has no credentials. */
  readonly authorization: string | undefined
}

/**
 * Returns the proxy for an upstream by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in lower or upper case, as curl reads them;
 * undefined without one.
 *
 * @throws {UpstreamFailure} UpstreamProxy if the variable is not an http or https address. The message does not contain it
 */
export function proxyFor(target: UpstreamTarget, label: UpstreamLabel, env: Environment): Proxy | undefined {
  const variable = [target.secure ? 'HTTPS_PROXY' : 'HTTP_PROXY', 'ALL_PROXY'].find(
    (name) => valueOf(env, name) !== '',
  )
  if (variable === undefined || isExcluded(target, valueOf(env, 'NO_PROXY'))) return undefined
  const value = valueOf(env, variable)
  const text = value.includes('://') ? value : `http://${value}`
  if (!URL.canParse(text) || !/^https?:/i.test(text)) {
    const message = `Could not connect to ${label.text}: ${variable} must be an http or https address. Correct ${variable}, or list the host in NO_PROXY.`
    throw new UpstreamFailure('UpstreamProxy', message)
  }
  const url = new URL(text)
  const secure = url.protocol === 'https:'
  const user = `${decode(url.username)}:${decode(url.password)}`
  return {
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    origin: url.origin,
    variable,
    authorization: user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
  }
}

function valueOf(env: Environment, name: string): string {
  return env[name.toLowerCase()]?.trim() || env[name]?.trim() || ''
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Entries are `*`, hosts with their subdomains (`contoso.com`, `.contoso.com`, `*.contoso.com`) and IP addresses, each with a port or not. */
function isExcluded({ host, port }: UpstreamTarget, list: string): boolean {
  return list
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => {
      if (entry === '' || entry === '*') return entry === '*'
      const [, bracketed, name = '', entryPort] =
        /^(?:\[([^\]]*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? []
      if (entryPort !== undefined && Number(entryPort) !== port) return false
      if (bracketed !== undefined) return host === bracketed
      const domain = name.replace(/^\*?\./, '')
      return host === domain || (domain !== '' && host.endsWith(`.${domain}`))
    })
}

/** What a request to a proxy needs in addition to that to the upstream. */
interface ProxyOptions {
  readonly proxy: Proxy
  readonly host: string
  readonly port: number
  /** The whole address of the upstream. */
  readonly path: string
  readonly headers: readonly string[]
}

/** Returns how a request to an upstream without TLS is sent to its proxy: with the whole address. */
export function throughProxy(proxy: Proxy, target: UpstreamTarget, path: string): ProxyOptions {
  const headers = proxy.authorization === undefined ? [] : ['proxy-authorization', proxy.authorization]
  return { proxy, host: proxy.host, port: proxy.port, path: target.origin + path, headers }
}

/** The failure of a connection through a proxy. @param cause absent if the proxy refused it */
export function proxyFailure(
  label: UpstreamLabel,
  proxy: Proxy,
  why: string,
  cause?: unknown,
): UpstreamFailure {
  const { variable, origin } = proxy
  const message = `Could not connect to ${label.text} through the proxy ${origin}: ${why}. Correct ${variable}, or list the host in NO_PROXY.`
  return new UpstreamFailure('UpstreamProxy', message, { canRetry: cause !== undefined, cause })
}

type OnConnection = (error: Error | null, stream: Duplex) => void

/** What connections through a proxy need. */
interface TunnelDeps {
  readonly upstream: Upstream
  readonly target: UpstreamTarget
  readonly label: UpstreamLabel
  readonly clock: Clock
}

/** Opens connections with TLS through a proxy (CONNECT). A request gets its connection after the handshake. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: Proxy
  readonly #deps: TunnelDeps

  constructor(options: AgentOptions, proxy: Proxy, deps: TunnelDeps) {
    super(options)
    this.#proxy = proxy
    this.#deps = deps
  }

  override createConnection(options: RequestOptions, callback: OnConnection = () => {}): null {
    const { secure, host, port, authorization } = this.#proxy
    const { target, label, clock, upstream } = this.#deps
    const name = target.host.includes(':') ? `[${target.host}]` : target.host
    const path = `${name}:${target.port}`
    const connect = (secure ? requestHttps : requestHttp)({
      method: 'CONNECT',
      host,
      port,
      path,
      agent: false,
      headers: { host: path, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    })
    let connection: Duplex | null | undefined
    let isOver = false
    const finish = (failure: UpstreamFailure | null): void => {
      if (isOver) return
      isOver = true
      stopTimer()
      if (failure) {
        connection?.destroy()
        connect.destroy()
        // A request that fails has no connection. The types of Node.js do not say so.
        callback(failure, undefined as unknown as Duplex)
      } else if (connection) callback(null, connection)
    }
    const refuse = (status: number | undefined): void => {
      const why = status === 407 ? 'it requires other credentials (407)' : `it answered with status ${status}`
      finish(proxyFailure(label, this.#proxy, why))
    }
    const stopTimer = clock.at(clock.nowMs() + upstream.connectTimeoutMs, () =>
      finish(timeoutFailure('UpstreamConnectTimeout', label, upstream)),
    )
    connect.once('connect', ({ statusCode }, socket) => {
      if (statusCode !== 200 || isOver) {
        socket.destroy()
        refuse(statusCode)
        return
      }
      const tunnel: RequestOptions & { socket: Duplex } = { ...options, socket }
      connection = super.createConnection(tunnel)
      connection?.once('error', (error) => finish(connectionFailure(label, error, false)))
      connection?.once('secureConnect', () => finish(null))
    })
    connect.once('response', ({ statusCode }) => refuse(statusCode))
    connect.on('error', (error: NodeJS.ErrnoException) =>
      finish(
        proxyFailure(label, this.#proxy, `the connection failed (${error.code ?? error.message})`, error),
      ),
    )
    connect.end()
    return null
  }
}
