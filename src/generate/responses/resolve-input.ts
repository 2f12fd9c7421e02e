import type { MaybePromise } from '../../lib/port.ts'
import type { ServiceError } from '../../wire/errors.ts'
import {
  itemNotFound,
  previousResponseNotFound,
  toolCallMissing,
  toolOutputMissing,
} from '../../wire/responses/responses-errors.ts'
import { isMessage, isReference, type ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import { mapMaybe } from '../../pipeline/stage.ts'
import { type ConversationTools, toolHistoryOf } from './input-items.ts'
import { conversationTokens, type ResponseArchive, type ResponseRecord } from './response-archive.ts'

/** The input items of a request and the size of the conversation before them. */
export interface ResolvedInput {
  readonly items: readonly ResponsesItem[]
  /** Tokens of the conversation before the input. */
  readonly historyTokens: number
  /** The previous response; absent without one. */
  readonly previous?: ResponseRecord | undefined
  /** Output of the previous response that the client has received. */
  readonly previousOutput: ResponseRecord['output']
  readonly toolHistory: ConversationTools
}

/** Replaces references with stored items, and finds the previous response. */
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
    const requested = typeof input === 'string' ? [userMessage(input)] : input
    return mapMaybe(storedItems(requested, store, resource, nowMs), (items) => {
      if (!Array.isArray(items)) return items
      const previousOutput = previous ? receivedOutput(previous, nowMs) : []
      const broken = checkCalls(items, previousOutput)
      if (broken) return broken
      return {
        items,
        historyTokens: previous ? conversationTokens(previous) : 0,
        previous,
        previousOutput,
        toolHistory: toolHistoryOf(items, previous?.toolHistory),
      }
    })
  })
}

/** Replaces references with stored items. */
function storedItems(
  requested: readonly ResponsesItem[],
  store: ResponseArchive,
  resource: string,
  nowMs: number,
): MaybePromise<ResponsesItem[] | ServiceError> {
  const found = requested.map((item) => (needsStore(item) ? store.findItem(resource, item.id, nowMs) : item))
  const check = (known: readonly (ResponsesItem | undefined)[]): ResponsesItem[] | ServiceError => {
    const missing = known.findIndex((item) => !item)
    return missing < 0 ? (known as ResponsesItem[]) : itemNotFound(requested[missing]?.id ?? '')
  }
  return found.some((item) => item instanceof Promise)
    ? Promise.all(found.map((item) => Promise.resolve(item))).then(check)
    : check(found as (ResponsesItem | undefined)[])
}

function userMessage(text: string): ResponsesItem {
  return { type: 'message', role: 'user', content: text }
}

/** Reasoning items are referenced by id only, unless the client sends them encrypted. */
function needsStore(item: ResponsesItem): item is ResponsesItem & { readonly id: string } {
  if (typeof item.id !== 'string') return false
  if (isReference(item)) return true
  return !isMessage(item) && item.type === 'reasoning' && !item.encrypted_content
}

/** Output that the client has received: none until the response has ended. */
function receivedOutput({ output, progress }: ResponseRecord, nowMs: number): ResponseRecord['output'] {
  return progress.stageAt(nowMs) === 'ended' ? output : []
}

/**
 * Checks that every call has an output and every output has a call. Calls are in the input or in the previous
 * response.
 */
function checkCalls(
  items: readonly ResponsesItem[],
  previousOutput: ResponseRecord['output'],
): ServiceError | undefined {
  const called = new Set<string>()
  const answered = new Set<string>()
  for (const item of [...previousOutput, ...items]) {
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
