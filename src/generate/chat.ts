import { createHash } from 'node:crypto'
import type { Deployment } from '../config/deployments.ts'
import { contextLengthExceeded } from '../openai/error-context-length.ts'
import { chatCompletionId } from '../openai/ids.ts'
import type { Model } from '../openai/models.ts'
import { countChatPrompt } from '../openai/prompt-tokens.ts'
import type { ChatRequest } from '../openai/requests/chat-request.ts'
import { parseChatRequest } from '../openai/requests/parse-request.ts'
import { eventStreamType } from '../openai/sse.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { deploymentHeaders } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import type { ChatFacts } from './chat-json.ts'
import { complete } from './complete.ts'
import { completionSteps } from './completion.ts'
import type { CompletionTask } from './completion-task.ts'
import { renderChat } from './render-chat.ts'
import { streamChat } from './stream-chat.ts'

/** Answers a chat completion with lorem text. */
export function generateChat(exchange: Exchange, deployment: Deployment): Reply {
  const { model } = deployment
  const parsed = parseChatRequest(exchange.json, model)
  if (!parsed.ok) return errorReply(exchange, parsed.error)
  const { request } = parsed

  const promptTokens = countChatPrompt(request, model, loadEncoding(model.encoding))
  const requestedTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined
  if (promptTokens + (requestedTokens ?? 1) > model.contextTokens) {
    const { contextTokens } = model
    const completionTokens = requestedTokens ?? 0
    return errorReply(
      exchange,
      contextLengthExceeded({ contextTokens, messageTokens: promptTokens, completionTokens }),
    )
  }

  const task = chatTask(request, promptTokens, requestedTokens)
  const completion = complete(task, model, exchange.random, exchange.config)
  const facts: ChatFacts = {
    id: chatCompletionId(exchange.random),
    created: Math.floor(exchange.clock.epochMs() / 1000),
    model: model.versionedName,
    systemFingerprint: systemFingerprint(model),
  }
  const { usage } = completion
  const steps = completionSteps(completion)

  if (!request.stream) {
    const headers = deploymentHeaders(exchange, 'application/json')
    const body = { kind: 'whole', render: () => renderChat(completion, facts) } as const
    return { status: 200, headers, body, usage, steps }
  }
  const options = {
    includeUsage: request.stream_options?.include_usage === true,
    obfuscate: request.stream_options?.include_obfuscation !== false,
  }
  const headers = deploymentHeaders(exchange, eventStreamType, { chunked: true })
  const body = streamChat(completion, facts, options, exchange.random)
  return { status: 200, headers, body, usage, steps }
}

function chatTask(
  request: ChatRequest,
  promptTokens: number,
  requestedTokens: number | undefined,
): CompletionTask {
  return {
    promptTokens,
    cachedTokens: 0,
    count: request.n ?? 1,
    requestedTokens,
    tools: [],
    toolChoice: { kind: 'none' },
    parallelToolCalls: true,
    afterToolResult: false,
    format: { kind: 'text' },
    stop: [],
    reasoningEffort: request.reasoning_effort ?? undefined,
  }
}

const fingerprints = new Map<string, string>()

/** Names the backend's configuration, the same for all answers of a model; reasoning models have none. */
function systemFingerprint(model: Model): string | null {
  if (model.reasoning) return null
  let fingerprint = fingerprints.get(model.name)
  if (fingerprint === undefined) {
    fingerprint = `fp_${createHash('sha256').update(model.name).digest('hex').slice(0, 10)}`
    fingerprints.set(model.name, fingerprint)
  }
  return fingerprint
}
