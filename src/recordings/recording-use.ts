import type { MissAction } from '../config/recording-settings.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { dropCredentials } from '../lib/credential-texts.ts'
import type { Port } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { RecordingEntry } from './interaction.ts'
import type { RecordingIndex } from './recording-index.ts'

/** A difference of a request from a recorded one, without credentials. */
export interface ShownDifference {
  /** `method`, `path`, `header x-name`, `body`, or a field: `messages[0].content`. */
  readonly path: string
  readonly recorded: string
  readonly sent: string
}

/** The recording that is most similar to a request, without credentials. */
export interface ShownNearest {
  /** Undefined if it was recorded since the start. */
  readonly file: string | undefined
  readonly line: number
  readonly method: string
  readonly uri: string
  /** The first ones. */
  readonly differences: readonly ShownDifference[]
  /** Number of all differences, up to 200. */
  readonly total: number
  /** How the request gets this recording, as a sentence. */
  readonly advice: string
}

/** A request that no recording matched. */
export interface Miss {
  /** Id of the folder that was searched. */
  readonly folder: string
  readonly epochMs: number
  readonly resource: string
  readonly deployment: string | undefined
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly query: string
  /** As they were sent. `withoutCredentials` removes credentials. */
  readonly headers: Exchange['headers']
  /** As it was sent; undefined if it was too large, or was evicted. */
  body: Buffer | undefined
  readonly bodyBytes: number
  /** What answered the request instead. */
  readonly action: MissAction
  /** Known for `error`; the others are compared when they are read. */
  readonly nearest: ShownNearest | undefined
}

/** How often recordings of a folder were used since the last report. */
export interface SentUse {
  readonly folder: string
  readonly hits: number
  readonly misses: number
  /** The line tells whether the file is the same in both processes. */
  readonly entries: readonly (readonly [
    file: string,
    position: number,
    line: number,
    hits: number,
    lastUsedMs: number,
  ])[]
}

/** Receives what happened in a folder, in this process or in the primary. */
export interface RecordingUseSink {
  missed(miss: Miss): void
  used(use: SentUse): void
}

export const recordingUsePort: Port<RecordingUseSink> = {
  name: 'recordings',
  methods: {
    missed: {
      kind: 'notification',
      args: {
        encode: ([miss]) => ({ ...miss, body: miss.body?.toString('base64') }),
        decode: (json: Miss & { readonly body?: string }) => [
          { ...json, body: json.body === undefined ? undefined : Buffer.from(json.body, 'base64') },
        ],
      },
    },
    used: { kind: 'notification' },
  },
}

/** Returns a request without the credentials of its caller in headers and query. */
export function withoutCredentials<T extends Pick<Miss, 'headers' | 'query'>>(request: T): T {
  const headers = Object.entries(request.headers).filter(([name]) => !isCredentialName(name, 'header'))
  return { ...request, headers: Object.fromEntries(headers), query: dropCredentials(request.query) }
}

/** Counts the requests that a folder answered, and those that it did not. */
export class FolderUse {
  hits = 0
  misses = 0
  readonly #folder: string
  /** Hits that were not reported to the primary; undefined if this process keeps the counts itself. */
  readonly #unsent: Map<RecordingEntry, number> | undefined

  /**
   * @param folder its id
   * @param isReported whether `take` is called periodically
   */
  constructor(folder: string, isReported: boolean) {
    this.#folder = folder
    this.#unsent = isReported ? new Map() : undefined
  }

  /** Counts a request that was answered with a recording. */
  hit(entry: RecordingEntry, nowMs: number): void {
    entry.used = true
    entry.hits++
    entry.lastUsedMs = nowMs
    this.hits++
    this.#unsent?.set(entry, (this.#unsent.get(entry) ?? 0) + 1)
  }

  /** Returns the counts since the last call, and clears the totals; undefined if nothing happened. */
  take(): SentUse | undefined {
    const { hits, misses } = this
    if (!this.#unsent || (hits === 0 && misses === 0)) return undefined
    const entries = Array.from(
      this.#unsent,
      ([{ file = '', position, line, lastUsedMs }, count]) =>
        [file, position, line, count, lastUsedMs] as const,
    )
    this.#unsent.clear()
    this.hits = 0
    this.misses = 0
    return { folder: this.#folder, hits, misses, entries }
  }

  /** Adds the counts of another process. Hits of a recording that this process does not have are in the sum only. */
  add({ hits, misses, entries }: SentUse, index: Pick<RecordingIndex, 'entryAt'>): void {
    this.hits += hits
    this.misses += misses
    for (const [file, position, line, count, lastUsedMs] of entries) {
      const entry = index.entryAt(file, position)
      if (entry?.line !== line) continue
      entry.used = true
      entry.hits += count
      entry.lastUsedMs = Math.max(entry.lastUsedMs, lastUsedMs)
    }
  }

  /** Starts counting from 0. */
  clear(index: Pick<RecordingIndex, 'listed'>): void {
    this.hits = 0
    this.misses = 0
    this.#unsent?.clear()
    for (const entries of index.listed()) {
      for (const entry of entries) {
        entry.hits = 0
        entry.lastUsedMs = 0
      }
    }
  }
}

/** Number of misses to keep. */
const MAX_MISSES = 100

/** A larger body is not kept, so that its request cannot be recorded later. */
export const MAX_MISS_BODY_BYTES = 1024 * 1024

/** Total size of the kept bodies. The oldest ones are evicted. */
const MAX_MISS_BYTES = 16 * 1024 * 1024

/** A miss with its id, which counts up from 1 and is never reused. */
export type KeptMiss = Miss & { readonly id: number }

/** The last misses. */
export class MissRing {
  #misses: KeptMiss[] = []
  #bodyBytes = 0
  #lastId = 0

  add(miss: Miss): void {
    const id = ++this.#lastId
    const kept = { ...miss, id }
    this.#misses.push(kept)
    this.#bodyBytes += kept.body?.length ?? 0
    if (this.#misses.length > MAX_MISSES) this.#bodyBytes -= this.#misses.shift()?.body?.length ?? 0
    for (const oldest of this.#misses) {
      if (this.#bodyBytes <= MAX_MISS_BYTES) break
      this.#bodyBytes -= oldest.body?.length ?? 0
      oldest.body = undefined
    }
  }

  /** All kept misses, newest first. */
  list(): readonly KeptMiss[] {
    return this.#misses.toReversed()
  }

  /** Removes all misses. Ids continue. */
  clear(): void {
    this.#misses = []
    this.#bodyBytes = 0
  }
}
