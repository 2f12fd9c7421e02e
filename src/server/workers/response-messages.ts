import type { RecordJson } from '../../generate/responses/input-items.ts'
import type { ProgressState } from '../../generate/responses/response-progress.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'

/** Which response, or which item, is meant. */
export type ResponsePlace = readonly [resource: string, id: string]

/** What a worker asks the store of the primary. */
export type ResponseMethods = {
  'responses.add': (record: RecordJson) => void | Promise<void>
  'responses.get': (place: ResponsePlace) => RecordJson | null | Promise<RecordJson | null>
  'responses.item': (place: ResponsePlace) => ResponsesItem | null | Promise<ResponsesItem | null>
  'responses.update': (told: readonly [place: ResponsePlace, progress: ProgressState]) => void | Promise<void>
  'responses.delete': (place: ResponsePlace) => void | Promise<void>
}
