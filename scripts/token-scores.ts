import { findModel, modelFromDeploymentName } from '../src/wire/models/model-catalogue.ts'
import type { Model } from '../src/wire/models/models.ts'
import { countChatPrompt, countInput, splitInputs } from '../src/wire/chat/prompt-tokens.ts'
import type { ChatRequest } from '../src/wire/chat/chat-request.ts'
import { countResponsesInput, type CountedResponsesRequest } from '../src/wire/responses/responses-request.ts'
import { hostedToolItemTypes } from '../src/wire/responses/responses-item.ts'
import type { TextOrTokens } from '../src/wire/completions/completions-request.ts'
import { readPrompts } from '../src/generate/completions.ts'
import { loadEncoding } from '../src/tokens/encoding.ts'
import { isRecord } from '../src/lib/record.ts'

/** A request with the prompt tokens of its bill. */
export interface BilledRequest {
  /** `chat/completions`, `responses`, `completions` or `embeddings`. */
  readonly op: string
  /** The model that answered, with or without its version. */
  readonly model: string
  readonly billed_prompt_tokens: number
  readonly request: Readonly<Record<string, unknown>>
  /** Owner, repository and file of the recording. */
  readonly from?: string
  /** Date of the recording, `2026-05-06`. */
  readonly created?: string
}

/** A request that was counted. */
export interface CountedRequest {
  readonly row: BilledRequest
  readonly group: Group
  /** Counted minus billed tokens. */
  readonly difference: number
}

/** A request that cannot be compared, and why. */
export interface SkippedRequest {
  readonly row: BilledRequest
  readonly reason: string
}

/** What the rules of a prompt depend on. */
export interface Group {
  readonly api: string
  readonly kind: string
  readonly models: 'reasoning' | 'other'
}

/** How many bills of a group are exact. */
export interface Score {
  readonly total: number
  readonly exact: number
  /** Median of the absolute differences of the others, in percent of their bills. */
  readonly medianErrorPercent: number
}

/** Reads lines of JSON. Skips empty lines. */
export function readBilledRequests(text: string): BilledRequest[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as BilledRequest)
}

/** Counts the prompt of a request, or says why it cannot be compared with its bill. */
export function scoreRequest(row: BilledRequest): CountedRequest | SkippedRequest {
  const count = counters[row.op]
  if (!count) return { row, reason: `unknown operation ${row.op}` }
  const model = modelOf(row)
  if (!model) return { row, reason: `unknown model ${row.model}` }
  const reason = isOldResponse(row) ? 'Responses API of March 2025' : reasonToSkip(row.request)
  if (reason !== undefined) return { row, reason }
  const group: Group = {
    api: row.op,
    kind: kindOf(row),
    models: model.reasoning ? 'reasoning' : 'other',
  }
  return { row, group, difference: count(row.request, model) - row.billed_prompt_tokens }
}

/** Scores the counted requests of each group, in the order of API, kind and models. */
export function scoreGroups(counted: readonly CountedRequest[]): { group: Group; score: Score }[] {
  const groups = new Map(counted.map(({ group }) => [nameOfGroup(group), group]))
  return [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, group]) => {
      const members = counted.filter((one) => nameOfGroup(one.group) === name)
      return { group, score: scoreOf(members) }
    })
}

export function nameOfGroup({ api, kind, models }: Group): string {
  return `${api}, ${kind}, ${models}`
}

export function scoreOf(counted: readonly CountedRequest[]): Score {
  const errors = counted
    .filter(({ difference }) => difference !== 0)
    .map(({ difference, row }) => (100 * Math.abs(difference)) / Math.max(1, row.billed_prompt_tokens))
    .sort((a, b) => a - b)
  const median = errors.length === 0 ? 0 : (errors[Math.floor((errors.length - 1) / 2)] ?? 0)
  const medianErrorPercent = Math.round(median * 10) / 10
  return { total: counted.length, exact: counted.length - errors.length, medianErrorPercent }
}

type Count = (request: BilledRequest['request'], model: Model) => number

const countEmbeddings: Count = ({ input = '' }, model) => {
  const encoding = loadEncoding(model.encoding)
  return splitInputs(input as TextOrTokens).reduce<number>(
    (tokens, text) => tokens + countInput(text, encoding),
    0,
  )
}

const countCompletions: Count = (request, model) =>
  readPrompts(request, loadEncoding(model.encoding)).reduce(
    (tokens, { tokenCount }) => tokens + tokenCount,
    0,
  )

const counters: Readonly<Record<string, Count>> = {
  'chat/completions': (request, model) =>
    countChatPrompt(request as unknown as ChatRequest, model, loadEncoding(model.encoding)),
  responses: (request, model) =>
    countResponsesInput(request as unknown as CountedResponsesRequest, model, loadEncoding(model.encoding)),
  completions: countCompletions,
  embeddings: countEmbeddings,
}

