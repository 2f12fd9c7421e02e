import { type ServiceError, modelError } from '../../wire/errors.ts'
import { notAResponseId, notCancellable, responseNotFound } from '../../wire/responses/responses-errors.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { jsonOfModel, modelReply, refuse } from '../../pipeline/reply-headers.ts'
import { textBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { responseObject } from '../../wire/responses/response-object.ts'
import type { ResponseArchive, ResponseRecord } from './response-archive.ts'
import { faultError, under } from '../../wire/validation/fault.ts'
import { integerBetween, oneOf } from '../../wire/validation/checks.ts'
import { inputItems, type ListedItem } from './input-items.ts'

/** Answers with the stored response that the path names, at the stage that it has reached. */
export function getResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => jsonReply(currentObject(exchange, record)))
}

/** Removes the response; its id is unknown from then on, and so are its items. */
export function deleteResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => {
    const deleted = { id: record.id, object: 'response', deleted: true }
    return mapMaybe(store.delete(record), () => jsonReply(deleted))
  })
}

/** Stops a response in the background. Answers the same when it is over or stopped already. */
export function cancelResponse(exchange: Exchange, store: ResponseArchive): ReplyOrPromise {
  return withStored(exchange, store, (record) => {
    if (record.request.background !== true) return refuse(notCancellable())
    record.progress.cancel(exchange.clock.epochMs())
    return mapMaybe(store.cancel(record), () => jsonReply(currentObject(exchange, record)))
  })
}

/** Lists the input of a response, page by page. */
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
  return mapMaybe(store.get(exchange.resource, id, exchange.clock.epochMs()), (record) =>
    record ? answer(record) : refuse(responseNotFound(id)),
  )
}

function currentObject({ clock }: Exchange, record: ResponseRecord): object {
  return responseObject(record, record.progress.stageAt(clock.epochMs()))
}

function isError(page: object): page is ServiceError {
  return 'status' in page
}

function jsonReply(value: object): Reply {
  return modelReply(jsonOfModel, textBody(writeJson(value, 'pretty')))
}

/** Items of a page when the query says nothing, and at most (OpenAI's published specification). */
const DEFAULT_LIMIT = 20
const MAX_ITEMS = 100

/** One page of items. */
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
 * A page of a response's input: `limit` items from the newest on (`order=desc`) or from the oldest, after the item
 * `after`, or the last ones before the item `before`.
 */
function listItems(record: ResponseRecord, query: URLSearchParams): ItemPage | ServiceError {
  const limit = query.has('limit') ? numberOf(query.get('limit') ?? '') : DEFAULT_LIMIT
  const order = query.get('order') ?? 'desc'
  const fault = named('limit', checkLimit(limit)) ?? named('order', checkOrder(order))
  if (fault) return faultError(fault)

  const oldestFirst = inputItems(record)
  const items = order === 'asc' ? oldestFirst : oldestFirst.toReversed()
  const start = placeOf(items, query, 'after')
  const end = placeOf(items, query, 'before')
  if (typeof start === 'object') return start
  if (typeof end === 'object') return end

  const between = items.slice(start === undefined ? 0 : start + 1, end)
  // Going back, the page nearest to `before` is wanted.
  const data = end === undefined ? between.slice(0, limit as number) : between.slice(-(limit as number))
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: data.length < between.length,
  }
}

/** What is no number is reported as the text that it is. */
function numberOf(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function named(name: string, fault: ReturnType<typeof checkLimit>): typeof fault {
  return fault && under(`.${name}`, fault)
}

function placeOf(
  items: readonly ListedItem[],
  query: URLSearchParams,
  name: 'after' | 'before',
): number | undefined | ServiceError {
  const id = query.get(name)
  if (!id) return undefined
  const place = items.findIndex((item) => item.id === id)
  if (place >= 0) return place
  return modelError(`Invalid '${name}': no input item with id '${id}' found.`, name, 'invalid_value')
}
