import { catalogueRows, type CatalogueRow } from './model-catalogue-data.ts'
import { nearestNames } from '../platform/nearest-names.ts'
import type { Model } from './models.ts'

/** Every base model in its newest version; frozen. */
export const modelCatalogue: readonly Model[] = Object.freeze(catalogueRows.map((row) => createModel(row)))

/** Every spelling of every model and version, in lower case. The first to claim a spelling keeps it. */
const modelsBySpelling = indexSpellings()
const spellingsLongestFirst = [...modelsBySpelling.keys()].sort((a, b) => b.length - a.length)

/**
 * The model of exactly this name, alias or versioned name, whatever its case. Naming an older version gives that
 * version's limits and its own `versionedName`.
 */
export function findModel(name: string): Model | undefined {
  return modelsBySpelling.get(name.toLowerCase())
}

/**
 * The model that a deployment of this name most likely has: the one with the longest spelling that stands in the
 * name as a word of its own, so that `my-gpt-4o-mini-prod` is a gpt-4o-mini and `demo1` is not an o1.
 */
export function modelFromDeploymentName(name: string): Model | undefined {
  const deployment = name.toLowerCase()
  const spelling = spellingsLongestFirst.find((candidate) => holdsWord(deployment, candidate))
  return spelling === undefined ? undefined : modelsBySpelling.get(spelling)
}

/** Up to three model names that a mistyped one most likely means, nearest first; for error messages. */
export function nearestModelNames(name: string): string[] {
  const names = modelCatalogue.map((model) => model.name)
  return nearestNames(name, names, 3)
}

function createModel(row: CatalogueRow, version = row.versions?.[0]): Model {
  const versioned = version === undefined ? row.name : `${row.name}-${version}`
  return Object.freeze({
    name: row.name,
    versionedName: row.answersAs ?? versioned,
    aliases: Object.freeze([...(row.aliases ?? [])]),
    encoding: row.encoding ?? 'o200k_base',
    contextTokens: row.contextTokens,
    maxOutputTokens: row.maxOutputTokens,
    operations: Object.freeze([...row.operations]),
    reasoning: row.reasoning ?? false,
    ...(row.embeddingSize === undefined ? {} : { embeddingSize: row.embeddingSize }),
    ...(row.shortensEmbeddings === undefined ? {} : { shortensEmbeddings: row.shortensEmbeddings }),
    ...(version === undefined ? {} : row.olderLimits?.[version]),
  })
}

function indexSpellings(): ReadonlyMap<string, Model> {
  const index = new Map<string, Model>()
  const claim = (spelling: string, model: Model): void => {
    if (!index.has(spelling)) index.set(spelling, model)
  }
  for (const model of modelCatalogue) claim(model.name, model)
  for (const [position, row] of catalogueRows.entries()) {
    const newest = modelCatalogue[position]
    if (newest === undefined) continue
    for (const alias of newest.aliases) claim(alias, newest)
    for (const version of row.versions ?? []) {
      const model = version === row.versions?.[0] ? newest : createModel(row, version)
      for (const name of [row.name, ...newest.aliases]) claim(`${name}-${version}`, model)
    }
    claim(newest.versionedName, newest)
  }
  return index
}

function holdsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const end = at + word.length
    if (!isLetterOrDigit(text.charAt(at - 1)) && !isLetterOrDigit(text.charAt(end))) return true
  }
  return false
}

function isLetterOrDigit(character: string): boolean {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')
}
