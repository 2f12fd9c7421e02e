import { nearestNames } from '../../lib/nearest-names.ts'
import { catalogueRows } from './model-catalogue-data.ts'
import type { CatalogueRow } from './model-catalogue-row.ts'
import { capabilitiesOf, changed } from './model-capabilities.ts'
import type { Model } from './models.ts'

/** The models that deployments can use. Plain data, created by `createModelCatalogue`. */
export interface ModelCatalogue {
  /** The newest version of every base model. */
  readonly models: readonly Model[]
  /** Every version of every base model, the newest of each first. */
  readonly versions: readonly Model[]
  /** Models by all their spellings in lower case. If two models share a spelling, the first one has it. */
  readonly bySpelling: ReadonlyMap<string, Model>
  /** Length of the longest spelling, in characters. */
  readonly maxSpellingLength: number
}

/** Creates a catalogue. A later row replaces an earlier one with the same name. */
export function createModelCatalogue(rows: readonly CatalogueRow[]): ModelCatalogue {
  const families = [...new Map(rows.map((row) => [row.name, row])).values()].map(versionsOf)
  const bySpelling = indexSpellings(families)
  return Object.freeze({
    models: Object.freeze(families.map(([newest]) => newest)),
    versions: Object.freeze(families.flat()),
    bySpelling,
    maxSpellingLength: Math.max(0, ...Array.from(bySpelling.keys(), ({ length }) => length)),
  })
}

/** The catalogue without a catalogue file. Its models are frozen. */
export const builtInCatalogue = createModelCatalogue(catalogueRows)

/**
 * Finds a model by its name, alias or versioned name, ignoring case. An older version has its own limits and
 * `versionedName`.
 */
export function findModel(name: string, catalogue = builtInCatalogue): Model | undefined {
  return catalogue.bySpelling.get(name.toLowerCase())
}

/**
 * Guesses the model from the name of a deployment: the model with the longest spelling that the name contains as a separate
 * word. `my-gpt-4o-mini-prod` is a gpt-4o-mini, and `demo1` is not an o1.
 */
export function modelFromDeploymentName(name: string, catalogue = builtInCatalogue): Model | undefined {
  const deployment = name.toLowerCase()
  const { maxSpellingLength, bySpelling } = catalogue
  let found = ''
  for (let start = 0; start < deployment.length; start++) {
    if (isLetterOrDigit(deployment.charAt(start - 1))) continue
    const last = Math.min(deployment.length, start + maxSpellingLength)
    for (let end = last; end > start + found.length; end--) {
      if (isLetterOrDigit(deployment.charAt(end))) continue
      const word = deployment.slice(start, end)
      if (bySpelling.has(word)) found = word
    }
  }
  return bySpelling.get(found)
}

/** Returns up to three known names that are similar to a mistyped one, the most similar first. For error messages. */
export function nearestModelNames(name: string, catalogue = builtInCatalogue): string[] {
  const names = catalogue.models.map((model) => model.name)
  return nearestNames(name, names, 3)
}

type Family = readonly [newest: Model, ...older: Model[]]

function versionsOf(row: CatalogueRow): Family {
  const [newest, ...older] = row.versions ?? []
  return [createModel(row, newest), ...older.map((version) => createModel(row, version))]
}

function createModel(row: CatalogueRow, version: string | undefined): Model {
  const {
    versions: _,
    answersAs,
    olderLimits,
    reasoning = false,
    capabilities: changes,
    retires: dates,
    ...facts
  } = row
  const retires = typeof dates === 'string' ? dates : dates?.[version ?? '']
  const capabilities = capabilitiesOf({
    name: row.name,
    ...(version !== undefined && { version }),
    reasoning,
  })
  return Object.freeze({
    ...facts,
    ...(version === undefined ? {} : { version }),
    errorName: row.name,
    versionedName: answersAs ?? spellingOf(row.name, version),
    aliases: Object.freeze([...(row.aliases ?? [])]),
    encoding: row.encoding ?? 'o200k_base',
    operations: Object.freeze([...row.operations]),
    reasoning,
    capabilities: changes ? changed(capabilities, changes) : capabilities,
    ...(retires !== undefined && { retires }),
    ...(version === undefined ? {} : olderLimits?.[version]),
  })
}

/** Returns whether the service has retired the model by that time, in milliseconds since 1970. */
export function isRetired(model: Model, nowMs: number): boolean {
  return retiresAtMs(model) <= nowMs
}

/** Returns when the service retires the model, in milliseconds since 1970; Infinity if that is not known. */
export function retiresAtMs({ retires }: Model): number {
  return retires === undefined ? Infinity : Date.parse(retires)
}

/** The name with the version, as in the list of base models. */
export function modelId({ name, version }: Model): string {
  return spellingOf(name, version)
}

function spellingOf(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name}-${version}`
}

function indexSpellings(families: readonly Family[]): ReadonlyMap<string, Model> {
  const index = new Map<string, Model>()
  const addIfFree = (spelling: string, model: Model): void => {
    const key = spelling.toLowerCase()
    if (!index.has(key)) index.set(key, model)
  }
  for (const [newest] of families) addIfFree(newest.name, newest)
  for (const family of families) {
    const [newest] = family
    for (const alias of newest.aliases) addIfFree(alias, newest)
    for (const model of family) {
      for (const name of [model.name, ...model.aliases]) addIfFree(spellingOf(name, model.version), model)
    }
    addIfFree(newest.versionedName, newest)
  }
  return index
}

function isLetterOrDigit(character: string): boolean {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')
}
