import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { builtInCatalogue, type ModelCatalogue } from '../openai/model-catalogue.ts'
import { OperatorError } from '../platform/operator-error.ts'
import type { Config, Mode } from './config.ts'
import { deepFreeze, frozenMap } from './deep-freeze.ts'
import { defaultDeployments } from './default-deployments.ts'
import { type DeploymentFile, parseDeploymentFile, resolveDeployments } from './deployment-file.ts'
import type { Deployment } from './deployments.ts'
import { type FaultFiles, loadFaultFiles } from './fault-files.ts'
import { type ModelCatalogueFile, parseModelCatalogueFile } from './model-catalogue-file.ts'
import { resolveMode } from './resolve-mode.ts'
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
  const nested = nestValues(given)
  const parsed = settingsSchema.safeParse(nested)
  const wrong = new Set(parsed.error?.issues.map((issue) => issue.path.join('.')))
  const models = loadModels(given, sources)
  const file = loadDeployments(given, sources, models.catalogue)
  const faults = loadFaultFiles(
    (env, kind) => readGivenFile(env, kind, given, sources),
    file.problems.length > 0 ? undefined : new Set(file.deployments.map(({ name }) => name)),
  )
  // By itself, so that what a mode lacks is told together with what is wrong elsewhere.
  const modeSettings = settingsSchema.shape.mode.safeParse(nested['mode'])
  const mode = modeSettings.success ? resolveMode(modeSettings.data, sources.workingDirectory) : undefined
  const problems = [
    ...given.filter(({ setting }) => wrong.has(setting.path.join('.'))).map(describeWrongValue),
    ...nameProblems,
    ...models.problems,
    ...file.problems,
    ...faults.problems,
    ...(mode?.problems ?? []),
  ]
  if (!parsed.success || !mode || problems.length > 0) throw createError(problems)
  return createConfig(parsed.data, mode.mode, file.deployments, models.catalogue, faults)
}

/** Every leaf is named, set or not, for the schema puts defaults into leaves and not into objects. */
function nestValues(given: readonly GivenValue[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path } of settingsTable()) setAt(root, path, undefined)
  for (const { setting, value } of given) setAt(root, setting.path, value)
  return root
}

function setAt(node: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) node[key] = value
  else setAt((node[key] ??= {}) as Record<string, unknown>, rest, value)
}

function loadModels(given: readonly GivenValue[], sources: ConfigSources): ModelCatalogueFile {
  const file = readGivenFile('MODEL_CATALOGUE_PATH', 'model file', given, sources)
  if (file === undefined) return { catalogue: builtInCatalogue, problems: [] }
  if ('problem' in file) return { catalogue: builtInCatalogue, problems: [file.problem] }
  return parseModelCatalogueFile(file.source, file.path)
}

function loadDeployments(
  given: readonly GivenValue[],
  sources: ConfigSources,
  catalogue: ModelCatalogue,
): DeploymentFile {
  const file = readGivenFile('OPENAI_DEPLOYMENT_CONFIG_PATH', 'deployment file', given, sources)
  if (file === undefined) return resolveDeployments(defaultDeployments, 'default deployments', catalogue)
  if ('problem' in file) return { deployments: [], problems: [file.problem] }
  return parseDeploymentFile(file.source, file.path, catalogue)
}

type GivenFile = { readonly source: string; readonly path: string } | { readonly problem: string }

/** Reads the file that a setting names; undefined when nobody set it. */
function readGivenFile(
  env: string,
  kind: string,
  given: readonly GivenValue[],
  sources: ConfigSources,
): GivenFile | undefined {
  const path = given.find(({ setting }) => setting.env === env)
  if (path === undefined) return undefined
  try {
    return { source: sources.readFile(resolve(sources.workingDirectory, path.value)), path: path.value }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { problem: `${path.typedAs} names a file that cannot be read: ${reason}. Set it to the ${kind}.` }
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

function createConfig(
  settings: Settings,
  mode: Mode,
  deployments: readonly Deployment[],
  models: ModelCatalogue,
  { faults, incidents }: FaultFiles,
): Config {
  const { mode: _mode, apiKey, contentFilter, ...rest } = settings
  const { deploymentConfigPath, modelCataloguePath: __, faultsPath: ___, incidentsPath: ____, ...same } = rest
  return deepFreeze({
    ...same,
    mode,
    seed: settings.seed,
    // 128 random bits, in the form of the service's own keys: 32 hexadecimal digits.
    apiKey: apiKey ?? randomBytes(16).toString('hex'),
    apiKeyGenerated: apiKey === undefined,
    contentFilter: {
      prompt: contentFilter.prompt ?? [],
      completion: contentFilter.completion ?? [],
      late: contentFilter.late ?? [],
    },
    faults,
    incidents,
    models,
    deploymentsAreDefault: deploymentConfigPath === undefined,
    deployments: frozenMap(deployments.map((deployment) => [deployment.name, deepFreeze(deployment)])),
  })
}
