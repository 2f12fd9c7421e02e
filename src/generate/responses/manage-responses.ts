import { type ServiceError, modelError } from '../../wire/errors.ts'
import { notAResponseId, notCancellable, responseNotFound } from '../../wire/responses/responses-errors.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { jsonOfModel, modelReply, refuse } from '../../pipeline/reply-headers.ts'
import { textBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { isModelOutput } from '../../wire/responses/hosted-output.ts'
import { responseObject } from '../../wire/responses/response-object.ts'
import type { ResponseArchive, ResponseRecord } from './response-archive.ts'
import { faultError } from '../../wire/validation/fault.ts'
import { integerBetween, oneOf } from '../../wire/validation/checks.ts'
import { includesAreSupported } from '../../wire/validation/model-rules.ts'
import { createRandom } from '../../lib/random.ts'
import { drawEncrypted } from './draw-items.ts'
import { inputItems, type ListedItem } from './input-items.ts'
import { named, numberOf, readResumeQuery, resumeResponse } from './resume-response.ts'

/** Returns the stored response of the URL: its current state, or its events with `stream=true`. */
export function getResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  const query = new URLSearchParams(exchange.query)
  const resume = readResumeQuery(query)
  if (resume && isError(resume)) return refuse(resume)
  const include = [...query.getAll('include[]'), ...query.getAll('include')]
  return withStored(exchange, store, (stored) => {
    const fault = includesAreSupported({ include }, stored.model)
    if (fault) return refuse(faultError(fault))
    const record = withIncluded(stored, include)
    if (!resume) return jsonReply(currentObject(exchange, record))
    // A response in the foreground is not stored before its end (azure-ai-agentserver, contract of the Azure AI Responses API).
    const isRunning = record.progress.stageAt(exchange.clock.epochMs()) === 'in_progress'
    if (isRunning && record.request.background !== true) return refuse(responseNotFound(record.id))
    return resumeResponse(exchange, record, resume)
  })
}

/** Adds the encrypted reasoning that the request of the response did not include. Each read returns the same text. */
function withIncluded(record: ResponseRecord, include: readonly string[]): ResponseRecord {
  if (!include.includes('reasoning.encrypted_content')) return record
  const output = record.output.map((item) => {
    if (!isModelOutput(item) || item.type !== 'reasoning' || item.encrypted_content !== undefined) return item
    const { id, type, ...rest } = item
    const encrypted = drawEncrypted(createRandom(id), record.usage.reasoningTokens, record.resource)
    return { id, type, encrypted_content: encrypted, ...rest }
  })
  return { ...record, output }
}

/** Deletes the response. Its id and its items are unknown afterwards. */
export function deleteResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => {
    const deleted = { id: record.id, object: 'response', deleted: true }
    return mapMaybe(store.delete(record), () => jsonReply(deleted))
  })
}

/** Cancels a background response. Returns the same if it has ended or was cancelled. */
export function cancelResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => {
    if (record.request.background !== true) return refuse(notCancellable())
    record.progress.cancel(exchange.clock.epochMs())
    return mapMaybe(store.cancel(record), () => jsonReply(currentObject(exchange, record)))
  })
}

/** Lists the input items of a response in pages. */
export function listInputItems(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => {
    const page = listItems(record, new URLSearchParams(exchange.query))
    return isError(page) ? refuse(page) : jsonReply(page)
  })
}

function withStored(
  exchange: Exchange,
  store: ResponseArchive,
  answer: (record: ResponseRecord) => ReplyOrPromise,
): ReplyOrPromise {
  const id = exchange.route?.id ?? ''
  if (!id.startsWith('resp')) return refuse(notAResponseId(id, 'response_id'))
  return mapMaybe(store.get(exchange.config.id, id, exchange.clock.epochMs()), (record) =>
    record ? answer(record) : refuse(responseNotFound(id)),
  )
}

function currentObject({ clock }: Exchange, record: ResponseRecord): object {
  return responseObject(record, record.progress.stageAt(clock.epochMs()))
}

function isError(value: object): value is ServiceError {
  return 'status' in value
}

function jsonReply(value: object): Reply {
  return modelReply(jsonOfModel, textBody(writeJson(value, 'pretty')))
}

/** Default and maximum items per page (OpenAI's published specification). */
const DEFAULT_LIMIT = 20
const MAX_ITEMS = 100

/** A page of input items. */
export interface ItemPage {
  readonly object: 'list'
  readonly data: readonly ListedItem[]
  readonly first_id: string | null
  readonly last_id: string | null
  readonly has_more: boolean
}

const checkLimit = integerBetween(1, MAX_ITEMS)
const checkOrder = oneOf('asc', 'desc')

/**
 * Returns a page of `limit` input items, newest first (`order=desc`) or oldest first, after the item `after`, or the
 * last ones before the item `before`.
 */
function listItems(record: ResponseRecord, query: URLSearchParams): ItemPage | ServiceError {
  const limit = query.has('limit') ? numberOf(query.get('limit') ?? '') : DEFAULT_LIMIT
  const order = query.get('order') ?? 'desc'
  const fault = named('limit', checkLimit, limit) ?? named('order', checkOrder, order)
  if (fault) return faultError(fault)

  const oldestFirst = inputItems(record)
  const items = order === 'asc' ? oldestFirst : oldestFirst.toReversed()
  const start = itemIndex(items, query, 'after')
  const end = itemIndex(items, query, 'before')
  if (typeof start === 'object') return start
  if (typeof end === 'object') return end

  const between = items.slice(start === undefined ? 0 : start + 1, end)
  // Backward paging returns the items directly before `before`.
  const data = end === undefined ? between.slice(0, limit as number) : between.slice(-(limit as number))
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: data.length < between.length,
  }
}

function itemIndex(
  items: readonly ListedItem[],
  query: URLSearchParams,
  name: 'after' | 'before',
): number | undefined | ServiceError {
  const id = query.get(name)
  if (!id) return undefined
  const index = items.findIndex((item) => item.id === id)
  if (index >= 0) return index
  return modelError(`Invalid '${name}': no input item with id '${id}' found.`, name, 'invalid_value')
}
