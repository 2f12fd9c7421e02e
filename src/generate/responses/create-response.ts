import type { MaybePromise } from '../../lib/port.ts'
import type { Deployment } from '../../config/deployments.ts'
import { promptFiltered, type ServiceError } from '../../wire/errors.ts'
import type { Model } from '../../wire/models/models.ts'
import type { ChatRequest } from '../../wire/chat/chat-request.ts'
import { parseResponsesRequest } from '../../wire/responses/validate-responses.ts'
import {
  type ResponsesRequest,
  defaultEffort,
  countResponsesInput,
} from '../../wire/responses/responses-request.ts'
import { chatRequestOf } from '../../wire/responses/responses-to-chat.ts'
import {
  inputTooLong,
  itemNotFound,
  previousResponseNotFound,
  toolCallMissing,
  toolOutputMissing,
} from '../../wire/responses/responses-errors.ts'
import { ResponseIds } from '../../wire/responses/response-ids.ts'
import type { Addressed, Exchange } from '../../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../../pipeline/reply-headers.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../../tokens/encoding.ts'
import { chatTask, withForced, promptTexts, readableTexts } from '../completion-task.ts'
import { complete, completionMemory } from '../complete.ts'
import { completionSteps, type Completion } from '../../answer/completion.ts'
import { countAhead } from '../count-ahead.ts'
import { filterCompletion, type FilteredCompletion, judgeContent } from '../content-filter.ts'
import { MIN_CACHED_PROMPT, type PromptCache } from '../prompt-cache.ts'
import { divertSchedule, streamResponse, ResponseProgress } from './stream-response.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { outputItems } from './draw-items.ts'
import { type WrittenItem, type OutputItem, responseObject } from '../../wire/responses/response-object.ts'
import {
  type AddedResponse,
  type ResponseArchive,
  type ResponseRecord,
  conversationTokens,
} from './response-archive.ts'
import { isMessage, isReference, type ResponsesItem } from '../../wire/responses/responses-item.ts'

/** A known prefix counts in steps of this size (Microsoft Learn, "Prompt caching"). */
const CACHE_STEP = 128

/** What a record takes beside its texts, in bytes, roughly: itself, its ids and its usage. */
const RECORD_WEIGHT = 2_048

/** Makes what answers a request for a response; what it stores can be read, continued and cancelled afterwards. */
export function createResponseGenerator(store: ResponseArchive) {
  const answer = (
    exchange: Addressed,
    promptCache: PromptCache,
    request: ResponsesRequest,
    input: ResolvedInput,
    counter: TokenCounter,
  ): ReplyOrPromise => {
    const { deployment } = exchange
    const { model } = deployment
    const chat = chatOf(request, input, model)
    const asked = input.historyTokens + ownTokens(request, input, model, counter)
    if (asked >= model.contextTokens && request.truncation !== 'auto') {
      return refuse(inputTooLong())
    }
    // Truncation drops what is oldest until an answer fits.
    const promptTokens = Math.min(asked, model.contextTokens - 1)

    const verdict = judgeContent(readableTexts(chat), exchange.config, exchange.forced)
    if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

    const cached = cachedTokens(exchange, deployment, chat, input.historyTokens, promptTokens, promptCache)
    const task = withForced(chatTask(chat, promptTokens, cached), exchange)
    const size = completionMemory({ choices: 1, tokens: request.max_output_tokens ?? undefined })
    if (!exchange.reserve(size)) return noRoomReply()
    const written = complete(task, model, exchange.random, exchange.config)
    const filtered = filterCompletion(written, verdict, request.stream === true)
    const { record, items } = createRecord(exchange, deployment, request, input, filtered)
    return mapMaybe(keep(record, exchange, store), ({ lease }) =>
      reply(exchange, record, items, filtered.late ? filtered.completion : written, store, lease),
    )
  }

  return function generateResponse(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
    const { model } = exchange.deployment
    const parsed = parseResponsesRequest(exchange.json, model)
    if (!parsed.ok) return refuse(parsed.error)
    const { request } = parsed
    const resolved = resolveInput(request, store, exchange.resource, exchange.clock.epochMs())
    return mapMaybe(resolved, (input) => {
      if ('status' in input) return refuse(input)
      const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
        ownTokens(request, input, model, collector)
      })
      return mapMaybe(counter, (known) => answer(exchange, promptCache, request, input, known))
    })
  }
}

/** The model is told its effort, so that it thinks as hard as the answer says. */
function chatOf(request: ResponsesRequest, { items }: ResolvedInput, model: Model): ChatRequest {
  const effort = request.reasoning?.effort ?? defaultEffort(model)
  return { ...chatRequestOf(request, items), reasoning_effort: effort }
}

