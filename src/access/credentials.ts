import { timingSafeEqual } from 'node:crypto'
import { hashOfKey, type ResourceKey } from '../config/access-settings.ts'
import type { Config, ResourceView } from '../config/config.ts'
import { RecentMap } from '../lib/caches.ts'
import type { Exchange } from '../pipeline/exchange.ts'

/** Header values by name in lower case. */
type Headers = Exchange['headers']

/** Why a request was refused. Operators see it in the log, the journal and the metrics; callers never do. */
export const refusals = [
  'missing-credentials',
  'unknown-resource',
  'unknown-key',
  'key-of-other-resource',
  'key-disabled',
  'tokens-off',
  'malformed-token',
  'unsupported-alg',
  'missing-claim',
  'unknown-kid',
  'keys-unavailable',
  'bad-signature',
  'expired',
  'not-yet',
  'bad-aud',
  'bad-iss',
  'bad-tid',
  'key-deleted',
] as const

export type Refusal = (typeof refusals)[number]

/** The name of the caller (`key`, `key:<id>` or `app:<id>`), or why the request is refused. */
export type Verdict = string | { readonly reason: Refusal }

/** Headers with a key, in order of precedence. */
const keyHeaders = ['api-key', 'x-api-key', 'ocp-apim-subscription-key'] as const

/** Returns the key in the first key header that is not empty. */
export function keyInHeader(headers: Headers): string | undefined {
  for (const name of keyHeaders) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** Returns the key or token in `Authorization: Bearer`. */
export function bearerOf({ authorization }: Headers): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const bearer = authorization.slice(7)
  const text = bearer.startsWith(' ') ? bearer.trimStart() : bearer
  return text === '' ? undefined : text
}

/** Returns the key or token of a request. */
export function sentSecret(headers: Headers): string | undefined {
  return keyInHeader(headers) ?? bearerOf(headers)
}

/** The caller that sent the key in SIMULATOR_API_KEY of its resource. */
const apiKeyCaller = 'key'

/** Returns whether a text is meant as a JSON Web Token: base64 of `{"`, or two parts of which the first is a JSON object. */
export function isTokenLike(text: string): boolean {
  return /^eyJ|^e[wy][\w-]*\.[\w-]/.test(text)
}

/** Judges keys. It remembers the keys that were proven by their hash, so that only the first request with a key hashes it. */
export class KeyJudge {
  readonly #config: (() => Config) | undefined
  readonly #onProven: (key: string) => void
  /** Callers by key, for the keys of a resource. A change of its keys replaces the map. At most as many as there are keys. */
  readonly #proven = new WeakMap<ResourceView['keys'], Map<string, string>>()
  readonly #hashes = new WeakMap<Config, ReadonlySet<string>>()

  /**
   * @param config returns the whole configuration, to recognise keys of other resources
   * @param onProven called with each key that is found by its hash, because it must not appear in logs
   */
  constructor(config: (() => Config) | undefined, onProven: (key: string) => void) {
    this.#config = config
    this.#onProven = onProven
  }

  /** Returns the caller with a valid key of the resource; undefined for any other text. */
  callerOf(key: string, { apiKey, keys }: ResourceView): string | undefined {
    if (keysEqual(key, apiKey)) return apiKeyCaller
    if (keys.size === 0) return undefined
    return this.#proven.get(keys)?.get(key) ?? this.#prove(key, keys)
  }

  /** Returns why a text is not a valid key of the resource. */
  refusalOf(key: string, { keys }: ResourceView): Refusal {
    const hash = hashOfKey(key)
    const isOwn = keys.has(hash)
    if (!isOwn && !this.#isKnown(hash)) return 'unknown-key'
    this.#onProven(key)
    return isOwn ? 'key-disabled' : 'key-of-other-resource'
  }

  #prove(key: string, keys: ResourceView['keys']): string | undefined {
    const found = keys.get(hashOfKey(key))
    if (!found || !isEnabled(found)) return undefined
    const caller = `key:${found.id}`
    let proven = this.#proven.get(keys)
    if (!proven) this.#proven.set(keys, (proven = new Map()))
    proven.set(key, caller)
    this.#onProven(key)
    return caller
  }

  #isKnown(hash: string): boolean {
    const config = this.#config?.()
    if (!config) return false
    let known = this.#hashes.get(config)
    if (!known) this.#hashes.set(config, (known = hashesOf(config)))
    return known.has(hash)
  }
}

/** Returns whether requests with the key are accepted. */
export function isEnabled({ enabled = true }: ResourceKey): boolean {
  return enabled
}

/** Hashes of keys in settings, so that a change of the configuration does not hash those of all resources again. */
const apiKeyHashes = new RecentMap<string, string>(20_000)

function hashesOf({ resources }: Config): ReadonlySet<string> {
  const hashes = new Set<string>()
  for (const { apiKey, keys } of resources.values()) {
    let hash = apiKeyHashes.get(apiKey)
    if (hash === undefined) apiKeyHashes.set(apiKey, (hash = hashOfKey(apiKey)))
    hashes.add(hash)
    for (const own of keys.keys()) hashes.add(own)
  }
  return hashes
}

/** Compared length of a key. Keys of the service have 32 or 84 characters. */
const MAX_COMPARED_KEY_BYTES = 256

const actualBytes = Buffer.alloc(MAX_COMPARED_KEY_BYTES)
const expectedBytes = Buffer.alloc(MAX_COMPARED_KEY_BYTES)
let expectedKey: string | undefined

/** Compares padded copies, so that the time depends neither on the position of the first difference nor on the length. */
function keysEqual(actual: string, expected: string): boolean {
  if (expected !== expectedKey) {
    expectedKey = expected
    expectedBytes.fill(0).write(expected)
  }
  actualBytes.fill(0).write(actual)
  const sameBytes = timingSafeEqual(actualBytes, expectedBytes)
  return (
    sameBytes &&
    actual.length === expected.length &&
    (actual.length <= MAX_COMPARED_KEY_BYTES || actual === expected)
  )
}

/** Returns whether the headers contain the key, as `api-key` or as a bearer token: the access to pages of the simulator. */
export function hasKey(headers: Headers, key: string): boolean {
  const header = headers['api-key']
  if (typeof header === 'string') return keysEqual(header, key)
  const { authorization } = headers
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return false
  return keysEqual(authorization.slice(7), key)
}
