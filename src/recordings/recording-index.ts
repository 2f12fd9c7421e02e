import {
  anyBody,
  type Interaction,
  type EntryGroup,
  type EntryList,
  headerOf,
  type RecordedResponse,
  type RecordingEntry,
} from './interaction.ts'
import { addedMessages, type Conversation } from './conversation.ts'
import { type MatchKeys, matchRecorded, type MatchRequest, apiVersionOf } from './match-request.ts'
import { fieldsOf } from '../lib/record.ts'
import { redactQuery } from '../lib/credential-texts.ts'

/** An entry with its keys, before it is added to the index. */
export interface IndexedEntry {
  readonly entry: RecordingEntry
  /** The key with the MD5 of the body; undefined if the recording has none. */
  readonly hashKey: string | undefined
  /** Whether the body itself is known, and not only its MD5. */
  readonly hasBody: boolean
  readonly method: string
  readonly path: string
  readonly variant: QueryVariant
  readonly bodyLength: number
  readonly conversation: Conversation | undefined
}

/** Number of entries between two yields, about a millisecond of work. */
const STEPS_PER_YIELD = 1_000

/** Finds recordings by the key of their request with one hash, independent of their number. Contains no bodies. */
export class RecordingIndex {
  readonly keys: MatchKeys
  readonly #groups = new Map<string, EntryGroup>()
  readonly #groupsByHash = new Map<string, EntryGroup>()
  readonly #groupsByPath = new Map<string, EntryGroup[]>()
  /** By the key of the conversation. */
  readonly #conversations = new Map<string, EntryGroup[]>()
  /** The groups with entries of a file, so that the cost of a change depends on the size of that file only. */
  readonly #groupsByFile = new Map<string, EntryGroup[]>()
  /** The entries of each file in its order. Lists are replaced or appended to, and not changed otherwise. */
  readonly #entriesByFile = new Map<string, RecordingEntry[]>()
  /** The entries that were recorded since the start. */
  #recorded: RecordingEntry[] = []
  #recordedCount = 0
  #version = 0
  /** One copy of each text. A substring of the text of an item would keep the complete text in memory. */
  readonly #texts = new Map<string, string>()

  constructor(keys: MatchKeys) {
    this.keys = keys
  }

