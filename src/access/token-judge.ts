import type { ResourceView } from '../config/config.ts'
import { RecentMap } from '../lib/caches.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Refusal, Verdict } from './credentials.ts'
import { TenantKeys } from './tenant-keys.ts'
import { isSameHost } from './token-claims.ts'
import { type AcceptedToken, MAX_TOKEN_LENGTH, verifyToken } from './verify-token.ts'

/** Limit for the accepted tokens of a generation of the cache, in characters. A token of Entra has about 2,000. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024

/** An accepted token, and the parts of the configuration that it was verified against. */
interface CachedToken {
  readonly token: AcceptedToken
  readonly length: number
  readonly apiKey: string
  readonly keys: ResourceView['keys']
  readonly entra: ResourceView['entra']
  readonly signingKey: ResourceView['signingKey']
  readonly publicUrl: string | undefined
}

/** Dependencies of a `TokenJudge`. */
export interface TokenJudgeOptions {
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'> | undefined
  readonly fetch: typeof fetch | undefined
}

type Asked = Pick<Exchange, 'headers' | 'resource' | 'config'>

/**
 * Judges tokens. Accepted ones are remembered until they expire or the keys or settings of their resource change. Refused ones are
 * not remembered, so that they cannot fill the memory.
 */
export class TokenJudge {
  readonly #clock: Clock
  readonly #tenantKeys: TenantKeys
  /** By the id of the resource and the token. */
  readonly #accepted = new RecentMap<string, CachedToken>(MAX_CACHED_CHARACTERS, ({ length }) => length)
  /** Tokens that are being verified, so that simultaneous requests with a new token verify it once. */
  readonly #pending = new Map<string, Promise<AcceptedToken | Refusal>>()

  constructor({ clock, logger = { warn: () => {} }, fetch }: TokenJudgeOptions) {
    this.#clock = clock
    this.#tenantKeys = new TenantKeys({ clock, logger, ...(fetch && { fetch }) })
  }

  /** Returns the verdict on a token that was accepted before, and is still valid; undefined for other tokens. */
  known(text: string, request: Asked): Verdict | undefined {
    const { config } = request
    if (config.entra.tokens === 'off') return undefined
    const known = this.#accepted.get(cacheKeyOf(text, config))
    const isValid = known && isCurrent(known, config) && this.#clock.epochMs() <= known.token.untilMs
    return isValid ? verdictOn(known.token, request) : undefined
  }

  /** Returns the verdict on a token: without a promise if it cannot be valid. */
  judge(text: string, request: Asked): MaybePromise<Verdict> {
    if (request.config.entra.tokens === 'off') return { reason: 'tokens-off' }
    if (text.length > MAX_TOKEN_LENGTH) return { reason: 'malformed-token' }
    return this.#verify(text, request).then((token) => verdictOn(token, request))
  }

  #verify(text: string, { config, resource }: Asked): Promise<AcceptedToken | Refusal> {
    const cacheKey = cacheKeyOf(text, config)
    let pending = this.#pending.get(cacheKey)
    if (!pending) {
      const check = { config, resource, nowMs: this.#clock.epochMs(), tenantKeys: this.#tenantKeys }
      pending = verifyToken(text, check)
        .then((token) => {
          const { apiKey, keys, entra, signingKey, publicUrl } = config
          const { length } = text
          if (typeof token === 'object') {
            this.#accepted.set(cacheKey, { token, length, apiKey, keys, entra, signingKey, publicUrl })
          }
          return token
        })
        .finally(() => this.#pending.delete(cacheKey))
      this.#pending.set(cacheKey, pending)
    }
    return pending
  }
}

function cacheKeyOf(text: string, { id }: ResourceView): string {
  return `${id} ${text}`
}

function isCurrent(cached: CachedToken, config: ResourceView): boolean {
  return (
    cached.apiKey === config.apiKey &&
    cached.keys === config.keys &&
    cached.entra === config.entra &&
    cached.signingKey === config.signingKey &&
    cached.publicUrl === config.publicUrl
  )
}

function verdictOn(token: AcceptedToken | Refusal, { headers }: Asked): Verdict {
  if (typeof token === 'string') return { reason: token }
  const { issuerHost, caller } = token
  return issuerHost === undefined || isSameHost(issuerHost, headers.host) ? caller : { reason: 'bad-iss' }
}
