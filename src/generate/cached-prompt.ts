import type { Deployment } from '../config/deployments.ts'
import { type Exchange, formOf } from '../pipeline/exchange.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import {
  callsOf,
  nameOf,
  type ChatMessage,
  type ChatRequest,
  type ContentPart,
} from '../wire/chat/chat-request.ts'
import type { Model } from '../wire/models/models.ts'
import type { ResponsesRequest } from '../wire/responses/responses-request.ts'
import {
  type CacheRetention,
  type CacheUse,
  isRetained,
  MIN_CACHED_PROMPT,
  noCacheUse,
  type PromptCache,
  useOfHistory,
} from './prompt-cache.ts'
import { conversationTokens, type ResponseRecord } from './responses/response-archive.ts'

/** Stores the prompt of a request in the cache. Returns how many of its tokens were cached. */
export function useCache(
  exchange: Exchange,
  deployment: Deployment,
  request: ChatRequest,
  tokens: number,
  promptCache: PromptCache,
): CacheUse {
  if (tokens < MIN_CACHED_PROMPT) return noCacheUse
  const { name, model } = deployment
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => encoding.count(text)
  const ends: number[] = []
  const texts = promptTexts(request, ends)
  const isExplicit = model.capabilities.cacheBreakpoints && request.prompt_cache_options?.mode === 'explicit'
  const prompt = {
    resource: exchange.config.id,
    deployment: name,
    key: cacheKey(request, model),
    retention: cacheRetention(request, model),
    texts,
    breakpoints: isExplicit ? ends : undefined,
    tokens,
    count,
  }
  const use = promptCache.use(prompt, exchange.clock.nowMs(), reachesCache(exchange, deployment))
  return reportedUse(use, exchange, deployment)
}

/** Removes the written tokens, unless the answers of the deployment report them: pay-as-you-go, gpt-5.6 and later, since August 2026. */
function reportedUse(use: CacheUse, exchange: Exchange, deployment: Deployment): CacheUse {
  const { model, provisionedThroughputUnits: units } = deployment
  const isReported =
    model.capabilities.cacheBreakpoints &&
    units === undefined &&
    formOf(exchange, model).chat.hasCacheWriteTokens
  return isReported ? use : { read: use.read, written: 0 }
}

/** The random branch for cache hits, separate from the random numbers of the answer. */
const CACHE_BRANCH = 0x6361_6368

/** Draws whether a request reaches a machine that has its prompt. */
export function reachesCache(
  { random }: Exchange,
  { promptCacheHitProbability: share = 1 }: Deployment,
): boolean {
  return share === 1 || random.branch(CACHE_BRANCH).unit() < share
}

/** Fields of a request that the prompt cache depends on, besides its prompt. */
interface CacheFields {
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly reasoning_effort?: string | null
  readonly verbosity?: string | null
}

/** Returns how long the prompt of a request is cached. */
function cacheRetention(
  { prompt_cache_retention: requested }: CacheFields,
  { capabilities: { cacheRetentions } }: Model,
): CacheRetention {
  return (requested ?? cacheRetentions[0] ?? 'in_memory') as CacheRetention
}

/**
 * Returns what must be equal for reuse, besides the prompt. Effort and verbosity count for models with breakpoints (OpenAI, "Prompt
 * cache diagnostics").
 */
function cacheKey(
  { prompt_cache_key: key, reasoning_effort: effort, verbosity }: CacheFields,
  { capabilities }: Model,
): string {
  const named = key ?? ''
  return capabilities.cacheBreakpoints ? `${named} ${effort ?? ''} ${verbosity ?? ''}` : named
}

/**
 * Returns the whole prompt in the order in which the model reads it, for the prompt cache. Tools and the response
 * format are at the start, so a change to them invalidates the whole prefix.
 *
 * @param ends receives the number of texts up to each explicit breakpoint
 */
function promptTexts(
  { messages, tools, functions, response_format: format }: ChatRequest,
  ends: number[],
): string[] {
  const texts: string[] = []
  if (tools) texts.push(JSON.stringify(tools))
  if (functions) texts.push(JSON.stringify(functions))
  if (format) texts.push(JSON.stringify(format))
  for (const message of messages) pushMessage(texts, message, ends)
  return texts
}

function pushMessage(texts: string[], message: ChatMessage, ends: number[]): void {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  texts.push(`<${role}>`)
  if (name) texts.push(name)
  if (typeof content === 'string') texts.push(content)
  else {
    for (const part of content ?? []) {
      texts.push(partText(part))
      if ('prompt_cache_breakpoint' in part && part.prompt_cache_breakpoint) ends.push(texts.length)
    }
  }
  if (calls) texts.push(JSON.stringify(calls))
  if (call) texts.push(JSON.stringify(call))
}

/** Images and files can have megabytes of data, so only both ends and the length are used. */
function partText(part: ContentPart): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'refusal':
      return part.refusal
    case 'image_url':
      return shortened(part.image_url.url) + (part.image_url.detail ?? '')
    case 'input_audio':
      return shortened(part.input_audio.data)
    case 'audio':
      return ''
    default:
      return shortened(part.file.file_data ?? part.file.file_id ?? '')
  }
}

function shortened(address: string): string {
  return `${address.slice(0, ADDRESS_LENGTH)}${address.slice(-ADDRESS_LENGTH)}${address.length}`
}

/** The earlier items of a conversation are cached as a whole while the previous response is retained. */
export function cachedHistory(
  exchange: Exchange,
  deployment: Deployment,
  request: ChatRequest,
  previous: ResponseRecord,
  tokens: number,
): CacheUse {
  const { model } = deployment
  if (request.prompt_cache_options?.mode === 'explicit') return noCacheUse
  const isCached =
    previous.deployment === deployment.name &&
    isRetained(cacheRetention(request, model), exchange.clock.epochMs() - previous.createdMs) &&
    cacheKey(request, model) === cacheKey(cacheFieldsOf(previous.request, model), model) &&
    reachesCache(exchange, deployment)
  const use = useOfHistory(isCached ? Math.min(conversationTokens(previous), tokens) : 0, tokens)
  return reportedUse(use, exchange, deployment)
}

function cacheFieldsOf(request: ResponsesRequest, { capabilities }: Model): CacheFields {
  const { prompt_cache_key, reasoning, text } = request
  return {
    prompt_cache_key: prompt_cache_key ?? null,
    reasoning_effort: reasoning?.effort ?? capabilities.defaultEffort,
    verbosity: text?.verbosity ?? null,
  }
}

/** Characters at each end of an image or file URL that identify it. */
const ADDRESS_LENGTH = 256