function ownTokens(
  request: ResponsesRequest,
  { items }: ResolvedInput,
  model: Model,
  counter: TokenCounter,
): number {
  return countResponsesInput({ ...request, input: items }, model, counter)
}

/** A turn of a conversation reads all turns before it, which have just been read. */
function cachedTokens(
  { resource, clock }: Exchange,
  { name, model }: Deployment,
  chat: ChatRequest,
  historyTokens: number,
  tokens: number,
  promptCache: PromptCache,
): number {
  if (tokens < MIN_CACHED_PROMPT) return 0
  if (historyTokens > 0) {
    return historyTokens < MIN_CACHED_PROMPT ? 0 : historyTokens - (historyTokens % CACHE_STEP)
  }
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => encoding.count(text)
  const prompt = { resource, deployment: name, texts: promptTexts(chat), tokens, count }
  return promptCache.use(prompt, clock.nowMs())
}

function createRecord(
  exchange: Exchange,
  deployment: Deployment,
  request: ResponsesRequest,
  { items: input, historyTokens }: ResolvedInput,
  { completion, found }: FilteredCompletion,
): { record: ResponseRecord; items: readonly WrittenItem[] } {
  const { model } = deployment
  const createdMs = exchange.clock.epochMs()
  const epochSeconds = Math.floor(createdMs / 1_000)
  const ids = new ResponseIds(exchange.random)
  const id = ids.next('resp', epochSeconds)
  const choice = completion.choices[0]
  if (!choice) throw new Error('A completion has at least one choice.')
  const items = outputItems(choice, { request, model, ids, random: exchange.random, epochSeconds })
  const record: ResponseRecord = {
    resource: exchange.resource,
    id,
    ids,
    createdMs,
    deployment: deployment.name,
    model,
    request,
    items: input,
    historyTokens,
    output: items.map(({ item }) => item),
    finishReason: choice.finishReason,
    ...(found && { found }),
    usage: completion.usage,
    progress: new ResponseProgress(request.background === true, createdMs),
    weight:
      RECORD_WEIGHT + 2 * exchange.body.length + items.reduce((sum, it) => sum + 8 * it.pieces.length, 0),
  }
  return { record, items }
}

/** A response whose client leaves before its end never comes to be, unless it works in the background. */
const notKept: AddedResponse<unknown> = {}

function keep(
  record: ResponseRecord,
  exchange: Exchange,
  store: ResponseArchive,
): MaybePromise<AddedResponse<unknown>> {
  if (record.request.store === false) return notKept
  const added = store.add(record)
  if (record.request.background !== true) {
    exchange.onEnd(({ aborted }) => {
      if (aborted) void store.delete(record)
    })
  }
  return added
}

function reply(
  exchange: Exchange,
  record: ResponseRecord,
  items: readonly WrittenItem[],
  timed: Completion,
  store: ResponseArchive,
  lease: unknown,
): Reply {
  const { request, usage, progress } = record
  const { clock } = exchange
  const steps = completionSteps(timed)
  const tell = (): void => {
    if (request.store !== false) void store.update(record)
  }
  const finish = (): void => {
    progress.finish(clock.epochMs())
    if (lease === undefined) tell()
    else void store.finish(lease, record)
  }
  const plan = (schedule: Pick<Schedule, 'endMs'>): void => {
    progress.plan(schedule)
    tell()
  }

  if (request.stream) {
    const obfuscate = request.stream_options?.include_obfuscation !== false
    const body = streamResponse(record, items, obfuscate ? exchange.random : undefined, finish)
    const streamed: Reply = modelReply(eventsOfModel, body, usage, steps)
    return request.background ? divertSchedule(streamed, plan, 'paced') : streamed
  }
  if (request.background) {
    const render = (): string => {
      // Nobody has planned a time for it: there is none to wait for.
      if (!progress.isSettled) plan({ endMs: 0 })
      return writeJson(responseObject(record, 'queued'), 'pretty')
    }
    const accepted: Reply = modelReply(jsonOfModel, { kind: 'whole', render }, usage, steps)
    return divertSchedule(accepted, plan, 'at-once')
  }
  const render = (): string => {
    finish()
    return writeJson(responseObject(record, 'ended'), 'pretty')
  }
  return modelReply(jsonOfModel, { kind: 'whole', render }, usage, steps)
}

/** What a request stands on: its own items, and the conversation before them. */
export interface ResolvedInput {
  readonly items: readonly ResponsesItem[]
  /** Tokens of the conversation before. */
  readonly historyTokens: number
}

/** Puts stored items in the place of references, and finds the conversation that the request goes on with. */
function resolveInput(
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
