import type { Model } from '../../wire/models/models.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import { countResponsesInput } from '../../wire/responses/responses-tokens.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import type { AnsweredResponse } from '../../wire/responses/response-object.ts'
import type { OutputItem } from '../../wire/responses/output-items.ts'
import type { Usage } from '../../answer/completion.ts'
import type { ResponseProgress } from './response-progress.ts'

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
