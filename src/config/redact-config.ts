import type { Config } from './config.ts'

const secretsOf = new WeakMap<Config, readonly string[]>()

/**
 * Returns the keys of the admin API, of all resources and of their upstreams, to redact them everywhere: a client can send the key
 * of one resource to another. Returns the same list for the same configuration.
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
