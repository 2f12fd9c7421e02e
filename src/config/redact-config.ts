import type { Config } from './config.ts'
import { secretsOfStore } from './config-store-settings.ts'
import { secretsOfUpstream } from './upstreams.ts'

const secretsOf = new WeakMap<Config, readonly string[]>()

/**
 * Returns the keys of the admin API and of /_twin, of all resources and of their upstreams, to redact them everywhere: a client can
 * send the key of one resource to another. Returns the same list for the same configuration.
 */
function configSecrets(config: Config): readonly string[] {
  let secrets = secretsOf.get(config)
  if (!secrets) {
    const ofResources = Array.from(config.resources.values(), ({ apiKey, upstream, keys }) => [
      apiKey,
      ...(upstream ? secretsOfUpstream(upstream) : []),
      ...Array.from(keys.values(), ({ text }) => text),
    ])
    const ofUpstreams = Array.from(config.upstreams.values(), secretsOfUpstream)
    const texts = [
      config.adminApiKey,
      config.twin.adminToken,
      ...secretsOfStore(config),
      ...ofResources.flat(),
      ...ofUpstreams.flat(),
    ]
    secrets = [...new Set(texts.filter((text) => text !== undefined))]
    secretsOf.set(config, secrets)
  }
  return secrets
}

/** Maximum number of keys that are known from requests only. The oldest are forgotten. */
const MAX_LEARNED_SECRETS = 1_000

/**
 * The keys that must not appear in logs, the journal or recordings: those of the configuration, and those that are stored as a hash
 * and that a client has sent.
 */
export class KnownSecrets {
  readonly #config: () => Config
  readonly #learned = new Set<string>()
  #list: readonly string[] = []
  #listedFor: readonly string[] | undefined
  #last: { readonly config: Config; readonly keys: readonly string[] } | undefined
  /** Called with each key that was unknown before. */
  onLearned: ((key: string) => void) | undefined

  constructor(config: () => Config) {
    this.#config = config
  }

  /** Returns all keys; the same array while they do not change. */
  readonly list = (): readonly string[] => {
    const configured = this.#configuredKeys()
    if (configured !== this.#listedFor) {
      this.#listedFor = configured
      this.#list = this.#learned.size === 0 ? configured : [...new Set([...configured, ...this.#learned])]
    }
    return this.#list
  }

  /** The keys of the configuration. A change of something else gives the same array, for which indexes exist. */
  #configuredKeys(): readonly string[] {
    const config = this.#config()
    if (config === this.#last?.config) return this.#last.keys
    const keys = configSecrets(config)
    const before = this.#last?.keys
    const isSame = before?.length === keys.length && keys.every((key, index) => key === before[index])
    this.#last = { config, keys: isSame ? before : keys }
    return this.#last.keys
  }

  /** Adds a key from a request. The configuration has its hash. */
  learn(key: string): void {
    if (this.#learned.has(key)) return
    this.#learned.add(key)
    const [oldest] = this.#learned
    if (this.#learned.size > MAX_LEARNED_SECRETS && oldest !== undefined) this.#learned.delete(oldest)
    this.#listedFor = undefined
    this.onLearned?.(key)
  }

  /** The keys of which the configuration has only the hash. */
  get learned(): readonly string[] {
    return [...this.#learned]
  }
}
