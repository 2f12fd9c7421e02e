import { findModel, modelFromDeploymentName, type ModelCatalogue } from './model-catalogue.ts'
import type { Model } from './models.ts'

/** Maximum length of the name of a model that is not in the catalogue, in characters. */
const MAX_NAME_LENGTH = 100

/** Maximum number of assumed models that a catalogue shares between deployments. */
const MAX_REMEMBERED_MODELS = 1_000

/** The name of a Claude model, with or without its family. */
const claudeName = /(?<![a-z0-9])claude(?![a-z0-9])/

/** Patterns in a name that indicate the kind of model, each with the default model of this kind. The first match applies. */
const modelKinds: readonly (readonly [pattern: RegExp, defaultName: string])[] = [
  [/embed/, 'text-embedding-3-small'],
  [/whisper/, 'whisper'],
  [/transcri/, 'gpt-4o-transcribe'],
  [/\btts\b|speech/, 'gpt-4o-mini-tts'],
  [/dall-?e/, 'dall-e-3'],
  [/\bimages?\b/, 'gpt-image-1'],
  [/realtime/, 'gpt-realtime'],
  [/\baudio\b/, 'gpt-audio'],
  [/\binstruct\b/, 'gpt-35-turbo-instruct'],
  [/^o\d/, 'o3'],
  [/claude.*opus|opus.*claude/, 'claude-opus-5-5'],
  [/claude.*haiku|haiku.*claude/, 'claude-haiku-5-5'],
  [/claude.*fable|fable.*claude/, 'claude-fable-5-2'],
  [claudeName, 'claude-sonnet-5-5'],
]

/** For names that match nothing. */
const defaultChatModel = 'gpt-4o-mini'

/**
 * Returns a model for a name that is not in the catalogue: a copy of the most similar known model, with the given name in answers and errors.
 * The first of these that exists:
 *
 * 1. The default model of the kind in the name (embedding, whisper, tts, image ...), unless the name contains a known model of
 *    this kind.
 * 2. For a GPT version without known models, the chat model of the nearest earlier version (`gpt-5.9`: `gpt-5.6-sol`).
 * 3. The known model with the longest name that is contained in the name.
 * 4. The newest model with the same first words (`gpt-6-mini`: `gpt-6...`).
 * 5. A chat model.
 *
 * Returns undefined for an invalid name: empty, longer than 100 characters, or with control characters.
 */
export function assumeModel(name: string, catalogue: ModelCatalogue): Model | undefined {
  if (name.length > MAX_NAME_LENGTH || !/\S/.test(name) || /\p{Cc}/u.test(name)) return undefined
  const { assumed, throughputs } = indexOf(catalogue)
  const before = assumed.get(name)
  if (before) return before
  const nearest = nearestModel(name.toLowerCase(), catalogue)
  if (!nearest) return undefined
  const { retires: _, ...facts } = nearest
  const provisioned = nearest.provisioned ?? throughputs.get(nearest.operations.join())
  const model = Object.freeze({
    ...facts,
    ...(provisioned && { provisioned }),
    versionedName: name,
    errorName: name,
  })
  if (assumed.size >= MAX_REMEMBERED_MODELS) assumed.clear()
  assumed.set(name, model)
  return model
}

/**
 * Returns the model that the name of a deployment indicates: the known model in it, or an assumed one for a GPT version without known
 * models (`gpt-5.7-nova`) and for an unknown Claude model (`claude-opus-9`). Undefined if the name indicates no model.
 */
export function modelOfDeployment(name: string, catalogue: ModelCatalogue): Model | undefined {
  const lower = name.toLowerCase()
  if (findByVersion(lower, catalogue)) return assumeModel(name, catalogue)
  const known = modelFromDeploymentName(name, catalogue)
  return known ?? (claudeName.test(lower) ? assumeModel(name, catalogue) : undefined)
}

/** What {@link assumeModel} looks up in a catalogue: thousands of deployments can have a model that is not in it. */
interface CatalogueIndex {
  /** Names such as `gpt-5.4` of the GPT versions with any known model. */
  readonly families: ReadonlySet<string>
  /** The main model of each GPT version, the newest version first. */
  readonly mainModels: readonly (readonly [version: number, model: Model])[]
  /**
   * The throughput per unit of the newest model with values, by its operations. With it, provisioned deployments of a model without
   * values can start.
   */
  readonly throughputs: ReadonlyMap<string, Model['provisioned']>
  /** Models by the names that are not in the catalogue, so that deployments with the same name share one. */
  readonly assumed: Map<string, Model>
}

const indexes = new WeakMap<ModelCatalogue, CatalogueIndex>()

function indexOf(catalogue: ModelCatalogue): CatalogueIndex {
  const known = indexes.get(catalogue)
  if (known) return known
  const families = new Set<string>()
  const mainModels = new Map<number, Model>()
  const throughputs = new Map<string, Model['provisioned']>()
  for (const model of catalogue.models) {
    const [family] = knownFamily.exec(model.name) ?? []
    if (family !== undefined) families.add(family)
    const version = Number(mainModel.exec(model.name)?.[1] ?? 0)
    if (version > 0 && !mainModels.has(version)) mainModels.set(version, model)
    const operations = model.operations.join()
    if (model.provisioned && !throughputs.has(operations)) throughputs.set(operations, model.provisioned)
  }
  const index: CatalogueIndex = {
    families,
    mainModels: [...mainModels].toSorted(([one], [other]) => other - one),
    throughputs,
    assumed: new Map(),
  }
  indexes.set(catalogue, index)
  return index
}

function nearestModel(name: string, catalogue: ModelCatalogue): Model | undefined {
  const named = modelFromDeploymentName(name, catalogue)
  const [pattern, defaultName = ''] = modelKinds.find(([candidate]) => candidate.test(name)) ?? []
  if (pattern && !(named && pattern.test(named.name))) return findModel(defaultName, catalogue)
  return (
    findByVersion(name, catalogue) ??
    named ??
    findByPrefix(name, catalogue) ??
    findModel(defaultChatModel, catalogue)
  )
}

const gptVersion = /(?<![a-z0-9])gpt-(\d{1,2}(?:\.\d{1,2})?)(?![a-z0-9])/
/** The version of a known model, with or without words after it. */
const knownFamily = /^gpt-\d{1,2}(?:\.\d{1,2})?(?=-|$)/
/** The main model of each version. */
const mainModel = /^gpt-(\d+(?:\.\d+)?)(?:-sol)?$/

/** Returns the main model of the nearest earlier version, if no model of the version in the name is known. */
function findByVersion(name: string, catalogue: ModelCatalogue): Model | undefined {
  const [family, version] = gptVersion.exec(name) ?? []
  if (family === undefined) return undefined
  const { families, mainModels } = indexOf(catalogue)
  if (families.has(family)) return undefined
  return mainModels.find(([known]) => known <= Number(version))?.[1]
}

/** Removes words from the end of the name until it is the prefix of a known model. Keeps at least two words: `gpt` matches too much. */
function findByPrefix(name: string, { models }: ModelCatalogue): Model | undefined {
  let prefix = name
  for (;;) {
    prefix = prefix.replace(/[-.:_/ ]?[^-.:_/ ]*$/, '')
    if (!/[-.:_/ ]/.test(prefix)) return undefined
    const found = models.find(
      (model) => model.name.startsWith(prefix) && /^[-.]/.test(model.name.slice(prefix.length)),
    )
    if (found) return found
  }
}
