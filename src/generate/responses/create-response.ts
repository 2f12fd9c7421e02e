import type { MaybePromise } from '../../lib/port.ts'
import type { Model } from '../../wire/models/models.ts'
import type { ChatRequest } from '../../wire/chat/chat-request.ts'
import { parseInputTokensRequest, parseResponsesRequest } from '../../wire/responses/validate-responses.ts'
import { type ResponsesRequest, countResponsesInput } from '../../wire/responses/responses-request.ts'
import { chatRequestOf } from '../../wire/responses/responses-to-chat.ts'
import { inputTooLong } from '../../wire/responses/responses-errors.ts'
import { responsesPromptFiltered } from '../../wire/responses/response-filters.ts'
import { type Addressed, type Exchange, formOf } from '../../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../../pipeline/reply-headers.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../../tokens/encoding.ts'
import { refuseUnknownTools } from '../choose-tools.ts'
import { cachedHistory, useCache } from '../cached-prompt.ts'
import { chooseTier } from '../choose-tier.ts'
import { chatTask, readableTexts, withForced } from '../completion-task.ts'
import { complete, completionMemory } from '../complete.ts'
import { completionSteps, type Completion } from '../../answer/completion.ts'
import { countAhead } from '../count-ahead.ts'
import { filterCompletion, type FilteredCompletion, judgeContent } from '../content-filter.ts'
import { MIN_CACHED_PROMPT, type PromptCache } from '../prompt-cache.ts'
import { textBody } from '../../answer/body.ts'
import { divertSchedule, streamResponse } from './stream-response.ts'
import { writeJson } from '../../wire/responses/write-json.ts'
import { drawSummaryTokens } from './draw-items.ts'
import { createRecord } from './create-record.ts'
import { paintCalls, planHostedTools, withHostedTools } from './hosted/hosted-tools.ts'
import { type WrittenItem, responseObject } from '../../wire/responses/response-object.ts'
import { type AddedResponse, type ResponseArchive, type ResponseRecord } from './response-archive.ts'
import { resolveInput, type ResolvedInput } from './resolve-input.ts'

/** Creates the generator of responses. Stored responses can be read, continued and cancelled. */
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
    const inputTokens = input.historyTokens + ownTokens(request, input, model, counter)
    if (inputTokens >= model.contextTokens && request.truncation !== 'auto') {
      return refuse(inputTooLong())
    }
    // Truncation drops the oldest items until an answer fits.
    const promptTokens = Math.min(inputTokens, model.contextTokens - 1)

    const serviceTier = chooseTier(exchange, deployment, request.service_tier, promptTokens)
    if (typeof serviceTier !== 'string') return refuse(serviceTier)
    const verdict = judgeContent(readableTexts(chat), exchange.config, exchange.forced)
    if (verdict.kind === 'prompt') {
      return refuse(responsesPromptFiltered({ request, items: input.items }, verdict.category))
    }

    const cacheUse =
      input.previous && promptTokens >= MIN_CACHED_PROMPT
        ? cachedHistory(exchange, deployment, chat, input.previous, promptTokens)
        : useCache(exchange, deployment, chat, promptTokens, promptCache)
    const plan = planHostedTools(request, input, model, exchange.random)
    if (plan && 'status' in plan) return refuse(plan)
    const { end } = formOf(exchange, model)
    const ownTask = chatTask(chat, promptTokens, cacheUse, end, input.toolHistory)
    const task = withForced(plan ? withHostedTools(ownTask, plan, request) : ownTask, exchange)
    const unknownTool = refuseUnknownTools(task)
    if (unknownTool) return refuse(unknownTool)
    const size = completionMemory({ choices: 1, tokens: request.max_output_tokens ?? undefined })
    if (!exchange.reserve(size)) return noRoomReply()
    const written = complete(task, model, exchange.random, exchange.config)
    const filtered = filterCompletion(written, verdict, request.stream === true)
    return mapMaybe(paintCalls(filtered.completion), () => {
      const servers = plan?.servers ?? []
      const parts = { ...filtered, serviceTier }
      const summaryTokens = isCompacted(request, inputTokens, model)
        ? drawSummaryTokens(exchange.random)
        : undefined
      const answeredInput = { ...input, servers, summaryTokens }
      const { record, items } = createRecord(exchange, deployment, request, answeredInput, parts)
      return mapMaybe(storeResponse(record, exchange, store), ({ lease }) => {
        const answered = reply(exchange, record, items, { written, filtered }, store, lease)
        answered.serviceTier = serviceTier
        return answered
      })
    })
  }

  return function generateResponse(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
    const { model } = exchange.deployment
    const parsed = parseResponsesRequest(exchange.json, model)
    if (!parsed.ok) return refuse(parsed.error)
    const { request } = parsed
    return withCountedInput(exchange, request, store, (input, counter) =>
      answer(exchange, promptCache, request, input, counter),
    )
  }
}

