import { modelError, type ServiceError } from '../../wire/errors.ts'
import { faultError, under } from '../../wire/validation/fault.ts'
import { integerBetween, oneOf } from '../../wire/validation/checks.ts'
import { inputItems, type ListedItem } from './input-items.ts'
import type { ResponseRecord } from './response-record.ts'

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
export function listItems(record: ResponseRecord, query: URLSearchParams): ItemPage | ServiceError {
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
