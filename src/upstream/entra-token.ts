import type * as Identity from '@azure/identity'
import { redactText } from '../lib/credential-texts.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { UpstreamCredential } from '../config/upstreams.ts'
import { UpstreamFailure, type UpstreamLabel } from './upstream-failure.ts'

/** A credential of Microsoft Entra ID. */
export type EntraCredential = Extract<UpstreamCredential, { kind: 'entra' }>

/** Optional peer dependency of this package, with its supported versions. */
const identityPackage = { name: '@azure/identity', versions: '^4.12.0' } as const

/**
 * A token is renewed in the background when less than this is left, or less than half of its lifetime. The cache of @azure/identity
 * returns the old token until 5 minutes are left.
 */
const EARLY_RENEWAL_MS = 280_000

/** A token is not used when less than this part of its lifetime is left, so that it does not expire on its way. */
const UNUSED_PART = 0.1
const MAX_UNUSED_MS = 30_000

/** Wait after a failed renewal in the background. */
const RENEWAL_RETRY_MS = 10_000

/** A call of @azure/identity that takes longer is abandoned, so that the next request starts a new one. */
const MAX_FETCH_MS = 60_000

/** Short, because a request waits for it. */
const retryOptions = { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 2_000 }

interface HeldToken {
  readonly token: string
  /** Times on the clock's monotonic scale. */
  readonly renewMs: number
  readonly unusableMs: number
}

/** Dependencies of `EntraTokens`. */
export interface EntraTokensDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly label: Pick<UpstreamLabel, 'text' | 'setting'>
}

/** The tokens of one credential, kept until they expire. At most one token is requested at a time. */
export class EntraTokens {
  readonly #credential: EntraCredential
  readonly #deps: EntraTokensDeps
  #source: Promise<Identity.TokenCredential> | undefined
  #held: HeldToken | undefined
  #fetching: Promise<string> | undefined
  #nextRenewalMs = 0

  constructor(credential: EntraCredential, deps: EntraTokensDeps) {
    this.#credential = credential
    this.#deps = deps
  }

  /**
   * Returns a valid token.
   *
   * @throws {UpstreamFailure} UpstreamCredential
   */
  async token(): Promise<string> {
    const nowMs = this.#deps.clock.nowMs()
    const held = this.#held
    if (held === undefined || nowMs >= held.unusableMs) return this.#fetch()
    if (nowMs >= held.renewMs && nowMs >= this.#nextRenewalMs) this.#renew(held)
    return held.token
  }

  #renew(held: HeldToken): void {
    const { clock, logger, label } = this.#deps
    this.#nextRenewalMs = clock.nowMs() + RENEWAL_RETRY_MS
    this.#fetch().catch((error: unknown) => {
      const seconds = Math.max(0, Math.round((held.unusableMs - clock.nowMs()) / 1000))
      const reason = redactText(reasonOf(error instanceof UpstreamFailure ? (error.cause ?? error) : error))
      logger.warn(
        { reason },
        `Could not renew the token for ${label.text}, which is used for ${seconds} more seconds. Check the credential.`,
      )
    })
  }

  #fetch(): Promise<string> {
    this.#fetching ??= this.#fetchNew().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  async #fetchNew(): Promise<string> {
    const { clock, label } = this.#deps
    const source = await (this.#source ??= this.#load())
    const abort = new AbortController()
    const stopTimer = clock.at(clock.nowMs() + MAX_FETCH_MS, () => abort.abort())
    try {
      const { token, expiresOnTimestamp } = await abandonable(
        source.getToken(this.#credential.scope, { abortSignal: abort.signal }),
        abort.signal,
      )
      const nowMs = clock.nowMs()
      const lifetimeMs = Math.max(0, expiresOnTimestamp - clock.epochMs())
      this.#held = {
        token,
        renewMs: nowMs + lifetimeMs - Math.min(EARLY_RENEWAL_MS, lifetimeMs / 2),
        unusableMs: nowMs + lifetimeMs - Math.min(MAX_UNUSED_MS, lifetimeMs * UNUSED_PART),
      }
      this.#nextRenewalMs = 0
      return token
    } catch (error) {
      const message = `Could not get the credential for ${label.text}: Microsoft Entra ID issued no token. See the log of the simulator, and correct ${this.#settings()}.`
      throw new UpstreamFailure('UpstreamCredential', message, { canRetry: true, cause: error })
    } finally {
      stopTimer()
    }
  }

  /** The settings that decide which identity is used. */
  #settings(): string {
    const { label } = this.#deps
    const { tenantId, clientId, clientSecret } = this.#credential
    if (clientSecret !== undefined) {
      const keys = ['tenant_id', 'client_id', 'client_secret'].map((key) => label.setting(key))
      return `${keys[0]}, ${keys[1]} or ${keys[2]}`
    }
    if (clientId !== undefined) return `${label.setting('client_id')} or the managed identity of this machine`
    const own = tenantId === undefined ? '' : `${label.setting('tenant_id')} or `
    return `${own}the identity of this machine (managed identity, AZURE_CLIENT_ID and similar variables, az login)`
  }

  async #load(): Promise<Identity.TokenCredential> {
    const { tenantId, clientId, clientSecret } = this.#credential
    let identity: typeof Identity
    try {
      identity = await import('@azure/identity')
    } catch (error) {
      this.#source = undefined
      const { name, versions } = identityPackage
      const message = `Could not get the credential for ${this.#deps.label.text}: the package ${name} is not installed. Install it with: npm install ${name}@${versions}`
      throw new UpstreamFailure('UpstreamCredential', message, { cause: error })
    }
    if (clientSecret !== undefined && tenantId !== undefined && clientId !== undefined)
      return new identity.ClientSecretCredential(tenantId, clientId, clientSecret, { retryOptions })
    if (clientId !== undefined) return new identity.ManagedIdentityCredential({ clientId, retryOptions })
    return new identity.DefaultAzureCredential({ ...(tenantId !== undefined && { tenantId }), retryOptions })
  }
}

/** Rejects when the signal is aborted, also if the promise ignores it. */
function abandonable<T>(promise: Promise<T | null>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('The token did not arrive in time.')), {
      once: true,
    })
    promise.then((value) => {
      if (value === null) reject(new Error('The credential returned no token.'))
      else resolve(value)
    }, reject)
  })
}