/** Returns whether the input has reached the threshold at which the service replaces the conversation by a summary. */
function isCompacted(
  { context_management: entries }: ResponsesRequest,
  inputTokens: number,
  model: Model,
): boolean {
  return (
    entries?.some(({ compact_threshold: threshold }) => inputTokens >= (threshold ?? model.contextTokens)) ===
    true
  )
}

/** Creates the generator of `responses/input_tokens`: the input tokens that the same request to `responses` is billed. */
export function createInputTokenCounter(store: ResponseArchive) {
  return function countInputTokens(exchange: Addressed): ReplyOrPromise {
    const { model } = exchange.deployment
    const parsed = parseInputTokensRequest(exchange.json, model)
    if (!parsed.ok) return refuse(parsed.error)
    const { request } = parsed
    return withCountedInput(exchange, request, store, (input, counter) => {
      const tokens = input.historyTokens + ownTokens(request, input, model, counter)
      const body = JSON.stringify({ object: 'response.input_tokens', input_tokens: tokens }, undefined, 2)
      return modelReply(jsonOfModel, textBody(body))
    })
  }
}

/** Resolves the input and counts its large texts in slices, then replies. Refuses references that do not exist. */
export function withCountedInput(
  exchange: Addressed,
  request: ResponsesRequest,
  store: ResponseArchive,
  replyWith: (input: ResolvedInput, counter: TokenCounter) => ReplyOrPromise,
): ReplyOrPromise {
  const { model } = exchange.deployment
  const resolved = resolveInput(request, {
    store,
    resource: exchange.config.id,
    nowMs: exchange.clock.epochMs(),
    checksEncryptedContent: exchange.config.encryptedContentCheck,
    acceptsReasoning: model.capabilities.responsesEfforts.length > 0,
  })
  return mapMaybe(resolved, (input) => {
    if ('status' in input) return refuse(input)
    const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
      ownTokens(request, input, model, collector)
    })
    return mapMaybe(counter, (known) => replyWith(input, known))
  })
}

/** Passes the effort to the model, so that the reasoning matches the effort in the answer. */
export function chatOf(request: ResponsesRequest, { items }: ResolvedInput, model: Model): ChatRequest {
  const effort = request.reasoning?.effort ?? model.capabilities.defaultEffort
  return { ...chatRequestOf(request, items), reasoning_effort: effort }
}

export function ownTokens(
  request: ResponsesRequest,
  { items }: ResolvedInput,
  model: Model,
  counter: TokenCounter,
): number {
  return countResponsesInput({ ...request, input: items }, model, counter)
}

/** Result for a response that is not stored. */
const notStored: AddedResponse<unknown> = {}

function storeResponse(
  record: ResponseRecord,
  exchange: Exchange,
  store: ResponseArchive,
): MaybePromise<AddedResponse<unknown>> {
  if (record.request.store === false) return notStored
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
  { written, filtered }: { readonly written: Completion; readonly filtered: FilteredCompletion },
  store: ResponseArchive,
  lease: unknown,
): Reply {
  const { request, usage, progress } = record
  const { clock } = exchange
  const steps = completionSteps(filtered.late ? filtered.completion : written)
  const reportProgress = (): void => {
    if (request.store !== false) void store.update(record)
  }
  const finish = (): void => {
    progress.finish(clock.epochMs())
    if (lease === undefined) reportProgress()
    else void store.finish(lease, record)
  }
  const plan = (schedule: Schedule): void => {
    progress.plan(schedule)
    reportProgress()
  }

  if (request.stream) {
    const obfuscate = request.stream_options?.include_obfuscation !== false
    const body = streamResponse(record, items, obfuscate, finish)
    const streamed: Reply = modelReply(eventsOfModel, body, usage, steps)
    if (filtered.late) streamed.unbuffered = true
    return request.background ? divertSchedule(streamed, plan, 'paced') : streamed
  }
  if (request.background) {
    const render = (): string => {
      // No schedule was planned (latency is off), so the response is complete immediately.
      if (!progress.isSettled) plan({ stepsMs: new Float64Array(0), endMs: 0 })
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
