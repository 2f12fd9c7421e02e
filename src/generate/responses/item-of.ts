import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import { inputItems } from './input-items.ts'
import type { ResponseRecord } from './response-record.ts'

/** The item of the output or of the input of a response that has this id. */
export function itemOf(record: ResponseRecord, id: string): ResponsesItem | undefined {
  return record.output.find((item) => item.id === id) ?? inputItems(record).find((item) => item.id === id)
}