function modelOf({ model: name, request: { model } }: BilledRequest): Model | undefined {
  const requested = typeof model === 'string' ? model : ''
  return (
    findModel(name) ??
    findModel(requested) ??
    modelFromDeploymentName(name) ??
    modelFromDeploymentName(requested)
  )
}

/** Tools that run in the client. The service executes all others. */
const clientTools = new Set<unknown>(['function', 'custom', 'namespace'])
/** A tool search can run in the client. */
const hostedItems = new Set<unknown>(hostedToolItemTypes.filter((type) => type !== 'tool_search_call'))

/** In its first weeks, the Responses API billed 18 more tokens for text, and 216 more with tools. */
function isOldResponse({ op, created = '' }: BilledRequest): boolean {
  return op === 'responses' && created.startsWith('2025-03')
}

/** Returns what the bill contains beyond the request. */
function reasonToSkip(request: BilledRequest['request']): string | undefined {
  const { previous_response_id: previous, conversation, prompt } = request
  if (isSet(previous) || isSet(conversation) || isRecord(prompt)) return 'stored state'
  if (isSet(request['web_search_options'])) return 'server-side tools'
  if (isSet(request['audio'])) return 'audio'
  const tools = Array.isArray(request['tools']) ? (request['tools'] as unknown[]) : []
  if (tools.some(isExecutedByService)) return 'server-side tools'
  return reasonInside(request['input']) ?? reasonInside(request['messages'])
}

function isExecutedByService(tool: unknown): boolean {
  if (!isRecord(tool) || clientTools.has(tool['type'])) return false
  return tool['type'] !== 'tool_search' || tool['execution'] !== 'client'
}

function reasonInside(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    for (const one of value) {
      const reason = reasonInside(one)
      if (reason !== undefined) return reason
    }
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { type } = value
  if (type === 'item_reference' || typeof value['file_id'] === 'string') return 'stored state'
  if (hostedItems.has(type)) return 'server-side tools'
  if (type === 'input_audio' || isRecord(value['audio'])) return 'audio'
  if (isRemote(value['image_url']) || isRemote(value['file_url'])) return 'remote images and files'
  return reasonInside(value['content']) ?? reasonInside(value['output']) ?? reasonInside(value['file'])
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isRemote(reference: unknown): boolean {
  const url = isRecord(reference) ? reference['url'] : reference
  return typeof url === 'string' && !url.startsWith('data:')
}

/** Returns the part of the request that is hardest to count. */
/** Whether encrypted reasoning follows the last message of the user: it is billed, and only its length is known. */
function hasOpenReasoning(input: unknown): boolean {
  if (!Array.isArray(input)) return false
  const lastQuestion = input.findLastIndex((item) => isRecord(item) && item['role'] === 'user')
  return input
    .slice(lastQuestion + 1)
    .some((item) => isRecord(item) && item['type'] === 'reasoning' && Boolean(item['encrypted_content']))
}

function kindOf({ op, request }: BilledRequest): string {
  if (op === 'embeddings' || op === 'completions') return op
  const { input, messages } = request
  const types = new Set<unknown>()
  collectTypes(messages ?? input, types)
  if (types.has('image_url') || types.has('input_image')) return 'images'
  if (types.has('file') || types.has('input_file')) return 'files'
  if (hasOpenReasoning(input)) return 'encrypted reasoning of the last turn'
  if (types.has('call')) return 'tool results'
  if (types.has('reasoning')) return 'earlier reasoning'
  const hasTools = [request['tools'], request['functions']].some(
    (tools) => Array.isArray(tools) && tools.length > 0,
  )
  const hasSchema = formatType(request) === 'json_schema'
  if (hasTools) return hasSchema ? 'tools and json_schema' : 'tools'
  if (hasSchema) return 'json_schema'
  return types.has('assistant') ? 'text with earlier answers' : 'text'
}

/** Collects types of items and parts, roles, and `call` for calls of tools and their results. */
function collectTypes(value: unknown, types: Set<unknown>): void {
  if (Array.isArray(value)) {
    for (const one of value) collectTypes(one, types)
  } else if (isRecord(value)) {
    const { type, role, tool_calls: calls, function_call: call } = value
    types.add(type)
    types.add(role)
    if (isSet(call) || (Array.isArray(calls) && calls.length > 0)) types.add('call')
    if (role === 'tool' || role === 'function' || /call(_output)?$/.test(String(type))) types.add('call')
    collectTypes(value['content'], types)
    collectTypes(value['output'], types)
  }
}

function formatType({ response_format: format, text }: BilledRequest['request']): unknown {
  if (isRecord(format)) return format['type']
  return isRecord(text) && isRecord(text['format']) ? text['format']['type'] : undefined
}
