import type { Config, ResourceView } from './config.ts'
import type { Deployment } from './deployments.ts'
import { settingsTable } from './settings-table.ts'
import { isRecord } from '../lib/record.ts'

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

/** The configuration in a printable form: secrets as `[redacted]`, deployments as an object, models by name. */
export function redactConfig(config: ResourceView): Readonly<Record<string, unknown>> {
  const secretPaths = new Set(
    settingsTable()
      .filter((setting) => setting.secret)
      .map((setting) => setting.path.join('.')),
  )
  const entries = [...config.deployments].map(([name, deployment]) => [name, showDeployment(deployment)])
  const models = config.models.models.map(({ name }) => name)
  return redact({ ...config, models, deployments: Object.fromEntries(entries) }, secretPaths, '')
}

function showDeployment(deployment: Deployment): unknown {
  const { model, source, tokensPerMinute, requestsPerMinute, embeddingSize } = deployment
  return { model: model.name, source, tokensPerMinute, requestsPerMinute, embeddingSize }
}

function redact(
  tree: Record<string, unknown>,
  secretPaths: ReadonlySet<string>,
  prefix: string,
): Record<string, unknown> {
  const entries = Object.entries(tree).map(([key, value]) => {
    const path = `${prefix}${key}`
    if (secretPaths.has(path)) return [key, '[redacted]']
    return [key, isRecord(value) ? redact(value, secretPaths, `${path}.`) : value]
  })
  return Object.fromEntries(entries)
}
