import type { MaybePromise, Codec, Port } from '../../lib/port.ts'
import { sharedIdPart, type ResponseIds } from '../../wire/responses/response-ids.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import { recordFromJson, type RecordJson, recordToJson } from './input-items.ts'
import { type ProgressState, ResponseProgress } from './stream-response.ts'
import type { Model } from '../../wire/models/models.ts'
import { countResponsesInput } from '../../wire/responses/responses-request.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import type { AnsweredResponse, OutputItem } from '../../wire/responses/response-object.ts'
import type { Usage } from '../../answer/completion.ts'

/** Which response is meant. */
export type ResponseAddress = Pick<ResponseRecord, 'resource' | 'id'>

/** How far a response is. */
export type ResponseUpdate = ResponseAddress & Pick<ResponseRecord, 'progress'>

/** A response that is kept. */
export interface AddedResponse<Lease> {
  /** Held until the end of a response that its client waits for; absent for others. */
  readonly lease?: Lease | undefined
}

/**
 * Keeps responses so that they can be read again, continued and cancelled: in this process, or at a place that many processes
 * share. What is known at once is given without a promise. Times are milliseconds since 1970.
 */
export interface ResponseArchive<Lease = unknown> {
  /** Keeps a response; whoever asks for it when that is done finds it. */
  add(record: ResponseRecord): MaybePromise<AddedResponse<Lease>>
  /** The response of this id; undefined where there is none. */
  get(resource: string, id: string, nowMs: number): MaybePromise<ResponseRecord | undefined>
  /** An item of the input or of the output of any response that is kept. */
  findItem(resource: string, id: string, nowMs: number): MaybePromise<ResponsesItem | undefined>
  /** Takes over the end of a response; whoever asks for it after that, wherever, finds it ended. */
  finish(lease: Lease, update: ResponseUpdate): MaybePromise<void>
  /** Takes over how far a response is. */
  update(update: ResponseUpdate): MaybePromise<void>
  /** Takes over that a response is cancelled. */
  cancel(update: ResponseUpdate): MaybePromise<void>
  /** Removes a response. */
  delete(address: ResponseAddress): MaybePromise<void>
  /** Removes all of them that are kept in this process. */
  clear?(): void
}

/** Responses whose end one process owes; a fault may have taken the place of an answer, whose end then never comes. */
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
  // What was being sent never comes to be, as when a client leaves.
  releaseLease: (archive, address) => archive.delete(address),
}

/** An item leads to its response. */
function nameOf(resource: string, id: string): string {
  return `${resource}/${sharedIdPart(id) ?? id}`
}

/** A response with everything that it is made of, as the store keeps it. */
export interface ResponseRecord extends AnsweredResponse {
  readonly resource: string
  /** Where the ids of what has none yet come from. */
  readonly ids: Pick<ResponseIds, 'next'>
  readonly model: Model
  /** Tokens of all turns before this one. */
  readonly historyTokens: number
  readonly output: readonly OutputItem[]
  readonly usage: Usage
  readonly progress: ResponseProgress
  /** Room that it takes in the store, in bytes, roughly. */
  readonly weight: number
}

/**
 * The tokens of a conversation up to the end of a response: what the next turn reads again. Instructions are not part
 * of it, since each turn brings its own.
 */
export function conversationTokens({ historyTokens, items, output, model }: ResponseRecord): number {
  const encoding = loadEncoding(model.encoding)
  const count = (input: readonly ResponsesItem[]): number => countResponsesInput({ input }, model, encoding)
  return historyTokens + count([...items, ...output]) - count([])
}
