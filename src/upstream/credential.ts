import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { EntraTokens } from './entra-token.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Upstream, UpstreamCredential } from '../config/upstreams.ts'
import {
  ClientDisconnected,
  MissingCallerCredential,
  UpstreamFailure,
  type UpstreamLabel,
} from './upstream-failure.ts'

/** Limits of the wait for a credential. */
export interface CredentialWait {
  readonly timeoutMs: number
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** The signal is aborted when the client disconnects. It is only read if the wait is not over immediately. */
  readonly client: Pick<Exchange, 'signal'>
}

/** Dependencies of `CredentialSource`. */
interface CredentialDeps {
  readonly label: UpstreamLabel
  readonly clock: Clock
  readonly logger: Logger
}

/** A header with a credential. */
export type CredentialHeader = readonly [name: string, value: string]

/** Number of recent credentials to mask, because pending answers may echo an older one. */
const MAX_CACHED_SECRETS = 4

/** Gets the credential of one upstream, and remembers the secrets that were sent to it. */
export class CredentialSource {
  readonly #credential: UpstreamCredential
  readonly #kind: Upstream['kind']
  readonly #deps: CredentialDeps
  readonly #tokens: EntraTokens | undefined
  /** Secrets that are never sent to the upstream. */
  readonly #fixed: readonly string[]
  #sent: readonly string[] = []
  #secrets: readonly string[]

  constructor({ credential, kind }: Pick<Upstream, 'credential' | 'kind'>, deps: CredentialDeps) {
    this.#credential = credential
    this.#kind = kind
    this.#deps = deps
    this.#tokens = credential.kind === 'entra' ? new EntraTokens(credential, deps) : undefined
    const secret = credential.kind === 'entra' ? credential.clientSecret : undefined
    this.#fixed = secret === undefined ? [] : [secret]
    this.#secrets = this.#fixed
  }

  /** The secrets that were sent recently, and a client secret. Returns the same array until they change. */
  readonly secrets = (): readonly string[] => this.#secrets

  /**
   * Returns the header of the credential, called before each attempt. A key is sent in the header that the kind of the upstream
   * reads, also that of a client, and a token as a bearer token.
   *
   * @param isMessages whether the API is Anthropic Messages
   * @throws {UpstreamFailure} if it is missing, invalid or late
   * @throws {MissingCallerCredential} if the client sent none
   * @throws {ClientDisconnected} if the client disconnects first
   */
  async header(
    callerHeaders: IncomingHttpHeaders,
    isMessages: boolean,
    wait: CredentialWait,
  ): Promise<CredentialHeader> {
    const credential = this.#credential
    const tokens = this.#tokens
    const header =
      credential.kind === 'key'
        ? keyHeader(this.#kind, isMessages, credential.key)
        : tokens
          ? (['authorization', `Bearer ${await this.#withTimeout(tokens.token(), wait)}`] as const)
          : callerHeader(callerHeaders, this.#kind, isMessages)
    const [, value] = header
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
      const why = 'it is empty or has characters that are not allowed in a header. Correct its source.'
      throw this.#failure(why)
    }
    this.#remember(secretIn(value))
    return header
  }

  #remember(secret: string): void {
    if (this.#sent.includes(secret)) return
    this.#sent = [secret, ...this.#sent].slice(0, MAX_CACHED_SECRETS)
    this.#secrets = [...this.#sent, ...this.#fixed]
  }

  #failure(why: string): UpstreamFailure {
    const message = `Could not get the credential for ${this.#deps.label.text}: ${why}`
    return new UpstreamFailure('UpstreamCredential', message)
  }

  #withTimeout<T>(result: Promise<T>, { timeoutMs, deadlineMs, client }: CredentialWait): Promise<T> {
    const { clock, label } = this.#deps
    const { signal } = client
    return new Promise((resolve, reject) => {
      const onAbort = (): void => settle(() => reject(new ClientDisconnected()))
      const onTimeout = (): void => {
        const setting = label.setting('connect_timeout_ms')
        const message = `Could not get the credential for ${label.text} within ${timeoutMs} ms. Check its source and the network, or raise ${setting}.`
        settle(() => reject(new UpstreamFailure('UpstreamCredentialTimeout', message, { canRetry: true })))
      }
      const stop = clock.at(Math.min(clock.nowMs() + timeoutMs, deadlineMs), onTimeout)
      const settle = (then: () => void): void => {
        stop()
        signal.removeEventListener('abort', onAbort)
        then()
      }
      result.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error)),
      )
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** The credential in the value of a header, without its scheme. */
export function secretIn(value: string): string {
  return value.replace(/^(?:Bearer|Basic) +/i, '')
}

/** The header of a key by the kind of the upstream. Only one, because some services reject requests with several. */
function keyHeader(kind: Upstream['kind'], isMessages: boolean, key: string): CredentialHeader {
  if (kind === 'azure') return [isMessages ? 'x-api-key' : 'api-key', key]
  return kind === 'anthropic' ? ['x-api-key', key] : ['authorization', `Bearer ${key}`]
}

/** In the order in which the simulator reads them (`src/access/credentials.ts`). */
const callerHeaders = ['api-key', 'x-api-key', 'ocp-apim-subscription-key', 'authorization'] as const

/** The first credential of the client. A key is sent in the header that the upstream reads, any other credential as it came. */
function callerHeader(
  headers: IncomingHttpHeaders,
  kind: Upstream['kind'],
  isMessages: boolean,
): CredentialHeader {
  for (const name of callerHeaders) {
    const value = headers[name]
    if (typeof value !== 'string' || value.trim() === '') continue
    const isKey = name === 'api-key' || name === 'x-api-key'
    return isKey ? keyHeader(kind, isMessages, value.trim()) : [name, value.trim()]
  }
  throw new MissingCallerCredential('The client sent no credential.')
}
