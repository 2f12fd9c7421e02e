import type { ResponseIdPrefix, ResponseIds } from '../../wire/responses/response-ids.ts'
import {
  isMessage,
  isReference,
  type ResponsesItem,
  type ResponsesMessage,
} from '../../wire/responses/responses-item.ts'
import { noCalls, type ToolHistory } from '../choose-tools.ts'
import type { HostedOutput } from '../../wire/responses/hosted-output.ts'
import type { ResponseRecord } from './response-archive.ts'
import { type ProgressState, ResponseProgress } from './stream-response.ts'

/** An input item as the service lists it: with an id and default values. */
export type ListedItem = ResponsesItem & { readonly id: string }

const listed = new WeakMap<ResponseRecord, readonly ListedItem[]>()

/** Returns the input items of a response, oldest first. Created on first use, then always the same. */
export function inputItems(record: ResponseRecord): readonly ListedItem[] {
  let items = listed.get(record)
  if (!items) {
    items = record.items.map((item) => listedItem(item, record))
    listed.set(record, items)
  }
  return items
}

const idPrefixes: Readonly<Record<string, ResponseIdPrefix>> = {
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
  reasoning: 'rs',
  apply_patch_call: 'apc',
  code_interpreter_call: 'ci',
  computer_call: 'cu',
  file_search_call: 'fs',
  image_generation_call: 'ig',
  local_shell_call: 'lsh',
  mcp_approval_request: 'mcpr',
  mcp_call: 'mcp',
  mcp_list_tools: 'mcpl',
  shell_call: 'sh',
  shell_call_output: 'sho',
  tool_search_call: 'tsc',
  tool_search_output: 'tso',
  web_search_call: 'ws',
}

function listedItem(item: ResponsesItem, record: ResponseRecord): ListedItem {
  const prefix = idPrefixes[item.type ?? 'message'] ?? 'msg'
  const id = item.id ?? record.ids.next(prefix, Math.floor(record.createdMs / 1_000))
  if (isMessage(item)) return { ...listedMessage(item), id }
  if (isReference(item) || item.type === 'reasoning') return { ...item, id }
  const { id: _, type, ...rest } = item
  return { id, type, status: 'completed', ...rest } as ListedItem
}

function listedMessage({ content, role, status, phase }: ResponsesMessage): ResponsesMessage {
  const partType = role === 'assistant' ? 'output_text' : 'input_text'
  return {
    id: '',
    type: 'message',
    status: status ?? 'completed',
    content: typeof content === 'string' ? [{ type: partType, text: content }] : content,
    ...(phase && { phase }),
    role,
  }
}

/** An item of a stored response. */
export interface StoredItem {
  readonly item: ResponsesItem
  /** Whether the model has written it. */
  readonly isOutput: boolean
  /** For other items of the model: the id of the reasoning that they follow. Absent without one. */
  readonly reasoningId?: string
  /** For reasoning: the id of the item that follows it. Absent if the response ends with the reasoning. */
  readonly nextId?: string
}

/** Returns the output or input item with this id. */
export function itemOf(record: ResponseRecord, id: string): StoredItem | undefined {
  const { output } = record
  const index = output.findIndex((item) => item.id === id)
  const item = output[index]
  if (item === undefined) {
    const given = inputItems(record).find((one) => one.id === id)
    return given && { item: given, isOutput: false }
  }
  if (item.type === 'reasoning') {
    const nextId = output[index + 1]?.id
    return { item, isOutput: true, ...(nextId !== undefined && { nextId }) }
  }
  const reasoningId = output.slice(0, index).findLast(({ type }) => type === 'reasoning')?.id
  return { item, isOutput: true, ...(reasoningId !== undefined && { reasoningId }) }
}

/** A stored response as JSON, for another process. */
export interface RecordJson extends Omit<ResponseRecord, 'ids' | 'progress'> {
  /** New ids of the input items without an id, in order. */
  readonly inputIds: readonly string[]
  readonly progress: ProgressState
}

/**
 * Converts a record for another process. Input items get their ids now, so that they are the same in all processes.
 * The request is sent without its input, because `items` contains it.
 */
export function recordToJson(record: ResponseRecord): RecordJson {
  const { ids: _, progress, request, ...same } = record
  const listed = inputItems(record)
  const inputIds = record.items.flatMap((item, index) =>
    item.id === undefined ? [listed[index]?.id ?? ''] : [],
  )
  return { ...same, request: { ...request, input: [] }, inputIds, progress: progress.state }
}

/** Creates a record from the JSON of another process. */
export function recordFromJson({ inputIds, progress, ...same }: RecordJson): ResponseRecord {
  return { ...same, ids: idsInOrder(inputIds), progress: ResponseProgress.of(progress) }
}

/** Returns the ids in order. There are as many ids as input items without one. */
function idsInOrder(ids: readonly string[]): Pick<ResponseIds, 'next'> {
  let index = 0
  return { next: () => ids[index++] ?? '' }
}

/** Items that the client answers. Each is named by its type, unless it is the call of a function or custom tool. */
const clientCalls = new Set([
  'apply_patch_call',
  'computer_call',
  'custom_tool_call',
  'function_call',
  'local_shell_call',
  'mcp_approval_request',
  'shell_call',
])

/** The calls since the last message of the user, and what the whole conversation has. */
export interface ConversationTools extends ToolHistory {
  /** Labels of the remote servers with listed tools. */
  readonly servers: readonly string[]
}

const noTools: ConversationTools = { ...noCalls, servers: [] }

/**
 * Reads the calls of a conversation. Consecutive calls are one round.
 *
 * @param before the calls before the items
 */
export function toolHistoryOf(
  items: readonly (ResponsesItem | HostedOutput)[],
  before: ConversationTools = noTools,
): ConversationTools {
  let { rounds } = before
  let called = [...before.called]
  const servers = [...before.servers]
  let isRound = false
  for (const item of items) {
    if (isMessage(item)) {
      if (item.role === 'user') {
        rounds = 0
        called = []
      }
    } else if (item.type === 'mcp_list_tools') {
      servers.push((item as { server_label?: string }).server_label ?? '')
    } else if (item.type === 'tool_search_call') {
      called.push('tool_search')
    } else if (!isReference(item) && clientCalls.has(item.type)) {
      if (!isRound) rounds++
      const isNamed = item.type === 'function_call' || item.type === 'custom_tool_call'
      called.push(isNamed ? item.name : item.type.replace(/_(call|approval_request)$/, ''))
      isRound = true
      continue
    }
    isRound = false
  }
  return { rounds, called, servers }
}
