import type { Conversation } from './conversation.ts'

/** Headers as they were sent: in order, names in any case and possibly repeated. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** A `bodyHash` of a request without a body that matches every body: the tool did not store it. */
export const anyBody = '*'

/** A request as it was recorded. */
export interface RecordedRequest {
  readonly method: string
  /** The address with its query: `https://my-resource.openai.azure.com/openai/...?api-version=...`. */
  readonly uri: string
  readonly headers: HeaderPairs
  /** The bytes of the body; undefined if there was none or it was not recorded. */
  readonly body: Uint8Array | undefined
  /** Hexadecimal MD5 of the body (`bodyHash`), or `anyBody`; undefined if the recording has none. */
  readonly bodyHash: string | undefined
}

/** An event of a recorded stream. */
export interface RecordedEvent {
  /** When it arrived, in milliseconds from the start of the request. */
  readonly atMs: number
  /** Its text as it was sent, including the framing: `data: {...}\n\n`. */
  readonly text: string
}

/** A part of a body. */
export interface BodyPiece {
  /** When it arrived, in milliseconds from the start of the request. */
  readonly atMs: number
  /** In bytes. */
  readonly length: number
}

/** A recorded body: its bytes, or the events of a stream, which are its bytes when joined. */
export type RecordedBody =
  | {
      readonly kind: 'bytes'
      readonly bytes: Uint8Array
      /** How a text arrived over time, in order; undefined if it arrived as a whole. */
      readonly pieces?: readonly BodyPiece[]
    }
  | { readonly kind: 'events'; readonly events: readonly RecordedEvent[] }

/** A response as it was recorded. */
export interface RecordedResponse {
  readonly status: { readonly code: number; readonly message: string | undefined }
  readonly headers: HeaderPairs
  /** As it was sent: still encoded if there is a `content-encoding`. */
  readonly body: RecordedBody
  /** From the start of the request to the end of the answer; undefined if it was not recorded. */
  readonly durationMs: number | undefined
}

/** A request and its answer. */
export interface Interaction {
  readonly request: RecordedRequest
  readonly response: RecordedResponse
  /** JSON values that the simulator or an extension added to the interaction. */
  readonly contextValues: Readonly<Record<string, unknown>>
}

/** The first value of a header, matched without case. @param name in lower case */
export function headerOf(headers: HeaderPairs, name: string): string | undefined {
  return headers.find(([other]) => other.toLowerCase() === name)?.[1]
}

/** An interaction in the index: enough to find it and to read it when it is requested. */
export interface RecordingEntry {
  /** The path of its file; undefined if it was recorded since the start and is not indexed by file yet. */
  readonly file: string | undefined
  /** The number of its first line, from 1. */
  readonly line: number
  /** The position of its bytes in the file; the interaction itself if it cannot be read alone. */
  readonly source: { readonly offset: number; readonly length: number } | Interaction
  /** The place among recordings of the same request, before the order of files: `context_values.replay_order`, or 0. */
  readonly order: number
  /** The match key of its request. */
  readonly key: string
  /** The key of its request without normalizers; undefined without MATCH_NORMALIZE. */
  readonly exactKey?: string | undefined
  readonly method: string
  /** Without host and query. */
  readonly path: string
  /** Status of its answer. */
  readonly status: number
  /** Whether its answer is an event stream. */
  readonly streamed: boolean
  /** `model` of its body; undefined without one. */
  readonly model: string | undefined
  /** Whether a request has been answered with it since the start. */
  used: boolean
  /** How many requests were answered with it since the start, or since the counts were reset. */
  hits: number
  /** When the last one was answered, in milliseconds since 1970; 0 without one. */
  lastUsedMs: number
  /** Its number among the interactions of its file, from 0. */
  position: number
  /** Where the recorder has written it; undefined for an interaction of a file that was read. */
  readonly written?: WrittenTo | undefined
  /** Whether its file was read since it was recorded, so that another entry replaces it. */
  isReplaced: boolean
}

/** Where an interaction is. */
export interface WrittenTo {
  /** The path of its file; undefined while it is in memory only. */
  file: string | undefined
}

/** Recordings of one request with one query, in the order in which they are replayed. */
export interface EntryList {
  entries: RecordingEntry[]
  /** Its parameters in alphabetical order, without `api-version`. */
  readonly query: string
  readonly apiVersion: string
  /** The exact key of all entries; undefined if they are all recordings with the same match key. */
  readonly exactKey?: string
}

/** Recordings with equal match keys, by query. */
export interface EntryGroup {
  readonly method: string
  readonly path: string
  /** Length of the body in bytes. Bodies of similar length are likely to be similar. */
  readonly bodyLength: number
  /** Whether one of the recordings has the body, and not only its MD5. */
  hasBody: boolean
  /** The messages of the request; undefined without MATCH_CONVERSATION=prefix, or without messages. */
  readonly conversation: Conversation | undefined
  readonly lists: EntryList[]
}

/** The location of an entry, for messages: `recordings/chat.yaml:12`. */
export function locationOf({ file, line }: RecordingEntry): string {
  return file === undefined ? 'recorded since the start' : `${file}:${line}`
}
