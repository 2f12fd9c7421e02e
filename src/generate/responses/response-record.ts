import type { HarmCategory } from '../../wire/content-filters.ts'
import type { Model } from '../../wire/models/models.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import { countResponsesInput } from '../../wire/responses/responses-tokens.ts'
import type { Usage, FinishReason } from '../../answer/completion.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import type { OutputItem } from './output-items.ts'
import type { ResponseProgress } from './response-progress.ts'

/** A response with everything that it is made of, as the store keeps it. */
export interface ResponseRecord {
  readonly resource: string
  readonly id: string
  /** Where the ids of what has none yet come from. */
  readonly ids: Pick<ResponseIds, 'next'>
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** The name that the client called the model by, and reads back in `model`. */
  readonly deployment: string
  readonly model: Model
  readonly request: ResponsesRequest
  /** The input of this turn, its references resolved. */
  readonly items: readonly ResponsesItem[]
  /** Tokens of all turns before this one. */
  readonly historyTokens: number
  readonly output: readonly OutputItem[]
  readonly finishReason: FinishReason
  /** What the content filter found in the answer. */
  readonly found?: HarmCategory
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
