import { findModel, modelFromDeploymentName, type ModelCatalogue } from './model-catalogue.ts'
import type { Model } from './models.ts'

/** Longest name that a model outside the catalogue may have, in characters. */
const MAX_NAME_LENGTH = 100

/** Words in a name that say what a model makes, and the model that it is then like. The first match counts. */
const kinds: readonly (readonly [words: RegExp, standard: string])[] = [
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

/** What a model gets whose name says nothing. */
const standardChatModel = 'gpt-4o-mini'

/**
 * What a model most likely is whose name the catalogue does not have: the nearest known model, which answers by that name.
 * The nearest is, in this order: the one of the kind that its name tells (embedding, whisper, tts, image ...), unless the
 * name holds a known one of that kind; the longest known name in its own; the newest one whose name begins like its own
 * (`gpt-6-mini`: `gpt-6-...`); a chat model.
 *
 * Undefined for a text that is no name: empty, longer than 100 characters, or with control characters.
 */
export function assumeModel(name: string, catalogue: ModelCatalogue): Model | undefined {
  if (name.length > MAX_NAME_LENGTH || !/\S/.test(name) || /\p{Cc}/u.test(name)) return undefined
  const nearest = nearestModel(name.toLowerCase(), catalogue)
  return nearest && Object.freeze({ ...nearest, versionedName: name })
}

function nearestModel(name: string, catalogue: ModelCatalogue): Model | undefined {
  const named = modelFromDeploymentName(name, catalogue)
  const [words, standard = ''] = kinds.find(([candidate]) => candidate.test(name)) ?? []
  if (words && !(named && words.test(named.name))) return findModel(standard, catalogue)
  return named ?? beginningLike(name, catalogue) ?? findModel(standardChatModel, catalogue)
}

/** The first model that has all words of a name but the last ones; at least two, for `gpt` alone says little. */
function beginningLike(name: string, { models }: ModelCatalogue): Model | undefined {
  let start = name
  for (;;) {
    start = start.replace(/[-.:_/ ]?[^-.:_/ ]*$/, '')
    if (!/[-.:_/ ]/.test(start)) return undefined
    const found = models.find(
      (model) => model.name.startsWith(start) && /^[-.]/.test(model.name.slice(start.length)),
    )
    if (found) return found
  }
}
