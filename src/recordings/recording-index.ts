import type { Interaction, EntryGroup, EntryList, RecordingEntry } from './interaction.ts'
import { type MatchKeys, matchRecorded, type MatchRequest, apiVersionOf } from './match-request.ts'
import { redactQuery } from '../lib/credential-texts.ts'

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

/** So many entries are put in between two pauses: about a millisecond's work. */
const PAUSE_STEPS = 1_000

/** Finds recordings by the key of their request: one hash, whatever their number. Holds no body. */
export class RecordingIndex {
  readonly keys: MatchKeys
  readonly #groups = new Map<string, EntryGroup>()
  readonly #groupsByHash = new Map<string, EntryGroup>()
  readonly #groupsByPath = new Map<string, EntryGroup[]>()
  /** Where the entries of a file are, so that a change costs what the file holds and not what all hold. */
  readonly #groupsByFile = new Map<string, EntryGroup[]>()
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
  add(indexed: Indexed): void {
    const group = this.#groupFor(indexed)
    listOf(group, indexed.variant).entries.push(indexed.entry)
    if (indexed.entry.file !== undefined) this.#noteFile(indexed.entry.file, group)
  }

  /** The recordings that answer a request; undefined when there are none. */
  find(request: MatchRequest, bodyHash: () => string): EntryList | undefined {
    const variant = queryVariant(request.query)
    const group = this.#groups.get(this.keys.keyOf(request))
    const list = group && bestList(group, variant)
    if (list || this.#groupsByHash.size === 0) return list
    const byHash = this.#groupsByHash.get(this.keys.hashKeyOf(request, bodyHash()))
    return byHash && bestList(byHash, variant)
  }

  /**
   * Puts entries into the place of all those of a file, in the order of the files' paths. Yields now and then, and has to be gone
   * through to its end before another begins; meanwhile each request finds all old or all new recordings of it. Turns of
   * requests go on.
   */
  *replaceFile(file: string, replacement: readonly Indexed[]): Generator<void, void> {
    const before = new Set(this.#groupsByFile.get(file))
    const fresh = new Map<EntryList, RecordingEntry[]>()
    const groups = new Set<EntryGroup>()
    for (const [at, indexed] of replacement.entries()) {
      const group = this.#groupFor(indexed)
      const list = listOf(group, indexed.variant)
      const entries = fresh.get(list)
      if (entries) entries.push(indexed.entry)
      else fresh.set(list, [indexed.entry])
      groups.add(group)
      if (at % PAUSE_STEPS === 0) yield
    }
    let steps = 0
    for (const group of new Set([...groups, ...before])) {
      for (const list of group.lists) list.entries = mergeEntries(list.entries, file, fresh.get(list) ?? [])
      if (steps++ % PAUSE_STEPS === 0) yield
    }
    if (groups.size > 0) this.#groupsByFile.set(file, [...groups])
    else this.#groupsByFile.delete(file)
    this.#drop([...before].filter((group) => !groups.has(group) && isEmpty(group)))
    // A hash that led to what is gone leads, as after a start, to a recording whose body was edited and whose hash was left.
    for (const { hashKey, entry } of replacement) {
      const group = this.#groups.get(entry.key)
      if (hashKey !== undefined && group && !this.#groupsByHash.has(hashKey))
        this.#groupsByHash.set(hashKey, group)
    }
  }

  /** Whether recordings of the file are there. */
  hasFile(file: string): boolean {
    return this.#groupsByFile.has(file)
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

  /** The group that an entry belongs to, made where there is none. */
  #groupFor({ entry, hashKey, hasBody, method, path, bodyLength }: Indexed): EntryGroup {
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
    return group
  }

  #noteFile(file: string, group: EntryGroup): void {
    const groups = this.#groupsByFile.get(file)
    if (!groups) this.#groupsByFile.set(file, [group])
    else if (groups.at(-1) !== group) groups.push(group)
  }

  /** Groups without recordings would stand in the way of others that a hash leads to, and would be named by misses. */
  #drop(emptied: readonly EntryGroup[]): void {
    if (emptied.length === 0) return
    const dropped = new Set(emptied)
    for (const path of new Set(emptied.map((group) => group.path))) {
      const kept = this.groupsOf(path).filter((group) => !dropped.has(group))
      if (kept.length > 0) this.#groupsByPath.set(path, kept)
      else this.#groupsByPath.delete(path)
    }
    for (const groups of [this.#groups, this.#groupsByHash]) {
      for (const [key, group] of groups) if (dropped.has(group)) groups.delete(key)
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

function isEmpty({ lists }: EntryGroup): boolean {
  return lists.every(({ entries }) => entries.length === 0)
}

/**
 * The entries of a list once a file is read anew: in the order of the files' paths, and behind them what was recorded since the
 * start and is in no file yet. What was used stays used where its request still stands in the file.
 *
 * @param fresh what the file holds now, in its order
 */
function mergeEntries(
  entries: readonly RecordingEntry[],
  file: string,
  fresh: readonly RecordingEntry[],
): RecordingEntry[] {
  const front: RecordingEntry[] = []
  const behind: RecordingEntry[] = []
  const own: RecordingEntry[] = []
  const recorded: RecordingEntry[] = []
  for (const entry of entries) {
    if (entry.file === file) own.push(entry)
    else if (entry.file === undefined) recorded.push(entry)
    else if (entry.file < file) front.push(entry)
    else behind.push(entry)
  }
  for (const entry of fresh) {
    // What was recorded since the start comes back from its file, and must not be there twice.
    entry.used = (take(own, entry.key) ?? take(recorded, entry.key))?.used ?? false
  }
  return [...front, ...fresh, ...behind, ...recorded]
}

function take(entries: RecordingEntry[], key: string): RecordingEntry | undefined {
  const at = entries.findIndex((entry) => entry.key === key)
  return at < 0 ? undefined : entries.splice(at, 1)[0]
}

/** What a query says, in one form whatever the order of its parameters. */
export interface QueryVariant {
  /** The parameters in alphabetical order, `api-version` excepted. */
  readonly query: string
  readonly apiVersion: string
}

/** Brings a query into one form. */
export function queryVariant(query: string): QueryVariant {
  const apiVersion = apiVersionOf(query)
  if (query === '' || query === `api-version=${apiVersion}`) return { query: '', apiVersion }
  const parameters = query.split('&').filter((part) => part !== '' && !part.startsWith('api-version='))
  // A recording has no credential, and a request may have another one than that.
  return { query: redactQuery(parameters.sort().join('&')), apiVersion }
}

/** The list of a group that fits a query best: all of it, or all but `api-version`, or that alone, or else the first. */
function bestList({ lists }: EntryGroup, variant: QueryVariant): EntryList | undefined {
  let best: EntryList | undefined
  let bestScore = -1
  for (const list of lists) {
    if (list.entries.length === 0) continue
    const score = (list.query === variant.query ? 2 : 0) + (list.apiVersion === variant.apiVersion ? 1 : 0)
    if (score > bestScore) {
      best = list
      bestScore = score
    }
  }
  return best
}

/** The list of exactly this query, made where there is none. */
function listOf({ lists }: EntryGroup, { query, apiVersion }: QueryVariant): EntryList {
  let list = lists.find((other) => other.query === query && other.apiVersion === apiVersion)
  if (!list) lists.push((list = { entries: [], query, apiVersion }))
  return list
}
