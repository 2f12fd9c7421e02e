import { findModel, modelFromDeploymentName, type ModelCatalogue } from './model-catalogue.ts'
import type { Model } from './models.ts'

/** Maximum length of the name of a model that is not in the catalogue, in characters. */
const MAX_NAME_LENGTH = 100

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
]

/** For names that match nothing. */
const defaultChatModel = 'gpt-4o-mini'

/**
 * Returns a model for a name that is not in the catalogue: a copy of the most similar known model, with the given name in answers.
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
  const nearest = nearestModel(name.toLowerCase(), catalogue)
  if (!nearest) return undefined
  const { retires: _, ...facts } = nearest
  const provisioned = nearest.provisioned ?? similarThroughput(nearest, catalogue)
  return Object.freeze({ ...facts, ...(provisioned && { provisioned }), versionedName: name })
}

/** The throughput per unit of the newest model with values and the same operations, so that provisioned deployments can start. */
function similarThroughput(nearest: Model, { models }: ModelCatalogue): Model['provisioned'] {
  const operations = nearest.operations.join()
  return models.find((model) => model.provisioned && model.operations.join() === operations)?.provisioned
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
/** The main model of each version. */
const mainModel = /^gpt-(\d+(?:\.\d+)?)(?:-sol)?$/

/** Returns the main model of the nearest earlier version, if no model of the version in the name is known. */
function findByVersion(name: string, { models }: ModelCatalogue): Model | undefined {
  const [family, version] = gptVersion.exec(name) ?? []
  if (
    family === undefined ||
    models.some((model) => model.name === family || model.name.startsWith(`${family}-`))
  ) {
    return undefined
  }
  let found: Model | undefined
  let foundVersion = 0
  for (const model of models) {
    const modelVersion = Number(mainModel.exec(model.name)?.[1] ?? 0)
    if (modelVersion > Number(version) || modelVersion <= foundVersion) continue
    found = model
    foundVersion = modelVersion
  }
  return found
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
