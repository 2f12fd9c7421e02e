import { nearestNames } from '../../lib/nearest-names.ts'
import { catalogueRows } from './model-catalogue-data.ts'
import type { CatalogueRow } from './model-catalogue-row.ts'
import type { Model } from './models.ts'

/** The models that deployments may name. Plain data, made by `createModelCatalogue`. */
export interface ModelCatalogue {
  /** Every base model in its newest version. */
  readonly models: readonly Model[]
  /** Every version of every base model, the newest of each first. */
  readonly versions: readonly Model[]
  /** Every spelling of every model and version, in lower case. The first to claim a spelling keeps it. */
  readonly bySpelling: ReadonlyMap<string, Model>
  /** Characters of the longest spelling. */
  readonly longestSpelling: number
}

/** Makes a catalogue; of two rows with one name the later one counts. */
export function createModelCatalogue(rows: readonly CatalogueRow[]): ModelCatalogue {
  const families = [...new Map(rows.map((row) => [row.name, row])).values()].map(versionsOf)
  const bySpelling = indexSpellings(families)
  return Object.freeze({
    models: Object.freeze(families.map(([newest]) => newest)),
    versions: Object.freeze(families.flat()),
    bySpelling,
    longestSpelling: Math.max(0, ...Array.from(bySpelling.keys(), ({ length }) => length)),
  })
}

/** The catalogue that needs no file. Its models are frozen, each in its newest version. */
export const builtInCatalogue = createModelCatalogue(catalogueRows)

/**
 * The model of exactly this name, alias or versioned name, whatever its case. Naming an older version gives that
 * version's limits and its own `versionedName`.
 */
export function findModel(name: string, catalogue = builtInCatalogue): Model | undefined {
  return catalogue.bySpelling.get(name.toLowerCase())
}

/**
 * The model that a deployment of this name most likely has: the one with the longest spelling that stands in the
 * name as a word of its own, so that `my-gpt-4o-mini-prod` is a gpt-4o-mini and `demo1` is not an o1.
 */
export function modelFromDeploymentName(name: string, catalogue = builtInCatalogue): Model | undefined {
  const deployment = name.toLowerCase()
  const { longestSpelling, bySpelling } = catalogue
  let found = ''
  for (let start = 0; start < deployment.length; start++) {
    if (isLetterOrDigit(deployment.charAt(start - 1))) continue
    const last = Math.min(deployment.length, start + longestSpelling)
    for (let end = last; end > start + found.length; end--) {
      if (isLetterOrDigit(deployment.charAt(end))) continue
      const word = deployment.slice(start, end)
      if (bySpelling.has(word)) found = word
    }
  }
  return bySpelling.get(found)
}

/** Up to three model names that a mistyped one most likely means, nearest first; for error messages. */
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
  const { versions: _, answersAs, olderLimits, ...facts } = row
  return Object.freeze({
    ...facts,
    ...(version === undefined ? {} : { version }),
    versionedName: answersAs ?? spellingOf(row.name, version),
    aliases: Object.freeze([...(row.aliases ?? [])]),
    encoding: row.encoding ?? 'o200k_base',
    operations: Object.freeze([...row.operations]),
    reasoning: row.reasoning ?? false,
    ...(version === undefined ? {} : olderLimits?.[version]),
  })
}

/** A model's name with its version, as the list of base models has it. */
export function modelId({ name, version }: Model): string {
  return spellingOf(name, version)
}

function spellingOf(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name}-${version}`
}

function indexSpellings(families: readonly Family[]): ReadonlyMap<string, Model> {
  const index = new Map<string, Model>()
  const claim = (spelling: string, model: Model): void => {
    const key = spelling.toLowerCase()
    if (!index.has(key)) index.set(key, model)
  }
  for (const [newest] of families) claim(newest.name, newest)
  for (const family of families) {
    const [newest] = family
    for (const alias of newest.aliases) claim(alias, newest)
    for (const model of family) {
      for (const name of [model.name, ...model.aliases]) claim(spellingOf(name, model.version), model)
    }
    claim(newest.versionedName, newest)
  }
  return index
}

function isLetterOrDigit(character: string): boolean {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')
}
