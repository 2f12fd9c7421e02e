import { join } from 'node:path'
import { readRegularText } from '../lib/regular-file.ts'
import type { ConfigInputs, FileEntries } from './config-inputs.ts'
import type { ConfigOptions } from './config-options.ts'
import { LiveConfig } from './live-config.ts'
import { parseModelCatalogueFile } from './model-catalogue-file.ts'
import { collectOptions } from './option-values.ts'
import { copyTree } from './copy-tree.ts'
import { type ReadInputs, readInputs } from './read-inputs.ts'
import { isRecord } from './resolve-deployment.ts'
import { configError, resolveInputs } from './resolve-inputs.ts'
import { type GivenValue, givenValue, settingsTable } from './settings-table.ts'
import { showValue } from './show-value.ts'
import type { ConfigSources } from './sources.ts'

/** What options are read with. */
export interface OptionSources {
  /** What relative paths start from; default: the working directory of the process. */
  readonly workingDirectory?: string | undefined
  /** Reads the files that variables in `env` name. */
  readonly readFile?: ConfigSources['readFile']
  /** Further options, which somebody else reads, with what is wrong with them. */
  readonly otherOptions?: Readonly<Record<string, string | undefined>>
}

/**
 * What is different for a simulator inside a program: a test waits for nothing unless it asks, prints nothing but what went
 * wrong, takes any free port, and is not held up at its end.
 */
const libraryDefaults: Readonly<Record<string, string>> = {
  LATENCY_TIME_SCALE: '0',
  LOG_LEVEL: 'warn',
  PORT: '0',
  SHUTDOWN_GRACE_SECONDS: '1',
  JOURNAL_SIZE: '0',
}

/** Makes of options what a configuration is made from. No variable of the process and no `.env` is read. */
export function inputsOfOptions(options: ConfigOptions, sources: OptionSources = {}): ReadInputs {
  const { env = {} } = options
  const { otherOptions = {} } = sources
  const { inputs, problems: envProblems } = readInputs({ flags: {}, env, ...fileSources(sources) })
  const { given, problems: optionProblems } = collectOptions(options, Object.keys(otherOptions))
  const otherProblems = Object.values(otherOptions).filter((problem) => problem !== undefined)
  const problems = [...envProblems, ...optionProblems, ...otherProblems]
  const models = options.models === undefined ? undefined : checkMapping('models', options.models, problems)
  const catalogue = models && parseModelCatalogueFile(JSON.stringify(models), 'models')
  problems.push(...(catalogue?.problems ?? []))
  const deployments =
    options.deployments === undefined
      ? undefined
      : entriesOf(checkMapping('deployments', options.deployments, problems), 'deployments')
  const all: ConfigInputs = {
    ...inputs,
    given: mergeGiven(given, inputs.given),
    ...(catalogue && { models: catalogue.catalogue }),
    ...(deployments && { deployments, deploymentsAreDefault: false }),
    ...(options.faults !== undefined && { faults: entriesOf({ faults: options.faults }, 'options') }),
    ...(options.incidents !== undefined && { incidents: entriesOf(options.incidents, 'incidents') }),
  }
  return { inputs: all, problems }
}

/**
 * Makes of options a configuration that can change later.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the path of the option
 */
export function liveConfigOfOptions(options: ConfigOptions, sources: OptionSources = {}): LiveConfig {
  const { inputs, problems } = inputsOfOptions(options, sources)
  if (problems.length === 0) return new LiveConfig(inputs)
  const resolved = resolveInputs(inputs)
  throw configError('start', [...problems, ...('problems' in resolved ? resolved.problems : [])])
}

function fileSources({ workingDirectory = process.cwd(), readFile = readRegularText }: OptionSources) {
  const envFile = join(workingDirectory, '.env')
  return {
    workingDirectory,
    readFile: (path: string): string => {
      if (path === envFile) throw Object.assign(new Error('It is not read.'), { code: 'ENOENT' })
      return readFile(path)
    },
  }
}

/** Each setting once: as an option, or else in `env`, or else as is usual here. */
function mergeGiven(options: readonly GivenValue[], env: readonly GivenValue[]): GivenValue[] {
  const usual = settingsTable().flatMap((setting): GivenValue[] => {
    const value = libraryDefaults[setting.env]
    return value === undefined ? [] : [givenValue(setting, value, setting.env)]
  })
  const merged = new Map([...usual, ...env, ...options].map((given) => [given.setting, given]))
  return settingsTable().flatMap((setting) => merged.get(setting) ?? [])
}

/** A copy, so that nobody changes a configuration by changing the object that it was made from. */
function entriesOf(entries: unknown, place: string): FileEntries {
  return { entries: copyTree(entries), place }
}

function checkMapping(
  option: string,
  value: unknown,
  problems: string[],
): Record<string, unknown> | undefined {
  if (isRecord(value)) return value
  problems.push(`${option} must be an object with names as its keys (got ${showValue(value)}).`)
  return undefined
}
