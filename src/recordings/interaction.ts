/** Headers as they were sent: names in any case, in order; a name may stand several times. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** A request as it was recorded. */
export interface RecordedRequest {
  readonly method: string
  /** The whole address, query included: `https://my-resource.openai.azure.com/openai/...?api-version=...`. */
  readonly uri: string
  readonly headers: HeaderPairs
  /** The bytes of the body; undefined where the recording does not hold it, or there was none. */
  readonly body: Uint8Array | undefined
  /** MD5 of the body in hexadecimal, as `bodyHash` makes it; undefined where the recording has none. */
  readonly bodyHash: string | undefined
}

/** A part of a recorded stream. */
export interface RecordedEvent {
  /** When it came, in milliseconds from the start of the request. */
  readonly atMs: number
  /** Its text as it stood on the wire, framing included: `data: {...}\n\n`. */
  readonly text: string
}

/** A recorded body: its bytes, or a stream's events, which joined are its bytes. */
export type RecordedBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'events'; readonly events: readonly RecordedEvent[] }

/** A response as it was recorded. */
export interface RecordedResponse {
  readonly status: { readonly code: number; readonly message: string | undefined }
  readonly headers: HeaderPairs
  /** As it came: still encoded where there is a `content-encoding`. */
  readonly body: RecordedBody
  /** From the start of the request to the end of the answer; undefined where it was not recorded. */
  readonly durationMs: number | undefined
}

/** A request and its answer. */
export interface Interaction {
  readonly request: RecordedRequest
  readonly response: RecordedResponse
  /** What the simulator, or an extension, noted about the interaction; what JSON can hold. */
  readonly contextValues: Readonly<Record<string, unknown>>
}

/** The first value of a header, found in any case. */
export function headerOf(headers: HeaderPairs, name: string): string | undefined {
  return headers.find(([other]) => other.toLowerCase() === name)?.[1]
}

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
