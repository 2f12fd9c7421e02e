import type { MaybePromise } from '../../lib/port.ts'
import type { ServiceError } from '../../wire/errors.ts'
import { contentOrigin } from '../../wire/responses/encrypted-content.ts'
import {
  duplicateItem,
  encryptedContentInvalid,
  itemNotFound,
  itemOfOtherResource,
  previousResponseNotFound,
  reasoningMissing,
  reasoningNotAccepted,
  reasoningWithoutItem,
  toolCallMissing,
  toolOutputMissing,
} from '../../wire/responses/responses-errors.ts'
import { isMessage, isReference, type ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import { mapMaybe } from '../../pipeline/stage.ts'
import { type ConversationTools, toolHistoryOf, type StoredItem } from './input-items.ts'
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

/** Where items of an input are looked up, and how they are checked. */
export interface InputContext {
  readonly store: ResponseArchive
  /** Identity of the resource (`ResourceConfig.id`). */
  readonly resource: string
  readonly nowMs: number
  /** Whether encrypted content must have been issued by this resource. */
  readonly checksEncryptedContent: boolean
  /** Whether the model accepts reasoning of earlier answers. */
  readonly acceptsReasoning: boolean
}

/**
 * Replaces references with stored items, and finds the previous response. Checks what the service knows of the items: their ids, the
 * origin of encrypted content, whether the model accepts reasoning, reasoning with the items that it belongs to, and calls with their outputs.
 */
export function resolveInput(
  request: ResponsesRequest,
  context: InputContext,
): MaybePromise<ResolvedInput | ServiceError> {
  const { input, previous_response_id: previousId } = request
  const { store, resource, nowMs } = context
  const found = previousId ? store.get(resource, previousId, nowMs) : undefined
  return mapMaybe(found, (previous) => {
    if (previousId && !previous) return previousResponseNotFound(previousId)
    const earlier = previous ? receivedOutput(previous, nowMs) : []
    const requested = typeof input === 'string' ? [userMessage(input)] : input
    const duplicate = duplicateId(requested, earlier)
    if (duplicate !== undefined) return duplicateItem(duplicate)
    return mapMaybe(lookUp(requested, context), (entries) => {
      const items = entries.map(({ item }) => item)
      const broken =
        checkEntries(entries, context) ??
        (context.acceptsReasoning ? undefined : refuseReasoning(items, earlier)) ??
        checkReasoning(entries)
      if (broken) return broken
      return (
        checkCalls(items, earlier) ?? {
          items,
          historyTokens: previous ? conversationTokens(previous) : 0,
          previous,
          previousOutput: earlier,
          toolHistory: toolHistoryOf(items, previous?.toolHistory),
        }
      )
    })
  })
}

function userMessage(text: string): ResponsesItem {
  return { type: 'message', role: 'user', content: text }
}

/** Output that the client has received: none until the response has ended. */
function receivedOutput({ output, progress }: ResponseRecord, nowMs: number): ResponseRecord['output'] {
  return progress.stageAt(nowMs) === 'ended' ? output : []
}

/** Returns an id that the input has twice, or that is also in the output of the previous response. */
function duplicateId(
  requested: readonly ResponsesItem[],
  earlier: ResponseRecord['output'],
): string | undefined {
  const seen = new Set<string>(earlier.map(({ id }) => id))
  for (const { id } of requested) {
    if (typeof id !== 'string' || id === '') continue
    if (seen.has(id)) return id
    seen.add(id)
  }
  return undefined
}

/** An item of the input. */
interface Entry {
  /** The item itself, or the stored one instead of a reference. */
  readonly item: ResponsesItem
  /** Set if a response with this item is stored. */
  readonly stored?: StoredItem | undefined
  /** Whether the client has sent only the id of the item. */
  readonly isById: boolean
}

/** Looks up the items that have an id. */
function lookUp(
  requested: readonly ResponsesItem[],
  { store, resource, nowMs }: InputContext,
): MaybePromise<readonly Entry[]> {
  const found = requested.map((item) =>
    typeof item.id === 'string' ? store.findItem(resource, item.id, nowMs) : undefined,
  )
  const join = (stored: readonly (StoredItem | undefined)[]): readonly Entry[] =>
    requested.map((item, index) => entryOf(item, stored[index]))
  return found.some((one) => one instanceof Promise)
    ? Promise.all(found.map((one) => Promise.resolve(one))).then(join)
    : join(found as (StoredItem | undefined)[])
}

function entryOf(item: ResponsesItem, stored: StoredItem | undefined): Entry {
  const isById = needsStore(item)
  return { item: isById && stored ? stored.item : item, stored, isById }
}

/** Reasoning items are referenced by id only, unless the client sends them encrypted. */
function needsStore(item: ResponsesItem): boolean {
  if (typeof item.id !== 'string') return false
  return isReference(item) || (isReasoning(item) && encryptedContent(item) === undefined)
}

function isReasoning(item: ResponsesItem): boolean {
  return !isMessage(item) && item.type === 'reasoning'
}

function encryptedContent(item: ResponsesItem): string | undefined {
  const content = 'encrypted_content' in item ? item.encrypted_content : undefined
  return typeof content === 'string' && content !== '' ? content : undefined
}

/** Checks that references exist, and that encrypted content was issued by this resource. */
function checkEntries(
  entries: readonly Entry[],
  { resource, checksEncryptedContent }: InputContext,
): ServiceError | undefined {
  for (const { item, stored, isById } of entries) {
    if (isById && !stored) return itemNotFound(item.id ?? '')
    const content = checksEncryptedContent ? encryptedContent(item) : undefined
    if (content === undefined) continue
    const origin = contentOrigin(content, resource)
    if (origin === 'unknown') return encryptedContentInvalid(content, item.id ?? undefined)
    if (origin === 'other-resource') return itemOfOtherResource()
  }
  return undefined
}

/**
 * Checks that reasoning and its items are together. Only items with an id are checked, since the service identifies items by it. Stored
 * reasoning must be followed by the item that followed it in its response, or by a call without an id. Encrypted reasoning must be followed by an item of the
 * model. A stored message or call needs the reasoning that it followed.
 */
function checkReasoning(entries: readonly Entry[]): ServiceError | undefined {
  const seen = new Set<string>()
  for (const [index, { item, stored, isById }] of entries.entries()) {
    const { id } = item
    if (typeof id !== 'string') continue
    seen.add(id)
    if (isReasoning(item)) {
      const next = entries[index + 1]?.item
      const isComplete =
        isById && stored?.isOutput
          ? stored.nextId !== undefined && next !== undefined && follows(next, stored.nextId)
          : next !== undefined && isOfModel(next)
      if (!isComplete) return reasoningWithoutItem(id)
    } else if (stored?.reasoningId !== undefined && !seen.has(stored.reasoningId)) {
      return reasoningMissing(id, isMessage(item) ? 'message' : (item.type ?? ''), stored.reasoningId)
    }
  }
  return undefined
}

/** Reasoning of the previous response counts too. */
function refuseReasoning(
  items: readonly ResponsesItem[],
  earlier: ResponseRecord['output'],
): ServiceError | undefined {
  return items.some(isReasoning) || earlier.some(isReasoning) ? reasoningNotAccepted() : undefined
}

/** Clients send calls without their ids (vercel/ai#15795, 2026-06: the service pairs them with outputs by `call_id`). */
function follows(item: ResponsesItem, nextId: string): boolean {
  return item.id === nextId || (typeof item.id !== 'string' && !isMessage(item) && isOfModel(item))
}

/** Returns whether the model has written the item. */
function isOfModel(item: ResponsesItem): boolean {
  if (isMessage(item)) return item.role === 'assistant'
  const type = item.type ?? ''
  return !type.endsWith('_output') && type !== 'mcp_approval_response'
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
