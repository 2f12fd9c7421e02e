import type { Interaction } from './interaction.ts'

/** An interaction in the index: enough to find it, and to read the rest when it is asked for. */
export interface RecordingEntry {
  /** The path of its file; undefined for one that has not been written yet. */
  readonly file: string | undefined
  /** Of its first line, from 1. */
  readonly line: number
  /** Where its bytes stand in the file; the interaction itself where it cannot be read alone. */
  readonly source: { readonly offset: number; readonly length: number } | Interaction
  /** The key of its request, under which it was stored. */
  readonly key: string
  /** Whether a request has been answered with it. */
  used: boolean
}

/** Recordings of one request with one query, in the order of their files. */
export interface EntryList {
  entries: RecordingEntry[]
  /** Its parameters in alphabetical order, `api-version` excepted. */
  readonly query: string
  readonly apiVersion: string
}

/** Recordings of one request: those of equal key, by their query. */
export interface EntryGroup {
  readonly method: string
  readonly path: string
  /** Length of the compared body, in bytes or characters: what is near in length is most likely near in content. */
  readonly bodyLength: number
  /** Whether a recording of it has the body, and not only its MD5. */
  bodyKnown: boolean
  readonly lists: EntryList[]
}

/** Where an entry stands, for messages. */
export function placeOf({ file, line }: RecordingEntry): string {
  return file === undefined ? 'recorded since the start' : `${file}:${line}`
}
