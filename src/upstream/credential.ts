import type { Clock } from '../lib/clock.ts'
import type { MaybePromise } from '../lib/port.ts'
import { CallerLeft, UpstreamFailure } from './upstream-failure.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/**
 * What lets requests in at an upstream, asked for in front of each attempt: a key, or headers of its own such as
 * `{ authorization: 'Bearer ...' }`. What it throws, or rejects with, is told to the log and not to callers.
 */
export type Credential =
  (() => string | Promise<string>) | { headers(): CredentialHeaders | Promise<CredentialHeaders> }

/** Headers by their names. */
export type CredentialHeaders = Readonly<Record<string, string>>

/** How long to wait for a credential, and who waits. */
export interface CredentialWait {
  readonly clock: Clock
  readonly timeoutMs: number
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** So many credentials are remembered: answers that echo an older one may still be on their way. */
const MAX_CACHED_SECRETS = 4

/** Gets the credential of one upstream, and knows the secrets that were sent there. */
export class CredentialSource {
  readonly #credential: Credential
  readonly #target: UpstreamTarget
  #secrets: readonly string[] = []

  constructor(credential: Credential, target: UpstreamTarget) {
    this.#credential = credential
    this.#target = target
  }

  /** The secrets that were sent lately, the same list as long as they are the same. */
  readonly secrets = (): readonly string[] => this.#secrets

  /**
   * The headers that carry the credential: names and values in turn. A key goes as `api-key`, and as a bearer token too where
   * the upstream is not Azure, which reads one or the other.
   *
   * @throws {UpstreamFailure} when there is none, or none in time
   * @throws {CallerLeft} when the signal fires before
   */
  async headers(wait: CredentialWait): Promise<string[]> {
    const { origin, isAzure } = this.#target
    const credential = this.#credential
    let given: string | CredentialHeaders
    try {
      const asked: MaybePromise<string | CredentialHeaders> =
        typeof credential === 'function' ? credential() : credential.headers()
      given = asked instanceof Promise ? await inTime(asked, origin, wait) : asked
    } catch (error) {
      if (error instanceof UpstreamFailure || error instanceof CallerLeft) throw error
      throw failure(
        origin,
        'its source failed, as the log of the simulator says. Correct that source.',
        error,
      )
    }
    const pairs =
      typeof given === 'object'
        ? Object.entries(given)
        : [['api-key', given] as const, ...(isAzure ? [] : [['authorization', `Bearer ${given}`] as const])]
    for (const [, value] of pairs) {
      if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
        throw failure(origin, 'it has characters that a header cannot carry, or none. Correct its source.')
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

function failure(origin: string, why: string, cause?: unknown): UpstreamFailure {
  const message = `Could not get the credential for ${origin}: ${why}`
  return new UpstreamFailure('UpstreamCredential', message, { nothingSent: true, cause })
}

function inTime<T>(
  asked: Promise<T>,
  origin: string,
  { clock, timeoutMs, deadlineMs, signal }: CredentialWait,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(new CallerLeft()))
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
    asked.then(
      (given) => settle(() => resolve(given)),
      (error: unknown) => settle(() => reject(error)),
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
