import type { ResourceView } from './config.ts'
import type { Deployment } from './deployments.ts'
import { settingsTable } from './settings-table.ts'
import { isRecord } from './mapping-schema.ts'

const secretsOf = new WeakMap<ResourceView, readonly string[]>()

/** The keys of a resource and of the administration, none of which may be told to anybody: the simulator's, and the operator's for the upstream. */
export function configSecrets(config: ResourceView): readonly string[] {
  let secrets = secretsOf.get(config)
  if (!secrets) {
    secrets = [
      ...new Set(
        [config.apiKey, config.adminApiKey, config.upstream?.key].filter((key) => key !== undefined),
      ),
    ]
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
