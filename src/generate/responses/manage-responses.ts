import type { ServiceError } from '../../wire/errors.ts'
import { notAResponseId, notCancellable, responseNotFound } from '../../wire/responses/responses-errors.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { jsonOfModel, modelReply, refuse } from '../../pipeline/reply-headers.ts'
import { textBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { listItems } from './list-items.ts'
import { responseObject } from '../../wire/responses/response-object.ts'
import type { ResponseArchive } from './response-archive.ts'
import type { ResponseRecord } from './response-record.ts'

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
