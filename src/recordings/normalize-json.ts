import type { NormalizerName } from '../config/recording-settings.ts'
import { parseJson } from '../lib/parse-json.ts'
import { isUnixTime, normalizeText, timePlaceholder } from './normalize-text.ts'

/** Ignored fields as a tree of names. Leaves are `true`. */
export type IgnoredFields = ReadonlyMap<string, true | IgnoredFields>

/** Deeper than any request of the API. */
export const MAX_JSON_DEPTH = 1_000

/** Thrown for JSON that is nested more deeply. */
export const tooDeep = Symbol('nested too deep')

/** JSON in a string can contain strings with JSON. Tool results of agents that call agents have three levels. */
const MAX_STRING_DEPTH = 4

/**
 * Total length of the texts of a request that are normalized. The rest is compared unchanged, so that a hostile request cannot
 * block others.
 */
const MAX_NORMALIZED_CHARACTERS = 2 * 1024 * 1024

const nothingIgnored: IgnoredFields = new Map()

/**
 * Writes the values of one request as canonical JSON with placeholders for volatile parts. Equal ids get equal placeholders, so that
 * a tool call and its result still belong together.
 */
export class NormalizedJsonWriter {
  readonly #names: ReadonlySet<NormalizerName>
  readonly #labels = new Map<string, string>()
  #scope = ''
  #labelsInScope = 0
  #charactersLeft = MAX_NORMALIZED_CHARACTERS

  constructor(names: ReadonlySet<NormalizerName>) {
    this.#names = names
  }

  /**
   * Starts a part of the request that is compared separately.
   *
   * @param scope the position of the part; labels of ids that appear first in it contain this position
   */
  startScope(scope: string): void {
    this.#scope = scope
    this.#labelsInScope = 0
  }

  /** Writes a value. @throws {typeof tooDeep} */
  write(value: unknown, ignored: IgnoredFields = nothingIgnored): string {
    return this.#write(value, ignored, 0, 0)
  }

  /** Normalizes a text that is not JSON. */
  text(text: string): string {
    // Files and pictures are data URLs.
    const isSkipped = this.#names.size === 0 || text.length > this.#charactersLeft || text.startsWith('data:')
    if (isSkipped) return text
    this.#charactersLeft -= text.length
    return normalizeText(text, this.#names, this.#labelId)
  }

  #write(value: unknown, ignored: IgnoredFields, depth: number, stringDepth: number): string {
    if (typeof value === 'string') return this.#writeString(value, depth, stringDepth)
    if (typeof value === 'number' && this.#names.has('timestamps') && isUnixTime(value)) {
      return JSON.stringify(timePlaceholder)
    }
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
    if (depth === MAX_JSON_DEPTH) throw tooDeep
    if (Array.isArray(value)) {
      return `[${value.map((item) => this.#write(item, ignored, depth + 1, stringDepth)).join(',')}]`
    }
    return this.#writeObject(value as Record<string, unknown>, ignored, depth, stringDepth)
  }

  #writeObject(
    value: Readonly<Record<string, unknown>>,
    ignored: IgnoredFields,
    depth: number,
    stringDepth: number,
  ): string {
    let text = ''
    for (const name of Object.keys(value).sort()) {
      const ignoredBelow = ignored.get(name)
      if (ignoredBelow === true) continue
      const item = value[name]
      if (this.#names.has('empty-fields') && isEmpty(item)) continue
      const written =
        typeof item === 'string' && this.#names.has('ids') && isCallId(name, value)
          ? JSON.stringify(this.#labelId(item))
          : this.#write(item, ignoredBelow ?? nothingIgnored, depth + 1, stringDepth)
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${written}`
    }
    return `{${text}}`
  }

  #writeString(value: string, depth: number, stringDepth: number): string {
    if (this.#names.has('json-strings') && stringDepth < MAX_STRING_DEPTH && mayBeJson(value)) {
      const parsed = parseJson(Buffer.from(value))
      if (typeof parsed === 'object' && parsed !== null) {
        try {
          return JSON.stringify(this.#write(parsed, nothingIgnored, depth + 1, stringDepth + 1))
        } catch (error) {
          if (error !== tooDeep) throw error
        }
      }
    }
    return JSON.stringify(this.text(value))
  }

  readonly #labelId = (id: string): string => {
    let label = this.#labels.get(id)
    if (label === undefined) this.#labels.set(id, (label = `<id ${this.#scope}${++this.#labelsInScope}>`))
    return label
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0)
}

/** Whether a member of an object is the id of a tool call, which can have any form. */
function isCallId(name: string, object: Readonly<Record<string, unknown>>): boolean {
  if (name === 'tool_call_id' || name === 'call_id' || name === 'tool_use_id') return true
  // A tool call: { id, type: 'function', function } in chat, { id, type, call_id } in responses.
  return name === 'id' && (typeof object['call_id'] === 'string' || isChatToolCall(object))
}

function isChatToolCall({ function: called }: Readonly<Record<string, unknown>>): boolean {
  return typeof called === 'object' && called !== null && 'arguments' in called
}

/** Whether a string may contain a JSON object or array. */
function mayBeJson(text: string): boolean {
  return /^\s{0,20}[{[]/.test(text) && /[}\]]\s{0,20}$/.test(text.slice(-21))
}
