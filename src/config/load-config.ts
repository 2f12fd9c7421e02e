import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { OperatorError } from '../platform/operator-error.ts'
import type { Config } from './config.ts'
import { deepFreeze, frozenMap } from './deep-freeze.ts'
import { defaultDeployments } from './default-deployments.ts'
import { type DeploymentFile, parseDeploymentFile, resolveDeployments } from './deployment-file.ts'
import type { Deployment } from './deployments.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'
import { settingsTable } from './settings-table.ts'
import { showValue } from './show-value.ts'
import { collectGivenValues, type ConfigSources, type GivenValue } from './sources.ts'

/**
 * Reads the configuration: flag before variable before `.env` before default.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the name that was typed.
 */
export function loadConfig(sources: ConfigSources): Config {
  const { given, problems: nameProblems } = collectGivenValues(sources)
  const parsed = settingsSchema.safeParse(nestValues(given))
  const wrong = new Set(parsed.error?.issues.map((issue) => issue.path.join('.')))
  const file = loadDeployments(given, sources)
  const problems = [
    ...given.filter(({ setting }) => wrong.has(setting.path.join('.'))).map(describeWrongValue),
    ...nameProblems,
    ...file.problems,
  ]
  if (!parsed.success || problems.length > 0) throw createError(problems)
  return createConfig(parsed.data, file.deployments)
}

/** Every leaf is named, set or not, for the schema puts defaults into leaves and not into objects. */
function nestValues(given: readonly GivenValue[]): unknown {
  const root: Record<string, unknown> = {}
  for (const { path } of settingsTable()) setAt(root, path, undefined)
  for (const { setting, value } of given) setAt(root, setting.path, value)
  return root
}

function setAt(node: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) node[key] = value
  else setAt((node[key] ??= {}) as Record<string, unknown>, rest, value)
}

function loadDeployments(given: readonly GivenValue[], sources: ConfigSources): DeploymentFile {
  const path = given.find(({ setting }) => setting.env === 'OPENAI_DEPLOYMENT_CONFIG_PATH')
  if (path === undefined) return resolveDeployments(defaultDeployments, 'default deployments')
  try {
    return parseDeploymentFile(sources.readFile(resolve(sources.workingDirectory, path.value)), path.value)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const problem = `${path.typedAs} names a file that cannot be read: ${reason}. Set it to the deployment file.`
    return { deployments: [], problems: [problem] }
  }
}

function describeWrongValue({ setting, value, typedAs }: GivenValue): string {
  const got = setting.secret ? '[redacted]' : showValue(value)
  const advice =
    setting.default === undefined
      ? `Set it to that, or leave it unset for ${setting.whenUnset ?? 'none'}.`
      : `Set it to ${setting.default} (the default) or to another such value.`
  return `${typedAs} must be ${setting.range} (got ${got}). ${advice}`
}

function createError(problems: readonly string[]): OperatorError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  const lines = problems.map((problem) => `\n  ${problem}`).join('')
  return new OperatorError('CONFIG_INVALID', `Could not start: ${count} in the configuration${lines}`)
}

function createConfig(settings: Settings, deployments: readonly Deployment[]): Config {
  const { mode, apiKey, deploymentConfigPath: _, ...same } = settings
  return deepFreeze({
    ...same,
    mode: { kind: mode },
    seed: settings.seed,
    // 128 random bits, in the form of the service's own keys: 32 hexadecimal digits.
    apiKey: apiKey ?? randomBytes(16).toString('hex'),
    apiKeyGenerated: apiKey === undefined,
    deployments: frozenMap(deployments.map((deployment) => [deployment.name, deepFreeze(deployment)])),
  })
}
