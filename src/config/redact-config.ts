import type { Config } from './config.ts'

const secretsOf = new WeakMap<Config, readonly string[]>()

/**
 * The keys of the administration, of all resources and of their upstreams. None may be told to anybody: a caller may send the key
 * of one resource to another. The same list for the same configuration.
 */
export function configSecrets(config: Config): readonly string[] {
  let secrets = secretsOf.get(config)
  if (!secrets) {
    const ofResources = Array.from(config.resources.values(), ({ apiKey, upstream }) => [
      apiKey,
      upstream?.key,
    ])
    const keys = [config.adminApiKey, ...ofResources.flat()]
    secrets = [...new Set(keys.filter((key) => key !== undefined))]
    secretsOf.set(config, secrets)
  }
  return secrets
}
