import type { Clock } from '../lib/clock.ts'
import type { MaybePromise } from '../lib/port.ts'
import { ClientDisconnected, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamTarget } from './upstream-target.ts'
import type { Upstream } from '../config/upstreams.ts'

/** Credential of an upstream, called before each attempt. An error that it throws is logged, and not sent to clients. */
export type Credential =
  /** Returns a key. */
  | (() => string | Promise<string>)
  /** Returns headers such as `{ authorization: 'Bearer ...' }`. */
  | { headers(): CredentialHeaders | Promise<CredentialHeaders> }

/** Header values by name. */
export type CredentialHeaders = Readonly<Record<string, string>>

/** Limits of the wait for a credential. */
export interface CredentialWait {
  readonly clock: Clock
  readonly timeoutMs: number
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal
}

/** Number of recent credentials to mask, because pending answers may echo an older one. */
const MAX_CACHED_SECRETS = 4

/** Gets the credential of one upstream, and remembers the secrets that were sent to it. */
export class CredentialSource {
  readonly #credential: Credential
  readonly #target: UpstreamTarget
  readonly #kind: Upstream['kind']
  #secrets: readonly string[] = []

  constructor(credential: Credential, target: UpstreamTarget, kind: Upstream['kind']) {
    this.#credential = credential
    this.#target = target
    this.#kind = kind
  }

  /** The secrets that were sent recently. Returns the same array until they change. */
  readonly secrets = (): readonly string[] => this.#secrets

  /**
   * The header of the credential: its name and value. A key is sent in the header that the kind of the upstream reads.
   *
   * @param isMessages whether the API is Anthropic Messages
   * @throws {UpstreamFailure} if it is missing, invalid or late
   * @throws {ClientDisconnected} if the client disconnects first
   */
  async headers(wait: CredentialWait, isMessages: boolean): Promise<string[]> {
    const { origin } = this.#target
    const credential = this.#credential
    let value: string | CredentialHeaders
    try {
      const result: MaybePromise<string | CredentialHeaders> =
        typeof credential === 'function' ? credential() : credential.headers()
      value = result instanceof Promise ? await withTimeout(result, origin, wait) : result
    } catch (error) {
      if (error instanceof UpstreamFailure || error instanceof ClientDisconnected) throw error
      throw credentialFailure(
        origin,
        'its source failed. See the log of the simulator, and correct the source.',
        error,
      )
    }
    const pairs =
      typeof value === 'object' ? Object.entries(value) : [keyHeader(this.#kind, isMessages, value)]
    for (const [, value] of pairs) {
      if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
        throw credentialFailure(
          origin,
          'it is empty or has characters that are not allowed in a header. Correct its source.',
        )
      }
    }
    this.#remember(pairs.map(([, value]) => value.replace(/^Bearer /i, '')))
    return pairs.flat()
  }

  #remember(values: readonly string[]): void {
    if (values.every((value) => this.#secrets.includes(value))) return
    this.#secrets = [...new Set([...values, ...this.#secrets])].slice(0, MAX_CACHED_SECRETS)
  }
}

/** The header of a key by the kind of the upstream. Only one, because some services reject requests with several. */
function keyHeader(kind: Upstream['kind'], isMessages: boolean, key: string): readonly [string, string] {
  if (kind === 'azure') return [isMessages ? 'x-api-key' : 'api-key', key]
  return kind === 'anthropic' ? ['x-api-key', key] : ['authorization', `Bearer ${key}`]
}

function credentialFailure(origin: string, why: string, cause?: unknown): UpstreamFailure {
  const message = `Could not get the credential for ${origin}: ${why}`
  return new UpstreamFailure('UpstreamCredential', message, { nothingSent: true, cause })
}

function withTimeout<T>(
  result: Promise<T>,
  origin: string,
  { clock, timeoutMs, deadlineMs, signal }: CredentialWait,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(new ClientDisconnected()))
    const onTimeout = (): void => {
      const message = `Could not get the credential for ${origin} within ${timeoutMs} ms. Check its source and the network, or raise UPSTREAM_CONNECT_TIMEOUT_MS.`
      settle(() => reject(new UpstreamFailure('UpstreamCredentialTimeout', message, { nothingSent: true })))
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
