import type { JWK } from 'jose'
import { reasonOf } from '../lib/error-text.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { fieldsOf } from '../lib/record.ts'

/** Keys are read again after this time, so that withdrawn keys are not accepted for ever. Entra changes them every few weeks. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000
/** Minimum time between two reads of the keys of a tenant: tokens with invented key ids must not cause more. */
const MIN_INTERVAL_MS = 30_000
const TIMEOUT_MS = 5_000
/** The keys of Entra have about 15 KB. */
const MAX_BYTES = 256 * 1024

/** The keys of a tenant, as last read. */
interface KeySet {
  byId: ReadonlyMap<string, JWK>
  /** Start of the last read, on the monotonic clock. */
  askedMs: number
  /** End of the last read that succeeded; undefined before. */
  readMs: number | undefined
  pending: Promise<void> | undefined
}

/** Dependencies of `TenantKeys`. */
export interface TenantKeysOptions {
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  /** Default: the one of Node.js. */
  readonly fetch?: typeof fetch
}

/** The public keys of Microsoft Entra ID tenants, read when a token names a key that is not known. */
export class TenantKeys {
  readonly #options: TenantKeysOptions
  /** By address. Bounded by the tenants in the configuration, which alone are asked for. */
  readonly #sets = new Map<string, KeySet>()

  constructor(options: TenantKeysOptions) {
    this.#options = options
  }

  /**
   * Returns a public key of a tenant; `unknown` if the tenant has no such key, `unavailable` if its keys could not be read.
   *
   * @param authority address without a trailing slash
   */
  async find(authority: string, tenant: string, kid: string): Promise<JWK | 'unknown' | 'unavailable'> {
    const address = `${authority}/${tenant}/discovery/v2.0/keys`
    let set = this.#sets.get(address)
    if (!set) {
      set = { byId: new Map(), askedMs: -Infinity, readMs: undefined, pending: undefined }
      this.#sets.set(address, set)
    }
    const nowMs = this.#options.clock.nowMs()
    const isStale = set.readMs === undefined || nowMs - set.readMs > MAX_AGE_MS
    if (set.pending || ((isStale || !set.byId.has(kid)) && nowMs - set.askedMs >= MIN_INTERVAL_MS)) {
      const reading = (set.pending ??= this.#read(address, set))
      // A known key is used while the others are read again.
      if (!set.byId.has(kid)) await reading
    }
    return set.byId.get(kid) ?? (set.readMs === undefined ? 'unavailable' : 'unknown')
  }

  async #read(address: string, set: KeySet): Promise<void> {
    const { clock, logger } = this.#options
    set.askedMs = clock.nowMs()
    try {
      set.byId = await this.#fetchKeys(address)
      set.readMs = clock.nowMs()
    } catch (error) {
      // Keys that are known stay valid, as long as Entra keeps an old key.
      if (set.readMs !== undefined && clock.nowMs() - set.readMs > 2 * MAX_AGE_MS) {
        set.byId = new Map()
        set.readMs = undefined
      }
      logger.warn(
        { address, reason: reasonOf(error) },
        'Could not read the public keys of a tenant. Its tokens are refused. Check the network, ENTRA_AUTHORITY and ENTRA_TENANTS.',
      )
    } finally {
      set.pending = undefined
    }
  }

  async #fetchKeys(address: string): Promise<ReadonlyMap<string, JWK>> {
    const { clock, fetch: send = fetch } = this.#options
    const timeout = new AbortController()
    const stop = clock.at(clock.nowMs() + TIMEOUT_MS, () =>
      timeout.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)),
    )
    try {
      const response = await send(address, { signal: timeout.signal, redirect: 'error' })
      if (response.status !== 200) throw new Error(`got status ${response.status}`)
      return readKeys(await readText(response))
    } finally {
      stop()
    }
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Returns the RSA keys for signatures in a JSON Web Key Set, by their id. */
function readKeys(text: string): ReadonlyMap<string, JWK> {
  const { keys } = fieldsOf(JSON.parse(text))
  if (!Array.isArray(keys)) throw new Error('the answer is not a JSON Web Key Set')
  const found = new Map<string, JWK>()
  for (const key of keys) {
    const { kty, kid, use = 'sig', n, e } = fieldsOf(key)
    if (kty !== 'RSA' || use !== 'sig' || typeof n !== 'string' || typeof e !== 'string') continue
    if (typeof kid === 'string') found.set(kid, { kty, n, e })
  }
  return found
}
