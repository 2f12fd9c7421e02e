import type { Interaction } from './interaction.ts'
import type { MatchKeys } from './match-key.ts'
import { matchRecorded, type MatchRequest } from './match-request.ts'
import { bestList, listOf, queryVariant, type QueryVariant } from './query-variant.ts'
import type { EntryGroup, EntryList, RecordingEntry } from './recording-entry.ts'

/** What is kept of an interaction until its file is known to be good. */
export interface Indexed {
  readonly entry: RecordingEntry
  /** The key of its body's MD5; undefined where the recording has none. */
  readonly hashKey: string | undefined
  /** Whether the body itself is known, and not only its MD5. */
  readonly hasBody: boolean
  readonly method: string
  readonly path: string
  readonly variant: QueryVariant
  readonly bodyLength: number
}

/** Finds recordings by the key of their request: one hash, whatever their number. Holds no body. */
export class RecordingIndex {
  readonly keys: MatchKeys
  readonly #groups = new Map<string, EntryGroup>()
  readonly #groupsByHash = new Map<string, EntryGroup>()
  readonly #groupsByPath = new Map<string, EntryGroup[]>()
  /** One copy of each text: what is cut out of an item's text would hold all of it in memory. */
  readonly #texts = new Map<string, string>()

  constructor(keys: MatchKeys) {
    this.keys = keys
  }

  /** Makes the entry of an interaction, without adding it. */
  prepare(interaction: Interaction, place: Pick<RecordingEntry, 'file' | 'line' | 'source'>): Indexed {
    const { request } = interaction
    const match = matchRecorded(request)
    const { query, apiVersion } = queryVariant(match.query)
    const hasBody = request.body !== undefined || request.bodyHash === undefined
    const hashKey = request.bodyHash === undefined ? undefined : this.keys.hashKeyOf(match, request.bodyHash)
    const key = hasBody ? this.keys.keyOf(match) : (hashKey ?? '')
    return {
      entry: { ...place, key, used: false },
      hashKey,
      hasBody,
      method: this.#keep(match.method),
      path: this.#keep(this.keys.pathOf(match)),
      variant: { query: this.#keep(query), apiVersion: this.#keep(apiVersion) },
      bodyLength: match.body.length,
    }
  }

  /** Adds an entry behind those that are there. */
  add({ entry, hashKey, hasBody, method, path, variant, bodyLength }: Indexed): void {
    let group = this.#groups.get(entry.key)
    if (!group && hashKey !== undefined) {
      // A hash joins recordings only where one of them has nothing else: hands edit bodies and leave hashes behind.
      const byHash = this.#groupsByHash.get(hashKey)
      if (byHash && (!hasBody || !byHash.bodyKnown)) group = byHash
    }
    if (!group) {
      group = { method, path, bodyLength, bodyKnown: hasBody, lists: [] }
      const siblings = this.#groupsByPath.get(path)
      if (siblings) siblings.push(group)
      else this.#groupsByPath.set(path, [group])
    }
    group.bodyKnown ||= hasBody
    if (hasBody) this.#groups.set(entry.key, group)
    if (hashKey !== undefined && !this.#groupsByHash.has(hashKey)) this.#groupsByHash.set(hashKey, group)
    listOf(group, variant).entries.push(entry)
  }

  /** The recordings that answer a request; undefined when there are none. */
  find(request: MatchRequest, bodyHash: () => string): EntryList | undefined {
    const group =
      this.#groups.get(this.keys.keyOf(request)) ??
      (this.#groupsByHash.size > 0
        ? this.#groupsByHash.get(this.keys.hashKeyOf(request, bodyHash()))
        : undefined)
    return group && bestList(group, queryVariant(request.query))
  }

  /** Takes out all entries of a file, which has changed. */
  removeFile(file: string): void {
    for (const groups of this.#groupsByPath.values()) {
      for (const { lists } of groups) {
        for (const list of lists) {
          if (list.entries.some((entry) => entry.file === file)) {
            list.entries = list.entries.filter((entry) => entry.file !== file)
          }
        }
      }
    }
  }

  /** The recorded paths. */
  paths(): IterableIterator<string> {
    return this.#groupsByPath.keys()
  }

  /** The recorded requests of a path. */
  groupsOf(path: string): readonly EntryGroup[] {
    return this.#groupsByPath.get(path) ?? []
  }

  /** Every entry. */
  *entries(): Generator<RecordingEntry> {
    for (const groups of this.#groupsByPath.values()) {
      for (const { lists } of groups) for (const list of lists) yield* list.entries
    }
  }

  #keep(text: string): string {
    let kept = this.#texts.get(text)
    if (kept === undefined) {
      kept = Buffer.from(text).toString()
      this.#texts.set(kept, kept)
    }
    return kept
  }
}
