import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import { inputItems } from './input-items.ts'
import { type ProgressState, ResponseProgress } from './response-progress.ts'
import type { ResponseRecord } from './response-record.ts'

/** A stored response as JSON can carry it to another process. */
export interface RecordJson extends Omit<ResponseRecord, 'ids' | 'progress'> {
  /** Of the items of the input that came without one, in their order. */
  readonly inputIds: readonly string[]
  readonly progress: ProgressState
}

/**
 * Prepares a record for another process. Its input is given its ids now, so that they are the same everywhere, and the request
 * goes without it: `items` has what is known of it.
 */
export function recordToJson(record: ResponseRecord): RecordJson {
  const { ids: _, progress, request, ...same } = record
  const listed = inputItems(record)
  const inputIds = record.items.flatMap((item, index) =>
    item.id === undefined ? [listed[index]?.id ?? ''] : [],
  )
  return { ...same, request: { ...request, input: [] }, inputIds, progress: progress.state }
}

/** Makes a record of what another process has sent. */
export function recordFromJson({ inputIds, progress, ...same }: RecordJson): ResponseRecord {
  return { ...same, ids: idsInTurn(inputIds), progress: ResponseProgress.of(progress) }
}

/** Nobody asks for more ids than the input lacks. */
function idsInTurn(ids: readonly string[]): Pick<ResponseIds, 'next'> {
  let turn = 0
  return { next: () => ids[turn++] ?? '' }
}
