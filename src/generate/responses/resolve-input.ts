import type { MaybePromise } from '../../lib/port.ts'
import type { ServiceError } from '../../wire/errors.ts'
import { isMessage, isReference, type ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import {
  itemNotFound,
  previousResponseNotFound,
  toolCallMissing,
  toolOutputMissing,
} from '../../wire/responses/responses-errors.ts'
import { mapMaybe } from '../../pipeline/stage.ts'
import type { OutputItem } from '../../wire/responses/output-items.ts'
import type { ResponseArchive } from './response-archive.ts'
import { conversationTokens, type ResponseRecord } from './response-record.ts'

/** What a request stands on: its own items, and the conversation before them. */
export interface ResolvedInput {
  readonly items: readonly ResponsesItem[]
  /** Tokens of the conversation before. */
  readonly historyTokens: number
}

/** Puts stored items in the place of references, and finds the conversation that the request goes on with. */
export function resolveInput(
  request: ResponsesRequest,
  store: ResponseArchive,
  resource: string,
  nowMs: number,
): MaybePromise<ResolvedInput | ServiceError> {
  const { input, previous_response_id: previousId } = request
  const found = previousId ? store.get(resource, previousId, nowMs) : undefined
  return mapMaybe(found, (previous) => {
    if (previousId && !previous) return previousResponseNotFound(previousId)
    const asked = typeof input === 'string' ? [userMessage(input)] : input
    return mapMaybe(storedItems(asked, store, resource, nowMs), (items) => {
      if (!Array.isArray(items)) return items
      const broken = brokenCalls(items, previous ? seenOutput(previous, nowMs) : [])
      if (broken) return broken
      return { items, historyTokens: previous ? conversationTokens(previous) : 0 }
    })
  })
}

/** The items with those of the store in the place of references. */
function storedItems(
  asked: readonly ResponsesItem[],
  store: ResponseArchive,
  resource: string,
  nowMs: number,
): MaybePromise<ResponsesItem[] | ServiceError> {
  const found = asked.map((item) => (needsStore(item) ? store.findItem(resource, item.id, nowMs) : item))
  const check = (known: readonly (ResponsesItem | undefined)[]): ResponsesItem[] | ServiceError => {
    const missing = known.findIndex((item) => !item)
    return missing < 0 ? (known as ResponsesItem[]) : itemNotFound(asked[missing]?.id ?? '')
  }
  return found.some((item) => item instanceof Promise)
    ? Promise.all(found.map((item) => Promise.resolve(item))).then(check)
    : check(found as (ResponsesItem | undefined)[])
}

function userMessage(text: string): ResponsesItem {
  return { type: 'message', role: 'user', content: text }
}

/** Thought comes back by its id alone, unless the client has it in encrypted form. */
function needsStore(item: ResponsesItem): item is ResponsesItem & { readonly id: string } {
  if (typeof item.id !== 'string') return false
  if (isReference(item)) return true
  return !isMessage(item) && item.type === 'reasoning' && !item.encrypted_content
}

/** What a client has seen of an answer: nothing, while it is not over. */
function seenOutput({ output, progress }: ResponseRecord, nowMs: number): readonly OutputItem[] {
  return progress.stageAt(nowMs) === 'ended' ? output : []
}

/** Every call needs its output and every output its call; calls are those of the input, and of the answer before. */
function brokenCalls(
  items: readonly ResponsesItem[],
  before: readonly OutputItem[],
): ServiceError | undefined {
  const called = new Set<string>()
  const answered = new Set<string>()
  for (const item of [...before, ...items]) {
    if (isMessage(item) || isReference(item)) continue
    if (item.type === 'function_call' || item.type === 'custom_tool_call') called.add(item.call_id)
    else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output') {
      if (!called.has(item.call_id)) return toolCallMissing(item.call_id)
      answered.add(item.call_id)
    }
  }
  for (const callId of called) if (!answered.has(callId)) return toolOutputMissing(callId)
  return undefined
}
