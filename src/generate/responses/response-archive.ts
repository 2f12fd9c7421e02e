import type { MaybePromise, Codec, Port } from '../../lib/port.ts'
import { sharedIdPart, type ResponseIds } from '../../wire/responses/response-ids.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import {
  type ConversationTools,
  recordFromJson,
  type RecordJson,
  recordToJson,
  type StoredItem,
} from './input-items.ts'
import { type ProgressState, ResponseProgress } from './stream-response.ts'
import type { Model } from '../../wire/models/models.ts'
import { countResponsesInput } from '../../wire/responses/responses-request.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import type { HostedOutput } from '../../wire/responses/hosted-output.ts'
import type { AnsweredResponse, OutputItem } from '../../wire/responses/response-object.ts'
import type { Usage } from '../../answer/completion.ts'

/** Identifies a response. */
export type ResponseAddress = Pick<ResponseRecord, 'resource' | 'id'>

/** Progress of a response. */
export type ResponseUpdate = ResponseAddress & Pick<ResponseRecord, 'progress'>

/** Result of adding a response. */
export interface AddedResponse<Lease> {
  /** Held until a response in the foreground ends; absent for others. */
  readonly lease?: Lease | undefined
}

/**
 * Stores responses so that they can be read, continued and cancelled, in this process or shared by many processes.
 * Results that are available immediately are returned without a promise. Times are milliseconds since 1970.
 */
export interface ResponseArchive<Lease = unknown> {
  /** Stores a response. It can be found when this completes. */
  add(record: ResponseRecord): MaybePromise<AddedResponse<Lease>>
  /** Returns the response with this id, or undefined. */
  get(resource: string, id: string, nowMs: number): MaybePromise<ResponseRecord | undefined>
  /** Returns an input or output item of any stored response, or undefined. */
  findItem(resource: string, id: string, nowMs: number): MaybePromise<StoredItem | undefined>
  /** Marks a response as ended. Every process sees the end afterwards. */
  finish(lease: Lease, update: ResponseUpdate): MaybePromise<void>
  /** Updates the progress of a response. */
  update(update: ResponseUpdate): MaybePromise<void>
  /** Marks a response as cancelled. */
  cancel(update: ResponseUpdate): MaybePromise<void>
  /** Deletes a response. */
  delete(address: ResponseAddress): MaybePromise<void>
  /** Deletes all responses that are stored in this process. */
  clear?(): void
  /** Deletes the responses that this process stores of other resources than these identities. */
  retainResources?(ids: ReadonlySet<string>): void
}

/**
 * Maximum responses of one process that have not ended. A fault can replace an answer, so that its end never comes.
 */
const MAX_UNFINISHED = 10_000

const recordCodec: Codec<[ResponseRecord]> = {
  encode: ([record]) => recordToJson(record),
  decode: (json: RecordJson) => [recordFromJson(json)],
}

const foundCodec: Codec<ResponseRecord | undefined> = {
  encode: (record) => record && recordToJson(record),
  decode: (json: RecordJson | undefined) => json && recordFromJson(json),
}

type SentUpdate = readonly [resource: string, id: string, progress: ProgressState]

const sentUpdate = ({ resource, id, progress }: ResponseUpdate): SentUpdate => [resource, id, progress.state]
const receivedUpdate = ([resource, id, state]: SentUpdate): ResponseUpdate => ({
  resource,
  id,
  progress: ResponseProgress.of(state),
})

const updateCodec: Codec<[ResponseUpdate]> = {
  encode: ([update]) => sentUpdate(update),
  decode: (json: SentUpdate) => [receivedUpdate(json)],
}

export const responseArchivePort: Port<ResponseArchive<ResponseAddress>, ResponseAddress> = {
  name: 'responses',
  maxLeases: MAX_UNFINISHED,
  methods: {
    add: {
      kind: 'request',
      lease: 'opens',
      args: recordCodec,
      leaseKey: (record) =>
        record.progress.state.background ? undefined : nameOf(record.resource, record.id),
    },
    get: { kind: 'request', waitsForKey: nameOf, answer: foundCodec },
    findItem: { kind: 'request', waitsForKey: nameOf },
    finish: {
      kind: 'notification',
      lease: 'ends',
      args: {
        encode: ([lease, update]) => [lease, sentUpdate(update)],
        decode: ([lease, json]: [ResponseAddress, SentUpdate]) => [lease, receivedUpdate(json)],
      },
    },
    update: { kind: 'notification', args: updateCodec },
    cancel: { kind: 'request', args: updateCodec },
    delete: {
      kind: 'request',
      args: {
        encode: ([{ resource, id }]) => ({ resource, id }),
        decode: (address: ResponseAddress) => [address],
      },
    },
  },
  // Treat the response as aborted, as if the client had disconnected.
  releaseLease: (archive, address) => archive.delete(address),
}

/** An item has the name of its response. */
function nameOf(resource: string, id: string): string {
  return `${resource}/${sharedIdPart(id) ?? id}`
}

/** The parts of an output item in a stream that the item itself does not contain. */
export interface WrittenParts {
  /** Characters of each token of its text. */
  readonly lengths: readonly number[]
  /** Base64 of the partial images. */
  readonly partialImages?: readonly string[]
}

/** A response with all its data, as stored. */
export interface ResponseRecord extends AnsweredResponse {
  /** Identity of the resource (`ResourceConfig.id`). */
  readonly resource: string
  /** Source of ids for input items without one. */
  readonly ids: Pick<ResponseIds, 'next'>
  readonly model: Model
  /** Tokens of the conversation before this response. */
  readonly historyTokens: number
  /** The calls since the last message of the user, including those of this response. */
  readonly toolHistory: ConversationTools
  readonly output: readonly (OutputItem | HostedOutput)[]
  /** How each output item was written, to stream the response again with the same events. Absent in records of older versions. */
  readonly written?: readonly WrittenParts[]
  readonly usage: Usage
  readonly progress: ResponseProgress
  /** Estimated size in the store, in bytes. */
  readonly weight: number
}

/**
 * Returns the tokens of a conversation up to the end of a response, which the next request reads again. Instructions
 * are not included, because each request has its own.
 */
export function conversationTokens({ historyTokens, items, output, model }: ResponseRecord): number {
  const encoding = loadEncoding(model.encoding)
  const count = (input: readonly ResponsesItem[]): number => countResponsesInput({ input }, model, encoding)
  // A summary in the output replaces what is before it.
  const isCompacted = output.some(({ type }) => type === 'compaction')
  if (isCompacted) return count(output) - count([])
  return historyTokens + count([...items, ...output]) - count([])
}
