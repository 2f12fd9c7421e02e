import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Tenant } from '../../config/patches.ts'
import { RecentMap } from '../../lib/caches.ts'

type Hashed = Tenant['secret']

/** What a hash is computed for. */
type Purpose = 'check' | 'hash'

/** Verdict on a secret. `busy`: too many secrets wait for their check. */
export type SecretVerdict = 'right' | 'wrong' | 'busy'

/** 16 MB and about 50 ms each. Two at a time leave threads of the pool for files and names. */
const scryptCost = { N: 16_384, r: 8, p: 1 } as const
const HASH_BYTES = 32
const MAX_RUNNING = 2
/** Checks have priority, so that the creation of tenants does not delay them. */
const MAX_WAITING = { check: 256, hash: 512 } as const
/** So that guesses for one tenant do not use up the room of others. */
const MAX_PENDING_OF_TENANT = 4

const MAX_REMEMBERED_RIGHT = 10_000
const MAX_REMEMBERED_WRONG = 1_000

/** Secrets have 43 characters: 32 random bytes in base64url. */
const secretPattern = /^[\w-]{43}$/

/** Creates a secret of a tenant. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Hashes and checks secrets of tenants with scrypt, which is slow on purpose. Verdicts are remembered, and the number of simultaneous
 * checks is limited, so that wrong secrets do not delay other requests.
 */
export class SecretChecks {
  readonly #right = new RecentMap<string, true>(MAX_REMEMBERED_RIGHT)
  readonly #wrong = new RecentMap<string, true>(MAX_REMEMBERED_WRONG)
  /** Checks that run or wait, by secret; the number by tenant. */
  readonly #pending = new Map<string, Promise<boolean>>()
  readonly #pendingOf = new Map<string, number>()
  readonly #waiting = { check: [] as (() => void)[], hash: [] as (() => void)[] }
  #running = 0

  /** Returns the salt and hash of a new secret, or undefined if too many checks wait. */
  async hash(secret: string): Promise<Hashed | undefined> {
    if (this.#isFull('hash')) return undefined
    const salt = randomBytes(16)
    const hash = await this.#derive('hash', secret, salt)
    const hashed = { salt: salt.toString('base64'), hash: hash.toString('base64') }
    this.#right.set(memoryKey(secret, hashed), true)
    return hashed
  }

  /** Checks a secret of a tenant. A verdict that is remembered takes microseconds. */
  async check(tenant: string, secret: string, hashed: Hashed): Promise<SecretVerdict> {
    if (!secretPattern.test(secret)) return 'wrong'
    const key = memoryKey(secret, hashed)
    if (this.#right.get(key)) return 'right'
    if (this.#wrong.get(key)) return 'wrong'
    let pending = this.#pending.get(key)
    if (!pending) {
      const count = this.#pendingOf.get(tenant) ?? 0
      if (this.#isFull('check') || count >= MAX_PENDING_OF_TENANT) return 'busy'
      this.#pendingOf.set(tenant, count + 1)
      pending = this.#compare(secret, hashed).finally(() => {
        this.#pending.delete(key)
        const left = (this.#pendingOf.get(tenant) ?? 1) - 1
        if (left === 0) this.#pendingOf.delete(tenant)
        else this.#pendingOf.set(tenant, left)
      })
      this.#pending.set(key, pending)
    }
    const isRight = await pending
    ;(isRight ? this.#right : this.#wrong).set(key, true)
    return isRight ? 'right' : 'wrong'
  }

  #isFull(purpose: Purpose): boolean {
    return this.#waiting[purpose].length >= MAX_WAITING[purpose]
  }

  async #compare(secret: string, { salt, hash }: Hashed): Promise<boolean> {
    const expected = Buffer.from(hash, 'base64')
    const actual = await this.#derive('check', secret, Buffer.from(salt, 'base64'))
    return expected.length === actual.length && timingSafeEqual(expected, actual)
  }

  async #derive(purpose: Purpose, secret: string, salt: Buffer): Promise<Buffer> {
    if (this.#running >= MAX_RUNNING)
      await new Promise<void>((resolve) => this.#waiting[purpose].push(resolve))
    else this.#running++
    try {
      return await new Promise<Buffer>((resolve, reject) =>
        scrypt(secret, salt, HASH_BYTES, scryptCost, (error, derived) =>
          error ? reject(error) : resolve(derived),
        ),
      )
    } finally {
      // The next one takes over the place.
      const next = this.#waiting.check.shift() ?? this.#waiting.hash.shift()
      if (next) next()
      else this.#running--
    }
  }
}

/** Includes the stored hash, so that a verdict never outlives its tenant. */
function memoryKey(secret: string, { salt, hash }: Hashed): string {
  return createHash('sha256').update(`${salt} ${hash} ${secret}`).digest('base64')
}

/** Compares secrets in a time that does not depend on where they differ. */
export function secretsEqual(actual: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(actual), digest(expected))
}
