import { resolve } from 'node:path'
import { generateKey, type ResourceKey, type SigningKey } from './access-settings.ts'
import { builtInCatalogue, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import { reasonOf } from '../lib/error-text.ts'
import { defaultDeployments } from './deployments.ts'
import { parseMappingFile, problemAt } from './mapping-file.ts'
import { type ModelCatalogueFile, parseModelCatalogueFile } from './model-catalogue-file.ts'
import { type ConfigFile, sectionVariables } from './config-file.ts'
import { partOf } from './file-settings.ts'
import { readResourceEntry } from './resource-entry.ts'
import type { GivenValue } from './settings-table.ts'
import { collectGivenValues, type ConfigSources } from './sources.ts'
import type { UpstreamTable } from './upstreams.ts'

/** Inputs of a configuration, with problems that occurred while they were read. */
export interface ReadInputs {
  readonly inputs: ConfigInputs
  /** One or two sentences each, with the name of the flag or variable, or the path of the file. */
  readonly problems: readonly string[]
}

/** The deployments without a deployment file. */
const defaultDeploymentEntries: FileEntries = {
  entries: defaultDeployments,
  location: 'default deployments',
}

/** Reads flags, environment, `.env`, and the files named there. */
export function readInputs(sources: ConfigSources): ReadInputs {
  const { given, problems: nameProblems, warnings, configFile } = collectGivenValues(sources)
  const problems = [...nameProblems]
  const models = readModels(given, sources)
  problems.push(...models.problems)

  /** Reads the file of a setting. Returns undefined if it is not set, and undefined entries if the file is invalid. */
  const entriesOf = (env: string, kind: string, rule: string): FileEntries | undefined => {
    const file = readGivenFile(env, kind, given, sources)
    if (!file) return undefined
    if ('problem' in file) {
      problems.push(file.problem)
      return { entries: undefined, location: env }
    }
    const mapping = parseMappingFile(file.source, file.path, rule)
    problems.push(...mapping.problems)
    // With duplicate keys the meaning of the file is unclear, and further problems would mislead.
    return { entries: mapping.problems.length > 0 ? undefined : mapping.entries, location: file.path }
  }

  /** Returns the entries of a section, which is in the configuration file or in a separate file. */
  const sectionOf = (
    section: keyof typeof sectionVariables,
    kind: string,
    rule: string,
  ): FileEntries | undefined => {
    const env = sectionVariables[section]
    const separate = entriesOf(env, kind, rule)
    const inFile = configFile?.[section]
    if (separate && inFile)
      problems.push(`${configFile?.path ?? ''}: ${section} is also given by ${env}. Remove one of them.`)
    return inFile ?? separate
  }

  const deployments = sectionOf('deployments', 'deployment file', 'must map deployment names to deployments')
  const faults = sectionOf('faults', 'fault file', 'must have a list of faults')
  const incidents = sectionOf('incidents', 'incident file', 'must have phases')
  const named = configFile && readNamedResources(configFile, models.catalogue)
  problems.push(...(named?.problems ?? []))
  const inputs: ConfigInputs = {
    given,
    workingDirectory: sources.workingDirectory,
    models: models.catalogue,
    deployments: deployments ?? defaultDeploymentEntries,
    deploymentsAreDefault: deployments === undefined,
    ...(faults && { faults }),
    ...(incidents && { incidents }),
    ...named?.inputs,
    ...(warnings.length > 0 && { warnings }),
    generatedKey: generateKey(),
  }
  return { inputs, problems }
}

/** Reads the entries of resources. */
export function readNamedResources(
  { path, env, upstreams, resources }: ConfigFile,
  models: ModelCatalogue,
): { readonly inputs: Pick<ConfigInputs, 'resources' | 'upstreams'>; readonly problems: readonly string[] } {
  const problems: string[] = []
  const entries = Object.entries(resources).map(([name, entry]) => {
    const location = `${path === '' ? '' : `${path}: `}resources.${partOf(name)}`
    const read = readResourceEntry(entry, { models, env })
    problems.push(...read.problems.map((problem) => problemAt(location, problem)))
    return [name, withLocation(read.inputs, location)] as const
  })
  return {
    inputs: {
      ...(entries.length > 0 && { resources: Object.fromEntries(entries) }),
      ...(Object.keys(upstreams).length > 0 && { upstreams }),
    },
    problems,
  }
}

/** Puts the location of a resource in front of the path of each part. */
function withLocation(inputs: ResourceInputs, location: string): ResourceInputs {
  const { given, deployments, faults, incidents } = inputs
  return {
    ...inputs,
    location,
    given: given.map((one) => atLocation(one, location)),
    deployments: { ...deployments, location: `${location}.deployments` },
    ...(faults && { faults: { ...faults, location } }),
    ...(incidents && { incidents: { ...incidents, location: `${location}.incidents` } }),
  }
}

function atLocation(given: GivenValue, location: string): GivenValue {
  return { ...given, source: `${location}.${given.source}` }
}

function readModels(given: readonly GivenValue[], sources: ConfigSources): ModelCatalogueFile {
  const file = readGivenFile('MODEL_CATALOGUE_PATH', 'model file', given, sources)
  if (file === undefined) return { catalogue: builtInCatalogue, problems: [] }
  if ('problem' in file) return { catalogue: builtInCatalogue, problems: [file.problem] }
  return parseModelCatalogueFile(file.source, file.path)
}

type GivenFile = { readonly source: string; readonly path: string } | { readonly problem: string }

/** Reads the file named by a setting; undefined if the setting is not set. */
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
    return {
      problem: `${set.source} names a file that cannot be read: ${reason}. Set it to the path of the ${kind}.`,
    }
  }
}

/** Parsed entries of a file, not yet validated, with the path or name with which problems begin. */
export interface FileEntries {
  readonly entries: unknown
  readonly location: string
}

/** Inputs of a resource. Only the models are validated. */
export interface ResourceInputs {
  /** Values of settings, one for each setting at most. */
  readonly given: readonly GivenValue[]
  readonly models: ModelCatalogue
  /** Deployments by name, in the form of the deployment file. */
  readonly deployments: FileEntries
  readonly deploymentsAreDefault: boolean
  /** A mapping with the list `faults`. */
  readonly faults?: FileEntries
  /** An incident timetable. */
  readonly incidents?: FileEntries
  /** API key if none is set; secret. */
  readonly generatedKey: string
  /** Further keys. */
  readonly keys?: readonly ResourceKey[]
  /** Signs tokens; absent until the first use. */
  readonly signingKey?: SigningKey
  /** Identity of a resource that was created at run time; absent: its name. */
  readonly id?: string
  /** The tenant that owns the resource. */
  readonly tenant?: string
  /** Name of its upstream; absent: the default one. */
  readonly upstream?: string
  /** Path of its entry in the configuration file: `aoai-sim.yaml: resources.acme`; absent for other resources. */
  readonly location?: string
}

/**
 * All inputs of a configuration. The start and each change at run time resolve them in the same way. The top-level inputs are those
 * of the host and of the default resource.
 */
export interface ConfigInputs extends ResourceInputs {
  /** Base of relative paths. */
  readonly workingDirectory: string
  /** Warnings about names of variables, one or two sentences each. */
  readonly warnings?: readonly string[]
  /**
   * Further resources by name. A resource inherits settings that it does not set, except the key, from the default resource. It
   * does not inherit deployments, faults, incidents and keys.
   */
  readonly resources?: Readonly<Record<string, ResourceInputs>>
  /** Upstreams that deployments and resources can name. The default one is in `given`. */
  readonly upstreams?: UpstreamTable
}