  /** Creates the entry of an interaction, without adding it. */
  prepare(
    interaction: Interaction,
    location: Pick<RecordingEntry, 'file' | 'line' | 'source' | 'written'>,
  ): IndexedEntry {
    const { request, response } = interaction
    const match = matchRecorded(request)
    const { query, apiVersion } = queryVariant(match.query)
    const hasBody = request.body !== undefined || request.bodyHash === undefined
    const hashKey = request.bodyHash === undefined ? undefined : this.keys.hashKeyOf(match, request.bodyHash)
    let model: unknown
    const onJson = (value: unknown): void => void (model = fieldsOf(value)['model'])
    const key = hasBody ? this.keys.keyOf(match, onJson) : (hashKey ?? '')
    const method = this.#intern(match.method)
    return {
      entry: {
        ...location,
        order: replayOrder(interaction),
        key,
        ...(this.keys.exactKeyOf && { exactKey: this.keys.exactKeyOf(match) }),
        method,
        path: this.#intern(match.path),
        status: response.status.code,
        streamed: isStreamed(response),
        model: typeof model === 'string' ? this.#intern(model) : undefined,
        used: false,
        hits: 0,
        lastUsedMs: 0,
        position: 0,
        isReplaced: false,
      },
      hashKey,
      hasBody,
      method,
      path: this.#intern(this.keys.pathOf(match)),
      variant: { query: this.#intern(query), apiVersion: this.#intern(apiVersion) },
      bodyLength: match.body.length,
      conversation: hasBody ? this.keys.conversationOf?.(match) : undefined,
    }
  }

  /** Adds an entry after the existing ones. */
  add(indexed: IndexedEntry): void {
    const group = this.#groupFor(indexed)
    const { entry } = indexed
    insertInOrder(listOf(group, indexed.variant).entries, entry)
    this.#version++
    if (entry.file === undefined) {
      entry.position = this.#recordedCount++
      this.#recorded.push(entry)
      return
    }
    this.#addFileGroup(entry.file, group)
    const entries = this.#entriesByFile.get(entry.file)
    if (entries) entry.position = entries.push(entry) - 1
    else this.#entriesByFile.set(entry.file, [entry])
  }

  /** Counts the changes of the recordings. */
  get version(): number {
    return this.#version
  }

  /** The entries of each file in its order, by the path of the file, and those that were recorded since the start. */
  listed(): readonly (readonly RecordingEntry[])[] {
    this.#recorded = this.#recorded.filter(({ isReplaced }) => !isReplaced)
    const files = [...this.#entriesByFile].sort(([one], [other]) => (one < other ? -1 : 1))
    return [...files.map(([, entries]) => entries), this.#recorded]
  }

  /** An entry of a file; undefined without one at that position. */
  entryAt(file: string, position: number): RecordingEntry | undefined {
    return this.#entriesByFile.get(file)?.[position]
  }

  /** The recordings that match a request; undefined if there are none. */
  find(request: MatchRequest, bodyHash: () => string): EntryList | undefined {
    const variant = queryVariant(request.query)
    const group = this.#groups.get(this.keys.keyOf(request))
    const list = group && bestList(group, variant)
    if (list && this.keys.exactKeyOf) return preferExact(list, this.keys.exactKeyOf(request))
    if (list || this.#groupsByHash.size === 0) return list
    const byHash =
      this.#groupsByHash.get(this.keys.hashKeyOf(request, bodyHash())) ??
      this.#groupsByHash.get(this.keys.hashKeyOf(request, anyBody))
    return byHash && bestList(byHash, variant)
  }

  /**
   * The recordings of the same conversation with the fewest messages that are not recorded; undefined if there are none, or without
   * MATCH_CONVERSATION=prefix.
   */
  findConversation(request: MatchRequest): EntryList | undefined {
    const conversation = this.keys.conversationOf?.(request)
    if (!conversation) return undefined
    const variant = queryVariant(request.query)
    let best: EntryList | undefined
    let fewest = Infinity
    for (const group of this.#conversations.get(conversation.key) ?? []) {
      const added = group.conversation && addedMessages(conversation, group.conversation)
      if (added === undefined || added >= fewest) continue
      const list = bestList(group, variant)
      if (!list) continue
      best = list
      fewest = added
    }
    return best
  }

  /**
   * Replaces all entries of a file. Entries stay in the order of the paths of their files. Yields periodically; must be run to the
   * end before the next call. Meanwhile each request finds either all old or all new recordings. Replay cursors do not change.
   */
  *replaceFile(file: string, replacement: readonly IndexedEntry[]): Generator<void, void> {
    const before = new Set(this.#groupsByFile.get(file))
    const current = new Map<EntryList, RecordingEntry[]>()
    const groups = new Set<EntryGroup>()
    for (const [at, indexed] of replacement.entries()) {
      indexed.entry.position = at
      const group = this.#groupFor(indexed)
      const list = listOf(group, indexed.variant)
      const entries = current.get(list)
      if (entries) entries.push(indexed.entry)
      else current.set(list, [indexed.entry])
      groups.add(group)
      if (at % STEPS_PER_YIELD === 0) yield
    }
    let steps = 0
    for (const group of new Set([...groups, ...before])) {
      for (const list of group.lists) list.entries = mergeEntries(list.entries, file, current.get(list) ?? [])
      if (steps++ % STEPS_PER_YIELD === 0) yield
    }
    if (groups.size > 0) this.#groupsByFile.set(file, [...groups])
    else this.#groupsByFile.delete(file)
    if (replacement.length > 0)
      this.#entriesByFile.set(
        file,
        replacement.map(({ entry }) => entry),
      )
    else this.#entriesByFile.delete(file)
    this.#version++
    this.#drop([...before].filter((group) => !groups.has(group) && isEmpty(group)))
    // As after a start, a free hash now finds a recording of which the body was edited and the hash was not.
    for (const { hashKey, entry } of replacement) {
      const group = this.#groups.get(entry.key)
      if (hashKey !== undefined && group && !this.#groupsByHash.has(hashKey))
        this.#groupsByHash.set(hashKey, group)
    }
  }

  /** Whether the index has recordings of a file. */
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

  /** All entries. */
  *entries(): Generator<RecordingEntry> {
    for (const groups of this.#groupsByPath.values()) {
      for (const { lists } of groups) for (const list of lists) yield* list.entries
    }
  }

  /** The group of an entry. Creates it if it does not exist. */
  #groupFor({ entry, hashKey, hasBody, method, path, bodyLength, conversation }: IndexedEntry): EntryGroup {
    let group = this.#groups.get(entry.key)
    if (!group && hashKey !== undefined) {
      // Hashes join recordings only if one of them has no body, because users edit bodies without updating the hashes.
      const byHash = this.#groupsByHash.get(hashKey)
      if (byHash && (!hasBody || !byHash.hasBody)) group = byHash
    }
    if (!group) {
      group = { method, path, bodyLength, hasBody, conversation, lists: [] }
      addTo(this.#groupsByPath, path, group)
      if (conversation) addTo(this.#conversations, conversation.key, group)
    }
    group.hasBody ||= hasBody
    if (hasBody) this.#groups.set(entry.key, group)
    if (hashKey !== undefined && !this.#groupsByHash.has(hashKey)) this.#groupsByHash.set(hashKey, group)
    return group
  }

  #addFileGroup(file: string, group: EntryGroup): void {
    const groups = this.#groupsByFile.get(file)
    if (!groups) this.#groupsByFile.set(file, [group])
    else if (groups.at(-1) !== group) groups.push(group)
  }

  /** Removes empty groups, which would hide other groups with the same hash and appear in misses. */
  #drop(emptyGroups: readonly EntryGroup[]): void {
    if (emptyGroups.length === 0) return
    const removed = new Set(emptyGroups)
    removeFrom(this.#groupsByPath, new Set(emptyGroups.map(({ path }) => path)), removed)
    const keys = emptyGroups.flatMap(({ conversation }) => conversation?.key ?? [])
    removeFrom(this.#conversations, new Set(keys), removed)
    for (const groups of [this.#groups, this.#groupsByHash]) {
      for (const [key, group] of groups) if (removed.has(group)) groups.delete(key)
    }
  }

  #intern(text: string): string {
    let interned = this.#texts.get(text)
    if (interned === undefined) {
      interned = Buffer.from(text).toString()
      this.#texts.set(interned, interned)
    }
    return interned
  }
}

function addTo(map: Map<string, EntryGroup[]>, key: string, group: EntryGroup): void {
  const groups = map.get(key)
  if (groups) groups.push(group)
  else map.set(key, [group])
}

function removeFrom(
  map: Map<string, EntryGroup[]>,
  keys: ReadonlySet<string>,
  removed: ReadonlySet<EntryGroup>,
): void {
  for (const key of keys) {
    const remaining = map.get(key)?.filter((group) => !removed.has(group)) ?? []
    if (remaining.length > 0) map.set(key, remaining)
    else map.delete(key)
  }
}

/** The recordings with the exact body of a request; all of the list if there are none. */
function preferExact(list: EntryList, exactKey: string): EntryList {
  const entries = list.entries.filter((entry) => entry.exactKey === exactKey)
  if (entries.length === 0 || entries.length === list.entries.length) return list
  return { ...list, entries, exactKey }
}

function isStreamed({ headers, body }: RecordedResponse): boolean {
  return body.kind === 'events' || /^\s*text\/event-stream\b/i.test(headerOf(headers, 'content-type') ?? '')
}

function isEmpty({ lists }: EntryGroup): boolean {
  return lists.every(({ entries }) => entries.length === 0)
}

/**
 * The entries of a list after a file was read again: in the order of the paths of the files, followed by entries that were
 * recorded since the start and are not read from a file yet. An entry keeps its counts if its request is still in the file.
 *
 * @param current the current entries of the file, in its order
 */
function mergeEntries(
  entries: readonly RecordingEntry[],
  file: string,
  current: readonly RecordingEntry[],
): RecordingEntry[] {
  const before: RecordingEntry[] = []
  const after: RecordingEntry[] = []
  const replaced: RecordingEntry[] = []
  const recorded: RecordingEntry[] = []
  for (const entry of entries) {
    if (entry.file === file) replaced.push(entry)
    else if (entry.file === undefined) recorded.push(entry)
    else if (entry.file < file) before.push(entry)
    else after.push(entry)
  }
  for (const entry of current) {
    // An entry that was recorded since the start is now read from its file, and must not be in the list twice.
    const previous = takeByKey(replaced, entry.key) ?? takeByKey(recorded, entry.key)
    if (!previous) continue
    previous.isReplaced = true
    entry.used = previous.used
    entry.hits = previous.hits
    entry.lastUsedMs = previous.lastUsedMs
  }
  return [...before, ...current, ...after, ...recorded].sort((one, other) => one.order - other.order)
}

/** WireMock has the states of a scenario in separate files, the names of which say nothing about their order. */
function replayOrder({ contextValues }: Interaction): number {
  const order = contextValues['replay_order']
  return typeof order === 'number' ? order : 0
}

function insertInOrder(entries: RecordingEntry[], entry: RecordingEntry): void {
  let at = entries.length
  while (at > 0 && (entries[at - 1]?.order ?? 0) > entry.order) at--
  entries.splice(at, 0, entry)
}

function takeByKey(entries: RecordingEntry[], key: string): RecordingEntry | undefined {
  const at = entries.findIndex((entry) => entry.key === key)
  return at < 0 ? undefined : entries.splice(at, 1)[0]
}

/** A query, independent of the order of its parameters. */
export interface QueryVariant {
  /** The parameters in alphabetical order, without `api-version`. */
  readonly query: string
  readonly apiVersion: string
}

/** Normalizes a query. */
export function queryVariant(query: string): QueryVariant {
  const apiVersion = apiVersionOf(query)
  if (query === '' || query === `api-version=${apiVersion}`) return { query: '', apiVersion }
  const parameters = query.split('&').filter((part) => part !== '' && !part.startsWith('api-version='))
  // Recordings contain no credentials, so those of requests are ignored.
  return { query: redactQuery(parameters.sort().join('&')), apiVersion }
}

/** The list that matches a query best: all parameters, all but `api-version`, only `api-version`, or else the first list. */
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

/** The list of exactly this query. Creates it if it does not exist. */
function listOf({ lists }: EntryGroup, { query, apiVersion }: QueryVariant): EntryList {
  let list = lists.find((other) => other.query === query && other.apiVersion === apiVersion)
  if (!list) lists.push((list = { entries: [], query, apiVersion }))
  return list
}
