import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { builtInCatalogue, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import { reasonOf } from '../lib/error-text.ts'
import { defaultDeployments } from './deployments.ts'
import { parseMappingFile } from './mapping-file.ts'
import { type ModelCatalogueFile, parseModelCatalogueFile } from './model-catalogue-file.ts'
import type { GivenValue } from './settings-table.ts'
import { collectGivenValues, type ConfigSources } from './sources.ts'

/** What the configuration is to be made from, and what of it could not even be read. */
export interface ReadInputs {
  readonly inputs: ConfigInputs
  /** One sentence or two each, with the name that was typed or the path of the file. */
  readonly problems: readonly string[]
}

/** Where no file says otherwise. */
const defaultDeploymentEntries: FileEntries = {
  entries: defaultDeployments,
  place: 'default deployments',
}

/** 128 random bits, in the form of the service's own keys: 32 hexadecimal digits. */
function generateKey(): string {
  return randomBytes(16).toString('hex')
}

/** Reads flags, environment, `.env`, and the files that they name. */
export function readInputs(sources: ConfigSources): ReadInputs {
  const { given, problems: nameProblems, warnings } = collectGivenValues(sources)
  const problems = [...nameProblems]
  const models = readModels(given, sources)
  problems.push(...models.problems)

  /** What a file maps; undefined where nobody set it, and nothing at all where it cannot be understood. */
  const entriesOf = (env: string, kind: string, rule: string): FileEntries | undefined => {
    const file = readGivenFile(env, kind, given, sources)
    if (!file) return undefined
    if ('problem' in file) {
      problems.push(file.problem)
      return { entries: undefined, place: env }
    }
    const mapping = parseMappingFile(file.source, file.path, rule)
    problems.push(...mapping.problems)
    // A file that names something twice is not understood, and further findings would mislead.
    return { entries: mapping.problems.length > 0 ? undefined : mapping.entries, place: file.path }
  }

  const deployments = entriesOf(
    'OPENAI_DEPLOYMENT_CONFIG_PATH',
    'deployment file',
    'must map deployment names to deployments',
  )
  const faults = entriesOf('FAULTS_PATH', 'file of faults', 'must have a list of faults')
  const incidents = entriesOf('INCIDENTS_PATH', 'timetable of incidents', 'must have phases')
  const inputs: ConfigInputs = {
    given,
    workingDirectory: sources.workingDirectory,
    models: models.catalogue,
    deployments: deployments ?? defaultDeploymentEntries,
    deploymentsAreDefault: deployments === undefined,
    ...(faults && { faults }),
    ...(incidents && { incidents }),
    ...(warnings.length > 0 && { warnings }),
    generatedKey: generateKey(),
  }
  return { inputs, problems }
}

function readModels(given: readonly GivenValue[], sources: ConfigSources): ModelCatalogueFile {
  const file = readGivenFile('MODEL_CATALOGUE_PATH', 'model file', given, sources)
  if (file === undefined) return { catalogue: builtInCatalogue, problems: [] }
  if ('problem' in file) return { catalogue: builtInCatalogue, problems: [file.problem] }
  return parseModelCatalogueFile(file.source, file.path)
}

type GivenFile = { readonly source: string; readonly path: string } | { readonly problem: string }

/** Reads the file that a setting names; undefined when nobody set it. */
function readGivenFile(
  env: string,
  kind: string,
  given: readonly GivenValue[],
  sources: ConfigSources,
): GivenFile | undefined {
  const set = given.find(({ setting }) => setting.env === env)
  if (set === undefined) return undefined
  const path = String(set.value)
  try {
    return { source: sources.readFile(resolve(sources.workingDirectory, path)), path }
  } catch (error) {
    const reason = reasonOf(error)
    return { problem: `${set.source} names a file that cannot be read: ${reason}. Set it to the ${kind}.` }
  }
}

/** What a file says, read but not checked, and the path with which its problems begin. */
export interface FileEntries {
  readonly entries: unknown
  readonly place: string
}

/** What a resource is made from. Nothing here is checked but the models. */
export interface ResourceInputs {
  /** What is set, each setting once. */
  readonly given: readonly GivenValue[]
  readonly models: ModelCatalogue
  /** Deployments by name, in the form of the deployment file. */
  readonly deployments: FileEntries
  readonly deploymentsAreDefault: boolean
  /** A mapping with the list `faults`; absent where there are none. */
  readonly faults?: FileEntries
  /** A timetable of incidents; absent where there is none. */
  readonly incidents?: FileEntries
  /** Which key callers must send where nobody set one; secret. */
  readonly generatedKey: string
}

/**
 * What a configuration is made from: all of it, so that a change at run time goes the same way as the start. By itself it is
 * the default resource, and the settings of the host.
 */
export interface ConfigInputs extends ResourceInputs {
  /** What relative paths start from. */
  readonly workingDirectory: string
  /** What the operator should know of how this was given, a sentence or two each. */
  readonly warnings?: readonly string[]
  /**
   * Further resources by name. Of the settings of a resource, those that it does not give are the default resource's, its key
   * aside; deployments, faults and incidents are its own alone.
   */
  readonly resources?: Readonly<Record<string, ResourceInputs>>
}
