import { listProblems } from '../lib/error-text.ts'
import { redacted } from '../lib/credential-texts.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { Config } from './config.ts'
import type { ConfigInputs } from './config-inputs.ts'
import { deepFreeze, frozenMap } from './deep-freeze.ts'
import { resolveDeployments } from './deployment-file.ts'
import type { Deployment } from './deployments.ts'
import { type FaultFiles, resolveFaultFiles } from './fault-files.ts'
import { redisProblems } from './redis-settings.ts'
import { type ResolvedMode, resolveMode } from './resolve-mode.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'
import { settingsTable } from './settings-table.ts'
import { showValue } from './show-value.ts'
import type { GivenValue } from './sources.ts'
import { telemetryProblems } from './telemetry-settings.ts'

const modeSchema = settingsSchema.pick({ mode: true, recordings: true, upstream: true })

/** A configuration, or all that is wrong with what it should be made from: one sentence or two each. */
export type ResolvedInputs =
  | {
      readonly config: Config
      readonly settings: Settings
      /** What the operator should know although it stops nothing, in the form of the problems. */
      readonly warnings: readonly string[]
    }
  | { readonly problems: readonly string[] }

/**
 * Checks everything, and makes the configuration of it.
 *
 * @param unread what could not even be read, told with the rest: much else may follow from it
 */
export function resolveInputs(inputs: ConfigInputs, unread: readonly string[] = []): ResolvedInputs {
  const { given, models } = inputs
  const nested = nestValues(given)
  const parsed = settingsSchema.safeParse(nested)
  const wrong = new Set(parsed.error?.issues.map((issue) => issue.path.join('.')))
  const { entries, place } = inputs.deployments
  // By itself, as the mode below.
  const { data: modelsStrict = false } = settingsSchema.shape.modelsStrict.safeParse(nested['modelsStrict'])
  const file = resolveDeployments(entries, place, models, modelsStrict)
  const isKnown = entries !== undefined && file.problems.length === 0
  const known = isKnown ? new Set(file.deployments.map(({ name }) => name)) : undefined
  const faults = resolveFaultFiles(inputs, known)
  // By itself, so that what a mode lacks is told together with what is wrong elsewhere.
  const { mode: kind, recordings, upstream } = nested
  const modeSettings = modeSchema.safeParse({ mode: kind, recordings, upstream })
  const mode = modeSettings.success ? resolveMode(modeSettings.data, inputs.workingDirectory) : undefined
  const problems = [
    ...given.filter(({ setting }) => wrong.has(setting.path.join('.'))).map(describeWrongValue),
    ...unread,
    ...file.problems,
    ...faults.problems,
    ...(mode?.problems ?? []),
    ...(parsed.success ? redisProblems(parsed.data) : []),
    ...(parsed.success ? telemetryProblems(parsed.data) : []),
  ]
  if (!parsed.success || !mode || problems.length > 0) return { problems }
  const config = createConfig(inputs, parsed.data, mode, file.deployments, faults)
  return { config, settings: parsed.data, warnings: [...(inputs.warnings ?? []), ...file.warnings] }
}

/**
 * Makes the error that tells all problems at once.
 *
 * @param what completes "Could not ...": `start`
 */
export function configError(what: string, problems: readonly string[]): OperatorError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  const lines = listProblems(problems)
    .map((problem) => `\n  ${problem}`)
    .join('')
  return new OperatorError('CONFIG_INVALID', `Could not ${what}: ${count} in the configuration${lines}`)
}

/**
 * Checks settings that go with no file, for work that needs no whole configuration: what is not in `given` has its default.
 *
 * @throws {OperatorError} CONFIG_INVALID
 */
export function resolveSettings(given: readonly GivenValue[], unread: readonly string[]): Settings {
  const parsed = settingsSchema.safeParse(nestValues(given))
  const wrong = new Set(parsed.error?.issues.map((issue) => issue.path.join('.')))
  const problems = [
    ...unread,
    ...given.filter(({ setting }) => wrong.has(setting.path.join('.'))).map(describeWrongValue),
  ]
  if (!parsed.success || problems.length > 0) throw configError('read the settings', problems)
  return parsed.data
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

function describeWrongValue({ setting, value, typedAs }: GivenValue): string {
  const got = setting.isQuoted ? showValue(value) : redacted
  const advice =
    setting.default === undefined
      ? `Set it to that, or leave it unset for ${setting.whenUnset ?? 'none'}.`
      : `Set it to ${setting.default} (the default) or to another such value.`
  return `${typedAs} must be ${setting.range} (got ${got}). ${advice}`
}

function createConfig(
  { models, deploymentsAreDefault, generatedKey }: ConfigInputs,
  settings: Settings,
  { upstream, recordings }: ResolvedMode,
  deployments: readonly Deployment[],
  { faults, incidents }: FaultFiles,
): Config {
  const { apiKey = generatedKey, contentFilter, extensionPath, ...rest } = settings
  const {
    deploymentConfigPath: _,
    modelCataloguePath: __,
    faultsPath: ___,
    incidentsPath: ____,
    ...same
  } = rest
  return deepFreeze({
    ...same,
    upstream,
    recordings,
    seed: settings.seed,
    bodiesLimitMb: settings.bodiesLimitMb,
    apiKey,
    apiKeyGenerated: settings.apiKey === undefined,
    adminApiKey: settings.adminApiKey ?? apiKey,
    contentFilter: {
      prompt: contentFilter.prompt ?? [],
      completion: contentFilter.completion ?? [],
      late: contentFilter.late ?? [],
    },
    faults,
    incidents,
    models,
    deploymentsAreDefault,
    deployments: frozenMap(deployments.map((deployment) => [deployment.name, deepFreeze(deployment)])),
    extensionPaths: extensionPath ?? [],
    tiktokenCacheDir: settings.tiktokenCacheDir,
    redis: { ...settings.redis, url: settings.redis.url },
    testHeader: recordings.replay.testHeader,
  })
}
